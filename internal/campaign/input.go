package campaign

import "time"

// Input is something that happened to a campaign: [Asked], [Woken],
// [CancelAsked], [Resolved], [Delivered], or the [Outcome] of the call that the last
// decision asked for.
type Input interface{ input() }

// Asked is the request, when there is no record yet.
type Asked struct {
	Key     Key
	Request Request
	Trace   string
	At      time.Time // when it was stored first, by the stream's clock; zero: now
	Stored  time.Time // when this message was, which nobody can choose; zero: now
}

// Woken says: look what is due. A timer, a redelivery, a sweep; which of them
// does not matter, the record's own due time does.
type Woken struct{}

// CancelAsked is somebody's cancel.
type CancelAsked struct {
	Key   Key // for the record, if there is none yet
	By    string
	Actor string // who proved to be the speaker; empty: nobody did
	Why   string
}

// Resolved is what a person saw at the gateway, of a campaign that nobody
// could establish.
type Resolved struct {
	By    string
	Actor string // as in CancelAsked
	Sent  bool   // it was sent, or is being sent
	Why   string
}

// Follow has a campaign followed again whose figures never added up.
type Follow struct {
	By    string
	Actor string // as in CancelAsked
}

// Delivered says that everything the saved record owes has been told, and
// that the campaign is about to rest.
type Delivered struct{}

// ToldOtherwise says that the record's cost_calculated is told already, for another
// draft: it was not told, and nothing is confirmed.
type ToldOtherwise struct{ Event Event }

func (ToldOtherwise) input() {}
func (Asked) input()         {}
func (Woken) input()         {}
func (CancelAsked) input()   {}
func (Resolved) input()      {}
func (Follow) input()        {}
func (Delivered) input()     {}
func (Outcome) input()       {}
