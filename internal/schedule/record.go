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
	Untold  []Skipped    `json:"untold,omitempty"`  // left out by this version, perhaps not yet told

	Last    *Occurrence `json:"last,omitempty"`    // asked for last
	Fired   int         `json:"fired"`             // how many were asked for
	LeftOut int         `json:"left_out"`          // how many were not
	Skipped []Skipped   `json:"skipped,omitempty"` // of them, the last 20

	// Orders are the last 20 orders of people that were obeyed: one may come again.
	Orders []string `json:"orders,omitempty"`
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
	Missed     Reason = "missed"       // the service was away, and the schedule does not catch up
	Superseded Reason = "superseded"   // the schedule caught up with a later one instead
	Expired    Reason = "expired"      // it waited too long to be worth sending
	Crowded    Reason = "crowded"      // too many were waiting already
	WhenPaused Reason = "paused"       // it was due during a pause
	Changed    Reason = "changed"      // the schedule was changed before it was decided
	Unaskable  Reason = "unaskable"    // its request breaks a rule of the contract
	// TooOld: its campaign names an audience of which there is no list that is young enough.
	TooOld Reason = "audience_too_old"
)

// Reasons are all but those that people cause: WhenPaused and Changed, which are
// counted when a person resumes or changes the schedule. What is left out for one of these
// is told.
var Reasons = []Reason{NoSuchTime, Overlapped, Missed, Superseded, Expired, Crowded, Unaskable, TooOld}

const skippedKept, ordersKept = 20, 20

// Obeyed notes an order of people; it returns false if it was obeyed before.
func (r Record) Obeyed(order string) (Record, bool) {
	if slices.Contains(r.Orders, order) {
		return r, false
	}
	r.Orders = append(slices.Clone(r.Orders), order)
	r.Orders = r.Orders[max(0, len(r.Orders)-ordersKept):]
	return r, true
}

// New begins the record of a new schedule. No instant before now is an
// occurrence.
func New(s Schedule, by string, now time.Time) (Record, error) {
	r := Record{Schema: Schema, Decided: now}
	return r.Change(s, by, now)
}

// Change replaces the schedule and keeps its history. What was due and not
// decided yet is left out: it cannot be known whether the new schedule would have
// had it.
func (r Record) Change(s Schedule, by string, now time.Time) (Record, error) {
	s = s.WithDefaults()
	if err := s.Validate(); err != nil {
		return Record{}, err
	}
	if len(s.Next(now, 1)) == 0 {
		return Record{}, fmt.Errorf("start %s, end %s, days %v: it has no occurrence after %s: look at the dates", s.Start, s.End, s.Days, now.UTC().Format(time.RFC3339))
	}
	t := transition{r: r.copy(), now: now}
	if r.Version > 0 {
		t.leaveOutDue(Changed, "the schedule was changed before it was decided")
	}
	s.Version, s.Paused = r.Version, r.Paused
	t.r.Schedule = s
	return t.sign(by), nil
}

// Pause stops all asking until Resume. What waits goes on waiting.
func (r Record) Pause(by string, now time.Time) Record {
	t := transition{r: r.copy(), now: now}
	t.r.Paused = true
	return t.sign(by)
}

// Resume ends a pause. Occurrences that were due during it stay left out.
func (r Record) Resume(by string, now time.Time) Record {
	t := transition{r: r.copy(), now: now}
	t.leaveOutDue(WhenPaused, "it fell into a pause")
	t.r.Paused = false
	return t.sign(by)
}

// sign signs a change, and asks the service to look at it.
func (t *transition) sign(by string) Record {
	t.r.Version++
	t.r.ChangedBy, t.r.ChangedAt = by, t.now
	t.r.Wake = t.now
	return t.r
}

// copy has lists of its own.
func (r Record) copy() Record {
	r.Waiting, r.Skipped, r.Untold = slices.Clone(r.Waiting), slices.Clone(r.Skipped), slices.Clone(r.Untold)
	return r
}
