package campaign

import (
	"strconv"
	"time"
)

// Op names a call. [Op.To] says where it goes.
type Op string

const (
	OpCreate    Op = "create"
	OpConfigure Op = "configure"
	OpCalculate Op = "calculate"
	OpPrice     Op = "price"
	// OpAdmit is not an HTTP request. It waits until the rate limit and the breaker
	// permit one confirm, so that the wait does not use up the time of the intent.
	OpAdmit Op = "admit"
	// OpRoom asks whether the budgets have room for the campaign's cost. OpReserve
	// reserves it in the ledgers. OpSettle counts the real cost there in the end.
	OpRoom    Op = "room"
	OpReserve Op = "reserve"
	OpSettle  Op = "settle"
	// OpLook reads the published events of the key, whatever the record says (rule 29).
	OpLook Op = "look"
	// OpErase removes the requests and the dead letters of a campaign from their
	// streams, before its record is forgotten.
	OpErase Op = "erase"
	// OpPrepare reads the recipients that came with the request, and says how many of
	// them are sent to. OpDiscard removes them from the streams.
	OpPrepare Op = "prepare"
	OpDiscard Op = "discard"
	// OpClaim asks for the people of a campaign with personal texts, so that no other one
	// gives them other values before this one is sent.
	OpClaim Op = "claim"
	// OpList makes the contact list of a campaign's own recipients at the gateway, OpUpload
	// puts them into it, and OpCount counts it. OpFind finds the campaign's lists by their
	// names, and OpUnlist removes lists; their contacts stay. OpQuota asks for how many
	// contacts more the account has room.
	OpList    Op = "list"
	OpUpload  Op = "upload"
	OpCount   Op = "count"
	OpFind    Op = "find"
	OpUnlist  Op = "unlist"
	OpQuota   Op = "quota"
	OpConfirm Op = "confirm"
	OpStatus  Op = "status"
	OpStats   Op = "stats"
	OpDelete  Op = "delete"
	// OpWitness checks that the read by id works at all: that it shows another
	// campaign of ours than the named one. If no other is known, one is created for
	// this from Draft, and deleted.
	OpWitness Op = "witness"
)

// Ops lists every call in the order of the lifecycle.
var Ops = []Op{
	OpPrepare, OpFind, OpUnlist, OpList, OpClaim, OpUpload, OpCount, OpQuota,
	OpLook, OpCreate, OpConfigure, OpCalculate, OpPrice, OpRoom, OpReserve, OpAdmit, OpConfirm,
	OpStatus, OpStats, OpDelete, OpWitness, OpSettle, OpDiscard, OpErase,
}

// Callee is where a call goes.
type Callee string

const (
	ToGateway Callee = "gateway"
	ToLedger  Callee = "ledger"  // the ledgers of the budgets
	ToStreams Callee = "streams" // the streams of events, requests and dead letters
	ToPeople  Callee = "people"  // the streams in which the recipients of campaigns are, and who holds them
)

// To is where a call goes.
func (op Op) To() Callee {
	switch op {
	case OpRoom, OpReserve, OpSettle:
		return ToLedger
	case OpLook, OpErase:
		return ToStreams
	case OpPrepare, OpDiscard, OpClaim:
		return ToPeople
	}
	return ToGateway
}

// Call is one call, as a value. CampaignID is set for all calls to the gateway about a
// draft but create; Draft for create; Content for configure; At for confirm.
type Call struct {
	Op         Op
	CampaignID int64
	Draft      Draft
	Content    Content
	At         time.Time // confirm: zero is immediately
	Simulation bool      // create, configure, confirm
	Amount     Money     // room, reserve, settle: what the campaign costs; none: nothing
	Period     time.Time // room, reserve, settle: the instant whose day and month are charged
	Name       string    // list: its name; find: how the names begin
	List       int64     // upload, count: the list
	Lists      []int64   // unlist: the lists; never none
	Upto       int       // find: the highest ordinal; zero: any
	// File is what is uploaded. No rule has it: whoever makes the call reads it from the
	// streams.
	File File
}

// File hands out what is uploaded, a piece at a time, as often as it is called. It ends with
// the first error of write.
type File func(write func(piece []byte) error) error

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
	// of its own envelopes.
	Refused Kind = "refused"
	// Unauthorised means the service is misconfigured, not the campaign wrong.
	Unauthorised Kind = "unauthorised"
	// Throttled means too many calls: wait RetryAfter.
	Throttled Kind = "throttled"
	// Unavailable means no usable answer: the call may have taken effect. A refusal
	// that is not in the gateway's own shape is Unavailable too (Unshaped): it may
	// come from a proxy.
	Unavailable Kind = "unavailable"
	// NotAttempted means the call never left: it had no effect, and does not count as
	// an attempt.
	NotAttempted Kind = "not_attempted"
)

// Kinds lists every kind.
var Kinds = []Kind{OK, Refused, Unauthorised, Throttled, Unavailable, NotAttempted}

