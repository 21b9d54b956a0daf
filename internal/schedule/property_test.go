package schedule_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// model is a schedule, the streams around it, and replicas that die.
type model struct {
	t       *rapid.T
	now     time.Time
	began   time.Time
	saved   schedule.Record
	asked   []string                   // in the stream, in order, each once
	running string                     // the campaign that has not ended
	out     map[string]schedule.Reason // left out, by id
	told    map[string]schedule.Reason // and told
	lacks   string                     // why there is no list young enough
}

func randomSchedule(t *rapid.T) schedule.Schedule {
	s := schedule.Schedule{
		Key: schedule.Key{Source: "studio-bianchi", ID: "reminder"}, Request: json.RawMessage(`{"name":"Reminder"}`),
		Zone: rapid.SampledFrom([]string{
			"UTC", "Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll",
			"Africa/Cairo", "America/Havana", "Asia/Beirut", "America/Nuuk", "America/Santiago", "Asia/Kathmandu", "Pacific/Apia",
		}).Draw(t, "zone"),
		At:           calendar.Clock(rapid.SampledFrom([]int{0, 30, 119, 120, 150, 180, 540, 1380, 1410, 1439}).Draw(t, "at")),
		MissingTime:  rapid.SampledFrom([]schedule.MissingTime{schedule.Shift, schedule.SkipMissing}).Draw(t, "missing"),
		RepeatedTime: rapid.SampledFrom([]schedule.RepeatedTime{schedule.First, schedule.LastOfBoth}).Draw(t, "repeated"),
		Overlap:      rapid.SampledFrom([]schedule.Overlap{schedule.SkipOverlap, schedule.Queue}).Draw(t, "overlap"),
		CatchUp:      rapid.SampledFrom([]schedule.CatchUp{schedule.CatchUpNone, schedule.CatchUpLast}).Draw(t, "catch up"),
		ExpiresAfter: calendar.Duration(rapid.IntRange(2, 31*24).Draw(t, "expires")) * calendar.Duration(time.Hour),
	}
	if s.CatchUp == schedule.CatchUpLast && s.Overlap == schedule.Queue && rapid.Bool().Draw(t, "all") {
		s.CatchUp = schedule.CatchUpAll
	}
	if s.CatchUp != schedule.CatchUpNone {
		s.CatchUpWithin = s.ExpiresAfter - calendar.Duration(time.Hour)
	}
	switch rapid.IntRange(0, 2).Draw(t, "rule") {
	case 0:
		s.Weekdays = rapid.SliceOfNDistinct(rapid.Map(rapid.IntRange(0, 6), func(n int) calendar.Weekday { return calendar.Weekday(n) }), 1, 7, rapid.ID).Draw(t, "weekdays")
	case 1:
		s.Days = rapid.SliceOfNDistinct(rapid.SampledFrom([]calendar.Day{1, 2, 15, 28, 29, 30, 31, calendar.Last}), 1, 4, rapid.ID).Draw(t, "days")
	}
	return s
}

func newModel(t *rapid.T) *model {
	w := &model{t: t, out: map[string]schedule.Reason{}, told: map[string]schedule.Reason{}}
	w.began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 10*365*24).Draw(t, "began")) * time.Hour)
	w.now = w.began
	var err error
	if w.saved, err = schedule.New(randomSchedule(t), "anna", w.now); err != nil {
		t.Fatal(err)
	}
	return w
}

// point says whether the replica dies here.
func (w *model) dies(point string) bool { return rapid.IntRange(0, 5).Draw(w.t, point) == 0 }

// handle is what a replica does with a wake-up: deliver, decide, save, deliver.
func (w *model) handle() {
	for range 4 {
		if w.dies("before delivering") {
			return
		}
		w.deliver()
		if w.dies("after delivering") {
			return
		}
		// Clocks of replicas differ a little.
		now := w.now.Add(time.Duration(rapid.IntRange(-2, 0).Draw(w.t, "slow")) * time.Second)
		d := w.saved.Decide(schedule.Facts{Now: now, Ended: w.running == "", Lacks: w.lacks})
		if !d.Save {
			return
		}
		if w.dies("before saving") {
			return
		}
		// By the true time: what waits was due by another replica's clock, and may
		// not be yet by one that is slow.
		if d.Fire != nil && d.Fire.At.After(w.now) {
			w.t.Fatalf("%s is asked for at %s", d.Fire.ID, w.now)
		}
		if d.Fire != nil && w.lacks != "" {
			w.t.Fatalf("%s is asked for, and %s", d.Fire.ID, w.lacks)
		}
		if d.Fire != nil && !now.Before(d.Fire.ExpiresAt) {
			w.t.Fatalf("%s expired at %s and is asked for at %s", d.Fire.ID, d.Fire.ExpiresAt, now)
		}
		for _, s := range d.Skip {
			if old, twice := w.out[s.ID]; twice {
				w.t.Fatalf("%s is left out as %s and again as %s", s.ID, old, s.Reason)
			}
			w.out[s.ID] = s.Reason
		}
		w.saved = reload(w.t, d.Next)
	}
	if w.saved.Owed != nil || w.saved.Untold != nil {
		w.t.Fatal("it does not come to rest")
	}
	if next := w.saved.Wake; !next.IsZero() && !next.After(w.now.Add(-2*time.Second)) {
		w.t.Fatalf("at %s it is to be woken at %s: that would be at once, for ever", w.now, next)
	}
}

