package runner

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Options are what a Runner needs. All but Journal and Gateway may be left out.
type Options struct {
	Rules    campaign.Rules // zero values mean the rules' own defaults
	Journal  Journal
	Gateway  Gateway
	Observer Observer // nil: nobody watches
	Budgets  Budgets  // nil: none is heeded
	Pace     Pace     // nil: nothing is ever seen, Rules.Pace holds
	Button   Button   // nil: nobody ever presses it
	Intake   Intake   // nil: nobody is bound
	// At is the URL of the gateway: whose the numbers are that it gives.
	At string
	// Clock is the wall clock of the machine, which need not be right. Nil:
	// time.Now.
	Clock func() time.Time
	// Sleep waits with a call in hand. Nil: it really does.
	Sleep func(context.Context, time.Duration)
	// Decide stands in for Rules.Step, to see what breaks without one of the
	// rules. Nil: the rules decide.
	Decide func(campaign.Campaign, campaign.Input, campaign.Facts) campaign.Decision
}

// Runner takes one campaign at a time as far as it can go. It keeps nothing
// between two wake-ups and is safe for concurrent use.
type Runner struct {
	rules    campaign.Rules
	journal  Journal
	gateway  Gateway
	observer Observer
	budgets  Budgets
	pace     Pace
	button   Button
	intake   Intake
	at       string
	clock    func() time.Time
	sleep    func(context.Context, time.Duration)
	decide   func(campaign.Campaign, campaign.Input, campaign.Facts) campaign.Decision

	// unsaved is when a save last did not come through, in nanoseconds: from then on
	// no draft is begun before its record was saved. Zero: none in doubt.
	unsaved atomic.Int64
}

// New returns a Runner.
func New(o Options) *Runner {
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Pace == nil {
		o.Pace = unseen{}
	}
	if o.Button == nil {
		o.Button = unpressed{}
	}
	r := &Runner{rules: o.Rules.WithDefaults(), journal: o.Journal, gateway: o.Gateway, observer: o.Observer, decide: o.Decide, budgets: o.Budgets, clock: o.Clock, pace: o.Pace, button: o.Button, intake: o.Intake, at: o.At, sleep: o.Sleep}
	if r.clock == nil {
		r.clock = time.Now
	}
	if r.sleep == nil {
		r.sleep = sleep
	}
	if r.decide == nil {
		r.decide = r.rules.Step
	}
	return r
}

// How soon a message comes back that could not be dealt with: after a
// conflict, soon (whoever won is about to finish); after an error of the
// journal, when a cluster may have found a new leader.
const (
	afterConflict = 300 * time.Millisecond
	afterTrouble  = 2 * time.Second
)

// No campaign needs this many steps in one run. The bound turns a mistake in
// the rules into a slow campaign instead of a hot loop.
const maxSteps = 100

// Handle deals with one wake-up and says what becomes of its message. It is
// the whole loop, and it is the same on the first delivery, on a redelivery
// and after a crash.
func (r *Runner) Handle(ctx context.Context, w Wakeup) Verdict {
	began := time.Now()
	v := r.handle(ctx, w)
	r.observer.Handled(w, v, time.Since(began))
	return v
}

