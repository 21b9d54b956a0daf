// Package campaign knows the rules: what a campaign is, what may happen to it next, and
// what it then has to publish and to call. One function, [Rules.Step], decides.
//
// It refuses to know how anything is done: no I/O, no clock, no logger, no
// protobuf, no NATS, no HTTP. Time, the answers of the gateway and the age of
// the stored record come in as values; the next state, the events to publish,
// the next wake-up and the next call to the gateway go out as values.
package campaign
