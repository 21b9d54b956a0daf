package words

import (
	"regexp"
	"time"
)

// dated finds the instants that the service writes into its sentences: they are in UTC.
var dated = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)

// Zoned is a sentence of the service with its instants in the zone of whoever reads it.
func Zoned(sentence string, zone *time.Location) string {
	return dated.ReplaceAllStringFunc(sentence, func(written string) string {
		at, err := time.Parse(time.RFC3339Nano, written)
		if err != nil {
			return written
		}
		return at.In(zone).Format(time.RFC3339Nano)
	})
}
