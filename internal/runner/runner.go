package runner

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/loop"
)

// Options are what a Runner needs. Only Journal and Gateway are required.
type Options struct {
	Rules    campaign.Rules // zero values mean the rules' own defaults
	Journal  Journal
	Gateway  Gateway       // of the only account
	Observer Observer      // nil: nothing is reported
	Budgets  Budgets       // nil: none is enforced
	Pace     PaceEstimator // nil: nothing is ever seen, and Rules.Pace counts
	Button   Button        // nil: nothing is ever held
	Intake   Intake        // nil: no source is limited
	People   People        // nil: no campaign has recipients of its own
	Claims   Claims        // nil: no campaign has personal texts
	// At is the URL of the gateway. It is saved with each number that the gateway
	// gives.
	At string
	// Accounts finds the account of a campaign, by its record, or by its key where it
	// has no record yet. Nil: there is only one, with Rules, Gateway, Pace, Budgets and At.
	Accounts func(key campaign.Key, c campaign.Campaign) Account
	// Clock is the wall clock of the machine, which need not be right. Nil:
	// time.Now.
	Clock func() time.Time
	// Sleep waits before a call that may not be made yet. Nil: it really waits.
	Sleep func(context.Context, time.Duration)
	// Decide stands in for Rules.Step. A test sees with it what breaks without one of
	// the rules. Nil: the rules decide.
	Decide func(campaign.Campaign, campaign.Input, campaign.Facts) campaign.Decision
}

// Runner takes a campaign as far as it can go, in each call of Handle. It keeps nothing
// between two wake-ups, and is safe for concurrent use.
type Runner struct {
	journal  Journal
	accounts func(campaign.Key, campaign.Campaign) Account
	observer Observer
	button   Button
	intake   Intake
	people   People
	claims   Claims
	clock    func() time.Time
	sleep    func(context.Context, time.Duration)
	decide   func(campaign.Campaign, campaign.Input, campaign.Facts) campaign.Decision

	// unsaved is when a save last failed, in nanoseconds. From then on no draft is
	// begun before its record was saved. Zero: saving is not in doubt.
	unsaved atomic.Int64
}

// New returns a Runner.
func New(o Options) *Runner {
	if o.Observer == nil {
		o.Observer = noObserver{}
	}
	if o.Button == nil {
		o.Button = noButton{}
	}
	r := &Runner{journal: o.Journal, accounts: o.Accounts, observer: o.Observer, decide: o.Decide, clock: o.Clock, button: o.Button, intake: o.Intake, people: o.People, claims: o.Claims, sleep: o.Sleep}
	if r.accounts == nil {
		only := Account{At: o.At, Rules: o.Rules.WithDefaults(), Gateway: o.Gateway, Pace: o.Pace, Budgets: o.Budgets}
		r.accounts = func(campaign.Key, campaign.Campaign) Account { return only }
	}
	if r.clock == nil {
		r.clock = time.Now
	}
	if r.sleep == nil {
		r.sleep = sleep
	}
	return r
}

// A campaign never needs this many steps in one run. With the bound, a mistake in the
// rules makes a campaign slow instead of making a loop that never ends.
const maxSteps = 100

// Handle deals with one wake-up and says what becomes of its message. It is
// the whole loop, and it is the same on the first delivery, on a redelivery
// and after a crash.
func (r *Runner) Handle(ctx context.Context, w Wakeup) loop.Verdict {
	began := time.Now()
	found, v := r.handle(ctx, w)
	r.observer.Handled(w, found, v, time.Since(began))
	return v
}

func (r *Runner) handle(ctx context.Context, w Wakeup) (found Found, v loop.Verdict) {
	ctx = WithSource(ctx, w.Key.Source)
	run, found, in, v := r.begin(ctx, w)
	if run == nil {
		return found, v
	}
	defer run.release()
	v = run.loop(ctx, in)
	if proof, is := in.(campaign.Prove); is && v.Do == loop.Ack {
		v = run.askForProof(ctx, proof)
	}
	found.Wake = run.stored.Wake
	return found, v
}

