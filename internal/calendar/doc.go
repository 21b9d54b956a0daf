// Package calendar knows dates, times of day, the zones of the IANA and what
// their clocks do: which instants a local time is, once, twice or never.
//
// It refuses to know what a date is for. It reads no clock; instants come in
// and go out as values. A date never becomes another by adding hours to an
// instant: that is how a loop over days stands still on the day of 25 hours.
package calendar