// Cause distinguishes what the rules must distinguish within a Kind. The gateway's
// client sets it together with the Kind, so that the rules need no status codes.
// Empty: any other cause.
type Cause string

const (
	// NotFound: there is no campaign of that number, or nothing at that address. It
	// does not prove that the campaign is gone (rule 25).
	NotFound Cause = "not_found"
	// Unsupported: the gateway has no such call.
	Unsupported Cause = "unsupported"
	// NoCredit: there is not enough credit.
	NoCredit Cause = "no_credit"
	// Forbidden: the campaign, or the key, may not do that.
	Forbidden Cause = "forbidden"
	// Failing, with Unavailable: the gateway says that it fails.
	Failing Cause = "failing"
	// Unusable, with Unavailable: a success whose answer cannot be used: a price in
	// "€", say.
	Unusable Cause = "unusable"
	// Incomplete, of prepare: a part of the audience is not there, or not as it was named.
	Incomplete Cause = "incomplete"
	// Stale, of prepare: under the name there is no list that is young enough.
	Stale Cause = "stale"
	// Full, of prepare: the source has laid down more recipients than it may.
	Full Cause = "full"
	// Changed, of upload: other people would be uploaded now than were prepared. Nothing
	// has left.
	Changed Cause = "changed"
)

// Outcome is what became of a Call, and the next input of the rules.
type Outcome struct {
	Op   Op
	Kind Kind

	// What the answer says, if Kind is OK: the fields that belong to Op.
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
	Events      []Event   // look: the published events, in their order
	Prepared    *Prepared // prepare
	ListID      int64     // list: its number
	Lists       []int64   // find: the numbers of the lists that were found
	Claim       uint64    // claim: its number; another one than before is another claim
	Contacts    int64     // count: how many are in the list; quota: for how many more there is room

	// Why not, if Kind is not OK.
	Behind     *Behind       // claim, if it is refused: who holds the same people
	Cause      Cause         // why it was refused, or why it is unavailable
	HTTP       int           // status code, for people: the rules do not use it; zero: no answer
	Field      string        // the gateway's name of the field at fault
	Words      string        // the gateway's own words
	Err        string        // our own words, if the gateway has none
	RetryAfter time.Duration // throttled, not attempted: how long to wait
	// Unshaped, with Unavailable: the answer was a no, but not in one of the
	// gateway's own envelopes. Then, and if the gateway is Failing, Answered is when
	// the same call was last answered in the gateway's own shape for another
	// campaign; zero: not yet.
	Unshaped bool
	Answered time.Time

	// For the record of attempts.
	Started time.Time
	Took    time.Duration
	Breaker string // the breaker's state when the call left: closed, half-open, open
}

// answered says that there was an answer, of the gateway or of a proxy in its place.
func (o Outcome) answered() bool { return o.Kind == OK || o.Kind == Refused || o.Unshaped }

// absent says that the gateway itself answered a read by id: there is no such
// campaign.
func (o Outcome) absent() bool { return o.Kind == Refused && o.Cause == NotFound && o.ByID }

// neverLeft says that the call had no effect, because it was not let in.
func (o Outcome) neverLeft() bool {
	return o.Kind == NotAttempted || o.Kind == Throttled || o.Kind == Unauthorised
}

// Echo is what the answer to configure repeats of the request. A field that it does
// not repeat is nil.
type Echo struct {
	Sender *string
	Text   *string
	ListID *int64
}

// note is what the record keeps of an answer: which campaign was created, or its
// status. The figures are in the quote and the statistics.
func (o Outcome) note() string {
	switch {
	case o.Op == OpCreate:
		return "campaign " + strconv.FormatInt(o.CampaignID, 10)
	case o.Op == OpStatus, o.Op == OpConfigure, o.Op == OpConfirm:
		return string(o.Status)
	case o.Op == OpStats:
		return string(o.Stats.Status)
	case o.Op == OpList:
		return "list " + strconv.FormatInt(o.ListID, 10)
	case o.Op == OpCount, o.Op == OpQuota:
		return strconv.FormatInt(o.Contacts, 10) + " contacts"
	case o.Op == OpFind:
		return strconv.Itoa(len(o.Lists)) + " lists"
	}
	return ""
}

// Attempt is one call as the record keeps it. It answers the question why.
type Attempt struct {
	Op      Op        `json:"op"`
	At      time.Time `json:"at"`
	TookMS  int64     `json:"took_ms"`
	Kind    Kind      `json:"kind"`
	Cause   Cause     `json:"cause,omitempty"`
	HTTP    int       `json:"http_status,omitempty"`
	Breaker string    `json:"breaker,omitempty"`
	Note    string    `json:"note,omitempty"` // ok: the answer in short; otherwise the gateway's words, or our error
	More    int       `json:"more,omitempty"` // how many calls like this one came after it and were not kept
}
