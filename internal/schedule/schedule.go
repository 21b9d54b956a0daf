package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Key names a schedule: its source, and the id that the source has given it.
type Key struct {
	Source string `json:"source"`
	ID     string `json:"id"`
}

// String is the key as people type it and as the record is filed:
// "studio-bianchi.monday-reminder".
func (k Key) String() string { return k.Source + "." + k.ID }

// ParseKey reads what String writes.
func ParseKey(s string) (Key, error) {
	source, id, ok := strings.Cut(s, ".")
	if !ok {
		return Key{}, fmt.Errorf("schedule %q: want <source>.<schedule id>, for example studio-bianchi.monday-reminder", s)
	}
	k := Key{source, id}
	if err := errors.Join(k.problem()...); err != nil {
		return Key{}, fmt.Errorf("schedule %q: %w", s, err)
	}
	return k, nil
}

// problem says which half cannot be a token of a subject.
func (k Key) problem() (wrong []error) {
	if err := campaign.ValidToken(k.Source, campaign.TokenLength); err != nil {
		wrong = append(wrong, fmt.Errorf("source %q: %w", k.Source, err))
	}
	// An occurrence adds 14 characters to the id, and a request id has 64.
	if err := campaign.ValidToken(k.ID, 40); err != nil {
		wrong = append(wrong, fmt.Errorf("id %q: %w", k.ID, err))
	}
	return wrong
}

// Schedule says when a campaign is asked for, again and again, and what to do
// when the local time does not exist or exists twice, the previous campaign is
// not over, or the service was away. It is what a person wrote; its history is in
// the [Record].
type Schedule struct {
	Key
	Request json.RawMessage `json:"request"` // what every occurrence asks for

	Zone     string             `json:"zone"`               // IANA, "Europe/Rome"
	At       calendar.Clock     `json:"at"`                 // local time of day
	Weekdays []calendar.Weekday `json:"weekdays,omitempty"` // on these days of the week
	Days     []calendar.Day     `json:"days,omitempty"`     // or on these of the month; neither: every day
	Start    calendar.Date      `json:"start,omitzero"`     // first local date; zero: none
	End      calendar.Date      `json:"end,omitzero"`       // last local date; zero: none

	MissingTime  MissingTime  `json:"missing_local_time"`
	RepeatedTime RepeatedTime `json:"repeated_local_time"`
	Overlap      Overlap      `json:"overlap"`
	CatchUp      CatchUp      `json:"catch_up"`
	// CatchUpWithin is how late a missed occurrence may still be asked for.
	CatchUpWithin calendar.Duration `json:"catch_up_within,omitzero"`
	// ExpiresAfter is how long after its instant an occurrence is worth
	// sending. It becomes expires_at of the request. Zero: 24 h.
	ExpiresAfter calendar.Duration `json:"expires_after"`

	Paused    bool      `json:"paused,omitempty"`
	Version   int       `json:"version"` // counts changes by people, from 1
	ChangedBy string    `json:"changed_by"`
	ChangedAt time.Time `json:"changed_at"`
}

// MissingTime says what becomes of a local time that a day does not have,
// because clocks were put forward over it.
type MissingTime string

const (
	// Shift asks as long after the change as the time would have been: 02:30
	// becomes 03:30 (RFC 5545, 3.3.5). The default.
	Shift MissingTime = "shift"
	// SkipMissing leaves the occurrence out.
	SkipMissing MissingTime = "skip"
)

// RepeatedTime says which one is meant of a local time that a day has twice,
// because clocks were put back over it. It is never both.
type RepeatedTime string

const (
	First      RepeatedTime = "first" // the default
	LastOfBoth RepeatedTime = "last"
)

// Overlap says what becomes of an occurrence that is due while the campaign
// of the previous one has not ended.
type Overlap string

const (
	SkipOverlap Overlap = "skip" // it is left out; the default
	Queue       Overlap = "queue"
)

// CatchUp says what becomes of occurrences that were missed: the service was
// away when they were due, and for longer than [OnTime].
type CatchUp string

const (
	CatchUpNone CatchUp = "none" // they are left out; the default
	CatchUpLast CatchUp = "last" // the latest is asked for, the others are left out
	CatchUpAll  CatchUp = "all"  // each is asked for, one when the other has ended
)

// OnTime is how late an occurrence is still on time: a restart, a new leader or a
// late timer takes this long at most.
const OnTime = 10 * time.Minute

