package check

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// trial takes one request through the rules, as the runner would, and saves nothing.
//
// The world stands still meanwhile: what was asked once has the same answer again, so no
// call is made twice. Time goes on as the rules ask for it: where they would wait for a
// window, the trial is at once at the end of the wait. And people do what is waited for:
// they release, approve and top up; and other campaigns are sent. So what is left as a no is one that nobody's doing
// changes.
type trial struct {
	*Checker
	key     campaign.Key // what was asked about
	request campaign.Request
	price   bool
	out     *query.Checked

	rules   campaign.Rules
	c       campaign.Campaign // as the rules have it now; never saved
	began   time.Time
	now     time.Time
	held    string
	answers map[campaign.Op]campaign.Outcome // what the world has answered
	draft   draft
}

func newTrial(c *Checker, key campaign.Key, r campaign.Request, price bool, out *query.Checked) *trial {
	now := c.Clock()
	return &trial{Checker: c, key: key, request: r, price: price, out: out,
		rules: c.Rules.WithDefaults(), began: now, now: now, answers: map[campaign.Op]campaign.Outcome{}}
}

// A request never needs this many steps. With the bound, a mistake in the rules makes a
// check fail instead of making a loop that never ends.
const maxSteps = 200

// run takes the request as far as it can go. An error says why the check has no answer.
func (t *trial) run(ctx context.Context) (err error) {
	if t.Button != nil {
		t.held = t.Button.Held(t.key.Source)
	}
	// The record bears a key of its own, and the draft so a mark of its own: nobody
	// takes it for a draft of the campaign.
	own := NewKey(t.key.Source)
	t.request.Name = markedName(t.request.Name)
	defer func() { err = t.cleanUp(ctx, own, err) }()
	var in campaign.Input = campaign.Received{Key: own, Request: t.request}
	for range maxSteps {
		d := t.rules.Step(t.c, in, t.facts())
		t.c = d.Next
		answered, _ := in.(campaign.Outcome)
		if answered.Op == campaign.OpPrice {
			t.showQuote()
		}
		switch {
		case t.c.State == campaign.Rejecting, t.c.State == campaign.Rejected && told(d, campaign.EventRejected):
			t.out.Problems = append(t.out.Problems, rejected(*t.c.Reason))
			return nil
		case answered.Op == campaign.OpLook && d.Save && t.c.State != campaign.Requested:
			t.out.Known, t.out.State = query.KnownSame, t.c.State
			t.out.Notes = append(t.out.Notes, query.Note{Kind: "known", Text: fmt.Sprintf(
				"the record of %s is lost, and its events say that it is %s: to ask again sends nothing", t.key, t.c.State)})
			return nil
		case t.c.Confirmed != nil:
			// It is not deleted either: what the gateway takes for confirmed is for a
			// person to see.
			t.draft.notOurs = true
			return t.unpriced("the gateway shows its draft, campaign %d, as confirmed, and nobody has confirmed it: look for %s there", t.draft.id, campaign.Mark(own))
		case d.Call == nil:
			in = t.rest()
		case d.Call.Op == campaign.OpCreate && !t.price, d.Call.Op == campaign.OpAdmit:
			return nil
		case d.Call.Op == campaign.OpList && !t.price:
			return nil
		case d.Call.Op == campaign.OpList:
			// People are uploaded for a campaign, and not for a question. An upload writes over
			// the fields that campaigns under way are filled in with, and the people stay among
			// the account's contacts, whatever is removed afterwards.
			return t.unpriced("it brings its own recipients, and a price would upload them: that changes what campaigns under way to the same people are filled in with, and leaves them among the account's contacts. Ask for it with needs_approval: it is quoted, and waits with its quote")
		default:
			if in, err = t.act(ctx, *d.Call); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("the check of %s did not come to an end", t.key)
}

// showQuote shows the first quote: each further one is the same, or what it would be
// after a top-up.
func (t *trial) showQuote() {
	if q := t.c.Quote; t.out.Quote == nil && q != nil && q.N > 0 {
		shown := *q
		shown.At = t.Clock() // the rules may be ahead, at the end of a wait
		t.out.Quote, t.out.QuoteID = &shown, campaign.QuoteID(t.request, shown)
	}
}

func told(d campaign.Decision, event campaign.EventType) bool {
	for _, e := range d.Next.Outbox {
		if e.Type == event {
			return true
		}
	}
	return false
}

func (t *trial) facts() campaign.Facts {
	f := campaign.Facts{Now: t.now, Gateway: t.At, Held: t.held, Budgets: t.Budgets != nil && t.Budgets.Exist()}
	if t.Pace != nil {
		f.Pace = t.Pace.Estimate(t.now)
		if t.now.After(t.began) {
			f.Pace.Others, f.Pace.Ahead = 0, 0 // what is being sent now is sent by then
		}
	}
	return f
}

// rest ends a wait: what was waited for is there.
func (t *trial) rest() campaign.Input {
	need, wake := t.c.Need, t.c.Wake
	if t.held != "" && t.c.Waiting == t.held {
		t.note(query.Note{Kind: "hold", Text: t.held})
		t.held = ""
	} else if need != nil && t.c.Waiting == need.Why {
		t.note(query.Note{Kind: string(need.For), Text: need.Why, Until: need.Until})
		switch need.For {
		case campaign.NeedApproval:
			return campaign.Approve{QuoteID: campaign.QuoteID(t.c.Request, *t.c.Quote), By: "check"}
		case campaign.NeedCredit:
			t.topUp()
		}
	}
	if wake.After(t.now) {
		t.now = wake
	}
	return campaign.Woken{}
}

// note keeps a note, the first of its kind: a campaign may wait for the same again.
func (t *trial) note(n query.Note) {
	for _, had := range t.out.Notes {
		if had.Kind == n.Kind {
			return
		}
	}
	t.out.Notes = append(t.out.Notes, n)
}

// topUp makes the credit enough.
func (t *trial) topUp() {
	o := t.answers[campaign.OpPrice]
	o.Price.Sufficient = true
	o.Price.Available = o.Price.Total
	t.answers[campaign.OpPrice] = o
}

// act makes a call, or gives the answer that it had before.
func (t *trial) act(ctx context.Context, call campaign.Call) (campaign.Outcome, error) {
	withdrawing := t.c.State == campaign.Abandoning
	switch call.Op {
	case campaign.OpStatus:
		if withdrawing {
			return campaign.Outcome{Op: call.Op, Kind: campaign.OK, Status: campaign.StatusUnconfirmed, ByID: true, Description: campaign.Mark(t.c.Key)}, nil
		}
	case campaign.OpDelete:
		// The rules want another draft. The one that is there has the same answers; it
		// is deleted in the end.
		return campaign.Outcome{Op: call.Op, Kind: campaign.OK}, nil
	case campaign.OpPrepare:
		return campaign.Outcome{Op: call.Op, Kind: campaign.OK, Prepared: &campaign.Prepared{Sent: 1}}, nil // nobody is read for a question
	case campaign.OpLook, campaign.OpRoom, campaign.OpReserve, campaign.OpCreate, campaign.OpConfigure, campaign.OpCalculate, campaign.OpPrice:
	default:
		return campaign.Outcome{}, fmt.Errorf("the check of %s makes no %s", t.key, call.Op)
	}
	if had, asked := t.answers[call.Op]; asked {
		return had, nil
	}
	o, err := t.ask(ctx, call)
	if err == nil {
		o.Op = call.Op
		t.answers[call.Op] = o
	}
	return o, err
}

// ask asks the streams, the budgets or the gateway.
func (t *trial) ask(ctx context.Context, call campaign.Call) (o campaign.Outcome, err error) {
	switch call.Op {
	case campaign.OpLook:
		o.Kind = campaign.OK
		if t.key.RequestID != "" {
			o.Events, err = t.Records.Published(ctx, t.key)
		}
		return o, err
	case campaign.OpRoom, campaign.OpReserve:
		if t.Budgets != nil {
			err = t.Budgets.Room(ctx, t.c.Key, call.Amount, call.Period)
		}
		// Nothing is reserved: the budgets say whether they would.
		if o = runner.LedgerOutcome(call.Op, err); o.Kind == campaign.Unavailable {
			return o, t.unpriced("the budgets cannot be asked: %s", o.Err)
		}
		return o, nil
	}
	if call.Op == campaign.OpCreate {
		if err := t.mayPrice(); err != nil {
			return o, err
		}
	}
	return t.callGateway(ctx, call)
}

// mayPrice takes a place for a price, or says why there is none.
func (t *trial) mayPrice() error {
	switch away := t.Away(); {
	case t.NoPrice != "":
		return t.unpriced("%s", t.NoPrice)
	case len(t.holds()) > 0:
		return t.unpriced("%s: no draft is made while it is held", t.holds())
	case away != "":
		return t.unpriced("%s", away)
	}
	if no := t.prices.take(t.key.Source, time.Now()); no != "" {
		return &query.Error{Code: query.TooMany, Field: "price", Text: no}
	}
	t.draft.placed = true
	return nil
}

// holds is why it was held when the check began.
func (t *trial) holds() string {
	for _, n := range t.out.Notes {
		if n.Kind == "hold" {
			return n.Text
		}
	}
	return t.held
}

// callGateway makes one call of a draft. Only an answer of the gateway's own is one; the
// service would repeat the call, a check does not.
func (t *trial) callGateway(ctx context.Context, call campaign.Call) (o campaign.Outcome, err error) {
	ctx = runner.WithLast(runner.WithSource(ctx, t.key.Source))
	permit, no := t.Gateway.Admit(ctx, call.Op)
	if permit == nil {
		return no, t.unpriced("%s may not be called now: %s", call.Op, words(no))
	}
	o = permit.Call(ctx, call)
	o.Op = call.Op
	t.Called(t.c, o)
	switch {
	case o.Kind == campaign.OK && call.Op == campaign.OpCreate:
		t.draft.id = o.CampaignID
	case o.Kind == campaign.Unavailable && call.Op == campaign.OpCreate:
		t.draft.perhaps = true
	case o.Kind == campaign.OK && call.Op == campaign.OpStatus:
		t.draft.notOurs = o.Description != "" && !strings.Contains(o.Description, campaign.Mark(t.c.Key))
	}
	if o.Kind != campaign.OK && o.Kind != campaign.Refused {
		return o, t.unpriced("%s: %s", call.Op, words(o))
	}
	return o, nil
}

func (t *trial) unpriced(format string, args ...any) error {
	return &query.Error{Code: query.Unpriced, Field: "price", Text: fmt.Sprintf(format, args...)}
}

// words are what an outcome says for people.
func words(o campaign.Outcome) string {
	switch {
	case o.Words != "":
		return o.Words
	case o.Err != "":
		return o.Err
	}
	return string(o.Kind)
}
