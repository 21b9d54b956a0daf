package simulate

import (
	"fmt"
	"slices"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// Violation is a promise that was broken in a history.
type Violation struct {
	Kind string // which promise was broken, in one or two words
	Text string // how
	Tape []uint16
}

func (v *Violation) Error() string { return v.Kind + ": " + v.Text }

// fail records a violation; only the first one counts.
func (w *World) fail(kind, text string, args ...any) {
	if w.violation == nil {
		w.violation = &Violation{Kind: kind, Text: fmt.Sprintf(text, args...)}
	}
}

// answered judges how a command was acknowledged.
func (w *World) answered(m *message, v loop.Verdict) {
	c := w.record()
	switch {
	case v.Reason == deadletter.Refused:
		// The campaign no longer waits for this answer.
	case v.Reason == deadletter.Cancelled && c.State == campaign.Cancelled && c.Draft == nil:
		// The cancel was handled first.
	case v.Do == loop.Bury && (m.Kind != runner.WakeRequest || len(c.Request.Diff(m.Request)) == 0):
		w.fail("buried", "a %s is buried: %s", m.Kind, v.Note)
	case isCancel(m) && c.Cancel == nil && !c.State.Final() && !w.observed.powerCut && !w.observed.unrecorded:
		w.fail("cancel forgotten", "a cancel is acknowledged, and the record, %q, knows nothing of it", c.State)
	}
}

func isCancel(m *message) bool {
	_, ok := m.Command.(campaign.Cancel)
	return ok
}

// judge checks a history once nothing more can happen.
func (w *World) judge() {
	c := w.record()
	standing, effective, undone := 0, 0, 0
	for _, s := range w.gateway.Seen() {
		standing += len(s.Standing)
		effective += s.Confirms
		undone += s.Undone
	}
	w.writeLine("", "in the end: %q, %d confirms took effect, %d were undone", c.State, effective, undone)
	w.histories++
	w.ended[c.State]++
	w.confirms += effective
	told := map[campaign.EventType]int{}
	for _, e := range w.events {
		told[e.Type]++
	}

	w.count(c)
	if standing > 0 && w.observed.tooLate && w.observed.hollowPut && w.gateway.NoDelete != 0 {
		// A confirm was held up for longer than S, the configure that should have
		// disarmed it did nothing, and no delete works: no protocol can repair
		// that.
		return
	}
	switch {
	case w.gateway.Harmed():
		w.fail("harm", "a stranger's campaign was changed or deleted")
	case standing > 1:
		w.fail("twice", "%d confirms took effect and stand", standing)
	case w.observed.unmade:
		// An end was saved, lost, and published by the run that had saved it: no
		// protocol can repair that.
	case !c.State.Final() || !c.Wake.IsZero():
		if c.State == "" && !w.requestKept() {
			break // no stream holds the request any more
		}
		w.fail("forgotten", "the record is %q, and nothing will wake it", c.State)
	case told[campaign.EventConfirmed] > 0 && effective == 0:
		w.fail("not true", "confirmed was told, and no confirm took effect")
	case (told[campaign.EventCancelled] > 0 || told[campaign.EventRejected] > 0) && standing > 0:
		w.fail("sent all the same", "it was told that it is not sent, and it was sent")
	case (c.State == campaign.Completed || c.State == campaign.Unreconciled) && standing == 0:
		w.fail("never sent", "the campaign is %s and was never sent", c.State)
	case c.State == campaign.Failed && w.observed.powerCut && w.observed.cancelled && undone > 0:
		// A cancel was acknowledged, and then lost while its delete was on its way.
	case w.observed.byHand && (c.State == campaign.Failed || standing == 0):
		// A person deleted it on the gateway's page.
	case c.State == campaign.Failed && w.observed.lie:
		// The gateway shows a confirmed campaign as unconfirmed, again and again.
	case c.State == campaign.Failed && (c.Reason.Code != campaign.ReasonGateway || !w.gateway.Fails):
		w.fail("vanished", "the campaign failed: %s", c.Reason.Message)
	case c.State == campaign.Cancelled && !w.observed.cancelled:
		w.fail("not true", "cancelled, by nobody")
	case c.State == campaign.Unresolved && standing > 0 && w.gateway.Blind == runnertest.Sees && !w.observed.moved:
		w.fail("overlooked", "unresolved, and the gateway shows that it was sent")
	case c.State == campaign.Unresolved && c.Confirmed != nil && c.Reason.Step == campaign.OpDelete:
		// A delete was sent and its answer was lost: its effect cannot be known.
	case c.State == campaign.Unresolved && !w.mayNeedPerson():
		w.fail("needless", "unresolved, though the gateway could have been asked: %s", c.Reason.Message)
	case c.State == campaign.Unreconciled && !w.observed.lie:
		w.fail("needless", "the statistics were given up")
	case undone > 0 && !w.observed.cancelled && !w.observed.tooLate && !w.observed.powerCut && !w.observed.byHand && !w.observed.lie:
		w.fail("destroyed", "a confirm that took effect in time was undone")
	case c.State == campaign.Rejected:
		w.judgeRejection(c)
	}
	w.judgePeople(c)
	w.judgeEvents(c)
	w.judgeLedger(c, standing)
}

// mayNeedPerson says that the gateway cannot show enough, or that something was
// untrue, so that the campaign may end unresolved.
func (w *World) mayNeedPerson() bool {
	g := w.gateway
	return w.observed.lie || w.observed.powerCut || w.observed.refusal || g.StatsOnly || g.ConfiguresOnce || w.observed.byHand
}

// judgeEvent checks an event at the moment it is published.
func (w *World) judgeEvent(e campaign.Event) {
	if e.Type != campaign.EventConfirmed {
		return
	}
	for _, s := range w.gateway.Seen() {
		if s.Confirms > 0 {
			return
		}
	}
	w.fail("not true", "confirmed is told, and no confirm took effect")
}

// judgeRejection checks that the rejection had a reason.
func (w *World) judgeRejection(c campaign.Campaign) {
	if w.observed.lie {
		return
	}
	switch why := c.Reason; why.Code {
	case campaign.ReasonExpired:
		if w.request.ExpiresAt.IsZero() {
			w.fail("needless", "rejected as expired, and it never expires")
		}
	case campaign.ReasonTooLate:
		if w.request.At.IsZero() {
			w.fail("needless", "rejected as too late, and it has no instant")
		}
	case campaign.ReasonNoCredit, campaign.ReasonRefused:
		if !w.observed.refusal {
			w.fail("needless", "rejected, and the gateway had no reason to refuse %s: %s", why.Step, why.Gateway)
		}
	case campaign.ReasonDeclined:
		if !w.observed.declined {
			w.fail("needless", "declined, by nobody")
		}
	case campaign.ReasonUnapproved:
		if !w.request.Limits.Approval {
			w.fail("needless", "not approved, and nobody was to be asked")
		}
	default:
		if !w.judgePeoplesRejection(*why) {
			w.fail("needless", "rejected: %s", why.Message)
		}
	}
}

// judgeEvents checks that everything was published, once, in an order that makes
// sense.
func (w *World) judgeEvents(c campaign.Campaign) {
	type name struct {
		event campaign.EventType
		n     int
	}
	have, count := map[name]bool{}, map[campaign.EventType]int{}
	events := make([]campaign.Event, len(w.events))
	for i, e := range w.events {
		if id := (name{e.Type, e.N}); have[id] {
			w.fail("told twice", "%s.%d is twice in the stream", e.Type, e.N)
		} else {
			have[id] = true
		}
		count[e.Type]++
		events[i] = e.Event
	}
	if w.observed.unmade || w.observed.unrecorded {
		return
	}
	want := map[campaign.EventType]int{campaign.EventCostCalculated: c.Quotes, campaign.EventStats: c.StatsN}
	if c.Confirmed != nil {
		want[campaign.EventConfirmed] = 1
	}
	counted := c.State == campaign.Completed || c.State == campaign.Unreconciled
	if s := c.State; s == campaign.Unresolved {
		want[campaign.EventUnresolved] = c.UnresolvedN
	} else if !counted {
		want[campaign.EventType(s)] = 1
	}
	if last := slices.ContainsFunc(events, func(e campaign.Event) bool { return e.Last }); counted && !last {
		w.fail("not told", "the campaign is %s, and no statistic was the last one", c.State)
	}
	for event, n := range want {
		if count[event] < n {
			w.fail("not told", "the record told %d %s, the stream has %d", n, event, count[event])
		}
	}
	if w.observed.powerCut || w.observed.unrecorded {
		return // numbers were used again, for other drafts
	}
	if err := runnertest.Orderly(events); err != nil {
		w.fail("disorder", "%v", err)
	}
}

func short(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
