package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
)

// ErrNoPlace means that there is no place for records: a campaign that is begun could
// not be recorded.
var ErrNoPlace = errors.New("there is no place for records")

// ErrBroken means that a record itself is the reason why it was not saved, or its
// events not published: it owes an event that would break the contract, or that the
// contract has no word for. That is a mistake of this version, and to repeat it does
// not help. Other records can be saved and published.
var ErrBroken = errors.New("the record is broken")

// CostConflict is what Publish returns if the stream already has a cost_calculated with
// the same ordinal, for another draft or another quote: another run has been further
// than the record knows (rule 28). Nothing was published.
type CostConflict struct {
	Event campaign.Event // the one that is there
}

func (e *CostConflict) Error() string {
	return fmt.Sprintf("cost_calculated %d is already published, for campaign %d", e.Event.N, e.Event.CampaignID)
}

// Journal keeps the records of campaigns and publishes their events, in one place that
// survives the process. Every method is safe for concurrent use, returns only when what
// it did is durable, and repeats only what is safe to repeat.
type Journal interface {
	// Load returns the latest acknowledged version of the record, from the leader,
	// never a stale one. A key without a record gives a zero Campaign and a Revision to
	// create it with. A record of a newer schema is an error that says so. If there is
	// no place for records, the error is ErrNoPlace.
	Load(ctx context.Context, key campaign.Key) (campaign.Campaign, loop.Revision, error)

	// Save stores the record if it still is what rev says, and returns the
	// new revision. ErrConflict, ErrBroken: it is not stored. Any other error: unknown.
	Save(ctx context.Context, c campaign.Campaign, rev loop.Revision) (loop.Revision, error)

	// Publish publishes the events of c.Outbox, in order, each exactly once however
	// often it is called. It returns nil only when every one is known to be in the
	// stream. If the stream has an earlier statistic with the ordinal of the last one
	// (a power cut took its record back), the last one gets the next ordinal. If the
	// stream has a cost_calculated for another draft, or another quote, the error is a
	// [*CostConflict]. If this version cannot publish an event, the error is ErrBroken.
	Publish(ctx context.Context, c campaign.Campaign) error

	// Published returns the published events of a key, in order: the facts that outlive
	// a record. Of the statistics it returns only the last one. A key without events
	// has none. An error: unknown.
	Published(ctx context.Context, key campaign.Key) ([]campaign.Event, error)

	// Arm makes sure that the campaign is woken at the instant, at the
	// earliest. Arming twice is the same as once. The instant lies in the
	// future: a timer that is due is not armed but handled (it would fire at
	// once, be armed again, and fire).
	Arm(ctx context.Context, key campaign.Key, at time.Time) error

	// Asked says whether the stream has a request of the key, as its leader knows it. A
	// request that was acknowledged to its sender before this call is seen. An error:
	// unknown.
	Asked(ctx context.Context, key campaign.Key) (bool, error)

	// Erase removes the requests of a key, and its dead letters, from the streams for
	// good. It returns nil only when none is left of those that were there. A message
	// that is not handled yet is not erased: that is an error, and so is every doubt.
	Erase(ctx context.Context, key campaign.Key) error

	// Age says how long the record has certainly not changed: from the later of its
	// save and our connecting, until seen, an instant of the stream's clock. Never
	// negative; zero when in doubt.
	Age(rev loop.Revision, seen time.Time) time.Duration

	// Valid says whether rev was read or written on the connection that still
	// stands.
	Valid(rev loop.Revision) bool
}

// Gateway is the partner's gateway. It sorts every outcome into a campaign.Kind, and
// repeats no call.
type Gateway interface {
	// Admit waits until a call of this kind may leave, for the rate limit and for the
	// breaker. A confirm goes before the calls for drafts, and those before polling.
	// Admit returns a Permit for exactly one call, or nil and an Outcome of kind
	// NotAttempted, Throttled or Unauthorised that says until when.
	Admit(ctx context.Context, op campaign.Op) (Permit, campaign.Outcome)
}

// Permit is the right to make one call. Exactly one of its methods is called, once.
type Permit interface {
	// Call makes the call. A context that ends before the request has left
	// gives NotAttempted, one that ends later Unavailable.
	Call(ctx context.Context, call campaign.Call) campaign.Outcome
	// Release gives the permit back unused.
	Release()
}

