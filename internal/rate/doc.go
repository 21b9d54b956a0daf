// Package rate keeps the vendor's limits on calls, one in a minute and one in a second,
// in every window that can be laid over the gateway's end, however many processes share
// the account.
//
// It has three parts. The rules ([Record]) are pure: who holds how many tokens of an
// account until when, what was spent, who goes first. The share ([Share]) is what one
// process has of it: it takes a few tokens at a time from the record, for a
// few seconds, under compare-and-set over a port ([Store]), and gives back what it does
// not need. The clock
// ([Clock]) knows between which two instants the server's time lies.
//
// [Alone] keeps the same limits for a process that shares them with nobody.
//
// A token is taken before a call, and is free again one window after the call's answer.
// A call whose answer is here has arrived, so whoever uses its token a window later
// arrives a window later, however long either travels. A call without an answer counts
// as if it arrived at the end of its time-out.
//
// The package refuses to know what a call is, what is sent, and what the store is made of.
package rate

import "time"

// Class is which calls go first.
type Class int

// The classes, the most urgent first. What finishes a campaign's draft goes before what
// begins one: a draft that waits too long is thrown away and made again.
const (
	Confirming Class = iota
	Drafting         // everything else on a draft; reading back, deleting, probing
	Creating
	Polling
	Classes
)

// Limits are how many calls may arrive at the gateway in any window. Zero: no limit.
type Limits struct{ Minute, Second int }

// The windows.
const (
	minute = time.Minute
	second = time.Second
)

// Never is later than anything: whoever waits is woken.
const Never = time.Duration(1<<63 - 1)

// Tokens is where the calls of a process get their tokens from. One has these ways: it is
// taken, and given back or left with; a call that has left is answered, or is not.
// It is safe for concurrent use, and nothing of it blocks.
type Tokens interface {
	// Take takes a token if one is there now.
	Take() bool
	// In is how long no token will be there; zero: one is; [Never]: OnFree tells.
	In() time.Duration
	// Want says how many calls wait for a token, by class.
	Want(waiting [Classes]int)
	// Back gives back a token with which no request has left.
	Back()
	// Leave says that the request of a token leaves in this moment. False: the token
	// is no longer ours, and the request must not leave. It is given back then.
	Leave() bool
	// Answered says that the request has arrived, because its answer has.
	Answered()
	// Unanswered says that nothing came back of a request that left so long ago.
	Unanswered(ago time.Duration)
	// Heard is what the answer to a request that left so long ago says of the account:
	// its limit in a minute, and how much of it is left. Negative: it does not say.
	Heard(limit, left int, ago time.Duration)
	// OnFree has a function called when a token may be there. Set before the first Take.
	OnFree(func())
}
