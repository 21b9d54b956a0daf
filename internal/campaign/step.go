package campaign

import (
	"time"
)

// Facts are what the rules may know of the moment.
type Facts struct {
	Now time.Time // the worker's clock: for expiry, lateness, pauses
	// Age is how long the stored record has certainly stood as it is, by the
	// stream's clock and since our last connecting: for conclusions about a
	// confirm that somebody else may have sent.
	Age time.Duration
	// Pace is what was seen of the gateway's pace, by the looks at all sendings.
	Pace Pace
	// Gateway is the URL of the gateway that is configured: it decides whose a
	// campaign's number is.
	Gateway string
	// Budgets says that there may be budgets: what a campaign costs is put into
	// their ledger before the confirm.
	Budgets bool
	// Held says why nothing of the source may be begun or confirmed now, in words;
	// empty: it may.
	Held string
}

// Decision is what follows from an input, in this order: save Next if Save,
// tell the world its Outbox, then make Call. Without a Call the campaign
// rests until Next.Wake, or for ever if it is final.
type Decision struct {
	Next Campaign
	Save bool
	Call *Call
	// After is how long to wait in hand before Call is made.
	After time.Duration
	// Refused says why a command cannot be obeyed. It changed nothing.
	Refused string
}

// Step decides. It changes nothing it is given. An input that means nothing
// in the campaign's state changes nothing.
//
// Everything the record owes has been delivered before Step is called, so the
// next version owes only what this step adds.
func (r Rules) Step(c Campaign, in Input, f Facts) Decision {
	t := turn{Rules: r.WithDefaults(), c: c, now: f.Now, age: f.Age, pace: f.Pace, budgets: f.Budgets, gateway: f.Gateway, stopped: f.Held}
	t.c.Outbox = nil
	switch in := in.(type) {
	case Asked:
		if c.State == "" {
			return t.ask(in)
		}
	case Woken:
		if c.State != "" && (!c.State.Final() || c.unsettled() || c.looking()) && !c.Wake.After(f.Now) {
			return t.wake()
		}
	case CancelAsked:
		if c.State == "" {
			return t.cancelUnasked(in)
		}
		return t.cancel(in)
	case Approve:
		if c.State != "" {
			return t.approve(in)
		}
	case Decline:
		if c.State != "" {
			return t.decline(in)
		}
	case Resolved:
		if c.State != "" {
			return t.resolve(in)
		}
	case Follow:
		if c.State != "" {
			return t.follow(in)
		}
	case Forget:
		if c.State != "" {
			return t.forget(in)
		}
	case Delivered:
		if len(c.Outbox) > 0 {
			if c.unsettled() {
				return t.call(OpSettle)
			}
			if c.State.Final() {
				t.c.Wake = t.nextLook()
			}
			return t.save()
		}
	case ToldOtherwise:
		if c.owesCost() && !c.State.Final() {
			return t.toldOtherwise(in.Event)
		}
	case Outcome:
		if in.Op == c.run.asked {
			return t.outcome(in)
		}
	}
	return Decision{Next: c}
}

// turn is one step in the making: a copy of the campaign, and the moment.
type turn struct {
	Rules
	c       Campaign
	now     time.Time
	age     time.Duration
	pace    Pace
	budgets bool
	gateway string
	stopped string // why nothing may be begun or confirmed; empty: it may
}

// wake looks at a campaign that is due.
func (t *turn) wake() Decision {
	t.c.run = run{}
	if d := t.c.Draft; d != nil && !d.Stranded.IsZero() && !t.elsewhere(*d) {
		t.draft(func(d *Bound) { d.Stranded = time.Time{} }) // its gateway is back
	}
	switch s := t.c.State; {
	case s == Unresolved:
		return t.lookOn()
	case s.Final():
		return t.call(OpSettle)
	case s == Requested:
		return t.begin()
	case s == Drafted:
		// Whoever made this draft did not finish in time, and what they may
		// still do to it nobody knows. It is thrown away, not picked up.
		return t.withdraw(Abandoning, nil)
	case s == Quoted:
		return t.held()
	case s.withdrawing():
		return t.strike()
	case t.elsewhere(*t.c.Draft):
		return t.stranded()
	case s == Confirming:
		return t.call(OpStatus)
	default: // Confirmed, Sending
		return t.call(OpStats)
	}
}

// outcome takes what became of the call under way.
func (t *turn) outcome(o Outcome) Decision {
	if o.Kind != OK || o.Op != OpAdmit && o.Op != OpLook {
		t.c.Attempts = attempted(t.c.Attempts, o)
	}
	t.c.run.asked = ""
	switch s := t.c.State; {
	case o.Op == OpSettle:
		return t.settledUp(o)
	case o.Op == OpLook:
		return t.recalled(o)
	case s == Unresolved:
		return t.lookedOn(o)
	case s == Requested:
		return t.created(o)
	case s == Drafted:
		return t.drafting(o)
	case s == Confirming && o.Op == OpConfirm:
		return t.confirmed(o)
	case s == Confirming:
		return t.readBack(o)
	case s.withdrawing():
		return t.withdrawn(o)
	default: // Confirmed, Sending
		return t.followed(o)
	}
}

