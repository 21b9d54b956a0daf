package schedule

import (
	"fmt"
	"slices"
	"time"

	"github.com/staffetta-io/staffetta/internal/calendar"
)

// Facts are what the decision may know of the present.
type Facts struct {
	Now time.Time
	// Ended says that the campaign of Record.Last has ended, however it ended.
	// True if there is none.
	Ended bool
	// Lacks says why the audience that the campaign names cannot be taken now; empty: it
	// can, or it names none.
	Lacks string
}

// Decision is what follows: save Next if Save, then put what it owes into the
// stream. Nothing happens before Next.Wake, or ever if that is zero. Fire and
// Skip are what is new in Next, for the log and the metrics.
type Decision struct {
	Next Record
	Save bool
	Fire *Firing
	Skip []Skipped
}

// recheckAfter is the pause between two looks at a campaign that the next
// occurrence waits for.
const recheckAfter = time.Minute

// maxWaiting is how many occurrences may wait.
const maxWaiting = 32

// Decide says what is due. It does not change its input. What the record owes has
// been delivered before, so Next owes only what this decision adds: at most one
// occurrence, because the next one has to wait for its campaign.
//
// It may be called at any time and any number of times. An occurrence is decided
// once: saving Next moves Decided past it. A worker that could not save decides
// again from the record.
func (r Record) Decide(f Facts) Decision {
	t := transition{r: r.copy(), now: f.Now}
	t.r.Owed, t.r.Untold = nil, nil
	switch {
	case r.Paused:
		t.r.Wake = time.Time{}
	default:
		t.fireNext(t.takeDue(), f)
		t.r.Wake = t.nextWake()
	}
	return Decision{Next: t.r, Save: r.Owed != nil || r.Untold != nil || t.changed || !t.r.Wake.Equal(r.Wake), Fire: t.r.Owed, Skip: t.skip}
}

// Refuse gives up what the record owes, because its request can never be stored.
func (r Record) Refuse(why string, now time.Time) Decision {
	t := transition{r: r.copy(), now: now}
	o := r.Owed.Occurrence
	t.r.Owed, t.r.Untold, t.r.Last = nil, nil, nil
	t.r.Fired--
	t.leaveOut(o, Unaskable, why)
	t.r.Wake = t.nextWake()
	return Decision{Next: t.r, Save: true, Skip: t.skip}
}

// transition is one decision in the making: a copy of the record, and the moment.
type transition struct {
	r       Record
	now     time.Time
	skip    []Skipped
	changed bool // the record has changed
}

// takeDue takes what is due from the calendar, and leaves out what comes too late.
func (t *transition) takeDue() []Occurrence {
	var due, missed []Occurrence
	for o, exists := range t.r.after(t.r.Decided) {
		if o.At.After(t.now) {
			break
		}
		t.changed = true
		switch late := t.now.Sub(o.At); {
		case !exists:
			t.leaveOut(o, NoSuchTime, o.Note)
		case late <= OnTime:
			due = append(due, o)
		case t.r.CatchUp == CatchUpNone:
			t.leaveOut(o, Missed, fmt.Sprintf("it was looked at %s too late, and catch_up is none", roundUp(late)))
		case late > time.Duration(t.r.CatchUpWithin):
			t.leaveOut(o, Missed, fmt.Sprintf("it was looked at %s too late, and catch_up_within is %s", roundUp(late), t.r.CatchUpWithin))
		default:
			missed = append(missed, o)
		}
	}
	if t.changed && t.now.After(t.r.Decided) {
		t.r.Decided = t.now
	}
	if t.r.CatchUp == CatchUpLast {
		latest := len(missed) - 1
		if len(due) > 0 {
			latest++ // that one is later still
		}
		for _, o := range missed[:max(latest, 0)] {
			t.leaveOut(o, Superseded, "a later one is caught up with in its place")
		}
		missed = missed[max(latest, 0):]
	}
	return append(missed, due...)
}

// fireNext asks for the first of what waits and what is due, if it may go.
func (t *transition) fireNext(due []Occurrence, f Facts) {
	var waiting []Occurrence
	for _, o := range t.r.Waiting {
		if t.expires(o).After(t.now) {
			waiting = append(waiting, o)
			continue
		}
		t.leaveOut(o, Expired, fmt.Sprintf("the previous campaign had not ended when it expired at %s", t.expires(o).Format(time.RFC3339)))
	}
	for _, o := range due {
		switch free := f.Ended && len(waiting) == 0; {
		case !free && t.r.Overlap == SkipOverlap:
			t.leaveOut(o, Overlapped, "the previous campaign has not ended")
		case len(waiting) >= maxWaiting:
			t.leaveOut(o, Crowded, fmt.Sprintf("%d are waiting already", maxWaiting))
		default:
			waiting = append(waiting, o)
		}
	}
	// A list that comes a moment late is waited for, as a service is that was away.
	for f.Ended && f.Lacks != "" && len(waiting) > 0 && t.now.Sub(waiting[0].At) >= OnTime {
		t.leaveOut(waiting[0], TooOld, f.Lacks)
		waiting = waiting[1:]
	}
	if f.Ended && f.Lacks == "" && len(waiting) > 0 {
		t.fire(waiting[0])
		waiting = waiting[1:]
	}
	t.r.Waiting = waiting
}

// fire asks for an occurrence.
func (t *transition) fire(o Occurrence) {
	t.r.Owed = &Firing{Occurrence: o, Request: t.r.Request, ExpiresAt: t.expires(o)}
	t.r.Last = &o
	t.r.Fired++
	t.changed = true
}

// leaveOut does not ask for an occurrence, and remembers why.
func (t *transition) leaveOut(o Occurrence, reason Reason, why string) {
	s := Skipped{Occurrence: o, Reason: reason, Why: why, Decided: t.now}
	t.skip = append(t.skip, s)
	t.r.LeftOut++
	t.r.Skipped = append(t.r.Skipped, s)
	t.r.Skipped = t.r.Skipped[max(0, len(t.r.Skipped)-skippedKept):]
	if slices.Contains(Reasons, reason) {
		t.r.Untold = append(t.r.Untold, s)
	}
	t.changed = true
}

// leaveOutDue leaves out all that the calendar has had until now.
func (t *transition) leaveOutDue(reason Reason, why string) {
	for o := range t.r.after(t.r.Decided) {
		if o.At.After(t.now) {
			break
		}
		t.leaveOut(o, reason, why)
	}
	if t.now.After(t.r.Decided) {
		t.r.Decided = t.now
	}
}

// nextWake is when there is something to decide next.
func (t *transition) nextWake() time.Time {
	var at time.Time
	for o := range t.r.after(t.r.Decided) {
		at = o.At
		break
	}
	if soon := t.now.Add(recheckAfter); len(t.r.Waiting) > 0 && (at.IsZero() || soon.Before(at)) {
		at = soon
	}
	return at
}

func (t *transition) expires(o Occurrence) time.Time {
	return o.At.Add(time.Duration(t.r.ExpiresAfter))
}

func roundUp(d time.Duration) calendar.Duration { return calendar.Duration(d.Round(time.Minute)) }
