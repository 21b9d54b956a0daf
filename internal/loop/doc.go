// Package loop knows what the loops over stored records have in common, that of
// campaigns (package runner) and that of schedules (package scheduler): the revision
// of a record, the verdict on the message that woke the loop, what time it is, and the
// place of the worker that it runs on.
//
// It refuses to know what a record holds, how it is stored, and what wakes a loop: each
// loop has a wake-up of its own.
package loop
