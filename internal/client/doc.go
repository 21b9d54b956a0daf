// Package client is the service from outside, for people and for whoever asks on their
// behalf: campaigns asked for and told something, read and watched, dead letters and their
// replay, budgets and schedules, what streams are there and how they are upgraded, and
// what was lost recovered. What is read is asked of the service, or read in the streams
// where no service answers; the service answers with the same reader. A Client creates no
// stream by itself and needs no more rights than what it touches; what a user lacks is an
// error that names the right.
//
// It refuses to know the service's loops, and where its settings come from.
package client
