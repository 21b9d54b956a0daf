// Package ops knows what the operator sees: log lines, health and metrics.
//
// It refuses to know the things it shows. The program registers a closure for
// each of them ([Ops.Check], [Ops.Gauge], [Ops.Breaker]), and the loop tells
// what happens through [runner.Observer], which *Ops implements. It never
// shows what is in a message: no text, no phone number, no word of the
// gateway's; those are in the record, for whoever may read it.
package ops