// deliver tells and asks create-only.
func (w *model) deliver() {
	for _, left := range w.saved.Untold {
		if old, was := w.told[left.ID]; was && old != left.Reason {
			w.t.Fatalf("%s is told to be left out as %s and as %s", left.ID, old, left.Reason)
		}
		w.told[left.ID] = left.Reason
	}
	f := w.saved.Owed
	if f == nil {
		return
	}
	if slices.Contains(w.asked, f.ID) {
		return
	}
	if w.running != "" {
		w.t.Fatalf("%s is asked for while %s has not ended", f.ID, w.running)
	}
	w.asked = append(w.asked, f.ID)
	w.running = f.ID
}

func (w *model) live() {
	for range rapid.IntRange(1, 60).Draw(w.t, "steps") {
		switch rapid.IntRange(0, 10).Draw(w.t, "what") {
		case 0, 1:
			w.now = w.now.Add(time.Duration(rapid.IntRange(1, 3600).Draw(w.t, "seconds")) * time.Second)
		case 2:
			w.now = w.now.Add(time.Duration(rapid.IntRange(1, 24*40).Draw(w.t, "hours")) * time.Hour) // an outage
		case 3, 4:
			w.running = ""
		case 5, 6, 7:
			if w.saved.Wake.After(w.now) {
				w.now = w.saved.Wake
			}
			w.handle()
		case 8:
			w.handle()
		case 9:
			if next := w.saved.Next(w.now, 1); len(next) > 0 {
				w.now = next[0].At.Add(time.Duration(rapid.IntRange(-3, 3).Draw(w.t, "off")) * time.Second)
			}
		case 10:
			w.lacks = rapid.SampledFrom([]string{"", "the list is too old"}).Draw(w.t, "lacks")
		}
	}
}

func TestRandomLives(t *testing.T) {
	t.Parallel()
	t.Run("EveryOccurrenceIsAskedForOrLeftOutOnce", rapid.MakeCheck(func(t *rapid.T) {
		w := newModel(t)
		w.live()
		w.deliver()
		for id, reason := range w.out {
			if told := w.told[id]; slices.Contains(schedule.Reasons, reason) && told != reason {
				t.Fatalf("%s is left out as %s, and told is %q", id, reason, told)
			}
		}
		if len(w.told) > len(w.out) {
			t.Fatalf("told are %v, left out %v", w.told, w.out)
		}
		waiting := map[string]bool{}
		for _, o := range w.saved.Waiting {
			waiting[o.ID] = true
		}
		asked := map[string]int{}
		for i, id := range w.asked {
			asked[id] = i
		}
		last := -1
		// The calendar, computed again and all at once. A skipped time is no
		// occurrence of it, but it is told.
		for _, o := range w.saved.Next(w.began, 5000) {
			if o.At.After(w.saved.Decided) {
				break
			}
			i, fired := asked[o.ID]
			_, out := w.out[o.ID]
			n := 0
			for _, yes := range []bool{fired, out, waiting[o.ID]} {
				if yes {
					n++
				}
			}
			if n != 1 {
				t.Fatalf("%s: asked for %v, left out %v, waiting %v", o.ID, fired, out, waiting[o.ID])
			}
			if fired && i < last {
				t.Fatalf("%s is asked for before an earlier one", o.ID)
			}
			if fired {
				last = i
			}
			delete(asked, o.ID)
			delete(w.out, o.ID)
		}
		if len(asked) > 0 {
			t.Fatalf("asked for and not in the calendar: %v", asked)
		}
		for id, reason := range w.out {
			if reason != schedule.NoSuchTime {
				t.Fatalf("%s left out as %s and not in the calendar", id, reason)
			}
		}
		if fired, out := w.saved.Fired, w.saved.LeftOut; fired != len(w.asked) || len(w.saved.Skipped) > 20 || len(w.saved.Skipped) > out {
			t.Fatalf("the record counts %d and %d, keeps %d; %d are in the stream", fired, out, len(w.saved.Skipped), len(w.asked))
		}
	}))

	t.Run("TheCalendarIsTheSameFromWhereverItIsRead", rapid.MakeCheck(func(t *rapid.T) {
		s := randomSchedule(t)
		from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 10*365*24*60).Draw(t, "from")) * time.Minute)
		all := s.Next(from, 200)
		for i, o := range all {
			if i > 0 && !o.At.After(all[i-1].At) {
				t.Fatalf("%s at %s is not after %s at %s", o.ID, o.At, all[i-1].ID, all[i-1].At)
			}
		}
		// Read again from each occurrence, as the service does.
		at, step := from, 0
		for range all {
			one := s.Next(at, 1)
			if len(one) != 1 || one[0] != all[step] {
				t.Fatalf("from %s: %v, want %v", at, one, all[step])
			}
			at, step = one[0].At, step+1
		}
	}))

	t.Run("APauseIsHonouredAndLeavesNothingUndecided", rapid.MakeCheck(func(t *rapid.T) {
		w := newModel(t)
		w.live()
		w.deliver()
		before := len(w.asked)
		w.saved = w.saved.Pause("berta", w.now)
		w.live()
		w.deliver()
		if len(w.asked) != before {
			t.Fatalf("%v was asked for in a pause", w.asked[before:])
		}
		if r := w.saved.Resume("berta", w.now); !w.now.Before(r.Decided) && !r.Decided.Equal(w.now) {
			t.Fatalf("resumed at %s, decided until %s", w.now, r.Decided)
		}
	}))
}

// reload is the record as another replica reads it.
func reload(t interface{ Fatal(...any) }, r schedule.Record) schedule.Record {
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back schedule.Record
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back, cmpopts.EquateEmpty()); diff != "" {
		t.Fatal("the record became another (-saved +loaded):\n" + diff)
	}
	return back
}
