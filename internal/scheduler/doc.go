// Package scheduler is the loop of recurring campaigns: load a schedule, put
// what it owes into the stream, decide, save, deliver, set the timer. What is
// due, package schedule decides; what an occurrence is once it is asked for,
// package runner takes up like any other campaign.
//
// It refuses to know how schedules are stored, how a request is written, and
// the gateway.
package scheduler
