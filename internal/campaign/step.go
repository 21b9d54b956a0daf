package campaign

import (
	"cmp"
	"time"
)

// Facts are what the rules may know of the moment.
type Facts struct {
	Now time.Time // the worker's clock: for expiry, lateness, pauses
	// Age is how long the stored record has certainly not changed, by the stream's
	// clock and since we last connected. Conclusions about a confirm that another run
	// may have sent rest on it.
	Age time.Duration
	// Pace is what was seen of the gateway's pace, by the looks at all campaigns
	// being sent.
	Pace Pace
	// Gateway is the URL of the gateway that is configured. A campaign's number means
	// something at the gateway that gave it, and at no other.
	Gateway string
	// Account is the account at that gateway with which calls are made; empty: there is
	// only one. It is the campaign's own, as long as that is configured.
	Account string
	// Budgets says that there may be budgets. Then the cost of a campaign is reserved
	// in their ledgers before the confirm.
	Budgets bool
	// Held says in words why no campaign of the source may be begun or confirmed now;
	// empty: it may.
	Held string
}

// Decision is what follows from an input, in this order: save Next if Save, publish
// its Outbox, then make Call. Without a Call the campaign rests until Next.Wake, or
// for ever if it is final.
type Decision struct {
	Next Campaign
	Save bool
	Call *Call
	// After is how long the worker waits, with the draft, before it makes Call.
	After time.Duration
	// Objection says why a command cannot be followed. Such a command changes
	// nothing.
	Objection string
}

// Step decides. It never changes its arguments. An input that means nothing in the
// campaign's state leads to no change.
//
// Everything that the record owes has been published before Step is called, so the
// next version owes only what this step adds.
func (r Rules) Step(c Campaign, in Input, f Facts) Decision {
	t := transition{Rules: r.WithDefaults(), c: c, now: f.Now, age: f.Age, pace: f.Pace, budgets: f.Budgets, gateway: f.Gateway, account: f.Account, held: f.Held, announced: c.announced()}
	t.c.Outbox = nil
	switch in := in.(type) {
	case Received:
		if c.State == "" {
			return t.receive(in)
		}
	case Woken:
		if c.State != "" && (!c.State.Final() || c.unsettled() || c.looking() || c.uncleared()) && !c.Wake.After(f.Now) {
			return t.wake()
		}
		if t.outlived() {
			return t.call(OpErase)
		}
		if t.tooWhole() {
			return t.shorten()
		}
	case Cancel:
		if c.State == "" {
			return t.cancelBeforeRequest(in)
		}
		return t.cancel(in)
	case Approve:
		if c.State != "" {
			return t.approve(in)
		}
	case Prove:
		if c.State != "" {
			return t.prove(in)
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
				t.c.Wake = t.nextDue()
			}
			return t.save()
		}
	case CostConflict:
		if c.owesCost() && !c.State.Final() {
			return t.costConflict(in.Event)
		}
	case Outcome:
		if in.Op == c.run.current {
			return t.outcome(in)
		}
	}
	return Decision{Next: c}
}

// transition is one step in the making: a copy of the record, and the moment. Its
// methods have one grammar: an imperative acts (begin, retreat, reject), a participle
// takes the outcome or the command that it names (created, priced, cancelAnswered),
// an adjective or a noun only asks and changes nothing (late, plannedStart).
type transition struct {
	Rules
	c       Campaign
	now     time.Time
	age     time.Duration
	pace    Pace
	budgets bool
	gateway string
	account string
	held    string // why no campaign may be begun or confirmed; empty: it may

	announced int // how many events the record had announced before this step
}

// wake looks at a campaign that is due.
func (t *transition) wake() Decision {
	t.c.run = run{}
	if d := t.c.Draft; d != nil && !d.Stranded.IsZero() && !t.atOtherGateway(*d) {
		t.draft(func(d *Bound) { d.Stranded = time.Time{} }) // its gateway is back
	}
	switch s := t.c.State; {
	case s.Final() && t.clearingIsDue():
		return t.clear()
	case s == Unresolved:
		return t.lookAtSuspect()
	case s.Final():
		return t.call(OpSettle)
	case s == Requested:
		return t.begin()
	case s == Drafted:
		// The run that made this draft did not finish in time, and may still make
		// calls on it. So the draft is thrown away and not used again.
		return t.withdraw(Abandoning, nil)
	case s == Quoted:
		return t.endWait()
	case s.withdrawing():
		return t.nextWithdrawalCall()
	case t.atOtherGateway(*t.c.Draft):
		return t.stranded()
	case s == Confirming:
		return t.call(OpStatus)
	default: // Confirmed, Sending
		return t.call(OpStats)
	}
}

