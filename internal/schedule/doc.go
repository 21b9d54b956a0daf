// Package schedule knows recurring campaigns: when the calendar asks for one,
// what becomes of a local time that a day skips or repeats, and which
// occurrences are asked for, wait, or are left out. One function,
// [Record.Decide], decides.
//
// It refuses to know how anything is done: no I/O, no clock, no protobuf, no
// NATS. What an occurrence asks for is bytes that it passes on. Time and
// whether the previous campaign has ended come in as values; the next record,
// with what it owes and when it must be looked at again, goes out as a value.
//
// All calendar arithmetic is done on dates, in the schedule's zone. An instant
// is only ever computed from a date and a time of day, never from another
// instant: adding 24 hours, or one day to the midnight that a clock change
// repeats, is how a schedule stands still for ever.
package schedule
