package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func TestClient(t *testing.T) {
	t.Parallel()
	save := func(t *testing.T, b *testBundle, k campaign.Key) {
		t.Helper()
		_, rev, err := b.j.Load(t.Context(), k)
		if err == nil {
			_, err = b.j.Save(t.Context(), runnertest.Sample(k), rev)
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	t.Run("RequestSaysWhereItWent", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		got, err := b.client.Request(t.Context(), request("bf-2026"), "")
		if err != nil {
			t.Fatal(err)
		}
		want := client.Placed{Subject: "campaign.v1.request.shop-italia.bf-2026", Stream: "CAMPAIGN_REQUESTS", Sequence: 1}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})

	t.Run("RequestNamesTheFieldAtFault", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		m := request("bf-2026")
		m.ContactListId = -1
		if _, err := b.client.Request(t.Context(), m, ""); err == nil || !strings.Contains(err.Error(), "contact_list_id") {
			t.Errorf("got error %v", err)
		}
	})

	t.Run("SaysWhatIsMissingWithoutTheService", func(t *testing.T) {
		t.Parallel()
		nc := connect(t, startServer(t, &server.Options{JetStream: true}))
		c, err := client.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Request(t.Context(), request("bf-2026"), ""); err == nil || !strings.Contains(err.Error(), "has the service ever run here?") {
			t.Errorf("got error %v", err)
		}
	})

	t.Run("GetTellsNoRecordFromTrouble", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		if _, _, err := b.client.Get(t.Context(), key); !errors.Is(err, client.ErrNoRecord) {
			t.Errorf("got error %v", err)
		}
		save(t, b, key)
		c, at, err := b.client.Get(t.Context(), key)
		if err != nil || c.State != campaign.Confirming || at.IsZero() {
			t.Errorf("got %s stored at %s, %v", c.State, at, err)
		}
	})

	t.Run("WatchFollowsOneCampaignAndEndsWithItsContext", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		tell := func(k campaign.Key, n int) {
			c := runnertest.Sample(k)
			c.Outbox = []campaign.Event{{Type: campaign.EventCostCalculated, N: n, CampaignID: 7, Quote: c.Quote}}
			if err := b.j.Publish(t.Context(), c); err != nil {
				t.Error(err)
			}
		}
		tell(key, 1)
		tell(campaign.Key{Source: "acqualuce", RequestID: "x"}, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var got []int32
		for e, err := range b.client.Watch(ctx, client.WatchOptions{Key: key, Follow: true}) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Key != key || e.Type != "cost_calculated" || e.Stored.IsZero() {
				t.Errorf("told %+v", e)
			}
			got = append(got, e.Message.(*campaignv1.CampaignCostCalculated).Version)
			switch len(got) {
			case 1:
				tell(key, 2)
			case 2:
				cancel()
			}
		}
		if diff := cmp.Diff([]int32{1, 2}, got); diff != "" {
			t.Errorf("versions (-want +got):\n%s", diff)
		}
	})
}
