package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// ErrConflict means the record was not saved because it is not what it was
// when it was read: somebody else moved it, or the connection it was read on
// broke and nobody can say. Load again and decide again. Any other error of
// Save proves nothing: the record may have been stored.
var ErrConflict = errors.New("the record was moved by somebody else")

// ErrNoPlace means that there is no place for records: whatever is begun could not be
// recorded.
var ErrNoPlace = errors.New("there is no place for records")

// ErrBroken means that a record was not saved for its own sake: it owes an event that
// would break the contract. Others can be saved.
var ErrBroken = errors.New("the record is broken")

// ToldOtherwise is what Publish returns when a cost_calculated is in the stream
// already, with the same ordinal and for another draft or another quote: somebody
// has been further than the record knows (rule 28). Nothing was published.
type ToldOtherwise struct {
	Event campaign.Event // the one that is there
}

func (e *ToldOtherwise) Error() string {
	return fmt.Sprintf("cost_calculated %d was told already, for campaign %d", e.Event.N, e.Event.CampaignID)
}

// Revision names one stored version of a record. It is opaque to everybody
// but the Journal that gave it, and void once that journal's connection broke.
// The Revision of a record that does not exist is valid for creating it.
type Revision struct {
	Seq   uint64    // stream sequence; zero: no record
	Epoch uint64    // the connection it was read or written on
	At    time.Time // when it was stored, by the stream's clock; zero if this process has just written it
}

// Journal keeps campaigns and tells the world, in one place that survives the
// process. Every method is safe for concurrent use, returns only when what it
// did is durable, and retries nothing but what is safe to repeat.
type Journal interface {
	// Load returns the latest acknowledged version of the record, from the
	// leader, never a stale one. A key without a record gives a zero Campaign
	// and a Revision to create it with. A record of a newer schema is an error
	// that says so, and so is it that there is no place for records: ErrNoPlace.
	Load(ctx context.Context, key campaign.Key) (campaign.Campaign, Revision, error)

	// Save stores the record if it still is what rev says, and returns the
	// new revision. ErrConflict, ErrBroken: it is not stored. Any other error: unknown.
	Save(ctx context.Context, c campaign.Campaign, rev Revision) (Revision, error)

	// Publish tells the world the events of c.Outbox, in order, each exactly
	// once however often it is called. It returns nil only when every one is
	// known to be in the stream. The last statistic is told even if an earlier
	// one has its ordinal, whose record a power cut took back: under the next. A
	// cost_calculated that is there for another draft, or another quote, is a
	// [*ToldOtherwise].
	Publish(ctx context.Context, c campaign.Campaign) error

	// Told is what the events stream tells of a key, in the order in which it was
	// told: the facts that outlive a record. Of the statistics only the last one is
	// read. A key nobody was told of has none. An error: unknown.
	Told(ctx context.Context, key campaign.Key) ([]campaign.Event, error)

	// Arm makes sure that the campaign is woken at the instant, at the
	// earliest. Arming twice is the same as once. The instant lies in the
	// future: a timer that is due is not armed but handled (it would fire at
	// once, be armed again, and fire).
	Arm(ctx context.Context, key campaign.Key, at time.Time) error

	// Age says how long the record has certainly stood as it is: from the
	// later of its save and our connecting, until seen, an instant of the
	// stream's clock. Never negative; zero when in doubt.
	Age(rev Revision, seen time.Time) time.Duration

	// Valid says whether rev was read or written on the connection that still
	// stands.
	Valid(rev Revision) bool
}

// Gateway is the partner's gateway. It sorts every outcome into a
// campaign.Kind; it repeats nothing.
type Gateway interface {
	// Admit waits until a call of this kind may leave: for the rate limit
	// (confirm goes before the lifecycle, that before polling) and for the
	// breaker. It returns a Permit for exactly one call, or nil and an Outcome
	// of kind NotAttempted, Throttled or Unauthorised that says until when.
	Admit(ctx context.Context, op campaign.Op) (Permit, campaign.Outcome)
}

// Permit is the leave for one call. Exactly one of its methods is called, once.
type Permit interface {
	// Call makes the call. A context that ends before the request has left
	// gives NotAttempted, one that ends later Unavailable.
	Call(ctx context.Context, call campaign.Call) campaign.Outcome
	// Release gives the leave back unused.
	Release()
}

// Wakeup makes the loop look at one campaign: the request itself, a timer, or
// a command.
type Wakeup struct {
	Key     campaign.Key
	Kind    WakeupKind
	Request campaign.Request // kind request
	Trace   string           // kind request: W3C traceparent, if any
	// Asked, of kind request, is when the request was first stored, by the
	// stream's clock: for one that was put aside and replayed, when the original
	// was. It is never after the moment at which this message itself was stored,
	// and never zero. It says how long somebody has been waiting; it is no age of
	// a record, which Stored is for.
	Asked   time.Time
	Command campaign.Input // kind command: a cancel, or what somebody established
	// Stored is when the stream stored the message that wakes: a moment of
	// the stream's clock that has certainly passed.
	Stored time.Time
}

// WakeupKind tells the three sorts of wake-up apart.
type WakeupKind string

const (
	WakeRequest WakeupKind = "request"
	WakeTimer   WakeupKind = "timer"
	WakeCommand WakeupKind = "command"
)

// Verdict says what becomes of the message that carried a wake-up.
type Verdict struct {
	Do     Disposal
	After  time.Duration // retry
	Reason string        // bury: the dead letter's typed reason
	Fields []string      // bury: the fields at fault
	Note   string        // retry, bury: in words
}

// Disposal is what can be done to a message.
type Disposal string

const (
	// Ack: the record is final, or its next wake-up is armed.
	Ack Disposal = "ack"
	// Retry: deliver it again after a short while.
	Retry Disposal = "retry"
	// Bury: write a dead letter with a full copy, then terminate the message.
	Bury Disposal = "bury"
)

// Pace remembers what the records say of how fast the gateway sends. It must
// not block, and is safe for concurrent use.
type Pace interface {
	// Saw takes a record that was saved.
	Saw(c campaign.Campaign, now time.Time)
	// At is what is known at a moment.
	At(now time.Time) campaign.Pace
}

// Intake bounds what a source may ask for. It is safe for concurrent use, and answers
// from memory.
type Intake interface {
	// Takes says why a campaign whose request was stored at an instant, and that has no
	// record yet, is not begun, in words; empty: it is. The same one again counts once.
	Takes(key campaign.Key, stored time.Time) string
}

// Button is the red button, with which people stop what is not yet confirmed. It is
// safe for concurrent use.
type Button interface {
	// Held says why nothing of a source may be begun or confirmed now, in words;
	// empty: it may. What was pressed is heeded by everybody within a second, and
	// who cannot know says so: that is no leave either. It is asked before every
	// step, so it answers from memory, all but once a second.
	Held(source string) string
}

// Observer is told what happens, for logs and metrics. It must not block.
type Observer interface {
	// Moved: the record was saved; from is the state before.
	Moved(c campaign.Campaign, from campaign.State, rev Revision)
	// Unsaved: a record could not be saved, for another reason than that somebody
	// else moved it or that it is broken; or there is no place for records. As long
	// as none can be saved, no draft is begun.
	Unsaved(key campaign.Key, err error)
	// Called: a call to the gateway has an outcome.
	Called(key campaign.Key, o campaign.Outcome)
	// Handled: a wake-up is done with.
	Handled(w Wakeup, v Verdict, took time.Duration)
}
