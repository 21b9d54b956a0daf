package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// TestCluster is what only happens with three servers.
func TestCluster(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: it starts a cluster of three servers; run go test ./internal/journal -run TestCluster, without -short")
	}
	withEvent := func(n int) campaign.Campaign {
		c := runnertest.Sample(key)
		c.Outbox = []campaign.Event{{Type: campaign.EventCostCalculated, N: n, CampaignID: 7, Quote: c.Quote}}
		return c
	}

	t.Run("AWriteUnderWayIsNotTakenForOneThatIsThere", func(t *testing.T) {
		t.Parallel()
		all := startCluster(t)
		var journals []*journal.Journal
		for _, s := range all {
			journals = append(journals, open(t, connect(t, s), journal.Options{Replicas: 3}))
		}
		// The answer that proves nothing does occur: raw racing writes get it.
		nc := connect(t, all[0])
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		underWay := 0
		for round := 0; underWay == 0 && round < 500; round++ {
			var group sync.WaitGroup
			var mu sync.Mutex
			for range 4 {
				group.Go(func() {
					_, err := js.Publish(t.Context(), fmt.Sprint("campaign.v1.event.raw.race.stats.", round), nil, jetstream.WithExpectLastSequencePerSubject(0))
					var api *jetstream.APIError
					if errors.As(err, &api) && api.ErrorCode == 10164 {
						mu.Lock()
						underWay++
						mu.Unlock()
					}
				})
			}
			group.Wait()
		}
		if underWay == 0 {
			t.Error("no write was answered with 10164: this test proves nothing any more")
		}
		// Whoever publishes returns only when the event is readable.
		for n := 1; n <= 50; n++ {
			var group sync.WaitGroup
			for _, j := range journals {
				group.Go(func() {
					if err := j.Publish(t.Context(), withEvent(n)); err != nil {
						t.Error(err)
						return
					}
					// Asked of the leader: a direct read may be behind.
					ask := fmt.Sprintf(`{"last_by_subj":"campaign.v1.event.%s.cost_calculated.%d"}`, key, n)
					m, err := nc.Request("$JS.API.STREAM.MSG.GET.CAMPAIGN_EVENTS", []byte(ask), 10*time.Second)
					if err != nil || strings.Contains(string(m.Data), `"error"`) {
						t.Errorf("publish returned and event %d is not there: %s %v", n, m.Data, err)
					}
				})
			}
			group.Wait()
		}
		if got := readStored(t, connect(t, all[1]), key); len(got) != 50 {
			t.Errorf("told %d events, want each of 50 once", len(got))
		}
	})

	// Without a leader a replica answers for the stream, and may be empty. Nobody concludes
	// from that that there are no records, or that the bucket is another one.
	t.Run("AStreamWithoutALeaderSaysNothing", func(t *testing.T) {
		t.Parallel()
		all := startCluster(t)
		nc := connect(t, all[0])
		j := open(t, nc, journal.Options{Replicas: 3})
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		s, err := js.Stream(t.Context(), streams.Records)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range all[1:] {
			other.Shutdown()
			other.WaitForShutdown()
		}
		waitFor(t, func() bool { // it notices that it is alone after a while
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			info, err := s.Info(ctx)
			return err == nil && info.Cluster.Leader == ""
		})
		waitFor(t, func() bool { // a server that is alone may take its time to answer
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			info, err := streams.LeaderInfo(ctx, s)
			if err == nil {
				t.Fatalf("it says %+v; want that it has no leader", info)
			}
			return strings.Contains(err.Error(), "KV_campaigns has no leader")
		})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if in, err := streams.Survey(ctx, js); err == nil {
			t.Errorf("streams without leaders are surveyed: %+v", in)
		}
		if err := j.RememberBudgets(t.Context()); err == nil {
			t.Error("that there are budgets is called noted, and nobody has stored it")
		}
	})

	t.Run("EventsAndTimersOutlastALostLeader", func(t *testing.T) {
		t.Parallel()
		all := startCluster(t)
		js, err := jetstream.New(connect(t, all[0]))
		if err != nil {
			t.Fatal(err)
		}
		open(t, connect(t, all[0]), journal.Options{Replicas: 3})
		leader := leaderOf(t, js, all, streams.Events)
		var other *server.Server
		for _, s := range all {
			if s != leader {
				other = s
			}
		}
		j := open(t, connect(t, other), journal.Options{Replicas: 3})
		_, rev, err := j.Load(t.Context(), key)
		if err == nil {
			_, err = j.Save(t.Context(), sample, rev)
		}
		if err != nil {
			t.Fatal(err)
		}
		leader.Shutdown()
		leader.WaitForShutdown()
		if err := j.Publish(t.Context(), withEvent(1)); err != nil {
			t.Errorf("publish gave up: %v", err)
		}
		if err := j.Arm(t.Context(), key, time.Now().Add(time.Hour)); err != nil {
			t.Errorf("arm gave up: %v", err)
		}
		if got := readStored(t, connect(t, other), key); strings.Join(got, " ") != "cost_calculated.1" {
			t.Errorf("told %v", got)
		}
		var c campaign.Campaign
		waitFor(t, func() bool { // a load is not repeated by the journal itself
			c, _, err = j.Load(t.Context(), key)
			return err == nil
		})
		if c.State != campaign.Confirming {
			t.Errorf("the record is in state %q", c.State)
		}
	})
}

