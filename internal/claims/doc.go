// Package claims keeps campaigns apart that give the same person different values: which
// of them hold which people, and in which order the others wait. It compares hashes.
//
// It refuses to know where that is stored, how numbers are hashed, and what a campaign may
// do next. It reads no clock and no network.
package claims
