package campaign

import (
	"strconv"
	"time"
)

// Op names a call to the gateway.
type Op string

const (
	OpCreate    Op = "create"
	OpConfigure Op = "configure"
	OpCalculate Op = "calculate"
	OpPrice     Op = "price"
	// OpAdmit is not a request: it waits for the rate limit's token and the
	// breaker's leave for one confirm, so that waiting does not age the intent.
	OpAdmit Op = "admit"
	// OpRoom, OpReserve and OpSettle are not requests to the gateway either: they
	// look whether the budgets have room for the campaign's cost, put it into
	// them, and its real cost in the end.
	OpRoom    Op = "room"
	OpReserve Op = "reserve"
	OpSettle  Op = "settle"
	// OpLook is none either: it reads what the events tell of the key, whatever
	// the record says (rule 29).
	OpLook    Op = "look"
	OpConfirm Op = "confirm"
	OpStatus  Op = "status"
	OpStats   Op = "stats"
	OpDelete  Op = "delete"
	// OpWitness looks whether the read by id shows another campaign of ours than the
	// one that is named: that it can be read at all. Where none is known, one is made
	// for it, from Draft, and deleted.
	OpWitness Op = "witness"
)

// Call is one request to the gateway, as a value. CampaignID is set for all
// but create; Draft for create; Content for configure; At for confirm.
type Call struct {
	Op         Op
	CampaignID int64
	Draft      Draft
	Content    Content
	At         time.Time // confirm: zero is immediately
	Simulation bool      // create, configure, confirm
	Amount     Money     // room, reserve, settle: what the campaign costs; none: nothing
	Period     time.Time // room, reserve, settle: the instant whose day and month are charged
}

// Draft is what create sends.
type Draft struct {
	Name        string
	Description string // ends in a marker of the key, so that the draft can be found again
}

// Content is what configure sends.
type Content struct {
	Sender  string
	Text    string
	ListID  int64
	Unicode bool
}

// Kind sorts the outcome of a call by what can be done about it.
type Kind string

const (
	OK Kind = "ok"
	// Refused is final for this call: the gateway understood and said no, in one
	// of its own envelopes. A 404 proves no absence (rule 25).
	Refused Kind = "refused"
	// Unauthorised means the service is misconfigured, not the campaign wrong.
	Unauthorised Kind = "unauthorised"
	// Throttled means too many calls: wait RetryAfter.
	Throttled Kind = "throttled"
	// Unavailable means no usable answer: it may have happened. A refusal that has
	// not the gateway's own shape is one (Unshaped): somebody else may have said it.
	Unavailable Kind = "unavailable"
	// NotAttempted means the call never left: it did not happen, and it
	// counts as no attempt.
	NotAttempted Kind = "not_attempted"
)

// Outcome is what became of a Call, and the next input of the rules.
type Outcome struct {
	Op   Op
	Kind Kind

	// What the answer said, if Kind is OK: the field that belongs to Op.
	CampaignID  int64     // create
	Goal        Goal      // calculate
	Price       Price     // price
	Recipients  *int64    // price: for how many recipients it is; nil: the answer does not say
	ConfirmedAt time.Time // confirm; zero if the gateway did not say
	Status      Status    // configure, confirm, status: where it stands; empty if the answer does not say
	Echo        *Echo     // configure: what the answer repeats; nil: nothing
	Name        string    // status, stats: as a read shows it; empty if none does
	Description string    // status: the same
	ByID        bool      // status: the read by id answered, in the gateway's own shape, and not the statistics
	Stats       Stats     // stats
	Told        []Event   // look: what the events tell, in their order

	// Why not, if Kind is anything else.
	HTTP       int           // status code, zero if there was no answer
	Field      string        // the gateway's name of the field at fault
	Words      string        // the gateway's own words
	Err        string        // ours, when there are none
	RetryAfter time.Duration // throttled, not attempted: when it is worth asking again
	// Unshaped, of Unavailable with an HTTP status of 4xx: it was answered, and not in
	// one of the gateway's own envelopes. Answered is then, and where it was answered
	// with 5xx, when the same call was last answered in its own shape for another
	// campaign; zero: not yet.
	Unshaped bool
	Answered time.Time

	// For the record of attempts.
	Started time.Time
	Took    time.Duration
	Breaker string // the breaker's state when the call left: closed, half-open, open
}

// answered says that somebody answered: the gateway, or whoever speaks in its place.
func (o Outcome) answered() bool { return o.Kind == OK || o.Kind == Refused || o.Unshaped }

// absent says that the gateway itself answered a read by id: there is none.
func (o Outcome) absent() bool { return o.Kind == Refused && o.HTTP == 404 && o.ByID }

// neverLeft says that the call had no effect, for it was not let in.
func (o Outcome) neverLeft() bool {
	return o.Kind == NotAttempted || o.Kind == Throttled || o.Kind == Unauthorised
}

// Echo is what the answer to configure repeats of what it was told. What it does
// not repeat is nil.
type Echo struct {
	Sender *string
	Text   *string
	ListID *int64
}

// said is what is worth remembering of an answer: which campaign was made,
// where it was said to stand. The figures are in the quote and the statistics.
func (o Outcome) said() string {
	switch {
	case o.Op == OpCreate:
		return "campaign " + strconv.FormatInt(o.CampaignID, 10)
	case o.Op == OpStatus, o.Op == OpConfigure, o.Op == OpConfirm:
		return string(o.Status)
	case o.Op == OpStats:
		return string(o.Stats.Status)
	}
	return ""
}

// Attempt is one call as the record remembers it, for those who ask why.
type Attempt struct {
	Op      Op        `json:"op"`
	At      time.Time `json:"at"`
	TookMS  int64     `json:"took_ms"`
	Kind    Kind      `json:"kind"`
	HTTP    int       `json:"http_status,omitempty"`
	Breaker string    `json:"breaker,omitempty"`
	Note    string    `json:"note,omitempty"` // ok: what it said; otherwise the gateway's words, or our error
	More    int       `json:"more,omitempty"` // how many calls like this one came after it and are not kept
}
