package campaign

import (
	"hash/fnv"
	"time"
)

// Rules are the times and limits of the lifecycle. The zero value of each
// field means the default named beside it.
type Rules struct {
	// ConfirmWithin is L: how long after the intent its confirm may leave.
	// Default 10 s.
	ConfirmWithin time.Duration
	// Settle is S: how long nothing is concluded from a confirm whose outcome
	// is unknown. It must exceed ConfirmWithin plus the longest time from
	// sending a call to its effect. Default 2 min.
	Settle time.Duration
	// Lease is how long a run may work on its draft before another run throws
	// the draft away. Too short costs a second draft, never a second send.
	// Default 1 min.
	Lease time.Duration
	// QuoteWithin is how old a quote may be when its intent is saved. One that
	// is older, because leave to confirm was long in coming, is made again.
	// Default 5 min.
	QuoteWithin time.Duration
	// TooLate is how long after its instant a campaign is still confirmed.
	// Default 10 min.
	TooLate time.Duration
	// PollMin and PollMax bound the pause between two reads of the
	// statistics, which is a tenth of the time since the start.
	// Default 5 s and 15 min.
	PollMin, PollMax time.Duration
	// LookBefore is how long before its instant a scheduled campaign is looked
	// at once more, if it was confirmed at least twice as long before.
	// Default 10 min.
	LookBefore time.Duration
	// GiveUp is how long after the start statistics are followed. Default 72 h.
	GiveUp time.Duration
	// BackoffMin and BackoffMax bound the pause after a call without an
	// answer. Default 1 s and 5 min.
	BackoffMin, BackoffMax time.Duration
	// Rounds is how many intents are made for one campaign, each on a draft of
	// its own, each proven not to have taken effect before the next. Default 10.
	Rounds int
	// Denials is how many deletes in a row may leave standing what was confirmed
	// before no further one is sent. Default 5.
	Denials int
	// Vanished is how many reads in a row must show a confirmed campaign
	// unconfirmed before it is called lost, or drafts in a row must not be found
	// that were just made before the request is rejected. Default 5.
	Vanished int
	// Patience is how long it is asked whether a confirm took effect, from its
	// instant if it has one, before a person is asked. Default 1 h.
	Patience time.Duration
	// LookAgain is the pause between two looks at what is unresolved. Default 1 h.
	LookAgain time.Duration
	// Unanswered is how long a step of the draft may be answered by somebody who
	// does not speak as the gateway does, or with 5xx, while others are answered,
	// before the request is rejected. Default 1 h.
	Unanswered time.Duration
	// ConfigureRefusedOnceSent says that it was measured: this gateway refuses to
	// configure what was confirmed. Then CONFIGURED shows that a campaign is not
	// confirmed also where no read does.
	ConfigureRefusedOnceSent bool
	// MovedFrom are former addresses of the gateway that is configured: what was
	// made there is here.
	MovedFrom []string

	// Policies are what the operator lays down, by source; "*" is for sources
	// that have none of their own. Windows are the send windows, by name.
	Policies map[string]Policy
	Windows  map[string]Window
	// Pace is how many messages the gateway sends in a minute, to tell how long
	// a sending takes as long as nothing better was seen: see [Rules.PaceFor].
	// Default 200: UC-006's 9,831 took 42 minutes.
	Pace int
	// DriftTolerance is by how many percent recipients and parts may differ
	// from what was approved. Default 0: not at all.
	DriftTolerance int
	// ApprovalWithin and CreditWithin are how long a campaign waits for an
	// approval or a top-up if it does not say so itself. Default 24 h each.
	// CreditEvery is how often the credit is looked at meanwhile, with a fresh
	// quote each time. Default 15 min.
	ApprovalWithin, CreditWithin, CreditEvery time.Duration
}

// WithDefaults fills in what was left zero.
func (r Rules) WithDefaults() Rules {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	count := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	def(&r.ConfirmWithin, 10*time.Second)
	def(&r.Settle, 2*time.Minute)
	def(&r.Lease, time.Minute)
	def(&r.QuoteWithin, 5*time.Minute)
	def(&r.TooLate, 10*time.Minute)
	def(&r.PollMin, 5*time.Second)
	def(&r.PollMax, 15*time.Minute)
	def(&r.LookBefore, 10*time.Minute)
	def(&r.GiveUp, 72*time.Hour)
	def(&r.BackoffMin, time.Second)
	def(&r.BackoffMax, 5*time.Minute)
	count(&r.Rounds, 10)
	count(&r.Denials, 5)
	count(&r.Vanished, 5)
	count(&r.Pace, 200)
	def(&r.Patience, time.Hour)
	def(&r.LookAgain, time.Hour)
	def(&r.Unanswered, time.Hour)
	def(&r.ApprovalWithin, 24*time.Hour)
	def(&r.CreditWithin, 24*time.Hour)
	def(&r.CreditEvery, 15*time.Minute)
	return r
}

// backoff is the pause after the n-th call in a row without an answer:
// doubling, bounded, and spread by the key so that a thousand campaigns do
// not come back in the same moment.
func (r Rules) backoff(n int, key Key) time.Duration {
	d := r.BackoffMax
	if shift := n - 1; shift < 16 {
		d = min(d, r.BackoffMin<<max(shift, 0))
	}
	return d + spread(key, n, d/4)
}

// pollPause is the pause before the next read of the statistics.
func (r Rules) pollPause(sinceStart time.Duration) time.Duration {
	return min(max(r.PollMin, sinceStart/10), r.PollMax)
}

// spread is a share of width that depends on the key alone: randomness without
// a random number, so that the rules stay a function.
func spread(key Key, n int, width time.Duration) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(key.String()))
	h.Write([]byte{byte(n)})
	return width * time.Duration(h.Sum32()%1000) / 1000
}