func (r *Runner) handle(ctx context.Context, w Wakeup) Verdict {
	ctx = WithSource(ctx, w.Key.Source)
	c, rev, err := r.journal.Load(ctx, w.Key)
	if err != nil {
		if errors.Is(err, ErrNoPlace) {
			r.doubt(w.Key, err)
		}
		return retry(afterTrouble, err)
	}
	run := &run{Runner: r, wakeup: w, c: c, stored: c, rev: rev}
	defer run.release()
	// What the last run saved and did not live to tell.
	var otherwise *ToldOtherwise
	if err := r.tell(ctx, c); errors.As(err, &otherwise) {
		// The message comes again once that is stored.
		run.loop(ctx, campaign.ToldOtherwise{Event: otherwise.Event})
		return retry(afterConflict, err)
	} else if err != nil {
		return retry(afterTrouble, err)
	}

	var in campaign.Input = campaign.Woken{}
	switch {
	case w.Kind == WakeRequest && c.State == "":
		if r.intake != nil {
			if no := r.intake.Takes(w.Key, w.Stored); no != "" {
				return Verdict{Do: Bury, Reason: "too_many", Note: no}
			}
		}
		in = campaign.Asked{Key: w.Key, Request: w.Request, Trace: w.Trace, At: w.Asked, Stored: w.Stored}
	case w.Kind == WakeRequest && c.Asked.IsZero() && c.State == campaign.Cancelled:
		return Verdict{Do: Bury, Reason: "cancelled_before", Note: fmt.Sprintf(
			"%s was cancelled by %s before it was asked for; ask again under a new request id", w.Key, c.Cancel.By)}
	case w.Kind == WakeRequest && c.Request.Name == "":
		// Its record was lost, and a cancel had it rebuilt from its events, which do
		// not tell what was asked for.
	case w.Kind == WakeRequest:
		if fields := c.Request.Diff(w.Request); len(fields) > 0 {
			return Verdict{Do: Bury, Reason: "conflicting_duplicate", Fields: fields,
				Note: fmt.Sprintf("%s was already requested with other content; the first one stands", w.Key)}
		}
	case w.Kind == WakeCommand:
		in = w.Command
		if cancel, ok := in.(campaign.CancelAsked); ok {
			cancel.Key = w.Key
			in = cancel
		}
	}
	return run.loop(ctx, in)
}

// tell publishes what a record owes. Delivered twice is the same as once.
func (r *Runner) tell(ctx context.Context, c campaign.Campaign) error {
	if len(c.Outbox) == 0 {
		return nil
	}
	return r.journal.Publish(ctx, c)
}

// run is one worker handling one wake-up.
type run struct {
	*Runner
	wakeup Wakeup
	c      campaign.Campaign // as this run knows it
	stored campaign.Campaign // as the journal has it
	rev    Revision
	permit Permit    // the leave for one confirm, until it is used
	intent time.Time // an instant before the save of the intent was sent

	otherwise *ToldOtherwise // what was just saved cannot be told
}

// loop: decide → save → deliver → act, and the outcome is the next input.
func (r *run) loop(ctx context.Context, in campaign.Input) Verdict {
	for range maxSteps {
		r.intent = time.Now()
		now := r.now()
		d := r.decide(r.c, in, campaign.Facts{
			Now: now, Age: r.journal.Age(r.rev, r.wakeup.Stored), Pace: r.pace.At(now), Budgets: r.budgets != nil && r.budgets.Exist(), Gateway: r.at,
			Held: r.button.Held(r.wakeup.Key.Source),
		})
		if d.Refused != "" {
			return Verdict{Do: Bury, Reason: "refused_command", Note: d.Refused}
		}
		if d.Call != nil && d.Call.Op == campaign.OpCreate && !d.Save && !r.Recording() {
			// A draft is only begun where it can be recorded: the record is saved
			// before, as it is, to see whether it can.
			d.Next.Wake, d.Save = now.Add(r.rules.Lease), true
		}
		if d.Save {
			if v, ok := r.save(ctx, d.Next); !ok {
				return v
			}
		}
		r.c = d.Next
		if r.otherwise != nil {
			in, r.otherwise = campaign.ToldOtherwise{Event: r.otherwise.Event}, nil
			continue // and no call is made
		}
		if d.Call != nil {
			if d.After > 0 {
				r.sleep(ctx, d.After)
			}
			in = r.act(ctx, *d.Call)
			continue
		}
		next, v := r.rest(ctx)
		if next == nil {
			return v
		}
		in = next
	}
	return retry(afterTrouble, fmt.Errorf("campaign %s did not come to rest", r.wakeup.Key))
}

