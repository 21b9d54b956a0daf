// Package suppression knows which numbers get nothing: segments of hashes that are only
// ever added to, one for each order of a person, and the two sets that follow from them for
// a source, its own and everybody's.
//
// A segment holds no number. It holds eight bytes of a keyed hash of each, sorted, so that a
// million numbers are eight megabytes and a look-up is a search in memory.
//
// It refuses to know streams, orders as they are published, and campaigns.
package suppression
