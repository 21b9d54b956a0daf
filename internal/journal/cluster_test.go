package journal_test

import (
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
)

// TestCluster is what only happens with three servers.
func TestCluster(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a cluster")
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
		if got := told(t, connect(t, all[1]), key); len(got) != 50 {
			t.Errorf("told %d events, want each of 50 once", len(got))
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
		leader := leaderOf(t, js, all, journal.StreamEvents)
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
		if got := told(t, connect(t, other), key); strings.Join(got, " ") != "cost_calculated.1" {
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
		t.Skip("starts a cluster")
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
