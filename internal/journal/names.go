package journal

import (
	"maps"
	"slices"
)

// What permissions are written with. A part may be "*".

// RequestSubject is where a campaign is asked for.
func RequestSubject(source, requestID string) string { return requestPrefix + source + "." + requestID }

// CommandSubject is where an actor tells a campaign something.
func CommandSubject(source, requestID, verb, actor string) string {
	return commandPrefix + source + "." + requestID + "." + verb + "." + actor
}

// EventSubject is everything that happens to campaigns of a source; of all, if it is empty.
func EventSubject(source string) string {
	if source == "" {
		return eventPrefix + ">"
	}
	return eventPrefix + source + ".>"
}

// Verbs are what a campaign can be told.
func Verbs() []string { return slices.Sorted(maps.Keys(verbs)) }
