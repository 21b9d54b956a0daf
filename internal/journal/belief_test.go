package journal_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// What is no record is an error that says why, and an alarm. It is never "no record".
func TestRecordsFailClosed(t *testing.T) {
	t.Parallel()
	record := func(change func(*campaign.Campaign)) string {
		c := runnertest.Sample(key)
		change(&c)
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, test := range []struct{ name, stored, want string }{
		{"Nothing", "", "the record is not readable"},
		{"AnEmptyOne", "{}", "the record has schema 0, which no version writes"},
		{"Null", "null", "the record has schema 0, which no version writes"},
		{"NoSchema", record(func(c *campaign.Campaign) { c.Schema = 0 }), "the record has schema 0, which no version writes"},
		{"ANewerSchema", record(func(c *campaign.Campaign) { c.Schema++ }), "upgrade this one"},
		{"AnothersKey", record(func(c *campaign.Campaign) { c.Key.RequestID = "other" }), "the record says that it is campaign shop-italia.other"},
		{"NoState", record(func(c *campaign.Campaign) { c.State = "" }), `the record has the state ""`},
		{"AnUnknownState", record(func(c *campaign.Campaign) { c.State = "sleeping" }), `the record has the state "sleeping", which this version does not know`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			alarms := make(chan string, 1)
			b := setup(t, journal.Options{OnCorrupt: func(what string) { alarms <- what }})
			if _, err := b.js.Publish(t.Context(), "$KV.campaigns."+key.String(), []byte(test.stored)); err != nil {
				t.Fatal(err)
			}
			c, rev, err := b.j.Load(t.Context(), key)
			if err == nil || !strings.Contains(err.Error(), "load "+key.String()) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("loaded %+v at %+v: %v\nwant an error with %q", c, rev, err, test.want)
			}
			if what := receive(t, alarms, "alarm"); what != "record of "+key.String() {
				t.Errorf("the alarm is about %q", what)
			}
			if _, _, err := b.client.Get(t.Context(), key); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v\nwant one with %q", err, test.want)
			}
		})
	}
}

// That there is no place for records is said so, and is not "no record" either.
func TestRecordsWithoutAPlace(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	if err := b.js.DeleteStream(t.Context(), streams.Records); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.j.Load(t.Context(), key); !errors.Is(err, runner.ErrNoPlace) || !strings.Contains(err.Error(), "stream KV_campaigns is gone") {
		t.Errorf("got %v", err)
	}
}

func TestSchedulesFailClosed(t *testing.T) {
	t.Parallel()
	alarms := make(chan string, 1)
	b := setup(t, journal.Options{OnCorrupt: func(what string) { alarms <- what }})
	s, err := b.j.Schedules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for stored, want := range map[string]string{
		"{}": "the record has schema 0", "": "not readable", `{"schema":1,"key":{"source":"shop-italia","id":"other"}}`: "the record says that it is schedule",
	} {
		if _, err := b.js.Publish(t.Context(), "$KV.schedules.shop-italia.mondays", []byte(stored)); err != nil {
			t.Fatal(err)
		}
		if r, _, err := s.Load(t.Context(), schedule.Key{Source: "shop-italia", ID: "mondays"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is loaded as %+v, %v\nwant an error with %q", stored, r, err, want)
		}
		if what := receive(t, alarms, "alarm"); what != "record of schedule shop-italia.mondays" {
			t.Errorf("the alarm is about %q", what)
		}
	}
}

// Sequence numbers begin again when a bucket is deleted and made again, and go back
// when an older one is restored: what was read before must not be saved after.
func TestRevisionIsVoidOnceTheBucketWasMadeAnew(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{LookEvery: 10 * time.Millisecond})
	first := runnertest.Sample(key)
	_, rev, err := b.j.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if rev, err = b.j.Save(t.Context(), first, rev); err != nil {
		t.Fatal(err)
	}
	s, err := b.js.Stream(t.Context(), streams.Records)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.js.DeleteStream(t.Context(), streams.Records); err != nil {
		t.Fatal(err)
	}
	if _, err := b.js.CreateStream(t.Context(), s.CachedInfo().Config); err != nil {
		t.Fatal(err)
	}
	// Another one's save takes the number that the first had.
	ack, err := b.js.Publish(t.Context(), "$KV.campaigns."+key.String(), []byte(`{"schema":1}`), jetstream.WithExpectLastSequencePerSubject(0))
	if err != nil || ack.Sequence != rev.Seq {
		t.Fatalf("stored at %+v, %v; the test wants %d", ack, err, rev.Seq)
	}
	waitFor(t, func() bool { return !b.j.Valid(rev) })
	if age := b.j.Age(loop.Revision{Seq: 1, Epoch: rev.Epoch, At: time.Now().Add(-time.Hour)}, time.Now()); age != 0 {
		t.Errorf("what was read before has the age %s", age)
	}
	if _, err := b.j.Save(t.Context(), first, rev); err == nil {
		t.Error("what was read from the old bucket was saved to the new one")
	}
}
