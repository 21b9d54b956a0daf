// Package calendar knows dates, times of day, the time zones of IANA and how
// their clocks change: which instants a local time is, once, twice or never.
//
// It refuses to know what a date is for. It reads no clock; instants come in and
// go out as values. A date never becomes another by adding hours to an instant: a
// loop over days that does so stands still on the day of 25 hours.
package calendar
