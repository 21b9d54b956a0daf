package campaign

import (
	"cmp"
	"slices"
	"time"
)

// Schema is the version of the record's JSON. Readers refuse a newer one.
const Schema = 1

// Campaign is the record: everything known of one campaign, and the events that it
// still has to publish. It is saved whole, under compare-and-set. People read its
// JSON (`nats kv get campaigns shop-italia.bf-2026`).
type Campaign struct {
	Schema  int     `json:"schema"`
	Key     Key     `json:"key"`
	Request Request `json:"request"`
	Trace   string  `json:"traceparent,omitempty"`
	// TraceState is what tracing systems added to Trace, in the form of W3C.
	TraceState string `json:"tracestate,omitempty"`
	// Leg counts the traces that tell of the campaign: after a long wait another one
	// begins. Nothing is decided by it.
	Leg     int    `json:"leg,omitempty"`
	Account string `json:"account,omitempty"` // the account in which its drafts are made; empty: none was made yet, or there is only one account

	State       State     `json:"state"`
	Since       time.Time `json:"since"`             // when it entered this state
	Waiting     string    `json:"waiting,omitempty"` // why nothing happens now, in a sentence
	Wake        time.Time `json:"wake,omitzero"`     // when it must be looked at again; zero once final, published and settled
	RequestedAt time.Time `json:"asked,omitzero"`    // when the request was first stored
	Stored      time.Time `json:"stored,omitzero"`   // when the message that began this record was stored; for a replay it is later

	Draft     *Bound        `json:"draft,omitempty"`      // the gateway's campaign, while there is one
	Prepared  *Prepared     `json:"prepared,omitempty"`   // what became of its own recipients, if it has any
	PreparedN int           `json:"prepared_n,omitempty"` // how often that was told
	Partial   time.Time     `json:"partial,omitzero"`     // since when a part of its audience is waited for
	List      *List         `json:"list,omitempty"`       // the list that was made for its own recipients
	Cleared   time.Time     `json:"cleared,omitzero"`     // when its own recipients were removed, at its end
	Quotes    int           `json:"quotes,omitempty"`     // how many quotes were announced
	Quote     *Quote        `json:"quote,omitempty"`      // the last one
	Confirmed *Confirmation `json:"confirmed,omitempty"`  // once established
	Stats     *Stats        `json:"stats,omitempty"`      // the last one announced
	StatsN    int           `json:"stats_n,omitempty"`    // how many were announced
	Progress  *Progress     `json:"progress,omitempty"`   // how fast it is, or was, being sent
	Reason    *Reason       `json:"reason,omitempty"`     // why it will not, or did not, end well
	Cancel    *Cancellation `json:"cancel,omitempty"`     // a cancel that is kept
	Need      *Need         `json:"hold,omitempty"`       // why it waits with its quote
	Approval  *Approval     `json:"approval,omitempty"`   // a person's yes to one quote
	NotBefore time.Time     `json:"not_before,omitzero"`  // put off until then, so that its sending fits
	Budgeted  bool          `json:"budgeted,omitempty"`   // the budgets may hold something for it
	ApprovalN int           `json:"approval_n,omitempty"` // how many approvals were asked for
	DeferredN int           `json:"deferred_n,omitempty"` // how often it was said that it waits

	Resolved *Resolution `json:"resolved,omitempty"` // what a person established
	Followed *Followed   `json:"followed,omitempty"` // a person has it followed again

	Forgotten *Forgotten `json:"forgotten,omitempty"` // its name, description and text are
	Shortened time.Time  `json:"shortened,omitzero"`  // when its attempts were taken away; zero: they were not

	Rounds  int `json:"rounds,omitempty"`  // how many intents were saved
	Tries   int `json:"tries,omitempty"`   // calls without an answer in a row, for the back-off
	Denials int `json:"denials,omitempty"` // looks in a row that showed nothing of a draft that is withdrawn
	Missing int `json:"missing,omitempty"` // looks in a row that did not show the confirm, or showed it undone

	Differing   int         `json:"differing,omitempty"`    // quotes in a row that were not what was asked for
	Unanswered  *Unanswered `json:"unanswered,omitempty"`   // a step that is not answered in the gateway's own shape
	Named       []Bound     `json:"named,omitempty"`        // unresolved: further drafts that may have been confirmed
	UnresolvedN int         `json:"unresolved_n,omitempty"` // how often it became unresolved
	EventsN     int         `json:"events_n,omitempty"`     // how many events were announced, of all types; zero: an earlier version did not count

	// Outbox holds the events that this version of the record owes.
	Outbox   []Event   `json:"outbox,omitempty"`
	Attempts []Attempt `json:"attempts,omitempty"` // 32 at most: see attempted

	// run is what only the worker in charge knows and the record cannot say: which
	// call is under way on its own draft. It is not saved. A campaign that was loaded
	// has an empty run, so a worker never goes on with another worker's draft.
	run run
}

