package window

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/calendar"
)

// Schema is the version of the policy file's JSON. Readers refuse a newer one.
const Schema = 1

// Policy is one policy file: the rules for one kind of message in one place,
// as they are and as they were.
type Policy struct {
	Schema   int       `json:"schema"`
	Name     string    `json:"name"`     // as a request names it: "example-it"
	About    string    `json:"about"`    // what it is for, and who is responsible for it
	Zone     string    `json:"zone"`     // where the recipients are: "Europe/Rome"
	Versions []Version `json:"versions"` // by their effective dates, the earliest first

	zone *time.Location
}

// Version is the policy from a date on, until the next version.
type Version struct {
	Effective calendar.Date `json:"effective"` // first local date on which it holds
	Open      Week          `json:"open"`      // a day that is absent is shut
	Holidays  []Holiday     `json:"holidays,omitempty"`
	Sources   []Source      `json:"sources"`
	Conflicts string        `json:"conflicts,omitempty"` // where the sources disagree, and how that was settled
}

// Week is when each day of the week is open.
type Week map[calendar.Weekday][]Hours

// Holiday is a day of the year that is shut whatever day of the week it is.
type Holiday struct {
	Day  YearDay `json:"day"`
	Name string  `json:"name"`
}

// Source is where a rule was read.
type Source struct {
	URL  string        `json:"url"`
	Says string        `json:"says"`
	Read calendar.Date `json:"read"` // when it was read there
}

// Read reads a policy file, and says everything that is wrong with it. An unknown
// field is a mistake: people would believe that it has an effect.
func Read(data []byte) (Policy, error) {
	var p Policy
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Policy{}, fmt.Errorf("policy: %w", err)
	}
	if d.More() {
		return Policy{}, errors.New("policy: there is something after its end: one file holds one policy")
	}
	if err := p.validate(); err != nil {
		return Policy{}, err
	}
	slices.SortStableFunc(p.Versions, func(a, b Version) int { return strings.Compare(a.Effective.String(), b.Effective.String()) })
	return p, nil
}

func (p *Policy) validate() error {
	var wrong []error
	say := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("policy %q: "+format, append([]any{p.Name}, args...)...))
	}
	if p.Schema != Schema {
		say("schema %d: this version knows schema %d", p.Schema, Schema)
	}
	if p.Name == "" || strings.Trim(p.Name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		say("name: want letters, digits, _ and -")
	}
	if p.About == "" {
		say("about: it is empty: say what the policy is for, and who answers for it")
	}
	var err error
	if p.zone, err = calendar.Load(p.Zone); err != nil {
		say("zone %w", err)
	}
	if len(p.Versions) == 0 {
		say("versions: there is none")
	}
	seen := map[calendar.Date]bool{}
	for i, v := range p.Versions {
		at := fmt.Sprintf("versions[%d]", i)
		switch {
		case v.Effective.IsZero():
			say("%s.effective: it is absent: say from which date it holds", at)
		case seen[v.Effective]:
			say("%s.effective %s: another version has the same date", at, v.Effective)
		}
		seen[v.Effective] = true
		if len(v.Open) == 0 {
			say("%s.open: no day is open: nothing could ever be sent", at)
		}
		for day, hours := range v.Open {
			for j, h := range hours {
				if j > 0 && h.From < hours[j-1].To {
					say("%s.open.%s: %s begins before %s ends: put them in order, without overlap", at, day, h, hours[j-1])
				}
			}
		}
		for _, h := range v.Holidays {
			if h.Name == "" {
				say("%s.holidays %s: its name is absent", at, h.Day)
			}
		}
		if len(v.Sources) == 0 {
			say("%s.sources: there is none: say where the rule was read", at)
		}
		for j, s := range v.Sources {
			if s.URL == "" || s.Says == "" || s.Read.IsZero() {
				say("%s.sources[%d]: want url, says and read, so that it can be checked", at, j)
			}
		}
	}
	return errors.Join(wrong...)
}

// version is the version that holds on a date.
func (p *Policy) version(d calendar.Date) (v Version, ok bool) {
	for _, next := range p.Versions {
		if d.Before(next.Effective) {
			break
		}
		v, ok = next, true
	}
	return v, ok
}

// holiday is the name of the holiday on a date; empty: it is none.
func (v Version) holiday(d calendar.Date) string {
	for _, h := range v.Holidays {
		if h.Day.is(d) {
			return h.Name
		}
	}
	return ""
}