// save stores the campaign and tells the world what the new version owes. A
// crash between the two is repaired by whoever loads the record next.
func (r *run) save(ctx context.Context, c campaign.Campaign) (Verdict, bool) {
	from := r.stored.State
	rev, err := r.journal.Save(ctx, c, r.rev)
	switch {
	case errors.Is(err, ErrConflict):
		return retry(afterConflict, err), false
	case errors.Is(err, ErrBroken):
		return retry(afterTrouble, err), false
	case err != nil:
		// Perhaps it is stored. Whoever loads it next will see.
		r.doubt(c.Key, err)
		return retry(afterTrouble, err), false
	case r.rev.Seq == 0 && r.unsaved.Load() != 0:
		// There is room for new records. That an old one can be saved in its place
		// does not show it: a full store takes those.
		r.unsaved.Store(0)
	}
	r.rev, r.stored = rev, c
	r.observer.Moved(c, from, rev)
	r.pace.Saw(c, r.now())
	if len(c.Outbox) > 0 && !r.journal.Valid(r.rev) {
		// The connection broke since: a power cut may have taken back what was saved.
		return retry(afterConflict, ErrConflict), false
	}
	if err := r.tell(ctx, c); err != nil && !errors.As(err, &r.otherwise) {
		return retry(afterTrouble, err), false
	}
	return Verdict{}, true
}

// rest ends the run, or gives the input that keeps it from ending.
func (r *run) rest(ctx context.Context) (campaign.Input, Verdict) {
	// What is not stored is over with: from here on the run knows what the
	// journal has, and nothing more.
	r.c = r.stored
	c, now := r.stored, r.now()
	switch {
	case c.State == "" && r.wakeup.Kind == WakeCommand:
		return nil, r.nobodys(now)
	case c.State == "":
		return nil, Verdict{Do: Ack}
	case len(c.Outbox) > 0 && (c.State.Final() || c.Wake.Sub(now) > longSleep):
		return campaign.Delivered{}, Verdict{}
	case c.State.Final() && c.Wake.IsZero():
		return nil, Verdict{Do: Ack}
	case !c.Wake.After(now):
		// A timer that is due would fire at once and be armed again: the
		// wake-up in hand is the one that acts.
		return campaign.Woken{}, Verdict{}
	}
	wake := c.Wake
	if soon := now.Add(longestSleep); wake.After(soon) {
		wake = soon
	}
	if err := r.journal.Arm(ctx, c.Key, wake); err != nil {
		return nil, retry(afterTrouble, err)
	}
	return nil, Verdict{Do: Ack}
}

// now is this worker's clock, unless the stream's is known to be ahead: the
// moment at which the wake-up was stored has passed. A worker whose clock is
// slow would otherwise arm a timer that fires at once, find that it is not due
// yet, arm it, and so on until its clock has caught up.
func (r *run) now() time.Time {
	now := r.clock().Round(0).UTC()
	if r.wakeup.Stored.After(now) {
		return r.wakeup.Stored.UTC()
	}
	return now
}

// nobodys is the verdict on a command for a campaign that is not there. Its
// request may be waiting in another stream until the gateway can be reached,
// and then the command must not have been forgotten.
func (r *run) nobodys(now time.Time) Verdict {
	note := fmt.Sprintf("there is no campaign %s", r.wakeup.Key)
	waited := now.Sub(r.wakeup.Stored)
	if waited >= RequestMayCome {
		return Verdict{Do: Bury, Reason: "unknown_campaign", Note: note}
	}
	return Verdict{Do: Retry, After: min(max(waited/4, time.Second), 5*time.Minute), Note: note + " yet"}
}

// RequestMayCome is how long a command waits for the request it is about: as
// long as the service may have been away, but not as long as a command lives.
const RequestMayCome = 6 * 24 * time.Hour

// longSleep is far below the age at which the events stream forgets: a record
// that sleeps longer must owe nothing, or it would tell it again.
const longSleep = time.Hour

// longestSleep is how long a campaign rests without being looked at. A power
// cut may give back to a record what it had told; looked at within the week it
// is told again, to a stream that still knows, and emptied again.
const longestSleep = 7 * 24 * time.Hour

