// Package doctor finds out which of the vendor's documentations an account
// follows.
//
// The vendor's pages contradict each other, and what may safely be concluded
// after a lost reply depends on which routes exist. Examine asks the gateway
// itself: harmless GETs, and drafts with a mark of its own, which are removed. It
// confirms nothing unless a simulation is asked for, and touches nothing without
// the mark.
//
// It speaks HTTP by itself and knows neither the client nor the sandbox: a third
// reading of one specification. Its result is a Variant, a line for the
// configuration. Watch compares it with what the service meets.
package doctor
