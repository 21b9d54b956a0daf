package campaign

import (
	"cmp"
	"slices"
	"time"
)

// Schema is the version of the record's JSON. Readers refuse a newer one.
const Schema = 1

// Campaign is the record: everything known of one campaign, and what it owes
// the world. It is saved whole, under compare-and-set, and its JSON is read by
// people (`nats kv get campaigns shop-italia.bf-2026`).
type Campaign struct {
	Schema  int     `json:"schema"`
	Key     Key     `json:"key"`
	Request Request `json:"request"`
	Trace   string  `json:"traceparent,omitempty"`

	State   State     `json:"state"`
	Since   time.Time `json:"since"`             // when it entered this state
	Waiting string    `json:"waiting,omitempty"` // why nothing happens now, in a sentence
	Wake    time.Time `json:"wake,omitzero"`     // when it must be looked at again; zero once final, told and settled
	Asked   time.Time `json:"asked,omitzero"`    // when the request was first stored
	Stored  time.Time `json:"stored,omitzero"`   // when the message was that began this: later, for a replay

	Draft     *Bound        `json:"draft,omitempty"`      // the gateway's campaign, while there is one
	Quotes    int           `json:"quotes,omitempty"`     // how many quotes were announced
	Quote     *Quote        `json:"quote,omitempty"`      // the last one
	Confirmed *Confirmation `json:"confirmed,omitempty"`  // once established
	Stats     *Stats        `json:"stats,omitempty"`      // the last one announced
	StatsN    int           `json:"stats_n,omitempty"`    // how many were announced
	Progress  *Progress     `json:"progress,omitempty"`   // how fast it is, or was, being sent
	Reason    *Reason       `json:"reason,omitempty"`     // why it will not, or did not, end well
	Cancel    *Cancel       `json:"cancel,omitempty"`     // a cancel that is kept
	Hold      *Hold         `json:"hold,omitempty"`       // why it waits with its quote
	Approval  *Approval     `json:"approval,omitempty"`   // somebody's yes, to one quote
	NotBefore time.Time     `json:"not_before,omitzero"`  // put off until then, so that its sending fits
	Budgeted  bool          `json:"budgeted,omitempty"`   // the budgets may hold something for it
	ApprovalN int           `json:"approval_n,omitempty"` // how many approvals were asked for
	DeferredN int           `json:"deferred_n,omitempty"` // how often it was said that it waits

	Resolved *Resolution `json:"resolved,omitempty"` // what a person established
	Followed *Followed   `json:"followed,omitempty"` // somebody has it followed again

	Forgotten *Forgotten `json:"forgotten,omitempty"` // its name, description and text are

	Rounds  int `json:"rounds,omitempty"`  // how many intents were saved
	Tries   int `json:"tries,omitempty"`   // calls without an answer in a row, for the back-off
	Denials int `json:"denials,omitempty"` // looks in a row that showed nothing of a draft that is withdrawn
	Missing int `json:"missing,omitempty"` // looks in a row that did not show the confirm, or showed it undone

	Differing   int         `json:"differing,omitempty"`    // quotes in a row that were not what was asked for
	Unanswered  *Unanswered `json:"unanswered,omitempty"`   // a step that is answered by somebody else than the gateway
	Named       []Bound     `json:"named,omitempty"`        // unresolved: further drafts that may have been confirmed
	UnresolvedN int         `json:"unresolved_n,omitempty"` // how often it was said that nobody can say

	// Outbox holds the events that this version of the record owes.
	Outbox   []Event   `json:"outbox,omitempty"`
	Attempts []Attempt `json:"attempts,omitempty"` // 32 at most: see attempted

	// run is what the worker in hand knows and no record can say: which call
	// is under way on a draft of its own. It is not saved, so a campaign that
	// was loaded has none: nobody goes on with somebody else's draft.
	run run
}

