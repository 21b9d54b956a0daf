package journal_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/scheduler"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

var recurring = schedule.Key{Source: "studio-bianchi", ID: "daily"}

func daily() schedule.Schedule {
	return schedule.Schedule{
		Key: recurring, Zone: "Europe/Rome", At: 9 * 60,
		Request: json.RawMessage(`{"name":"Promemoria","sender":"Bianchi","text":"A domani, {{nome}}!","contactListId":"88"}`),
	}
}

// written is a schedule as of an instant.
func written(t testing.TB, s schedule.Schedule, at time.Time) schedule.Record {
	t.Helper()
	r, err := schedule.New(s, "anna", at.UTC())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// firing is the first occurrence after an instant.
func firing(s schedule.Schedule, after time.Time) schedule.Firing {
	o := s.WithDefaults().Next(after, 1)[0]
	return schedule.Firing{Occurrence: o, Request: s.Request, ExpiresAt: o.At.Add(24 * time.Hour)}
}

// schedules is a journal with schedules on a server of its own.
func schedules(t testing.TB) (*testBundle, *journal.Schedules) {
	t.Helper()
	b := setup(t, journal.Options{Overdue: time.Millisecond})
	s, err := b.j.Schedules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b, s
}

func TestSchedules(t *testing.T) {
	t.Parallel()
	t.Run("AreSavedUnderCompareAndSet", func(t *testing.T) {
		t.Parallel()
		_, s := schedules(t)
		none, rev, err := s.Load(t.Context(), recurring)
		if err != nil || none.Version != 0 {
			t.Fatalf("of nothing it loads %+v, %v", none, err)
		}
		r := written(t, daily(), time.Now())
		next, err := s.Save(t.Context(), r, rev)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Save(t.Context(), r, rev); !errors.Is(err, loop.ErrConflict) {
			t.Errorf("saved twice under one revision: %v", err)
		}
		if _, err := s.Save(t.Context(), r.Pause("berta", time.Now().UTC()), next); err != nil {
			t.Fatal(err)
		}
		back, _, err := s.Load(t.Context(), recurring)
		if err != nil || !back.Paused || back.ChangedBy != "berta" || back.Version != 2 {
			t.Errorf("it loads %+v, %v", back, err)
		}
	})

	t.Run("AreABucketThatEveryKVClientReads", func(t *testing.T) {
		t.Parallel()
		b, s := schedules(t)
		if _, err := s.Save(t.Context(), written(t, daily(), time.Now()), loop.Revision{Epoch: 1}); err != nil {
			t.Fatal(err)
		}
		kv, err := b.js.KeyValue(t.Context(), "schedules")
		if err != nil {
			t.Fatal(err)
		}
		entry, err := kv.Get(t.Context(), "studio-bianchi.daily")
		if err != nil || !strings.Contains(string(entry.Value()), `"zone":"Europe/Rome"`) {
			t.Errorf("the bucket has %v, %v", entry, err)
		}
	})

	// Permissions are on the subject: who may write there might write anything.
	t.Run("UnderAnothersNameAreNotBelieved", func(t *testing.T) {
		t.Parallel()
		b, s := schedules(t)
		mine := schedule.Key{Source: "shop-italia", ID: "daily"}
		data, err := json.Marshal(written(t, daily(), time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		m := nats.NewMsg("$KV.schedules." + mine.String())
		m.Data = data
		b.publish(t, m)
		want := "the record says that it is schedule " + recurring.String()
		if _, _, err := s.Load(t.Context(), mine); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the service loads %v", err)
		}
		if _, _, err := b.client.Schedule(t.Context(), mine); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the client reads %v", err)
		}
	})

	t.Run("OfANewerVersionAreRefused", func(t *testing.T) {
		t.Parallel()
		b, s := schedules(t)
		m := nats.NewMsg("$KV.schedules." + recurring.String())
		m.Data = []byte(`{"schema":2}`)
		b.publish(t, m)
		if _, _, err := s.Load(t.Context(), recurring); err == nil || !strings.Contains(err.Error(), "upgrade this one") {
			t.Errorf("got %v", err)
		}
	})

	t.Run("WakeAtTheInstantAndNotThroughTheTimersOfCampaigns", func(t *testing.T) {
		t.Parallel()
		b, s := schedules(t)
		woken := make(chan scheduler.Wakeup, 10)
		b.consumeFor(t, journal.ConsumeOptions{}, journal.Handlers{Schedule: func(_ context.Context, w scheduler.Wakeup) loop.Verdict {
			woken <- w
			return loop.Verdict{Do: loop.Ack}
		}})
		at := time.Now().Add(2 * time.Second) // not due before it is armed for the third time
		for range 3 {
			if err := s.Arm(t.Context(), recurring, at); err != nil {
				t.Fatal(err)
			}
		}
		w := receive(t, woken, "wake-up")
		if w.Key != recurring || w.Stored.Before(at) {
			t.Errorf("woken by %+v, armed for %s", w, at)
		}
		if err := s.Arm(t.Context(), recurring, time.Now()); err == nil {
			t.Error("armed a timer that is due")
		}
	})
}

func TestAsk(t *testing.T) {
	t.Parallel()
	t.Run("IsAnOrdinaryRequestAndOnlyOnce", func(t *testing.T) {
		t.Parallel()
		b, s := schedules(t)
		f := firing(daily(), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC))
		for range 3 {
			if err := s.Ask(t.Context(), recurring, f); err != nil {
				t.Fatal(err)
			}
		}
		// The template has changed meanwhile: what was asked for first stands.
		other := f
		other.Request = json.RawMessage(`{"name":"Another","sender":"Bianchi","text":"x","contactListId":"88"}`)
		if err := s.Ask(t.Context(), recurring, other); err != nil {
			t.Fatal(err)
		}
		woken := make(chan runner.Wakeup, 10)
		b.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
			woken <- w
			return loop.Verdict{Do: loop.Ack}
		})
		w := receive(t, woken, "request")
		want := campaign.Request{
			Name: "Promemoria", Sender: "Bianchi", Text: "A domani, {{nome}}!", ListID: 88,
			ExpiresAt: time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC),
		}
		if diff := cmp.Diff(want, w.Request); diff != "" || w.Kind != runner.WakeRequest || w.Key.String() != "studio-bianchi.daily-20261130T0900" {
			t.Errorf("the runner gets %s %s (-want +got):\n%s", w.Kind, w.Key, diff)
		}
		stream, err := b.js.Stream(t.Context(), streams.Requests)
		if err != nil {
			t.Fatal(err)
		}
		if n := stream.CachedInfo().State.Msgs; n != 1 {
			t.Errorf("asked four times, the stream holds %d requests", n)
		}
		m, err := stream.GetLastMsgForSubject(t.Context(), "campaign.v1.request.studio-bianchi.daily-20261130T0900")
		if err != nil || m.Header.Get("Staffetta-Schedule") != "studio-bianchi.daily" || m.Header.Get("Nats-Msg-Id") != "" {
			t.Errorf("it does not name its schedule: %v, %v", m, err)
		}
	})

	for name, test := range map[string]struct{ request, want string }{
		"RefusesWhatBreaksTheContract":   {`{"name":"x","sender":"Bianchi","text":"","contactListId":"88"}`, "text"},
		"RefusesAFieldThatIsNotOfIt":     {`{"nome":"x"}`, `unknown field "nome"`},
		"RefusesAnIDOfItsOwn":            {`{"requestId":"x"}`, "request_id: every occurrence has its own"},
		"RefusesAnotherSource":           {`{"source":"shop-italia"}`, `source "shop-italia": the schedule's is "studio-bianchi"`},
		"RefusesAnInstant":               {`{"at":"2026-11-30T08:00:00Z"}`, "at: the schedule says when"},
		"RefusesAnExpiry":                {`{"expiresAt":"2026-11-30T08:00:00Z"}`, "expires_after in the schedule"},
		"RefusesWhatIsTooLongForStreams": {`{"name":"x","sender":"Bianchi","text":"` + strings.Repeat("x", 1600) + `","contactListId":"88"}`, "text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s := schedules(t)
			f := firing(daily(), time.Now())
			f.Request = json.RawMessage(test.request)
			err := s.Ask(t.Context(), recurring, f)
			if !errors.Is(err, scheduler.ErrUnaskable) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant ErrUnaskable with %q", err, test.want)
			}
		})
	}
}

