package torture

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// A stage is a campaign that is caught twice: with the record that a power cut
// leaves, and with the one that it takes.
type stage struct {
	from, to campaign.State // of the two records; none: there is no record
	path     []sandbox.Fault
	// held are the calls in which it is caught. Empty: it rests.
	held, then sandbox.Fault
	first      int // number of the rule held, negative: there is none
	second     int
	edits      []requestEdit
	people     bool           // its recipients come with the request
	until      campaign.State // it rests in this state, and is told before the copy
	before     func(*powerFleet, string)
	order      func(*powerFleet, string) // it is told after the copy
	approved   bool                      // somebody approves it whenever it asks
	ends       []campaign.State
	// stands: what was deleted may stand in the record as confirmed, its cancel
	// refused. The only note that a delete was sent is the write that was lost, and
	// nothing shows the campaign any more.
	stands bool
}

// rules are the stage's, in their order.
func (s stage) rules() []sandbox.Fault {
	list := s.path
	for _, f := range []sandbox.Fault{s.held, s.then} {
		if f.Operation != sandbox.Any {
			list = append(slices.Clip(list), f)
		}
	}
	return list
}

// stages are complete: their rules are numbered, and what does not say how it ends
// is sent.
func stages(list ...stage) []stage {
	for i := range list {
		s := &list[i]
		s.first, s.second = -1, -1
		n := len(s.path)
		if s.held.Operation != sandbox.Any {
			s.first = n
			n++
		}
		if s.then.Operation != sandbox.Any {
			s.second = n
		}
		if s.ends == nil {
			s.ends = []campaign.State{campaign.Completed}
		}
	}
	return list
}

// caughtAt holds a call back, or its answer, until all the others are where they are
// caught.
func caughtAt(op sandbox.Operation, when sandbox.Moment) sandbox.Fault {
	return sandbox.Fault{Operation: op, When: when, Delay: longHold}
}

// and changes a rule.
func and(f sandbox.Fault, change func(*sandbox.Fault)) sandbox.Fault {
	change(&f)
	return f
}

func noAnswer(f *sandbox.Fault) { f.Status = 503 }
func cutOff(f *sandbox.Fault)   { f.Cut = true }
func sending(f *sandbox.Fault)  { f.Report = "SENDING" }

func cheap(m *campaignv1.CampaignRequested) {
	m.MaxTotal = &campaignv1.Money{Amount: "0.01", Currency: "EUR"}
}

func asks(m *campaignv1.CampaignRequested) {
	m.NeedsApproval, m.ApprovalWithin = true, durationpb.New(time.Hour)
}

func inAnHour(m *campaignv1.CampaignRequested) { at(time.Now().Add(time.Hour))(m) }

func cancel(p *powerFleet, id string) {
	p.Helper()
	p.eventually("cancel "+id, func(ctx context.Context) error {
		_, err := p.client.Cancel(ctx, campaign.Key{Source: p.source, RequestID: id}, "anna", "wrong price")
		return err
	})
}

func approve(p *powerFleet, id string) {
	p.Helper()
	p.eventually("approve "+id, func(ctx context.Context) error {
		key := campaign.Key{Source: p.source, RequestID: id}
		c, _, err := p.client.Get(ctx, key)
		if err == nil {
			_, err = p.client.Approve(ctx, key, campaign.QuoteID(c.Request, *c.Quote), "anna")
		}
		return err
	})
}

const (
	before = sandbox.Before
	after  = sandbox.After
)

var (
	onlyRejected  = []campaign.State{campaign.Rejected}
	onlyCancelled = []campaign.State{campaign.Cancelled}
)

