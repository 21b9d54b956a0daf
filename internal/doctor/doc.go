// Package doctor finds out which of the vendor's documentations an account speaks.
//
// The vendor's pages contradict each other, and what may safely be concluded after
// a lost reply depends on which routes there are. Examine asks the gateway itself:
// harmless GETs, and drafts under a mark of its own, which are removed. Nothing is
// confirmed unless a simulation is asked for, and nothing is touched that does not
// bear the mark.
//
// It speaks HTTP by itself and knows neither the client nor the sandbox: a third
// reading of one specification. What it learnt is a Variant, a line for the
// configuration; Watch compares it with what the service meets.
package doctor