// act makes a call. The intent's confirm is special: it leaves with the permit
// taken before the intent, at most L after an instant before the intent was
// saved, by both clocks (a machine that was suspended stops one of them), and
// on the connection that saved it. Otherwise it does not leave at all.
func (r *run) act(ctx context.Context, call campaign.Call) campaign.Outcome {
	var o campaign.Outcome
	switch call.Op {
	case campaign.OpAdmit:
		permit, no := r.gateway.Admit(ctx, campaign.OpConfirm)
		if permit != nil {
			r.permit = permit
			return campaign.Outcome{Op: campaign.OpAdmit, Kind: campaign.OK}
		}
		o = no
	case campaign.OpRoom, campaign.OpReserve, campaign.OpSettle:
		o = r.ledger(ctx, call)
	case campaign.OpLook:
		return r.look(ctx)
	case campaign.OpConfirm:
		if why := r.stale(); why != "" {
			o = campaign.Outcome{Kind: campaign.NotAttempted, Err: why}
			break
		}
		permit := r.permit
		r.permit = nil
		o = permit.Call(ctx, call)
	default:
		permit, no := r.gateway.Admit(ctx, call.Op)
		if permit == nil {
			o = no
			break
		}
		if call.Op == campaign.OpCalculate {
			StepAside(ctx) // a long list takes the gateway a minute
		}
		o = permit.Call(ctx, call)
	}
	o.Op = call.Op
	if o.Started.IsZero() {
		o.Started = time.Now()
	}
	r.observer.Called(r.wakeup.Key, o)
	return o
}

// look reads what the events tell of the campaign, in the shape of a call.
func (r *run) look(ctx context.Context) campaign.Outcome {
	o := campaign.Outcome{Op: campaign.OpLook, Kind: campaign.OK, Started: time.Now().UTC()}
	var err error
	if o.Told, err = r.journal.Told(ctx, r.wakeup.Key); err != nil {
		o.Kind, o.Err = campaign.Unavailable, err.Error()
	}
	o.Took = time.Since(o.Started)
	return o
}

// sleep waits, or until nobody waits any more.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// stale says why the intent in hand permits no confirm any more.
func (r *run) stale() string {
	limit := r.rules.ConfirmWithin
	monotonic := time.Since(r.intent)
	wall := time.Now().Round(0).Sub(r.intent.Round(0))
	switch {
	case monotonic >= limit || wall >= limit || wall < 0:
		return fmt.Sprintf("the intent is older than %s: this worker was held up", limit)
	case !r.journal.Valid(r.rev):
		return "the connection that saved the intent has broken"
	case r.permit == nil:
		return "no permit was taken"
	}
	// The intent may have been long in saving, and the button is for those who see
	// what is wrong at the last moment.
	return r.button.Held(r.wakeup.Key.Source)
}

// doubted is how long it is doubted that records can be saved, unless a new one is.
const doubted = time.Minute

// doubt notes that a record could not be saved.
func (r *Runner) doubt(key campaign.Key, err error) {
	r.unsaved.Store(r.clock().UnixNano())
	r.observer.Unsaved(key, err)
}

// Recording says whether records can be saved, as far as is known.
func (r *Runner) Recording() bool {
	last := r.unsaved.Load()
	return last == 0 || r.clock().Sub(time.Unix(0, last)) >= doubted
}

// release gives back a permit that was not used.
func (r *run) release() {
	if r.permit != nil {
		r.permit.Release()
	}
}

func retry(after time.Duration, err error) Verdict {
	return Verdict{Do: Retry, After: after, Note: err.Error()}
}

type unseen struct{}

func (unseen) Saw(campaign.Campaign, time.Time)  {}
func (unseen) At(time.Time) (none campaign.Pace) { return }

type unpressed struct{}

func (unpressed) Held(string) string { return "" }

type nobody struct{}

func (nobody) Moved(campaign.Campaign, campaign.State, Revision) {}
func (nobody) Unsaved(campaign.Key, error)                       {}
func (nobody) Called(campaign.Key, campaign.Outcome)             {}
func (nobody) Handled(Wakeup, Verdict, time.Duration)            {}