// Replicas of the service that are started together, on a cluster that has no streams
// yet: a stream that one of them is making has no leader for a moment, and then what
// the others ask about it is never answered.
func TestServicesOpenAtOnce(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: it starts a cluster of three servers; run go test ./internal/journal -run TestServicesOpenAtOnce, without -short")
	}
	var group sync.WaitGroup
	for _, s := range startCluster(t) {
		for range 2 {
			nc := connect(t, s)
			group.Go(func() {
				j, err := journal.Open(t.Context(), nc, journal.Options{Replicas: 3})
				if err != nil {
					t.Error(err)
					return
				}
				j.Close()
			})
		}
	}
	group.Wait()
}

func leaderOf(t *testing.T, js jetstream.JetStream, all []*server.Server, stream string) *server.Server {
	t.Helper()
	s, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range all {
		if server.Name() == s.CachedInfo().Cluster.Leader {
			return server
		}
	}
	t.Fatalf("%s has no leader", stream)
	return nil
}

// Sources are set apart on a cluster whose leader of the requests is lost meanwhile: what
// was left to a source's own consumer comes from it, by two services, and none is lost.
func TestSourcesApartOutliveALostLeader(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: it starts a cluster of three servers; run go test ./internal/journal -run TestSourcesApart, without -short")
	}
	all := startCluster(t)
	var journals []*journal.Journal
	open(t, connect(t, all[0]), journal.Options{Replicas: 3})
	js, err := jetstream.New(connect(t, all[0]), jetstream.WithDefaultTimeout(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	leader := leaderOf(t, js, all, streams.Requests)
	var others []*server.Server
	for _, s := range all {
		if s != leader {
			others = append(others, s)
			journals = append(journals, open(t, connect(t, s), journal.Options{Replicas: 3, LookEvery: 100 * time.Millisecond}))
		}
	}
	publish := func(source string, n int) {
		t.Helper()
		js, err := jetstream.New(connect(t, others[0]))
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			id := fmt.Sprint("waits-", i)
			r := request(id)
			r.Source = source
			waitFor(t, func() bool { // publishing twice is harmless
				_, err := js.PublishMsg(t.Context(), message("campaign.v1.request."+source+"."+id, r))
				return err == nil
			})
		}
	}
	const many, few = 300, 20
	publish("studio-bianchi", many)
	publish("acqua-luce", few)
	h := newSlow(t, "studio-bianchi")
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, j := range journals {
		group.Go(func() {
			if err := j.Consume(ctx, journal.ConsumeOptions{Requests: 4}, journal.Handlers{Campaign: h.handle}); err != nil {
				t.Error(err)
			}
		})
	}
	defer group.Wait()
	defer stop()
	waitFor(t, func() bool { return len(h.of("acqua-luce")) > 0 }) // they are apart, and some wait
	leader.Shutdown()
	leader.WaitForShutdown()
	waitFor(t, func() bool { return len(h.of("acqua-luce")) == few })
	if n := len(h.of("studio-bianchi")); n > 0 {
		t.Errorf("%d of the many were handled first", n)
	}
	publish("shop-italia", few) // who comes now is set apart by a cluster of two
	waitFor(t, func() bool { return len(h.of("shop-italia")) == few })
	close(h.goOn)
	waitFor(t, func() bool { return len(h.of("studio-bianchi")) == many })
}