// begin loads the record of a wake-up and publishes what it owes. It returns the run and
// its first input; without a run, the verdict. A frame of its own is no part of the stack
// under the loop, which many workers hold at the same time.
func (r *Runner) begin(ctx context.Context, w Wakeup) (_ *run, found Found, _ campaign.Input, _ loop.Verdict) {
	c, rev, err := r.journal.Load(ctx, w.Key)
	if err != nil {
		if errors.Is(err, ErrNoPlace) {
			r.noteUnsaved(w.Key, err)
		}
		return nil, found, nil, loop.AfterTrouble(err)
	}
	found = find(w, &c, rev)
	run := &run{found: found, Runner: r, wakeup: w, c: c, stored: c, rev: rev}
	// The last run may have crashed after the save and before it published.
	var otherwise *CostConflict
	if err := r.publish(ctx, c); errors.As(err, &otherwise) {
		// The message is delivered again after the conflict is stored.
		run.loop(ctx, campaign.CostConflict{Event: otherwise.Event})
		run.release()
		return nil, found, nil, loop.AfterConflict(err)
	} else if err != nil {
		return nil, found, nil, run.trouble(err)
	}

	var in campaign.Input = campaign.Woken{}
	switch {
	case w.Kind == WakeRequest && c.State == "":
		if r.intake != nil {
			if no := r.intake.Takes(w.Key, w.Stored); no != "" {
				return nil, found, nil, loop.Verdict{Do: loop.Bury, Reason: deadletter.TooMany, Note: no}
			}
		}
		in = campaign.Received{Key: w.Key, Request: w.Request, Trace: w.Trace, TraceState: w.TraceState, At: w.RequestedAt, Stored: w.Stored}
	case w.Kind == WakeRequest && c.RequestedAt.IsZero() && c.State == campaign.Cancelled:
		return nil, found, nil, loop.Verdict{Do: loop.Bury, Reason: deadletter.Cancelled, Note: fmt.Sprintf(
			"%s was cancelled by %s before it was asked for; ask again under a new request id", w.Key, c.Cancel.By)}
	case w.Kind == WakeRequest && !c.Request.Known():
		// The record was lost, and a cancel had it rebuilt from the events. The events
		// do not show what was asked for, so there is nothing to compare.
	case w.Kind == WakeRequest:
		if fields := c.Request.Diff(w.Request); len(fields) > 0 {
			return nil, found, nil, loop.Verdict{Do: loop.Bury, Reason: deadletter.Conflicting, Fields: fields,
				Note: fmt.Sprintf("%s was already requested with other content; the first one stands", w.Key)}
		}
	case w.Kind == WakeCommand:
		in = w.Command
		if cancel, ok := in.(campaign.Cancel); ok {
			if c.State == "" && r.intake != nil {
				no, err := r.stray(ctx, w)
				if err != nil {
					return nil, found, nil, loop.AfterTrouble(err)
				}
				if no != "" {
					return nil, found, nil, loop.Verdict{Do: loop.Bury, Reason: deadletter.TooMany, Note: no}
				}
			}
			cancel.Key = w.Key
			in = cancel
		}
		if approve, ok := in.(campaign.Approve); ok {
			if approve.Proof, err = r.seenProof(ctx, c, approve); err != nil {
				return nil, found, nil, loop.AfterTrouble(err)
			}
			in = approve
		}
	}
	return run, found, in, loop.Verdict{}
}

// stray says why a cancel without a record is put aside: the campaign was never asked
// for, and its source has had too many such cancels, each of which leaves a record for
// ever. A cancel whose request waits in the stream is no stray. Neither is a cancel of
// a campaign whose record was lost: the campaign has events.
func (r *Runner) stray(ctx context.Context, w Wakeup) (no string, err error) {
	asked, err := r.journal.Asked(ctx, w.Key)
	if err != nil || asked {
		return "", err
	}
	if no = r.intake.TakesStray(w.Key, w.Stored); no == "" {
		return "", nil
	}
	told, err := r.journal.Published(ctx, w.Key)
	if err != nil || len(told) > 0 {
		return "", err
	}
	return no, nil
}

// publish publishes what a record owes. To publish twice is the same as once.
func (r *Runner) publish(ctx context.Context, c campaign.Campaign) error {
	if len(c.Outbox) == 0 {
		return nil
	}
	err := r.journal.Publish(ctx, c)
	if err == nil {
		r.observer.Told(c)
	}
	return err
}

// run is one worker handling one wake-up.
type run struct {
	*Runner
	wakeup  Wakeup
	found   Found
	c       campaign.Campaign // the record as this run knows it
	account Account           // the account of c
	stored  campaign.Campaign // the record as the journal has it
	rev     loop.Revision
	permit  Permit    // for one confirm, until it is used
	intent  time.Time // an instant before the save of the intent was sent

	screened screened // who of its people was looked at

	costConflict *CostConflict // the events that were just saved cannot be published
}

