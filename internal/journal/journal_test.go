package journal_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

func TestJournalOnOneServer(t *testing.T) {
	t.Parallel()
	runnertest.TestJournal(t, func(t *testing.T) runnertest.JournalHarness {
		s := startServer(t, -1, t.TempDir())
		return harness(t, s, s, 1)
	})
}

func TestJournalOnThreeServers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: it starts a cluster of three servers; run go test ./internal/journal -run TestJournalOnThreeServers, without -short")
	}
	all := startCluster(t)
	runnertest.TestJournal(t, func(t *testing.T) runnertest.JournalHarness {
		deleteStreams(t, all[2])
		return harness(t, all[0], all[1], 3)
	})
}

// harness is two replicas, the first behind a proxy that can be made to fail.
func harness(t *testing.T, first, second *server.Server, replicas int) runnertest.JournalHarness {
	t.Helper()
	p := startProxy(t, first.Addr().String())
	nc := p.connect(t)
	o := journal.Options{Replicas: replicas, Retention: time.Hour}
	a := open(t, nc, o)
	b := open(t, connect(t, second), o)

	woken := make(chan runner.Wakeup, 100)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- b.Consume(ctx, journal.ConsumeOptions{}, journal.Handlers{Campaign: func(_ context.Context, w runner.Wakeup) loop.Verdict {
			woken <- w
			return loop.Verdict{Do: loop.Ack}
		}})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return runnertest.JournalHarness{
		A: a, B: b, Woken: woken,
		Told: func(t *testing.T, key campaign.Key) []string {
			return readStored(t, connect(t, second), key)
		},
		Requests: func(t *testing.T, key campaign.Key) int {
			js, err := jetstream.New(connect(t, second))
			if err != nil {
				t.Fatal(err)
			}
			s, err := js.Stream(t.Context(), "CAMPAIGN_REQUESTS")
			if err != nil {
				t.Fatal(err)
			}
			subject := "campaign.v1.request." + key.String()
			info, err := s.Info(t.Context(), jetstream.WithSubjectFilter(subject))
			if err != nil {
				t.Fatal(err)
			}
			return int(info.State.Subjects[subject])
		},
		Ask: func(t *testing.T, key campaign.Key) {
			js, err := jetstream.New(connect(t, second))
			if err == nil {
				_, err = js.Publish(t.Context(), "campaign.v1.request."+key.String(), nil)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		Break: func(t *testing.T) { p.breakConnection(t, nc) },
		Mute: func(t *testing.T, mute bool) {
			if mute {
				p.mute.Store(true)
				return
			}
			p.breakConnection(t, nc) // what was swallowed is gone for good
		},
	}
}

// deleteStreams makes a server as good as new.
func deleteStreams(t *testing.T, s *server.Server) {
	t.Helper()
	js, err := jetstream.New(connect(t, s), jetstream.WithDefaultTimeout(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	names := js.StreamNames(t.Context())
	for name := range names.Name() {
		if err := js.DeleteStream(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := names.Err(); err != nil {
		t.Fatal(err)
	}
}

// readStored lists the events of a campaign as "<type>.<n>".
func readStored(t *testing.T, nc *nats.Conn, key campaign.Key) []string {
	t.Helper()
	c, err := client.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for e, err := range c.Watch(t.Context(), client.WatchOptions{Key: key}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimPrefix(e.Subject, "campaign.v1.event."+key.String()+"."))
	}
	return all
}