// day is 24 hours, for lengths that people write. No calendar arithmetic uses it.
const day = calendar.Duration(24 * time.Hour)

// maxExpiry bounds ExpiresAfter: a request that is a month late belongs to
// another month.
const maxExpiry = 31 * day

// Rule is when it comes, in words: "every monday at 09:00 Europe/Rome".
func (s Schedule) Rule() string {
	at := fmt.Sprintf("at %s %s", s.At, s.Zone)
	switch {
	case len(s.Weekdays) > 0:
		return "every " + words(s.Weekdays) + " " + at
	case len(s.Days) > 0:
		return "every month on " + words(s.Days) + " " + at
	}
	return "every day " + at
}

// words lists things as people do: "1, 15 and last".
func words[T fmt.Stringer](list []T) string {
	var all strings.Builder
	for i, v := range list {
		switch {
		case i > 0 && i == len(list)-1:
			all.WriteString(" and ")
		case i > 0:
			all.WriteString(", ")
		}
		all.WriteString(v.String())
	}
	return all.String()
}

// WithDefaults fills in what was left empty.
func (s Schedule) WithDefaults() Schedule {
	def(&s.MissingTime, Shift)
	def(&s.RepeatedTime, First)
	def(&s.Overlap, SkipOverlap)
	def(&s.CatchUp, CatchUpNone)
	def(&s.ExpiresAfter, day)
	return s
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate says everything that is wrong, each with its field and the remedy. It
// looks at the schedule alone; the reader of the request checks the request.
func (s Schedule) Validate() error {
	s = s.WithDefaults()
	wrong := s.Key.problem()
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	if len(s.Request) == 0 {
		say("request: there is none: give the campaign to ask for")
	}
	if _, err := calendar.Load(s.Zone); err != nil {
		say("zone %w", err)
	}
	if s.At < 0 || s.At >= 24*60 {
		say("at: %d minutes after midnight is no time of day: want 00:00 to 23:59", int(s.At))
	}
	for _, w := range s.Weekdays {
		if w < 0 || w > 6 {
			say("weekdays: there is no day %d: want monday, tuesday … sunday", int(w))
		}
	}
	for _, d := range s.Days {
		if d != calendar.Last && (d < 1 || d > 31) {
			say("days: there is no day %d: want 1 to 31, or last", int(d))
		}
	}
	if len(s.Weekdays) > 0 && len(s.Days) > 0 {
		say("weekdays, days: both are set, and it is not said whether either or both must hold: set one, or make two schedules")
	}
	if !s.End.IsZero() && s.End.Before(s.Start) {
		say("end %s: it is before start %s: swap them", s.End, s.Start)
	}
	oneOf(say, "missing_local_time", s.MissingTime, Shift, SkipMissing)
	oneOf(say, "repeated_local_time", s.RepeatedTime, First, LastOfBoth)
	oneOf(say, "overlap", s.Overlap, SkipOverlap, Queue)
	oneOf(say, "catch_up", s.CatchUp, CatchUpNone, CatchUpLast, CatchUpAll)
	if s.ExpiresAfter <= calendar.Duration(OnTime) || s.ExpiresAfter > maxExpiry {
		say("expires_after %s: want more than %s and at most %s", s.ExpiresAfter, calendar.Duration(OnTime), maxExpiry)
	}
	switch within := s.CatchUpWithin; {
	case s.CatchUp == CatchUpNone && within != 0:
		say("catch_up_within %s: nothing is caught up with: set catch_up to last or all, or leave it out", within)
	case s.CatchUp == CatchUpNone:
	case within <= 0:
		say("catch_up_within: catch_up %s needs a limit: say how late a missed occurrence may still be asked for, for example 6h", s.CatchUp)
	case within >= s.ExpiresAfter:
		say("catch_up_within %s: it is not less than expires_after %s, after which nothing is sent: shorten it, or lengthen expires_after", within, s.ExpiresAfter)
	case s.CatchUp == CatchUpAll && s.Overlap == SkipOverlap:
		say("catch_up all: with overlap skip only the first of them would be asked for: set overlap to queue, or catch_up to last")
	}
	return errors.Join(wrong...)
}

func oneOf[T ~string](say func(string, ...any), field string, have T, known ...T) {
	if !slices.Contains(known, have) {
		say("%s %q: want one of %q", field, have, known)
	}
}