// loop: decide → save → deliver → act, and the outcome is the next input.
func (r *run) loop(ctx context.Context, in campaign.Input) loop.Verdict {
	for range maxSteps {
		r.intent = time.Now()
		now := r.now()
		r.choose()
		d := r.step(in, campaign.Facts{
			Now: now, Age: r.journal.Age(r.rev, r.wakeup.Stored), Pace: r.account.Pace.Estimate(now), Budgets: r.account.Budgets != nil && r.account.Budgets.Exist(),
			Gateway: r.account.At, Account: r.account.Name,
			Held: r.button.Held(r.wakeup.Key.Source),
		})
		if d.Objection != "" {
			return loop.Verdict{Do: loop.Bury, Reason: deadletter.Refused, Note: d.Objection}
		}
		if d.Call != nil && d.Call.Op == campaign.OpCreate && !d.Save && !r.Recording() {
			// A draft is begun only if it can be recorded. So the record is saved
			// first, unchanged, to see whether it can be.
			d.Next.Wake, d.Save = now.Add(r.account.Rules.WithDefaults().Lease), true
		}
		if d.Save {
			if v, ok := r.save(ctx, d.Next); !ok {
				return v
			}
		}
		r.c = d.Next
		if r.costConflict != nil {
			in, r.costConflict = campaign.CostConflict{Event: r.costConflict.Event}, nil
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
	return loop.AfterTrouble(fmt.Errorf("campaign %s did not come to rest", r.wakeup.Key))
}

// save stores the campaign and publishes what the new version owes. After a crash
// between the two, the next run that loads the record publishes it.
func (r *run) save(ctx context.Context, c campaign.Campaign) (loop.Verdict, bool) {
	from := r.stored.State
	rev, err := r.journal.Save(ctx, c, r.rev)
	switch {
	case errors.Is(err, loop.ErrConflict):
		return loop.AfterConflict(err), false
	case errors.Is(err, ErrBroken):
		return r.trouble(err), false
	case err != nil:
		// The record may be stored or not. The next run that loads it will see.
		r.noteUnsaved(c.Key, err)
		return loop.AfterTrouble(err), false
	case r.rev.Seq == 0 && r.unsaved.Load() != 0:
		// There is room for new records. Only a new record shows that: a full store
		// still takes a new version of an old one.
		r.unsaved.Store(0)
	}
	was := r.stored
	r.rev, r.stored = rev, c
	r.observer.Moved(c, from, rev)
	r.account.Pace.Observe(c, r.now())
	if len(c.Outbox) > 0 && !r.journal.Valid(r.rev) {
		// The connection broke after the save, so a power cut may have taken the save
		// back.
		return loop.AfterConflict(loop.ErrConflict), false
	}
	if err := r.publish(ctx, c); err != nil && !errors.As(err, &r.costConflict) {
		return r.trouble(err), false
	}
	r.letGo(ctx, was, c)
	return loop.Verdict{}, true
}

// trouble is the verdict on a message whose record could not be saved or published. A
// fault of the journal passes, so the message is retried. A mistake of ours (ErrBroken)
// does not pass. Then a message that the record does not know yet, a first request or a
// command, is buried for a person. Any other message is acknowledged: its record is
// due, so the sweep wakes it, also after an update of the service, and the message is
// not delivered every two seconds for ever.
func (r *run) trouble(err error) loop.Verdict {
	switch {
	case !errors.Is(err, ErrBroken):
		return loop.AfterTrouble(err)
	case r.wakeup.Kind == WakeCommand, r.rev.Seq == 0:
		return loop.Verdict{Do: loop.Bury, Reason: deadletter.Broken, Note: err.Error()}
	}
	return loop.Verdict{Do: loop.Ack, Note: err.Error()}
}

// rest ends the run, or returns an input with which the run goes on.
func (r *run) rest(ctx context.Context) (campaign.Input, loop.Verdict) {
	// What is not stored is dropped: from here on the run knows only what the journal
	// has.
	r.c = r.stored
	c, now := r.stored, r.now()
	switch {
	case c.State == "" && r.wakeup.Kind == WakeCommand:
		return nil, r.unknownCampaign(now)
	case c.State == "":
		return nil, loop.Verdict{Do: loop.Ack}
	case len(c.Outbox) > 0 && (c.State.Final() || c.Wake.Sub(now) > longSleep):
		return campaign.Delivered{}, loop.Verdict{}
	case c.State.Final() && c.Wake.IsZero():
		return nil, loop.Verdict{Do: loop.Ack}
	case !c.Wake.After(now):
		// A timer that is due would fire at once and be armed again. So this run acts
		// itself.
		return campaign.Woken{}, loop.Verdict{}
	}
	wake := c.Wake
	if soon := now.Add(longestSleep); wake.After(soon) {
		wake = soon
	}
	if err := r.journal.Arm(ctx, c.Key, wake); err != nil {
		return nil, loop.AfterTrouble(err)
	}
	return nil, loop.Verdict{Do: loop.Ack}
}

// now is this worker's clock, or the stream's where that is ahead.
func (r *run) now() time.Time { return loop.Now(r.clock(), r.wakeup.Stored) }

// unknownCampaign is the verdict on a command for a campaign that has no record. Its
// request may be waiting in another stream until the gateway can be reached, and then
// the command must still be there.
func (r *run) unknownCampaign(now time.Time) loop.Verdict {
	note := fmt.Sprintf("there is no campaign %s", r.wakeup.Key)
	waited := now.Sub(r.wakeup.Stored)
	if waited >= RequestMayCome {
		return loop.Verdict{Do: loop.Bury, Reason: deadletter.Unknown, Note: note}
	}
	return loop.Verdict{Do: loop.Retry, After: min(max(waited/4, time.Second), 5*time.Minute), Note: note + " yet"}
}

// RequestMayCome is how long a command waits for its request: as long as the service
// may have been away, but not as long as a command is kept in its stream.
const RequestMayCome = 6 * 24 * time.Hour

// longSleep is far below the age at which the events stream forgets. A record that
// sleeps longer must owe nothing: otherwise it would publish the same events again.
const longSleep = time.Hour

// longestSleep is how long a campaign rests at most without being looked at. A power
// cut may bring back an older record, with events in its outbox that were published. If
// it is looked at within a week, they are published again to a stream that still knows
// them, and the outbox is emptied again.
const longestSleep = 7 * 24 * time.Hour

// act makes a call. The confirm of an intent is special. It leaves with the permit that
// was taken before the intent. It leaves at most L after an instant before the intent
// was saved, by two clocks, because a machine that was suspended stops one of them. And
// it leaves only while the connection stands that saved the intent. Otherwise it does
// not leave at all.
func (r *run) act(ctx context.Context, call campaign.Call) campaign.Outcome {
	var o campaign.Outcome
	switch to := call.Op.To(); {
	case to == campaign.ToLedger:
		o = r.callLedger(ctx, call)
	case call.Op == campaign.OpClaim:
		o = r.claim(ctx)
	case to == campaign.ToPeople:
		o = r.callPeople(ctx, call)
	case call.Op == campaign.OpUpload:
		o = r.upload(ctx, call)
	case call.Op == campaign.OpErase:
		return r.erase(ctx)
	case to == campaign.ToStreams:
		return r.readEvents(ctx)
	case call.Op == campaign.OpAdmit:
		if o = r.admit(ctx); o.Kind == campaign.OK {
			o.Op = call.Op
			return o
		}
	case call.Op == campaign.OpConfirm:
		if why := r.stale(); why != "" {
			o = campaign.Outcome{Kind: campaign.NotAttempted, Err: why}
			break
		}
		permit := r.permit
		r.permit = nil
		o = permit.Call(ctx, call)
	default:
		permit, no := r.account.Gateway.Admit(ctx, call.Op)
		if permit == nil {
			o = no
			break
		}
		if call.Op == campaign.OpCalculate {
			defer loop.StepAside(ctx)() // a long list takes the gateway a minute
		}
		o = permit.Call(ctx, call)
	}
	o.Op = call.Op
	if o.Started.IsZero() {
		o.Started = time.Now()
	}
	r.found.Saved = r.rev.Seq
	r.observer.Called(r.c, r.found, o)
	return o
}

// readEvents reads the published events of the campaign, in the shape of a call.
func (r *run) readEvents(ctx context.Context) campaign.Outcome {
	o := campaign.Outcome{Op: campaign.OpLook, Kind: campaign.OK, Started: time.Now().UTC()}
	var err error
	if o.Events, err = r.journal.Published(ctx, r.wakeup.Key); err != nil {
		o.Kind, o.Err = campaign.Unavailable, err.Error()
	}
	o.Took = time.Since(o.Started)
	return o
}

// erase has the campaign's text removed from the streams, in the shape of a call.
func (r *run) erase(ctx context.Context) campaign.Outcome {
	o := campaign.Outcome{Op: campaign.OpErase, Kind: campaign.OK, Started: time.Now().UTC()}
	if err := r.journal.Erase(ctx, r.wakeup.Key); err != nil {
		o.Kind, o.Err = campaign.Unavailable, err.Error()
	}
	o.Took = time.Since(o.Started)
	return o
}

// sleep waits, until ctx ends at the latest.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// stale says why the saved intent permits no confirm any more; empty: it does.
func (r *run) stale() string {
	limit := r.account.Rules.WithDefaults().ConfirmWithin
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
	// Saving the intent may have taken long, and people press the button at the last
	// moment.
	return r.button.Held(r.wakeup.Key.Source)
}

// release gives back a permit that was not used.
func (r *run) release() {
	if r.permit != nil {
		r.permit.Release()
	}
}
