package schedule

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Schema is the version of the record's JSON. Readers refuse a newer one.
const Schema = 1

// Record is a schedule and what came of it so far. It is saved whole, under
// compare-and-set, and its JSON is read by people
// (`nats kv get schedules studio-bianchi.monday-reminder`).
type Record struct {
	Schema int `json:"schema"`
	Schedule

	Wake time.Time `json:"wake,omitzero"` // when it must be looked at again; zero: never by itself

	// Decided: every occurrence up to this instant is asked for, waits, or was
	// left out.
	Decided time.Time    `json:"decided"`
	Waiting []Occurrence `json:"waiting,omitempty"` // due, until the previous campaign has ended
	Owed    *Firing      `json:"owed,omitempty"`    // asked for by this version, perhaps not yet in the stream

	Last    *Occurrence `json:"last,omitempty"`    // asked for last
	Fired   int         `json:"fired"`             // how many were asked for
	LeftOut int         `json:"left_out"`          // how many were not
	Skipped []Skipped   `json:"skipped,omitempty"` // of them, the last 20
}

// Firing is an occurrence that is asked for, and with what: the request as it
// was when that was decided.
type Firing struct {
	Occurrence
	Request   json.RawMessage `json:"request"`
	ExpiresAt time.Time       `json:"expires_at"`
}

// Skipped is an occurrence that was not asked for, and why.
type Skipped struct {
	Occurrence
	Reason  Reason    `json:"reason"`
	Why     string    `json:"why"`     // in words
	Decided time.Time `json:"decided"` // when that was decided
}

// Reason sorts why an occurrence was left out.
type Reason string

const (
	NoSuchTime Reason = "no_such_time" // its day skips its time, and missing_local_time is skip
	Overlapped Reason = "overlap"      // the campaign of the previous one had not ended
	Missed     Reason = "missed"       // nobody was there in time, and it is not to be caught up with
	Superseded Reason = "superseded"   // a later one was caught up with in its place
	Expired    Reason = "expired"      // it waited until it was not worth sending
	Crowded    Reason = "crowded"      // too many were waiting already
	WhenPaused Reason = "paused"       // it fell into a pause
	Changed    Reason = "changed"      // the schedule was changed before it was decided
	Unaskable  Reason = "unaskable"    // its request breaks a rule of the contract
)

// Reasons are all there are, but for those of people: what falls into a pause,
// or was due at a change, is left out by whoever resumes or changes it.
var Reasons = []Reason{NoSuchTime, Overlapped, Missed, Superseded, Expired, Crowded, Unaskable}

const skippedKept = 20

// New begins the record of a schedule that somebody wrote. Nothing before now
// is an occurrence.
func New(s Schedule, by string, now time.Time) (Record, error) {
	r := Record{Schema: Schema, Decided: now}
	return r.Change(s, by, now)
}

// Change puts another schedule in the place of this one, and keeps what came
// of it. What was due and not decided yet is left out: whether the new
// schedule would have had it, nobody can say.
func (r Record) Change(s Schedule, by string, now time.Time) (Record, error) {
	s = s.WithDefaults()
	if err := s.Validate(); err != nil {
		return Record{}, err
	}
	if len(s.Next(now, 1)) == 0 {
		return Record{}, fmt.Errorf("start %s, end %s, days %v: it has no occurrence after %s: look at the dates", s.Start, s.End, s.Days, now.UTC().Format(time.RFC3339))
	}
	t := turn{r: r.copy(), now: now}
	if r.Version > 0 {
		t.leaveOutDue(Changed, "the schedule was changed before it was decided")
	}
	s.Version, s.Paused = r.Version, r.Paused
	t.r.Schedule = s
	return t.changed(by), nil
}

// Pause keeps anything from being asked for until Resume. What waits, waits on.
func (r Record) Pause(by string, now time.Time) Record {
	t := turn{r: r.copy(), now: now}
	t.r.Paused = true
	return t.changed(by)
}

// Resume ends a pause. What fell into it is not made up for.
func (r Record) Resume(by string, now time.Time) Record {
	t := turn{r: r.copy(), now: now}
	t.leaveOutDue(WhenPaused, "it fell into a pause")
	t.r.Paused = false
	return t.changed(by)
}

// changed signs a change, and asks the service to look at it.
func (t *turn) changed(by string) Record {
	t.r.Version++
	t.r.ChangedBy, t.r.ChangedAt = by, t.now
	t.r.Wake = t.now
	return t.r
}

// copy has lists of its own.
func (r Record) copy() Record {
	r.Waiting, r.Skipped = slices.Clone(r.Waiting), slices.Clone(r.Skipped)
	return r
}
