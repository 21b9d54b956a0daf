package calendar

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the rules of every zone, for machines that have none

	"github.com/staffetta-io/staffetta/internal/spelling"
)

// zones are the names that every machine with this build knows, one a line.
//
//go:embed zones.txt
var zones string

// Load loads a zone by its IANA name. The rules are those of the machine if it
// has any, so that they can be updated without a new build. The set of names does
// not depend on the machine.
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

// Zones are the names that Load knows, in order.
func Zones() []string { return strings.Fields(zones[strings.Index(zones, "\n"):]) }

// nearest is the known name that was most likely meant.
func nearest(name string) string {
	name = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), " ", "_"))
	return slices.MinFunc(Zones(), func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance is how many letters have to change to make one name of the other. A
// name without a region is compared with the city alone.
func distance(name, zone string) int {
	zone = strings.ToLower(zone)
	d := spelling.Distance(name, zone)
	if at := strings.LastIndex(zone, "/"); at >= 0 && !strings.Contains(name, "/") {
		d = min(d, spelling.Distance(name, zone[at+1:]))
	}
	return d
}