func TestEnded(t *testing.T) {
	t.Parallel()
	one := campaign.Key{Source: "studio-bianchi", RequestID: "daily-20261130T0900"}
	for name, test := range map[string]struct {
		happened func(t *testing.T, b *testBundle, s *journal.Schedules)
		want     bool
	}{
		"NothingIsLeftOfIt": {func(*testing.T, *testBundle, *journal.Schedules) {}, true},
		"ItsRequestWaits": {func(t *testing.T, b *testBundle, s *journal.Schedules) {
			if err := s.Ask(t.Context(), recurring, firing(daily(), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC))); err != nil {
				t.Fatal(err)
			}
		}, false},
		"ItIsUnderWay": {func(t *testing.T, b *testBundle, s *journal.Schedules) {
			c := sample
			c.Key, c.State = one, campaign.Sending
			saved(t, b, c)
		}, false},
		"ItIsFinal": {func(t *testing.T, b *testBundle, s *journal.Schedules) {
			c := sample
			c.Key, c.State = one, campaign.Completed
			saved(t, b, c)
		}, true},
		"ItsRequestIsADeadLetter": {func(t *testing.T, b *testBundle, s *journal.Schedules) {
			// The stream of requests still has it.
			m := nats.NewMsg("campaign.v1.request." + one.String())
			m.Data = []byte("\xff not protobuf")
			b.publish(t, m)
			letters := make(chan struct{}, 1)
			sub, err := b.nc.Subscribe("campaign.v1.dead."+one.String(), func(*nats.Msg) { letters <- struct{}{} })
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Unsubscribe()
			b.consume(t, journal.ConsumeOptions{}, func(context.Context, runner.Wakeup) loop.Verdict { return loop.Verdict{Do: loop.Ack} })
			receive(t, letters, "dead letter")
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, s := schedules(t)
			test.happened(t, b, s)
			// The server tells of a message before it has stored it.
			waitFor(t, func() bool {
				ended, err := s.Ended(t.Context(), one)
				if err != nil {
					t.Fatal(err)
				}
				return ended == test.want
			})
		})
	}
}