// Bound is the gateway's campaign that belongs to the record.
type Bound struct {
	ID       int64     `json:"id"`
	Intended bool      `json:"intended,omitempty"` // an intent was saved for it: a confirm may have left
	For      time.Time `json:"for,omitzero"`       // the instant the intent asks for; zero: immediately
	Settled  bool      `json:"settled,omitempty"`  // the intent has stood for S: a confirm that did not show will not be waited for

	Gateway  string        `json:"gateway,omitempty"`  // the URL of the gateway that gave the number; empty: a record of an earlier version
	Aged     time.Duration `json:"aged,omitempty"`     // how long it had certainly stood when the record was last stored
	Disarmed bool          `json:"disarmed,omitempty"` // no confirm of it can take effect any more
	Stranded time.Time     `json:"stranded,omitzero"`  // when it was first found that another gateway is configured

	// For a confirmed campaign that is being cancelled.
	Delete    string        `json:"delete,omitempty"`    // sent, accepted; empty: none was sent that may take effect
	Absent    bool          `json:"absent,omitempty"`    // the gateway says that it is not there
	Vanishing time.Duration `json:"vanishing,omitempty"` // for how long it has said so
	Witnessed bool          `json:"witnessed,omitempty"` // and showed another campaign meanwhile
}

// Unanswered is a step that since then has had only answers that are not in the
// gateway's own shape.
type Unanswered struct {
	Op    Op        `json:"op"`
	Since time.Time `json:"since"`
	Cause Cause     `json:"cause,omitempty"`
	HTTP  int       `json:"http_status"`
}

// Cancellation is a person's wish that the campaign is not sent.
type Cancellation struct {
	By     string    `json:"by"`
	Actor  string    `json:"actor,omitempty"` // the name that was proven; empty: none was
	Why    string    `json:"why,omitempty"`
	At     time.Time `json:"at"`
	Failed string    `json:"refused,omitempty"` // why it had no effect; empty: it still can
}

// Resolution is what a person saw at the gateway.
type Resolution struct {
	By    string    `json:"by"`
	Actor string    `json:"actor,omitempty"` // as in Cancellation
	Sent  bool      `json:"sent"`
	Why   string    `json:"why,omitempty"`
	At    time.Time `json:"at"`
}

// Followed says which person has the campaign followed again, and since when.
type Followed struct {
	By    string    `json:"by"`
	Actor string    `json:"actor,omitempty"` // as in Cancellation
	At    time.Time `json:"at"`
}

// run is how far the worker in charge has come.
type run struct {
	current      Op            // the call under way; an answer to any other means nothing
	madeDraft    bool          // it made the draft, so no other run can have meant to confirm it
	eventsRead   bool          // it has read the published events
	refusal      *Reason       // drafting: a refusal that is being read back; enlisting: of the upload
	waitedInHand time.Duration // drafting: how long the worker has kept the draft and waited
	cancel       *Cancel       // a cancel that found no record
	listed       bool          // it counted the list, and it holds what is sent
	lists        []int64       // the lists that are removed
	onlyUpload   bool          // no upload before the one under way may still take effect

	// Withdrawing.
	shown          bool            // a read by id showed the draft, unconfirmed
	absent         bool            // the last one says that there is none
	configured     configureAnswer // what configure answered
	deleting       bool            // the delete under way has to make it vanish
	deleteAccepted bool            // it was accepted
	finished       bool            // the draft is done with, and the events are looked at
	firstDelete    bool            // the delete under way is the first one that was sent
	witnessed      bool            // another campaign was shown
	suspect        int             // unresolved: which draft is looked at
}

const attemptsKept = 32

// attempted returns the attempts with one more. The list is for questions of why: it
// has to show the one confirm that got no answer, and need not show each of the fifty
// reads after it. If the list is too long, an attempt goes that has one like it
// before and one like it after it. The one before counts it in More.
func attempted(list []Attempt, o Outcome) []Attempt {
	note := cmp.Or(o.Words, o.Err)
	if o.Kind == OK {
		note = o.note()
	}
	list = append(append(make([]Attempt, 0, len(list)+1), list...), Attempt{
		Op: o.Op, At: o.Started, TookMS: o.Took.Milliseconds(),
		Kind: o.Kind, Cause: o.Cause, HTTP: o.HTTP, Breaker: o.Breaker, Note: note,
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

// alike says that the first n calls of two lists came out alike.
func alike(a, b []Attempt, n int) bool { return slices.EqualFunc(a[:n], b[:n], Attempt.like) }

// like says that two calls came out alike.
func (a Attempt) like(b Attempt) bool { return a.Op == b.Op && a.Kind == b.Kind && a.HTTP == b.HTTP }