// Bound is the gateway's campaign that belongs to the record.
type Bound struct {
	ID       int64     `json:"id"`
	Intended bool      `json:"intended,omitempty"` // an intent was saved for it: a confirm may have left
	For      time.Time `json:"for,omitzero"`       // the instant the intent asks for; zero: immediately
	Settled  bool      `json:"settled,omitempty"`  // the intent has stood for S: a confirm that did not show will not be waited for

	Gateway  string        `json:"gateway,omitempty"`  // whose number it is: the gateway's URL; empty: a record of an earlier version
	Aged     time.Duration `json:"aged,omitempty"`     // how long it had certainly stood when the record was last stored
	Disarmed bool          `json:"disarmed,omitempty"` // nobody can confirm it any more
	Stranded time.Time     `json:"stranded,omitzero"`  // when it was first found that another gateway is configured

	// Of a confirmed one that is being cancelled.
	Delete    string        `json:"delete,omitempty"`    // sent, accepted; empty: none was sent that may take effect
	Absent    bool          `json:"absent,omitempty"`    // the gateway says that it is not there
	Vanishing time.Duration `json:"vanishing,omitempty"` // for how long it has said so
	Witnessed bool          `json:"witnessed,omitempty"` // and showed another campaign meanwhile
}

// Unanswered is a step that has had answers without the gateway's own shape, and no
// other, since then.
type Unanswered struct {
	Op    Op        `json:"op"`
	Since time.Time `json:"since"`
	HTTP  int       `json:"http_status"`
}

// Cancel is somebody's wish that the campaign be not sent.
type Cancel struct {
	By      string    `json:"by"`
	Actor   string    `json:"actor,omitempty"` // who proved to be the speaker; empty: nobody did
	Why     string    `json:"why,omitempty"`
	At      time.Time `json:"at"`
	Refused string    `json:"refused,omitempty"` // it came too late: why
}

// Resolution is what a person saw at the gateway.
type Resolution struct {
	By    string    `json:"by"`
	Actor string    `json:"actor,omitempty"` // as in Cancel
	Sent  bool      `json:"sent"`
	Why   string    `json:"why,omitempty"`
	At    time.Time `json:"at"`
}

// Followed says who has a campaign followed again, and since when.
type Followed struct {
	By    string    `json:"by"`
	Actor string    `json:"actor,omitempty"` // as in Cancel
	At    time.Time `json:"at"`
}

// run is how far the worker in hand has come.
type run struct {
	asked   Op            // the call under way; an answer to any other means nothing
	mine    bool          // it made the draft: nobody else can have meant to confirm it
	looked  bool          // it knows what the events tell
	refused *Reason       // drafting: a refusal that is being read back
	waited  time.Duration // drafting: how long the draft has waited in hand
	wish    *CancelAsked  // a cancel that found no record

	// Withdrawing.
	shown     bool // a read by id showed the draft, unconfirmed
	absent    bool // the last one says that there is none
	put       put  // what configure answered
	striking  bool // the delete under way has to make it vanish
	struck    bool // it was accepted
	left      bool // the draft is done with, and the events are looked at
	first     bool // the delete under way is the first one that was sent
	witnessed bool // another campaign was shown
	suspect   int  // unresolved: which draft is looked at
}

const attemptsKept = 32

// attempted returns the attempts with one more. Whoever asks why wants to know
// of the one confirm that got no answer, not of each of the fifty reads that
// followed: when there are too many, what goes is what has its like before and
// after it, and the one before remembers that there were more.
func attempted(list []Attempt, o Outcome) []Attempt {
	note := cmp.Or(o.Words, o.Err)
	if o.Kind == OK {
		note = o.said()
	}
	list = append(append(make([]Attempt, 0, len(list)+1), list...), Attempt{
		Op: o.Op, At: o.Started, TookMS: o.Took.Milliseconds(),
		Kind: o.Kind, HTTP: o.HTTP, Breaker: o.Breaker, Note: note,
	})
	if len(list) <= attemptsKept {
		return list
	}
	// The same call again and again, or the same two.
	for size := 1; size <= 2; size++ {
		for i := size; i+2*size <= len(list); i++ {
			if alike(list[i-size:], list[i:], size) && alike(list[i:], list[i+size:], size) {
				for j := range size {
					list[i-size+j].More += 1 + list[i+j].More
				}
				return slices.Delete(list, i, i+size)
			}
		}
	}
	for i := range list {
		before := slices.IndexFunc(list[:i], list[i].like)
		if before >= 0 && slices.ContainsFunc(list[i+1:], list[i].like) {
			list[before].More += 1 + list[i].More
			return slices.Delete(list, i, i+1)
		}
	}
	return list[1:]
}

// alike says that so many calls came out like so many others.
func alike(a, b []Attempt, n int) bool { return slices.EqualFunc(a[:n], b[:n], Attempt.like) }

// like says that two calls came out alike.
func (a Attempt) like(b Attempt) bool { return a.Op == b.Op && a.Kind == b.Kind && a.HTTP == b.HTTP }
