package app_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
)

// A campaign has ended before somebody switched the retention on, and two services have
// it on. What it said is then nowhere, what it proves stays, and one of the two has
// written so, once.
func TestRetention(t *testing.T) {
	t.Parallel()
	b := setup(t)
	js, err := jetstream.New(b.connect())
	if err != nil {
		t.Fatal(err)
	}
	stream := func(name string) jetstream.StreamState {
		t.Helper()
		s, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return s.CachedInfo().State
	}
	// saves are those of campaigns. The sweeps write among the records how far they are.
	var saves atomic.Int64
	if _, err := js.Conn().Subscribe("$KV.campaigns.*.*", func(*nats.Msg) { saves.Add(1) }); err != nil {
		t.Fatal(err)
	}
	letters := func(n uint64) {
		t.Helper()
		eventually(t, "what conflicts is put aside", func() bool { return stream("CAMPAIGN_DEAD_LETTERS").Msgs == n })
	}
	saying := func(what map[string][]string) (streams []string) {
		for stream, kept := range what {
			if slices.ContainsFunc(kept, func(w string) bool { return w != "people" }) {
				streams = append(streams, stream)
			}
		}
		slices.Sort(streams)
		return streams
	}
	sweeps := regexp.MustCompile(`(?m)^staffetta_last_sweep_timestamp_seconds (\S+)$`)
	swept := func(a *app.App) (at float64) {
		_, metrics := get(t, a, "/metrics")
		if found := sweeps.FindStringSubmatch(metrics); found != nil {
			at, _ = strconv.ParseFloat(found[1], 64)
		}
		return at
	}
	// sweep waits until each service has swept twice: the second one began later.
	sweep := func(all ...*app.App) {
		t.Helper()
		for range 2 {
			for _, a := range all {
				before := swept(a)
				eventually(t, "a sweep", func() bool { return swept(a) > before })
			}
		}
	}
	// wakeups counts those of sweeps that found it too old; timers may be there besides.
	wakeups := func() (n int) {
		t.Helper()
		s, err := js.Stream(t.Context(), "CAMPAIGN_WAKEUPS")
		if err != nil {
			t.Fatal(err)
		}
		for seq := s.CachedInfo().State.FirstSeq; seq <= s.CachedInfo().State.LastSeq; seq++ {
			if m, err := s.GetMsg(t.Context(), seq); err == nil && strings.HasPrefix(m.Header.Get(jetstream.MsgIDHeader), "outlived-") {
				n++
			}
		}
		return n
	}
	text := personal["text"]
	b.request.Text, b.request.Name, b.request.Description = text, personal["name"], personal["description"]
	run := func(age time.Duration) (*app.App, func() error) {
		t.Helper()
		o := b.options()
		o.Rules.Retention = age
		a := b.buildSweeping(o, 100*time.Millisecond)
		return a, b.start(a)
	}

	a, stop := run(0)
	b.ask()
	b.until("confirmed")
	ended := func() (c campaign.Campaign) {
		t.Helper()
		eventually(t, "it has ended", func() bool {
			c, _, err = b.client.Get(t.Context(), b.key)
			return err == nil && c.State == campaign.Completed && c.Wake.IsZero()
		})
		return c
	}
	before := ended()
	b.ask()
	b.request.Text = text + "!"
	b.ask()
	letters(1)
	// The one that changes nothing may be handled after the one that is put aside. As long
	// as it waits nothing of the campaign is forgotten, and whoever was woken for that is
	// not woken again for two minutes.
	eventually(t, "both are answered", func() bool {
		c, err := js.Consumer(t.Context(), "CAMPAIGN_REQUESTS", "requests")
		return err == nil && c.CachedInfo().NumPending == 0 && c.CachedInfo().NumAckPending == 0
	})
	records := saves.Load()
	if records == 0 {
		t.Fatal("no save was seen: the test does not test what it says")
	}
	sweep(a)
	if now := saves.Load(); now != records {
		t.Errorf("%d records are written for what has ended, without a retention", now-records)
	}
	if n := wakeups(); n != 0 {
		t.Errorf("it is woken %d times for its age, without a retention", n)
	}
	if got := saying(kept(t, js)); !slices.Equal(got, []string{"CAMPAIGN_DEAD_LETTERS", "CAMPAIGN_REQUESTS", "KV_campaigns"}) {
		t.Errorf("before, %q say something: the test does not test what it says", got)
	}
	events := stream("CAMPAIGN_EVENTS").Msgs
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	one, _ := run(time.Millisecond)
	two, _ := run(time.Millisecond)
	var after campaign.Campaign
	eventually(t, "it is forgotten", func() bool {
		after, _, err = b.client.Get(t.Context(), b.key)
		return err == nil && after.Forgotten != nil
	})
	sweep(one, two)
	if got := saying(kept(t, js)); len(got) > 0 {
		t.Errorf("%q still say something", got)
	}
	if wakeups() == 0 {
		t.Error("nothing has woken it for its age: the test does not test what it says")
	}
	if now := saves.Load(); now != records+1 {
		t.Errorf("%d records are written by two services, want 1", now-records)
	}
	if after.State != campaign.Completed || after.Quote == nil || after.Confirmed == nil || !after.Cost().Amount.Equal(before.Cost().Amount) || after.Forgotten.By != campaign.ByRetention {
		t.Errorf("the proof is %+v", after)
	}
	if n := stream("CAMPAIGN_EVENTS").Msgs; n != events {
		t.Errorf("%d events are left of %d", n, events)
	}

	// The same request is still the same one, and another one under its key is refused.
	b.request.Text = text
	b.ask()
	b.request.Text = text + "!"
	b.ask()
	letters(1)
	for l, err := range b.client.Letters(t.Context(), client.LetterFilter{Key: b.key}) {
		if err != nil || l.Reason != "conflicting_duplicate" || !slices.Equal(l.Fields, []string{"name, description or text"}) {
			t.Errorf("put aside: %+v, %v", l, err)
		}
	}
	if seen := b.Sandbox.Seen(); seen.Confirms != 1 {
		t.Errorf("%d confirms took effect, want 1", seen.Confirms)
	}
}
