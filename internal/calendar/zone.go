package calendar

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the rules of every zone, for machines that have none
)

// zones are the names that every machine with this build knows, one a line.
//
//go:embed zones.txt
var zones string

// Load loads a zone by its IANA name. The rules are those of the machine
// if it has any, so that they can be kept up to date without a new build;
// which names there are does not depend on it.
func Load(name string) (*time.Location, error) {
	switch {
	case name == "":
		return nil, fmt.Errorf(`"": there is none: give an IANA name, for example Europe/Rome`)
	case strings.ContainsAny(name, "#\n") || !strings.Contains(zones, "\n"+name+"\n"):
		return nil, fmt.Errorf("%q: there is no such zone: did you mean %s? (IANA names, for example Europe/Rome)", name, nearest(name))
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	return loc, nil
}

// nearest is the known name that somebody most likely meant.
func nearest(name string) string {
	known := strings.Fields(zones[strings.Index(zones, "\n"):])
	name = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), " ", "_"))
	return slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance is how many letters have to be changed to make one name of the
// other; to the city alone if only a city was given.
func distance(name, zone string) int {
	zone = strings.ToLower(zone)
	d := edits(name, zone)
	if at := strings.LastIndex(zone, "/"); at >= 0 && !strings.Contains(name, "/") {
		d = min(d, edits(name, zone[at+1:]))
	}
	return d
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