func saved(t *testing.T, b *testBundle, c campaign.Campaign) {
	t.Helper()
	_, rev, err := b.j.Load(t.Context(), c.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.j.Save(t.Context(), c, rev); err != nil {
		t.Fatal(err)
	}
}

func TestClientSchedules(t *testing.T) {
	t.Parallel()
	t.Run("AreListedAndRemoved", func(t *testing.T) {
		t.Parallel()
		b, s := schedules(t)
		ctx := t.Context()
		if _, _, err := b.client.Schedule(ctx, recurring); !errors.Is(err, client.ErrNoSchedule) {
			t.Fatalf("got %v", err)
		}
		other := daily()
		other.Source = "acqualuce"
		for _, s := range []schedule.Schedule{daily(), other} {
			if err := journal.WriteSchedule(ctx, b.js, written(t, s, time.Now())); err != nil {
				t.Fatal(err)
			}
		}
		list := func(source string) (keys []string) {
			for r, err := range b.client.Schedules(ctx, source, 0) {
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, r.Key.String())
			}
			return keys
		}
		if diff := cmp.Diff([]string{"studio-bianchi.daily", "acqualuce.daily"}, list("")); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"acqualuce.daily"}, list("acqualuce")); diff != "" {
			t.Error(diff)
		}
		if r, _, err := b.client.Schedule(ctx, recurring); err != nil || r.ChangedBy != "anna" {
			t.Fatalf("%+v, %v", r, err)
		}
		remove := contract.Order{Source: recurring.Source, Verb: contract.VerbRemoveSchedule, Body: &campaignv1.RemoveSchedule{Id: recurring.ID}, By: "berta", Sequence: 1, Stored: time.Now()}
		if _, err := s.Obey(ctx, remove); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.client.Schedule(ctx, recurring); !errors.Is(err, client.ErrNoSchedule) {
			t.Errorf("after it was removed: %v", err)
		}
		if diff := cmp.Diff([]string{"acqualuce.daily"}, list("")); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("SayThatTheServiceHasNeverRun", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		for _, err := range b.client.Schedules(t.Context(), "", 0) {
			if err == nil || !strings.Contains(err.Error(), "has the service ever run here?") {
				t.Errorf("got %v", err)
			}
		}
	})
}

