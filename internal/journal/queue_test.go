package journal_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// slow handles one source's only when the test lets it, and notes when two workers have
// one campaign at the same time.
type slow struct {
	heard
	source string
	goOn   chan struct{}
	over   <-chan struct{} // the test has ended

	mu    sync.Mutex
	now   map[campaign.Key]bool
	twice []campaign.Key
}

func newSlow(t *testing.T, source string) *slow {
	t.Helper()
	return &slow{source: source, over: t.Context().Done(), goOn: make(chan struct{}), now: map[campaign.Key]bool{}}
}

func (s *slow) handle(ctx context.Context, w runner.Wakeup) loop.Verdict {
	s.mu.Lock()
	if s.now[w.Key] {
		s.twice = append(s.twice, w.Key)
	}
	s.now[w.Key] = true
	s.mu.Unlock()
	if w.Key.Source == s.source {
		select {
		case <-s.goOn:
		case <-s.over:
		}
	}
	s.mu.Lock()
	delete(s.now, w.Key)
	s.mu.Unlock()
	return s.heard.handle(ctx, w)
}

// wake publishes a wake-up of a campaign.
func (b *testBundle) wake(t testing.TB, source, id string) uint64 {
	t.Helper()
	return b.publish(t, nats.NewMsg("campaign.v1.wakeup."+source+"."+id))
}

// looks counts how often somebody counts in a stream what waits of a source.
func (b *testBundle) looks(t *testing.T, stream string) chan string {
	t.Helper()
	all := make(chan string, 100)
	sub, err := b.nc.Subscribe("$JS.API.CONSUMER.CREATE."+stream+".>", func(m *nats.Msg) {
		select {
		case all <- m.Subject:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Unsubscribe() })
	return all
}

// ownConsumers are those of single sources.
func (b *testBundle) ownConsumers(t *testing.T, stream string) (all []string) {
	t.Helper()
	s, err := b.js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	names := s.ConsumerNames(t.Context())
	for name := range names.Name() {
		if strings.HasPrefix(name, "requests-") || strings.HasPrefix(name, "wakeups-") {
			all = append(all, name)
		}
	}
	if err := names.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// Without accounts, too, a source waits behind no other one's queue: neither with its
// requests nor with its timers.
func TestSourcesThatWaitInOneQueueAreSetApart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stream string
		put          func(b *testBundle, t testing.TB, source, id string) uint64
	}{
		{"Requests", "CAMPAIGN_REQUESTS", (*testBundle).from},
		{"Timers", "CAMPAIGN_WAKEUPS", (*testBundle).wake},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, journal.Options{LookEvery: 20 * time.Millisecond})
			h := newSlow(t, "studio-bianchi")
			for i := range 200 {
				tt.put(b, t, "studio-bianchi", fmt.Sprint("waits-", i))
			}
			for i := range 5 {
				tt.put(b, t, "acqua-luce", fmt.Sprint("goes-on-", i))
			}
			stop := b.consume(t, journal.ConsumeOptions{Requests: 2, Wakeups: 2}, h.handle)
			waitFor(t, func() bool { return len(h.of("acqua-luce")) == 5 })
			if all := h.of("studio-bianchi"); len(all) > 0 {
				t.Errorf("%d of the many were handled first", len(all))
			}
			close(h.goOn)
			waitFor(t, func() bool { return len(h.of("studio-bianchi")) == 200 })
			stop()
			if tt.name == "Requests" && len(h.twice) > 0 { // each would have made a draft
				t.Errorf("two workers had %v at the same time", h.twice)
			}
			// What was in hand when the source was set apart is brought again, and no more.
			again := 0
			for _, n := range h.of("studio-bianchi") {
				again += n - 1
			}
			if again > 2+2 {
				t.Errorf("%d were handled again, want those at most that were in hand", again)
			}
			// The other streams have nothing of it: each goes by its own queue.
			for _, stream := range []string{"CAMPAIGN_REQUESTS", "CAMPAIGN_WAKEUPS"} {
				if own := b.ownConsumers(t, stream); len(own) > 0 != (stream == tt.stream) {
					t.Errorf("%s has the consumers %v", stream, own)
				}
			}
		})
	}
}

// A source that is alone has nobody to let pass: its queue may be as long as it likes, and
// each of its messages is delivered once.
func TestASourceAloneIsNotSetApart(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{LookEvery: 10 * time.Millisecond})
	h := newSlow(t, "shop-italia")
	for i := range 200 {
		b.from(t, "shop-italia", fmt.Sprint("waits-", i))
	}
	looks := b.looks(t, "CAMPAIGN_REQUESTS")
	b.consume(t, journal.ConsumeOptions{Requests: 2}, h.handle)
	for range 5 {
		receive(t, looks, "a look at the queue")
	}
	close(h.goOn)
	waitFor(t, func() bool { return len(h.of("shop-italia")) == 200 })
	if own := b.ownConsumers(t, "CAMPAIGN_REQUESTS"); len(own) > 0 {
		t.Errorf("it was set apart: %v", own)
	}
	if all := h.of("shop-italia"); slices.Max(all) != 1 {
		t.Errorf("one was handled %d times", slices.Max(all))
	}
}

// Sources that are handled as they come pay nothing: there is no queue.
func TestSourcesWithoutAQueueAreNotSetApart(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{LookEvery: 10 * time.Millisecond})
	held := map[string]*slow{"shop-italia": newSlow(t, "shop-italia"), "acqua-luce": newSlow(t, "acqua-luce")}
	for source := range held {
		b.from(t, source, "in-hand")
	}
	b.consume(t, journal.ConsumeOptions{Requests: 4}, func(ctx context.Context, w runner.Wakeup) loop.Verdict {
		return held[w.Key.Source].handle(ctx, w)
	})
	asked := make(chan struct{}, 100)
	sub, err := b.nc.Subscribe("$JS.API.CONSUMER.NAMES.CAMPAIGN_REQUESTS", func(*nats.Msg) {
		select {
		case asked <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	for range 5 {
		receive(t, asked, "a look for sources")
	}
	for source, h := range held {
		close(h.goOn)
		waitFor(t, func() bool { return len(h.of(source)) == 1 })
		b.from(t, source, "later")
		waitFor(t, func() bool { return len(h.of(source)) == 2 })
	}
	if own := b.ownConsumers(t, "CAMPAIGN_REQUESTS"); len(own) > 0 {
		t.Errorf("they were set apart: %v", own)
	}
}
