package campaign

import (
	"hash/fnv"
	"time"
)

// Rules are the times and limits of the lifecycle. A field that is zero has the default
// that its comment names.
type Rules struct {
	// ConfirmWithin is L: how long after the intent its confirm may leave.
	// Default 10 s.
	ConfirmWithin time.Duration
	// Settle is S: how long nothing is concluded from a confirm without an answer.
	// Needed: Settle > ConfirmWithin + the longest time from sending a call to its
	// effect. Default 2 min.
	Settle time.Duration
	// Lease is how long a run may work on its draft before another run throws the draft
	// away. If it is too short, a second draft is made, but never a second confirm.
	// Default 1 min.
	Lease time.Duration
	// QuoteWithin is how old a quote may be when its intent is saved. An older one,
	// because the permit to confirm took long, is quoted again. Default 5 min.
	QuoteWithin time.Duration
	// TooLate is how long after its instant a campaign is still confirmed.
	// Default 10 min.
	TooLate time.Duration
	// PollMin and PollMax bound the pause between two reads of the statistics. The
	// pause is a tenth of the time since the start. Default 5 s and 15 min.
	PollMin, PollMax time.Duration
	// LookBefore is how long before its instant a scheduled campaign is looked at once
	// more, if it was confirmed earlier than twice that time before. Default 10 min.
	LookBefore time.Duration
	// GiveUp is how long after the start statistics are followed. Default 72 h.
	GiveUp time.Duration
	// BackoffMin and BackoffMax bound the pause after a call without an
	// answer. Default 1 s and 5 min.
	BackoffMin, BackoffMax time.Duration
	// Rounds is how many intents are made for one campaign at most. Each has a draft of
	// its own, and is shown not to have taken effect before the next. Default 10.
	Rounds int
	// Denials is how many deletes in a row may leave a confirmed campaign standing
	// before no further one is sent. Default 5.
	Denials int
	// Vanished is how many reads in a row must show a confirmed campaign as unconfirmed
	// before it has failed. It is also how many drafts in a row the gateway must not
	// find, just after they were made, before the request is rejected. Default 5.
	Vanished int
	// Patience is how long the gateway is asked whether a confirm took effect before a
	// person is asked. It begins at the campaign's instant, if it has one. Default 1 h.
	Patience time.Duration
	// LookAgain is the pause between two looks at an unresolved campaign. Default 1 h.
	LookAgain time.Duration
	// Unanswered is how long a step of the draft may have only answers that are not in
	// the gateway's own shape, or 5xx, before the request is rejected. Other campaigns
	// must get answers meanwhile. Default 1 h.
	Unanswered time.Duration
	// ConfigureRefusedOnceSent says that it was measured: this gateway refuses to
	// configure a confirmed campaign. Then the answer CONFIGURED shows that a campaign
	// is not confirmed, even if no read does.
	ConfigureRefusedOnceSent bool
	// FieldsFrozen says that it was seen: this gateway fills in a contact's fields when it
	// calculates a campaign, and not when it sends.
	FieldsFrozen bool
	// MovedFrom are former addresses of the gateway that is configured: a campaign that
	// was made at one of them is at this gateway.
	MovedFrom []string
	// Retention is how long after its end a campaign's text is kept. Default 0: for
	// ever.
	Retention time.Duration
	// KeepWhole is how long after its end a campaign's record is kept whole. Then what
	// told how it came to its end is taken away, and the proof stays. Default 90 days.
	KeepWhole time.Duration

	// RecipientsKeep is how long after its end a campaign's own recipients are kept: the
	// list at the gateway, and what came with the request. Default 7 days.
	RecipientsKeep time.Duration
	// RecipientsWithin is how long a missing part of an audience is waited for. Default
	// 15 min.
	RecipientsWithin time.Duration
	// CountWithin is how long a list may be counted otherwise than what was uploaded
	// before it is given up. Default 2 min.
	CountWithin time.Duration

	// Policies are the operator's rules for each source; "*" is for the sources that
	// have no entry. Windows are the send windows, by name.
	Policies map[string]Policy
	Windows  map[string]Window
	// Pace is how many messages the gateway sends in a minute. It tells how long a
	// sending takes, until the real pace was seen: see [Rules.PaceFor]. Default 200:
	// UC-006's 9,831 took 42 minutes.
	Pace int
	// DriftTolerance is by how many percent recipients and parts may differ from the
	// approved quote. Default 0: not at all.
	DriftTolerance int
	// ApprovalWithin and CreditWithin are how long a campaign waits for an approval or
	// a top-up, if the request does not say. Default 24 h each. CreditEvery is how
	// often the credit is looked at meanwhile, with a fresh quote each time. Default 15
	// min.
	ApprovalWithin, CreditWithin, CreditEvery time.Duration
}

// WithDefaults fills in the fields that are zero.
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
	def(&r.KeepWhole, 90*24*time.Hour)
	def(&r.RecipientsKeep, 7*24*time.Hour)
	def(&r.RecipientsWithin, 15*time.Minute)
	def(&r.CountWithin, 2*time.Minute)
	return r
}

// backoff is the pause after the n-th call in a row without an answer. It doubles each
// time, up to a bound. It differs from key to key, so that a thousand campaigns do not
// come back at the same moment.
func (r Rules) backoff(n int, key Key) time.Duration {
	d := r.BackoffMax
	if shift := n - 1; shift < 16 {
		d = min(d, r.BackoffMin<<max(shift, 0))
	}
	return d + jitter(key, n, d/4)
}

// pollPause is the pause before the next read of the statistics.
func (r Rules) pollPause(sinceStart time.Duration) time.Duration {
	return min(max(r.PollMin, sinceStart/10), r.PollMax)
}

// jitter is a part of width that depends only on key and n. It spreads the campaigns
// without a random number, so that the rules stay a pure function.
func jitter(key Key, n int, width time.Duration) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(key.String()))
	h.Write([]byte{byte(n)})
	return width * time.Duration(h.Sum32()%1000) / 1000
}