// outcome takes what became of the call under way.
func (t *transition) outcome(o Outcome) Decision {
	if o.Op == OpErase {
		return t.erased(o)
	}
	if o.Kind != OK || o.Op != OpAdmit && o.Op != OpLook {
		t.c.Attempts = attempted(t.c.Attempts, o)
	}
	t.c.run.current = ""
	switch s := t.c.State; {
	case o.Op == OpSettle:
		return t.settled(o)
	case o.Op == OpLook:
		return t.eventsRead(o)
	case s.Final() && o.Op != OpStatus:
		return t.clearAnswered(o)
	case s == Unresolved:
		return t.suspectLookedAt(o)
	case s == Requested && o.Op != OpCreate:
		return t.enlisted(o)
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
func (t *transition) become(s State) {
	if t.c.State != s {
		t.c.State, t.c.Since = s, t.now
	}
	t.c.Waiting = ""
}

// save stores the campaign as it now is, and rests. Each save sets the record's age
// back to zero. So the age of the draft is added up in the draft itself, and grows
// although the record is saved again and again.
func (t *transition) save() Decision {
	if s := t.c.State; t.c.Draft != nil && t.age > 0 && (s == Confirming || s.withdrawing()) {
		t.draft(func(d *Bound) { d.Aged = min(d.Aged+t.age, t.Settle) })
		t.age = 0
	}
	if d := t.c.Draft; d != nil && t.c.Account == "" && !t.atOtherGateway(*d) || t.c.List != nil && t.c.Account == "" {
		t.c.Account = t.account // from its first draft, or list, on the campaign stays in its account
	}
	return Decision{Next: t.c, Save: true}
}

// wait stores the campaign, to be looked at again after a pause, and says why.
func (t *transition) wait(pause time.Duration, why string) Decision {
	t.c.Wake, t.c.Waiting = t.now.Add(pause), why
	t.c.run = run{}
	return t.save()
}

// call goes on with a call, without storing anything.
func (t *transition) call(op Op) Decision {
	t.c.run.current = op
	c := t.c
	call := Call{Op: op, Simulation: c.Request.Simulation}
	if c.Draft != nil {
		call.CampaignID = c.Draft.ID
	}
	switch op {
	case OpCreate, OpWitness:
		call.Draft = Draft{Name: c.Request.Name, Description: marked(c.Request.Description, c.Key)}
	case OpConfigure:
		call.Content = Content{Sender: c.Request.Sender, Text: c.Request.Text, ListID: c.listID(), Unicode: c.Request.Unicode}
	case OpConfirm:
		call.At = c.Draft.For
	case OpRoom, OpReserve:
		call.Amount, call.Period = c.Quote.Price.Total, c.ChargedAt()
	case OpSettle:
		call.Amount, call.Period = c.Cost(), c.ChargedAt()
	case OpList:
		call.Name = listName(c.Key, c.List.N)
	case OpFind:
		call.Name = ListMark(c.Key)
		if !c.State.Final() {
			call.Upto = c.List.N
		}
	case OpUpload, OpCount:
		call.List = c.List.ID
	case OpUnlist:
		call.Lists = c.run.lists
	}
	return Decision{Next: c, Call: &call}
}

// saveAndCall stores the campaign and then makes the call.
func (t *transition) saveAndCall(op Op) Decision {
	t.save()
	d := t.call(op)
	d.Save = true
	return d
}

// emit adds an event to those that the record has to publish.
func (t *transition) emit(e Event) {
	e.At = t.now
	if t.c.Draft != nil {
		e.CampaignID, e.Gateway = t.c.Draft.ID, t.c.Draft.Gateway
	}
	e.Account = cmp.Or(t.c.Account, t.account)
	t.c.EventsN = max(t.c.EventsN, t.announced) + 1
	e.Sequence = t.c.EventsN
	t.c.Outbox = append(t.c.Outbox, e)
}

// end brings the campaign to a final state and publishes it. The budgets release what
// they have reserved for it once that is stored and published.
func (t *transition) end(s State, event EventType, why Reason) Decision {
	t.c.Reason = &why
	t.emit(Event{Type: event, N: 1, Reason: &why})
	return t.saveFinal(s)
}

// saveFinal stores a final state.
func (t *transition) saveFinal(s State) Decision {
	t.become(s)
	if t.c.Confirmed != nil {
		t.c.Budgeted = t.inBudgets() // also if they were set while it was being sent
	}
	t.c.Wake, t.c.Need = t.nextDue(), nil
	if len(t.c.Outbox) > 0 || t.c.unsettled() {
		// A crash may come after this save and before the events are published. So
		// the record keeps a due time until then, and is found overdue like any
		// other.
		t.c.Wake = t.now.Add(t.Lease)
	}
	t.c.run = run{}
	return t.save()
}

// pause is how long to wait after a call that was not answered, and why. A call that
// never left, or was turned away by the rate limit or for the key, does not count as
// a try: an outage elsewhere must not use up the patience with this campaign.
func (t *transition) pause(o Outcome) (time.Duration, string) {
	if o.Kind == Unavailable {
		t.c.Tries++
		who := "the gateway"
		switch o.Op.To() {
		case ToLedger:
			who = "the budgets' ledger"
		case ToStreams, ToPeople:
			who = "the streams' server"
		}
		return t.backoff(t.c.Tries, t.c.Key), who + " did not answer " + string(o.Op) + waitingFor(o)
	}
	d := max(o.RetryAfter, time.Second)
	return d + jitter(t.c.Key, 0, d/4), string(o.Op) + " may not be called now" + waitingFor(o)
}

func waitingFor(o Outcome) string {
	switch {
	case o.Words != "":
		return ": " + o.Words
	case o.Err != "":
		return ": " + o.Err
	}
	return ""
}

// Mark distinguishes a draft from others at the gateway. People search for it there.
func Mark(key Key) string { return "[staffetta " + key.String() + "]" }

// maxDescription is the gateway's limit, in characters.
const maxDescription = 1000

// marked adds the key to a draft's description, so that a draft whose create lost its
// reply can be found and told apart from others. The mark is always whole: a
// description that is too long beside it is cut.
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