// A schedule whose timer was lost is found.
func TestSweepOfSchedules(t *testing.T) {
	t.Parallel()
	b, s := schedules(t)
	past, future := written(t, daily(), time.Now().Add(-time.Hour)), written(t, daily(), time.Now())
	future.ID, future.Wake = "later", time.Now().Add(time.Hour)
	resting := past
	resting.ID, resting.Wake = "resting", time.Time{}
	for _, r := range []schedule.Record{past, future, resting} {
		_, rev, err := s.Load(t.Context(), r.Key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Save(t.Context(), r, rev); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // two replicas sweep together
		if n, err := s.SweepOnce(t.Context()); err != nil || n != 1 {
			t.Errorf("woke %d, %v", n, err)
		}
	}
	stream, err := b.js.Stream(t.Context(), streams.ScheduleWakeups)
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(">"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]uint64{"campaign.v1.schedule.wakeup.studio-bianchi.daily": 1}, info.State.Subjects); diff != "" {
		t.Errorf("wake-ups (-want +got):\n%s", diff)
	}
}

// The whole of it on a real server: what was missed is caught up with, once,
// by three replicas together.
func TestRecurring(t *testing.T) {
	t.Parallel()
	b, _ := schedules(t)
	for range 3 {
		j := open(t, b.connect(t), journal.Options{})
		s, err := j.Schedules(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		replica := &testBundle{nc: b.nc, js: b.js, j: j, client: b.client}
		replica.consumeFor(t, journal.ConsumeOptions{}, journal.Handlers{
			Campaign: func(context.Context, runner.Wakeup) loop.Verdict {
				return loop.Verdict{Do: loop.Retry, After: time.Hour}
			},
			Schedule: scheduler.New(s, slog.New(slog.DiscardHandler), nil).Handle,
		})
	}
	daily := daily()
	daily.CatchUp, daily.CatchUpWithin, daily.ExpiresAfter = schedule.CatchUpLast, calendar.Duration(30*time.Hour), calendar.Duration(48*time.Hour)
	r := written(t, daily, time.Now().Add(-72*time.Hour))
	for i := range 20 {
		r.ID = "daily-" + string(rune('a'+i))
		if err := journal.WriteSchedule(t.Context(), b.js, r); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool {
		done := 0
		for r, err := range b.client.Schedules(t.Context(), "", 0) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Fired == 1 && r.Owed == nil && r.Wake.After(time.Now()) {
				done++
			}
		}
		return done == 20
	})
	stream, err := b.js.Stream(t.Context(), streams.Requests)
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 20 {
		t.Errorf("20 schedules asked for %d campaigns", n)
	}
}

func TestScheduleStreams(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stream jetstream.StreamConfig
		want   string
	}{
		"RefuseStaleReadsOfRecords": {
			jetstream.StreamConfig{Name: streams.Schedules, Subjects: []string{"$KV.schedules.>"}, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, AllowDirect: true},
			"stream KV_schedules has allow_direct true, want false",
		},
		"RefuseALimitForTimers": {
			jetstream.StreamConfig{Name: streams.ScheduleWakeups, Subjects: []string{"campaign.v1.schedule.timer.>", "campaign.v1.schedule.wakeup.>"},
				AllowMsgSchedules: true, AllowMsgTTL: true, MaxBytes: 1 << 30},
			"stream SCHEDULE_WAKEUPS has max_bytes 1073741824, want none",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, journal.Options{})
			if _, err := b.js.CreateStream(t.Context(), test.stream); err != nil {
				t.Fatal(err)
			}
			if _, err := b.j.Schedules(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v\nwant one with %q", err, test.want)
			}
		})
	}
}
