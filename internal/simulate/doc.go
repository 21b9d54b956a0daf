// Package simulate knows how to break Staffetta: it lives one campaign's
// history again and again, by the real rules and the real runner, up to three
// workers at once, between simulated streams and a simulated gateway. Who goes
// on, who freezes, who dies, which call is lost or takes effect too late, when
// a message comes again, when the power fails: every choice comes from a tape,
// so that a history that went wrong can be lived again, shrunk, told and kept.
//
// It judges by what the gateway saw and the world was told, never by our own
// record alone. It refuses to know the rules; it must run in a synctest bubble,
// whose clock it moves.
package simulate