// become enters a state.
func (t *turn) become(s State) {
	if t.c.State != s {
		t.c.State, t.c.Since = s, t.now
	}
	t.c.Waiting = ""
}

// save stores the campaign as it now is, and rests. Each save makes the record young
// again, so it takes along how long its draft has stood: that is how a draft grows
// old while it is looked at again and again.
func (t *turn) save() Decision {
	if s := t.c.State; t.c.Draft != nil && t.age > 0 && (s == Confirming || s.withdrawing()) {
		t.draft(func(d *Bound) { d.Aged = min(d.Aged+t.age, t.Settle) })
		t.age = 0
	}
	return Decision{Next: t.c, Save: true}
}

// wait stores the campaign, to be looked at again after a pause, and says why.
func (t *turn) wait(pause time.Duration, why string) Decision {
	t.c.Wake, t.c.Waiting = t.now.Add(pause), why
	t.c.run = run{}
	return t.save()
}

// call goes on with a call, without storing anything.
func (t *turn) call(op Op) Decision {
	t.c.run.asked = op
	c := t.c
	call := Call{Op: op, Simulation: c.Request.Simulation}
	if c.Draft != nil {
		call.CampaignID = c.Draft.ID
	}
	switch op {
	case OpCreate, OpWitness:
		call.Draft = Draft{Name: c.Request.Name, Description: marked(c.Request.Description, c.Key)}
	case OpConfigure:
		call.Content = Content{Sender: c.Request.Sender, Text: c.Request.Text, ListID: c.Request.ListID, Unicode: c.Request.Unicode}
	case OpConfirm:
		call.At = c.Draft.For
	case OpRoom, OpReserve:
		call.Amount, call.Period = c.Quote.Price.Total, c.ChargedAt()
	case OpSettle:
		call.Amount, call.Period = c.Cost(), c.ChargedAt()
	}
	return Decision{Next: c, Call: &call}
}

// saveAndCall stores the campaign and then makes the call.
func (t *turn) saveAndCall(op Op) Decision {
	t.save()
	d := t.call(op)
	d.Save = true
	return d
}

// emit owes an event to the world.
func (t *turn) emit(e Event) {
	e.At = t.now
	if t.c.Draft != nil {
		e.CampaignID, e.Gateway = t.c.Draft.ID, t.c.Draft.Gateway
	}
	t.c.Outbox = append(t.c.Outbox, e)
}

// end brings the campaign to a final state and says so. The budgets let go of
// what they hold for it once that is stored and told.
func (t *turn) end(s State, event EventType, why Reason) Decision {
	t.c.Reason = &why
	t.emit(Event{Type: event, N: 1, Reason: &why})
	return t.over(s)
}

// over stores a final state.
func (t *turn) over(s State) Decision {
	t.become(s)
	if t.c.Confirmed != nil {
		t.c.Budgeted = t.budgeted() // also if they were set while it was being sent
	}
	t.c.Wake, t.c.Hold = t.nextLook(), nil
	if len(t.c.Outbox) > 0 || t.c.unsettled() {
		// Whoever stores this may not live to tell it: until it is told, the
		// record can be found overdue like any other.
		t.c.Wake = t.now.Add(t.Lease)
	}
	t.c.run = run{}
	return t.save()
}

// pause is how long to wait after a call that was not answered, and why. A
// call that never left, or was sent back by the rate limit or for the key,
// counts as no try: nobody's patience is used up by somebody else's outage.
func (t *turn) pause(o Outcome) (time.Duration, string) {
	if o.Kind == Unavailable {
		t.c.Tries++
		who := "the gateway"
		switch o.Op {
		case OpRoom, OpReserve, OpSettle:
			who = "the budgets' ledger"
		case OpLook:
			who = "the events' stream"
		}
		return t.backoff(t.c.Tries, t.c.Key), who + " did not answer " + string(o.Op) + because(o)
	}
	d := max(o.RetryAfter, time.Second)
	return d + spread(t.c.Key, 0, d/4), string(o.Op) + " may not be called now" + because(o)
}

func because(o Outcome) string {
	switch {
	case o.Words != "":
		return ": " + o.Words
	case o.Err != "":
		return ": " + o.Err
	}
	return ""
}

// Mark is how a draft is told from others' at the gateway, and what people look for
// there.
func Mark(key Key) string { return "[staffetta " + key.String() + "]" }

// maxDescription is the gateway's limit, in characters.
const maxDescription = 1000

// marked adds the key to a draft's description, so that a draft whose create
// lost its reply can be found and told from the others. The mark is whole: what
// does not fit beside it goes.
func marked(description string, key Key) string {
	if description == "" {
		return Mark(key)
	}
	kept := []rune(description)
	if room := maxDescription - len(Mark(key)) - len(" "); len(kept) > room {
		kept = append(kept[:room-1:room-1], '…')
	}
	return string(kept) + " " + Mark(key)
}
