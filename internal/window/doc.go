// Package window knows when a campaign may be sent: policies that are data,
// with the sources they were taken from and the dates from which they hold,
// and the first instant at which a whole sending fits.
//
// It refuses to know what the law is, whom a campaign is for, and how long a
// sending takes. It reads no file and no clock: the policy comes as bytes,
// instants and lengths as values, and the answer goes out with its reason in
// words.
package window
