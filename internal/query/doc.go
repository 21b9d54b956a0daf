// Package query asks about campaigns over NATS, and answers. It knows the questions,
// the shapes of their answers, who may ask what, and how much one answer can hold. It
// refuses to know streams: a service that answers brings a [Reader].
package query
