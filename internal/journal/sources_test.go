package journal_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// valve is a pull gate that a test opens and shuts.
type valve struct {
	mu      sync.Mutex
	open    bool
	changed chan struct{}
}

func newValve(open bool) *valve { return &valve{open: open, changed: make(chan struct{})} }

func (v *valve) Pulling() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.open
}

func (v *valve) Changed() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

func (v *valve) turn(open bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open = open
	close(v.changed)
	v.changed = make(chan struct{})
}

// from publishes a request of a source.
func (b *testBundle) from(t testing.TB, source, id string) uint64 {
	t.Helper()
	r := proto.Clone(request(id)).(*campaignv1.CampaignRequested)
	r.Source = source
	return b.publish(t, message("campaign.v1.request."+source+"."+id, r))
}

// heard counts how often each campaign was handled.
type heard struct {
	mu    sync.Mutex
	times map[campaign.Key]int
}

func (h *heard) handle(_ context.Context, w runner.Wakeup) loop.Verdict {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.times == nil {
		h.times = map[campaign.Key]int{}
	}
	h.times[w.Key]++
	return loop.Verdict{Do: loop.Ack}
}

func (h *heard) of(source string) (all []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, n := range h.times {
		if key.Source == source {
			all = append(all, n)
		}
	}
	return all
}

// A source whose gate is shut waits, and holds up nobody: no other source, no look of the
// sweep. Then each of its requests is handled once.
func TestASourceThatIsApartHoldsUpNobody(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{Overdue: time.Nanosecond, PowerCut: time.Hour})
	var h heard
	gate := newValve(false)
	var first uint64
	for i := range 200 {
		if seq := b.from(t, "studio-bianchi", fmt.Sprint("waits-", i)); first == 0 {
			first = seq
		}
	}
	for i := range 20 {
		b.from(t, "acqua-luce", fmt.Sprint("goes-on-", i))
	}
	o := journal.ConsumeOptions{Requests: 2, Apart: true, GateOf: func(source string) journal.PullGate {
		if source == "studio-bianchi" {
			return gate
		}
		return nil
	}}
	stop := b.consume(t, o, h.handle)
	waitFor(t, func() bool { return len(h.of("acqua-luce")) == 20 })
	if all := h.of("studio-bianchi"); len(all) > 0 {
		t.Errorf("%d of the source that waits were handled", len(all))
	}
	place, err := b.client.QueuePlace(t.Context(), "studio-bianchi", first+10)
	if err != nil || place.Taken || place.Done || place.Ahead < 10 {
		t.Errorf("the eleventh stands at %+v (%v), want it to wait behind ten", place, err)
	}
	// What waits is not lost; those that were handled here have no record, and are.
	found, err := b.j.SweepOnce(t.Context())
	if err != nil || found.Resent != 20 || found.Asked != 220 {
		t.Errorf("a sweep asks about %d requests and has %d handled again (%v), want 220 and 20", found.Asked, found.Resent, err)
	}
	if orphans, err := b.client.Orphans(t.Context()); err != nil || len(orphans) != 20 {
		t.Errorf("%d orphans (%v), want 20", len(orphans), err)
	}
	gate.turn(true)
	waitFor(t, func() bool { return len(h.of("studio-bianchi")) == 200 })
	stop()
	if all := h.of("studio-bianchi"); slices.Max(all) != 1 {
		t.Errorf("one was handled %d times", slices.Max(all))
	}
}

// A replica with other settings serves what another has set apart.
func TestASourceStaysApart(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	var h heard
	stop := b.consume(t, journal.ConsumeOptions{Apart: true, GateOf: func(string) journal.PullGate { return newValve(false) }}, h.handle)
	for i := range 50 {
		b.from(t, "shop-italia", fmt.Sprint("waits-", i))
	}
	waitFor(t, func() bool {
		info, err := b.js.Consumer(t.Context(), "CAMPAIGN_REQUESTS", "requests")
		if err != nil {
			return false
		}
		at, err := info.Info(t.Context())
		return err == nil && at.AckFloor.Stream == 50
	})
	stop()
	if all := h.of("shop-italia"); len(all) > 0 {
		t.Fatalf("%d were handled behind a gate that is shut", len(all))
	}
	b.consume(t, journal.ConsumeOptions{}, h.handle)
	waitFor(t, func() bool { return len(h.of("shop-italia")) == 50 })
	b.from(t, "shop-italia", "later")
	waitFor(t, func() bool { return len(h.of("shop-italia")) == 51 })
	if all := h.of("shop-italia"); slices.Max(all) != 1 {
		t.Errorf("one was handled %d times", slices.Max(all))
	}
}

