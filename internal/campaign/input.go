package campaign

import "time"

// Input is something that happened to a campaign: [Received], [Woken], a command
// ([Cancel], [Prove], [Approve], [Decline], [Resolved], [Follow], [Forget]), [Delivered],
// [CostConflict], or the [Outcome] of the call that the last decision asked for.
type Input interface{ input() }

// Received is the request, when there is no record yet.
type Received struct {
	Key        Key
	Request    Request
	Trace      string
	TraceState string
	At         time.Time // when the request was first stored, by the stream's clock; zero: now
	Stored     time.Time // when this message was stored, by the stream's clock; zero: now
}

// Woken says: look what is due. It may come from a timer, a redelivery or a sweep.
// That makes no difference: only the due time in the record counts.
type Woken struct{}

// Cancel is a person's wish that the campaign is not sent.
type Cancel struct {
	Key   Key // for the record, if there is none yet
	By    string
	Actor string // the name that was proven; empty: none was
	Why   string
}

// Resolved is what a person saw at the gateway, for a campaign that is unresolved.
type Resolved struct {
	By    string
	Actor string // as in Cancel
	Sent  bool   // it was sent, or is being sent
	Why   string
}

// Follow asks that a campaign whose figures never added up is followed again.
type Follow struct {
	By    string
	Actor string // as in Cancel
}

// Delivered says that everything that the saved record owes has been published, and
// that the campaign is about to rest.
type Delivered struct{}

// CostConflict says that the stream already has a cost_calculated of this number, for
// another draft. So this record's own was not published, and nothing is confirmed.
type CostConflict struct{ Event Event }

func (CostConflict) input() {}
func (Received) input()     {}
func (Woken) input()        {}
func (Cancel) input()       {}
func (Resolved) input()     {}
func (Follow) input()       {}
func (Delivered) input()    {}
func (Outcome) input()      {}
