package campaign

// State is where a campaign stands. The zero State is "no record yet".
type State string

const (
	// Requested is saved only when the campaign has to wait before it has a
	// draft: the gateway was out of reach, or may not be called just now.
	Requested State = "requested"
	// Drafted binds a gateway campaign id to the key. Only the run that made
	// the draft works on it; any other run throws it away and starts over.
	Drafted State = "drafted"
	// Quoted waits with its quote: for an approval, for credit, for its send window.
	// Only the quote is kept. When the wait is over, a new draft is made and quoted
	// again.
	Quoted State = "quoted"
	// Confirming is the saved intent: one confirm of exactly this quote may
	// leave, once, by the run that saved it.
	Confirming State = "confirming"
	// Confirmed means the gateway has accepted the campaign and will send it,
	// now or at its instant.
	Confirmed State = "confirmed"
	// Sending means messages are on their way; statistics are followed.
	Sending State = "sending"
	// Completed is the end of a campaign that was sent, and whose figures add up.
	Completed State = "completed"
	// Unreconciled is the end of a campaign that was sent, and whose figures did
	// not add up for as long as they were followed.
	Unreconciled State = "unreconciled"
	// Abandoning deletes a draft that may not be used any more, then starts over.
	Abandoning State = "abandoning"
	// Rejecting deletes the draft of a campaign that was refused.
	Rejecting State = "rejecting"
	// Cancelling deletes the draft, or the scheduled campaign, of a campaign that a
	// person cancelled.
	Cancelling State = "cancelling"
	// Rejected is the end: we or the gateway said no; nothing was sent.
	Rejected State = "rejected"
	// Cancelled is the end: a person cancelled it; nothing was sent.
	Cancelled State = "cancelled"
	// Failed is the end: it was confirmed, and then the gateway said that it failed
	// (status 4), or that it is not confirmed.
	Failed State = "failed"
	// Unresolved is the end if it cannot be established whether the campaign was
	// sent. A person has to look at the gateway.
	Unresolved State = "unresolved"
)

// States lists every state in the order of the lifecycle.
var States = []State{
	Requested, Drafted, Quoted, Confirming, Confirmed, Sending, Completed, Unreconciled,
	Abandoning, Rejecting, Cancelling, Rejected, Cancelled, Failed, Unresolved,
}

// Final says that nothing will ever happen to the campaign again by itself.
func (s State) Final() bool {
	switch s {
	case Completed, Unreconciled, Rejected, Cancelled, Failed, Unresolved:
		return true
	}
	return false
}

// Forgettable says that it has ended, and that no person has to look for it any more.
func (s State) Forgettable() bool {
	switch s {
	case Completed, Rejected, Cancelled, Failed:
		return true
	}
	return false
}

// looking says that it is unresolved, and goes on being looked at.
func (c Campaign) looking() bool { return c.State == Unresolved && !c.Wake.IsZero() }

// withdrawing says that the campaign's draft is being deleted.
func (s State) withdrawing() bool { return s == Abandoning || s == Rejecting || s == Cancelling }