// What cannot be read becomes one dead letter, whoever brings it.
func TestASourceThatIsApartHasEachDeadLetterOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	var h heard
	b.consume(t, journal.ConsumeOptions{Apart: true}, h.handle)
	b.from(t, "shop-italia", "first")
	for _, subject := range []string{"campaign.v1.request.shop-italia.garbage", "campaign.v1.request.shop-italia.no$token", "campaign.v1.request.sh$p.x"} {
		m := message(subject, request("x"))
		m.Data = []byte("\xff")
		b.publish(t, m)
	}
	b.from(t, "shop-italia", "last")
	waitFor(t, func() bool { return len(h.of("shop-italia")) == 2 })
	waitFor(t, func() bool { return b.letters(t) >= 3 })
	// Both consumers are done with all of them.
	for _, name := range []string{"requests", "requests-shop-italia"} {
		waitFor(t, func() bool {
			c, err := b.js.Consumer(t.Context(), "CAMPAIGN_REQUESTS", name)
			if err != nil {
				return false
			}
			info, err := c.Info(t.Context())
			return err == nil && info.NumPending == 0 && info.NumAckPending == 0
		})
	}
	if n := b.letters(t); n != 3 {
		t.Errorf("%d dead letters, want 3", n)
	}
}

func (b *testBundle) letters(t testing.TB) uint64 {
	t.Helper()
	s, err := b.js.Stream(t.Context(), "CAMPAIGN_DEAD_LETTERS")
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.Msgs
}

// A source with all its workers busy leaves the others theirs, also where they share a
// consumer: commands.
func TestCommandsOfOneSourceHoldUpNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	goOn := make(chan struct{})
	done := make(chan string, 100)
	b.consume(t, journal.ConsumeOptions{Cancels: 1}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
		if w.Key.Source == "studio-bianchi" {
			<-goOn
		}
		done <- w.Key.Source
		return loop.Verdict{Do: loop.Ack}
	})
	cancel := func(source, id string) {
		m := message("campaign.v1.command."+source+"."+id+".cancel", nil)
		m.Data = []byte(`{"by":"anna"}`)
		b.publish(t, m)
	}
	for i := range 10 {
		cancel("studio-bianchi", fmt.Sprint(i))
	}
	cancel("acqua-luce", "x")
	if source := receive(t, done, "a cancel of the other source"); source != "acqua-luce" {
		t.Errorf("%s was first", source)
	}
	close(goOn)
	for range 10 {
		receive(t, done, "a cancel of the source that was held up")
	}
}

// A source that is set apart goes on where the lane of all sources was.
func TestASourceIsSetApartBehindWhatIsHandled(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	var h heard
	stop := b.consume(t, journal.ConsumeOptions{}, h.handle)
	for i := range 50 {
		b.from(t, "shop-italia", fmt.Sprint("before-", i))
	}
	waitFor(t, func() bool { return len(h.of("shop-italia")) == 50 })
	waitFor(t, func() bool {
		c, err := b.js.Consumer(t.Context(), "CAMPAIGN_REQUESTS", "requests")
		return err == nil && c.CachedInfo().AckFloor.Stream == 50
	})
	stop()
	b.consume(t, journal.ConsumeOptions{Apart: true}, h.handle)
	for i := range 50 {
		b.from(t, "shop-italia", fmt.Sprint("after-", i))
	}
	waitFor(t, func() bool { return len(h.of("shop-italia")) == 100 })
	if all := h.of("shop-italia"); slices.Max(all) != 1 {
		t.Errorf("one was handled %d times", slices.Max(all))
	}
}
