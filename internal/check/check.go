package check

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/runner"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Records tell whether a campaign is known. See [runner.Journal].
type Records interface {
	Load(ctx context.Context, key campaign.Key) (campaign.Campaign, loop.Revision, error)
	Published(ctx context.Context, key campaign.Key) ([]campaign.Event, error)
}

// Options are what a Checker needs: what the service's own loop has. Records and Gateway
// are required.
type Options struct {
	Rules   campaign.Rules // zero values mean the rules' own defaults
	Records Records
	Gateway runner.Gateway
	Budgets runner.Budgets       // nil: none is enforced
	Pace    runner.PaceEstimator // nil: nothing is ever seen, and Rules.Pace counts
	Button  runner.Button        // nil: nothing is ever held
	Intake  func(campaign.Key, time.Time) string
	At      string // the URL of the gateway

	// Away says why no campaign is begun at the gateway now: the key, the address, the
	// breaker; empty: it is called. Nil: never.
	Away func() string
	// Suppressing says whether any number gets nothing from a source. Nil: none does.
	Suppressing func(ctx context.Context, source string) (bool, error)
	// NoPrice says why no price can be asked of this gateway at all; empty: it can.
	NoPrice string
	// PerMinute is how many prices this process may ask for in a minute, for all sources
	// together. Nil, or not more than 0: 20.
	PerMinute func() int
	// Called gets the outcome of each call that was made for a price. Nil: nobody does.
	Called func(campaign.Campaign, campaign.Outcome)
	// Clock is the wall clock. Nil: time.Now.
	Clock func() time.Time
}

// Checker checks requests. It keeps nothing but how many prices were asked, and is safe
// for concurrent use.
type Checker struct {
	Options
	contract contract.Validator
	prices   *prices
	offline  bool // the names of send windows are not known
}

// rulesOfContract are compiled once.
var rulesOfContract = sync.OnceValues(contract.NewValidator)

// New returns a Checker.
func New(o Options) (*Checker, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Called == nil {
		o.Called = func(campaign.Campaign, campaign.Outcome) {}
	}
	if o.Away == nil {
		o.Away = func() string { return "" }
	}
	v, err := rulesOfContract()
	if err != nil {
		return nil, err
	}
	return &Checker{Options: o, contract: v, prices: newPrices(o.PerMinute)}, nil
}

// Check answers a question. An error that is an answer is a [*query.Error].
func (c *Checker) Check(ctx context.Context, a query.CheckAsk) (query.Checked, error) {
	out := query.Checked{Known: query.KnownNew, Problems: []query.Problem{}}
	err := c.check(ctx, a, &out)
	out.Accepted = err == nil && len(out.Problems) == 0
	return out, err
}

func (c *Checker) check(ctx context.Context, a query.CheckAsk, out *query.Checked) error {
	var m campaignv1.CampaignRequested
	var fault *contract.Fault
	if err := contract.ReadJSON(a.Request, &m); errors.As(err, &fault) {
		out.Problems = append(out.Problems, unreadable(*fault))
		return nil
	}
	if err := a.OfAnother(m.GetSource()); err != nil {
		return err
	}
	faults, err := c.faults(&m)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		out.Problems = faults
		return nil
	}
	key, request := contract.FromProto(&m)
	if m.GetRequestId() != "" {
		if err := c.known(ctx, key, request, out); err != nil || out.Known != query.KnownNew {
			return err
		}
	}
	if c.offline {
		request.Limits.Window = ""
	}
	if c.Intake != nil {
		if no := c.Intake(key, c.Clock()); no != "" {
			out.Notes = append(out.Notes, query.Note{Kind: "intake", Text: no})
		}
	}
	if request.ListID != 0 && c.Suppressing != nil {
		// Nothing depends on it: a check whose answer is not known says nothing of it.
		if some, err := c.Suppressing(ctx, key.Source); err == nil && some {
			out.Notes = append(out.Notes, query.Note{Kind: "suppression", Text: "numbers are suppressed for it, and that cannot apply: it is sent to whom the gateway has in contact_list_id; bring the recipients with the request (docs/recipients.md), or take them out of that list"})
		}
	}
	if !a.Price {
		c.noteApproval(key.Source, request, out)
	}
	t := newTrial(c, key, request, a.Price, out)
	if away := c.Away(); away != "" && !a.Price {
		out.Notes = append(out.Notes, query.Note{Kind: "gateway", Text: away + "; nothing is begun until that is over"})
	}
	return t.run(ctx)
}

// noteApproval says what needs an approval. With a price the rules themselves say it.
func (c *Checker) noteApproval(source string, r campaign.Request, out *query.Checked) {
	above := c.Rules.PolicyOf(source).ApproveAbove
	switch {
	case r.Limits.Approval:
		out.Notes = append(out.Notes, query.Note{Kind: string(campaign.NeedApproval), Text: "the request asks for an approval"})
	case above.Currency != "":
		out.Notes = append(out.Notes, query.Note{Kind: string(campaign.NeedApproval), Text: fmt.Sprintf("%s needs an approval above %s", source, above)})
	}
}

// faults are the rules of the contract that a request breaks. A request id that is not
// there yet breaks none.
func (c *Checker) faults(m *campaignv1.CampaignRequested) ([]query.Problem, error) {
	if m.GetRequestId() == "" {
		m.RequestId = "-"
		defer func() { m.RequestId = "" }()
	}
	faults, err := c.contract.Faults(m)
	var all []query.Problem
	for _, f := range faults {
		all = append(all, invalid(f))
	}
	return all, err
}

// known says what is known of a campaign that was asked for before.
func (c *Checker) known(ctx context.Context, key campaign.Key, request campaign.Request, out *query.Checked) error {
	rec, _, err := c.Records.Load(ctx, key)
	if err != nil || rec.State == "" {
		return err
	}
	out.State = rec.State
	switch {
	case rec.RequestedAt.IsZero() && rec.State == campaign.Cancelled:
		out.Known = query.KnownConflict
		out.Problems = append(out.Problems, cancelledBefore(rec))
		return nil
	case !rec.Request.Known():
		// What was asked for was lost with the record: there is nothing to compare.
	default:
		out.Differs = rec.Request.Diff(request)
	}
	if len(out.Differs) > 0 {
		out.Known = query.KnownConflict
		out.Problems = append(out.Problems, conflicting(rec, out.Differs))
		return nil
	}
	out.Known = query.KnownSame
	out.Notes = append(out.Notes, query.Note{Kind: "known", Text: fmt.Sprintf("%s was asked for before, and is %s: to ask again changes nothing", key, rec.State)})
	return nil
}
