package contract

import (
	"maps"
	"slices"

	"github.com/staffetta-io/staffetta/internal/streams"
)

// What permissions are written with. A part may be "*".

// RequestPattern is where a campaign is asked for.
func RequestPattern(source, requestID string) string {
	return streams.RequestPrefix + source + "." + requestID
}

// AudiencePattern is where a source lays down the recipients of its requests.
func AudiencePattern(source string) string { return streams.AudiencePrefix + source + ".*.*" }

// CommandPattern is where an actor tells a campaign something.
func CommandPattern(source, requestID, verb, actor string) string {
	return streams.CommandPrefix + source + "." + requestID + "." + verb + "." + actor
}

// StandingPattern is where an actor lays something down beyond a single campaign, for a
// source or [everybody].
func StandingPattern(source, verb, actor string) string {
	return CommandPattern(source, streams.Standing, verb, actor)
}

// EventPattern is everything that happens to campaigns of a source; of all, if it is empty.
func EventPattern(source string) string {
	if source == "" {
		return streams.EventPrefix + ">"
	}
	return streams.EventPrefix + source + ".>"
}

// EraseSubjects are where JetStream is asked to erase what the retention of texts erases.
func EraseSubjects() (all []string) {
	for _, name := range streams.Erasable() {
		all = append(all, streams.EraseCall+name)
	}
	return all
}

// EventSubject is where the event of an id, which is that of its CloudEvent, is told.
func EventSubject(id string) string { return streams.EventPrefix + id }

// Verbs are what a campaign can be told.
func Verbs() []string { return slices.Sorted(maps.Keys(verbs)) }