// Wakeup makes the loop look at one campaign: the request itself, a timer, or
// a command.
type Wakeup struct {
	Key     campaign.Key
	Kind    WakeupKind
	Request campaign.Request // kind request
	Trace   string           // kind request: W3C traceparent, if any
	// TraceState, of kind request, is the tracestate beside it, if any.
	TraceState string
	// RequestedAt, of kind request, is when the request was first stored, by the
	// stream's clock. For a replayed dead letter it is when the original was stored. It
	// is never after the moment at which this message itself was stored, and never
	// zero. It says how long the request has been waiting. The age of a record is
	// another thing: see Stored.
	RequestedAt time.Time
	Command     campaign.Input // kind command: a cancel, an approval, what a person established, …
	// Stored is when the stream stored the message of this wake-up: a moment of the
	// stream's clock that has certainly passed.
	Stored time.Time
}

// WakeupKind is one of the three kinds of wake-up.
type WakeupKind string

const (
	WakeRequest WakeupKind = "request"
	WakeTimer   WakeupKind = "timer"
	WakeCommand WakeupKind = "command"
)

// WakeupKinds lists every kind of a campaign's wake-ups.
var WakeupKinds = []WakeupKind{WakeRequest, WakeTimer, WakeCommand}

// PaceEstimator remembers how fast the gateway sends, from the records. It must not
// block, and is safe for concurrent use.
type PaceEstimator interface {
	// Observe takes a record that was saved.
	Observe(c campaign.Campaign, now time.Time)
	// Estimate is what is known of the pace at a moment.
	Estimate(now time.Time) campaign.Pace
}

// Intake limits how many campaigns a source may ask for. It is safe for concurrent use,
// and answers from memory.
type Intake interface {
	// Takes says in words why a campaign without a record, whose request was stored at
	// an instant, is not begun; empty: it is. The same campaign counts once, however
	// often it is asked about.
	Takes(key campaign.Key, stored time.Time) string
	// TakesStray says the same about a cancel without a request. Such a cancel leaves a
	// record too.
	TakesStray(key campaign.Key, stored time.Time) string
}

// Button is the red button, with which people stop what is not yet confirmed. It is
// safe for concurrent use.
type Button interface {
	// Held says in words why no campaign of a source may be begun or confirmed now;
	// empty: it may. A hold takes effect everywhere within a second. A process that
	// cannot know whether there is a hold says so, and then nothing may be begun
	// either. Held is asked before every step, so it answers from memory, except once a
	// second.
	Held(source string) string
}

// Found is what a wake-up found of its campaign, and left: what tells it from others in a
// trace. The same wake-up, delivered again after a crash, finds the same.
type Found struct {
	Trace    string    // W3C traceparent of the request, if it came with one
	Leg      int       // which of the traces of the campaign tells of the wake-up
	First    bool      // it begins that one
	Revision uint64    // of the record
	Saved    uint64    // the revision of the record when a call is made
	Wake     time.Time // when the campaign is woken next; zero: never
}

// longWait is after how long a campaign's story goes on in another trace: people look at
// one trace as at one piece of work.
const longWait = time.Hour

// Observer gets what happens, for logs and metrics. It must not block.
type Observer interface {
	// Moved: the record was saved; from is the state before.
	Moved(c campaign.Campaign, from campaign.State, rev loop.Revision)
	// Unsaved: a record could not be saved, and neither a conflict nor the record
	// itself is the reason; or there is no place for records. As long as none can be
	// saved, no draft is begun.
	Unsaved(key campaign.Key, err error)
	// Called: a call to the gateway, or to the budgets' ledger, has an outcome. The
	// campaign is as it was when the call was made.
	Called(c campaign.Campaign, found Found, o campaign.Outcome)
	// Told: the events that a record owes are in the stream. It may be said more than
	// once of the same event.
	Told(c campaign.Campaign)
	// Handled: the work for a wake-up is done.
	Handled(w Wakeup, found Found, v loop.Verdict, took time.Duration)
}

type noButton struct{}

func (noButton) Held(string) string { return "" }

type noObserver struct{}

func (noObserver) Moved(campaign.Campaign, campaign.State, loop.Revision) {}
func (noObserver) Unsaved(campaign.Key, error)                            {}
func (noObserver) Called(campaign.Campaign, Found, campaign.Outcome)      {}
func (noObserver) Told(campaign.Campaign)                                 {}
func (noObserver) Handled(Wakeup, Found, loop.Verdict, time.Duration)     {}
