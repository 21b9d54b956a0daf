// Package ops knows what the operator sees: log lines, health and metrics.
//
// It refuses to know the things it shows. The program registers a closure for each of
// them ([Ops.Check], [Ops.Gauge], [Ops.OneOf]), and the loop reports what happens
// through [runner.Observer], which *Ops implements. It never shows what is in a
// message: no text, no phone number, none of the gateway's words. Those are in the
// record, which has readers of its own.
package ops
