// Package simulate knows how to break Staffetta. It runs the history of one
// campaign again and again, with the real rules and the real runner, up to three
// workers at once, between simulated streams and a simulated gateway. Which
// worker goes on, freezes or dies, which call is lost or takes effect too late,
// when a message comes again, when the power fails: every choice comes from a
// tape. So a history that went wrong can be repeated, shrunk, printed and kept.
//
// It judges by what the gateway saw and which events were published, never by our
// own record alone. It refuses to know the rules. It must run in a synctest
// bubble, whose clock it moves.
package simulate