// onTheWay are caught in their calls, one after the other.
func onTheWay() []stage {
	unanswered := sandbox.Fault{Operation: sandbox.Create, Status: 503}
	undrafted := sandbox.Fault{Operation: sandbox.Configure, Cut: true}
	reported := sandbox.Fault{Operation: sandbox.Stats, Report: "SENDING"}
	fails := sandbox.Fault{Operation: sandbox.Confirm, Fail: true, FailAfter: 1}
	return stages(
		stage{to: campaign.Requested, held: and(caughtAt(sandbox.Create, before), noAnswer), then: caughtAt(sandbox.Create, before)},
		stage{to: campaign.Drafted, held: caughtAt(sandbox.Create, after), then: caughtAt(sandbox.Configure, before)},
		stage{from: campaign.Requested, to: campaign.Drafted, path: []sandbox.Fault{unanswered}, held: caughtAt(sandbox.Create, after), then: caughtAt(sandbox.Configure, before)},
		stage{from: campaign.Drafted, to: campaign.Quoted, held: caughtAt(sandbox.Price, after), edits: []requestEdit{asks}, approved: true},
		stage{from: campaign.Drafted, to: campaign.Confirming, held: caughtAt(sandbox.Price, after), then: caughtAt(sandbox.Confirm, before)},
		stage{from: campaign.Drafted, to: campaign.Confirming, held: caughtAt(sandbox.Price, after), then: caughtAt(sandbox.Confirm, after)},
		stage{from: campaign.Drafted, to: campaign.Rejecting, held: caughtAt(sandbox.Price, after), then: and(caughtAt(sandbox.Delete, before), cutOff), edits: []requestEdit{cheap}, ends: onlyRejected},
		// The quote was told, the draft is gone, and the only record of why is lost.
		stage{from: campaign.Drafted, to: campaign.Rejecting, held: caughtAt(sandbox.Price, after), then: caughtAt(sandbox.Delete, after), edits: []requestEdit{cheap},
			ends: []campaign.State{campaign.Rejected, campaign.Unresolved}},
		stage{from: campaign.Drafted, to: campaign.Abandoning, held: and(caughtAt(sandbox.Configure, before), cutOff), then: caughtAt(sandbox.Delete, before)},
		stage{from: campaign.Drafted, to: campaign.Abandoning, held: and(caughtAt(sandbox.Configure, before), cutOff), then: caughtAt(sandbox.Delete, after)},
		stage{from: campaign.Abandoning, to: campaign.Drafted, path: []sandbox.Fault{undrafted, {Operation: sandbox.Create}}, held: caughtAt(sandbox.Create, after), then: caughtAt(sandbox.Configure, before)},
		stage{from: campaign.Abandoning, to: campaign.Requested, path: []sandbox.Fault{undrafted, {Operation: sandbox.Create}}, held: and(caughtAt(sandbox.Create, before), noAnswer), then: caughtAt(sandbox.Create, before)},
		stage{from: campaign.Rejecting, to: campaign.Rejected, held: caughtAt(sandbox.Delete, after), edits: []requestEdit{cheap}, ends: onlyRejected},
		stage{from: campaign.Cancelling, to: campaign.Cancelled, held: caughtAt(sandbox.Delete, after), edits: []requestEdit{asks}, until: campaign.Quoted, before: cancel, ends: onlyCancelled},
		stage{from: campaign.Confirming, to: campaign.Confirmed, held: caughtAt(sandbox.Confirm, after), then: caughtAt(sandbox.Stats, before)},
		stage{from: campaign.Confirming, to: campaign.Sending, path: []sandbox.Fault{cutAfter}, held: caughtAt(sandbox.Status, after), then: caughtAt(sandbox.Stats, before)},
		stage{from: campaign.Confirming, to: campaign.Confirming, path: []sandbox.Fault{cutBefore}, held: caughtAt(sandbox.Status, after)},
		stage{from: campaign.Confirmed, to: campaign.Sending, held: and(caughtAt(sandbox.Stats, after), sending), then: caughtAt(sandbox.Stats, before)},
		stage{from: campaign.Confirmed, to: campaign.Completed, held: caughtAt(sandbox.Stats, after)},
		stage{from: campaign.Confirmed, to: campaign.Failed, path: []sandbox.Fault{fails}, held: caughtAt(sandbox.Stats, after), ends: []campaign.State{campaign.Failed}},
		stage{from: campaign.Sending, to: campaign.Completed, path: []sandbox.Fault{reported}, held: caughtAt(sandbox.Stats, after)},
		// The number of a list is lost, and then that the recipients are in it.
		stage{from: campaign.Requested, to: campaign.Requested, people: true, held: caughtAt(sandbox.Lists, after), then: caughtAt(sandbox.Upload, before)},
		stage{from: campaign.Requested, to: campaign.Requested, people: true, held: caughtAt(sandbox.Upload, after), then: and(caughtAt(sandbox.Lists, before), func(f *sandbox.Fault) { f.After = 1 })},
	)
}

// commanded rest, and are told something that makes them go on.
func commanded() []stage {
	return stages(
		stage{from: campaign.Quoted, to: campaign.Abandoning, edits: []requestEdit{asks}, order: approve, then: caughtAt(sandbox.Delete, after), approved: true},
		stage{from: campaign.Quoted, to: campaign.Cancelling, edits: []requestEdit{asks}, order: cancel, then: caughtAt(sandbox.Delete, before), ends: onlyCancelled},
		stage{from: campaign.Quoted, to: campaign.Cancelling, edits: []requestEdit{asks}, order: cancel, then: caughtAt(sandbox.Delete, after), ends: onlyCancelled},
		stage{from: campaign.Confirmed, to: campaign.Cancelling, edits: []requestEdit{inAnHour}, order: cancel, then: caughtAt(sandbox.Delete, before), ends: onlyCancelled},
		stage{from: campaign.Confirmed, to: campaign.Cancelling, edits: []requestEdit{inAnHour}, order: cancel, then: caughtAt(sandbox.Delete, after), stands: true, ends: onlyCancelled},
		// A cancel that is kept while the confirm settles, and is lost: it was not
		// announced, and what it was about may be sent.
		stage{from: campaign.Confirming, to: campaign.Confirming, path: []sandbox.Fault{cutBefore}, order: cancel,
			ends: []campaign.State{campaign.Completed, campaign.Cancelled}},
	)
}

// afterSettling have a confirm that did not happen, and have waited for it.
func afterSettling() []stage {
	// The confirm is looked for early and again; the sixth look is the one after S.
	again := and(caughtAt(sandbox.Status, after), func(f *sandbox.Fault) { f.After = 5 })
	// What is cancelled has been gone for S when another campaign is made to see that
	// the gateway still shows some.
	second := func(f *sandbox.Fault) { f.After = 1 }
	witness := and(caughtAt(sandbox.Create, after), second)
	list := []stage{
		{from: campaign.Cancelling, to: campaign.Cancelled, held: witness, edits: []requestEdit{inAnHour}, until: campaign.Confirmed, before: cancel, ends: onlyCancelled},
		{from: campaign.Confirming, to: campaign.Abandoning, path: []sandbox.Fault{cutBefore}, held: again, then: and(caughtAt(sandbox.Configure, before), second)},
		// That it was shown to be unconfirmed is lost, and so is the draft that showed it.
		{from: campaign.Abandoning, to: campaign.Abandoning, path: []sandbox.Fault{cutBefore}, held: and(caughtAt(sandbox.Configure, after), second), then: caughtAt(sandbox.Delete, after),
			ends: []campaign.State{campaign.Completed, campaign.Unresolved}},
	}
	return stages(list...)
}
