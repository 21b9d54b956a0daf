package contract

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// RequestSubject is where a campaign is asked for.
func RequestSubject(k campaign.Key) string { return streams.RequestPrefix + k.String() }

// RecordSubject is where the record of a campaign is kept.
func RecordSubject(k campaign.Key) string { return streams.RecordPrefix + k.String() }

// CommandSubject is where a campaign is told something, by nobody who is named.
func CommandSubject(k campaign.Key, verb string) string {
	return streams.CommandPrefix + k.String() + "." + verb
}

// EventID is the last four tokens of an event's subject, and its CloudEvents id.
func EventID(k campaign.Key, e campaign.Event) string {
	return k.String() + "." + string(e.Type) + "." + strconv.Itoa(e.N)
}

// SplitSubject reads the key behind a prefix, and what follows the key.
func SplitSubject(subject, prefix string) (k campaign.Key, rest string, err error) {
	tail, ok := strings.CutPrefix(subject, prefix)
	if !ok {
		return k, "", fmt.Errorf("subject %s: want %s<source>.<request id>", subject, prefix)
	}
	k.Source, tail, _ = strings.Cut(tail, ".")
	k.RequestID, rest, _ = strings.Cut(tail, ".")
	if err := k.Validate(); err != nil {
		return campaign.Key{}, "", fmt.Errorf("subject %s: %w", subject, err)
	}
	return k, rest, nil
}

// LetterSubject is where the dead letters of a campaign are filed.
func LetterSubject(k campaign.Key) string { return streams.DeadPrefix + k.String() }
