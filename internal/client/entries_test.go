package client_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

func TestEntries(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	friday := time.Date(2026, 11, 27, 8, 0, 0, 5e8, time.UTC)
	save := func(key campaign.Key, change func(*campaign.Campaign)) {
		t.Helper()
		c := runnertest.Sample(key)
		change(&c)
		_, rev, err := b.j.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.j.Save(t.Context(), c, rev); err != nil {
			t.Fatal(err)
		}
	}
	waits, ended := campaign.Key{Source: "shop-italia", RequestID: "waits"}, campaign.Key{Source: "acqualuce", RequestID: "ended"}
	save(ended, func(c *campaign.Campaign) {
		c.State, c.Since, c.Wake, c.Waiting = campaign.Completed, friday, time.Time{}, ""
	})
	save(waits, func(c *campaign.Campaign) {
		c.State, c.Since, c.Wake = campaign.Requested, friday, friday.Add(time.Hour)
		c.Waiting = "the gateway did not answer create:\n " + strings.Repeat("è", 500)
	})
	said := runnertest.Sample(waits).Summary()
	if said.Name == "" || said.Recipients == 0 || said.Cost == nil {
		t.Errorf("the sample says too little: %+v", said)
	}
	// What was deleted by hand, and what an earlier version wrote.
	b.publish(t, &nats.Msg{Subject: "$KV.campaigns.shop-italia.gone", Header: nats.Header{"KV-Operation": {"DEL"}}})
	b.publish(t, &nats.Msg{Subject: "$KV.campaigns.shop-italia.old", Data: []byte("{}"), Header: nats.Header{"Staffetta-State": {"sending"}}})

	list := func(source string, after uint64) (all []journal.Entry) {
		t.Helper()
		for e, err := range b.client.Entries(t.Context(), source, after) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Saved.IsZero() || e.Since.IsZero() {
				t.Errorf("%s: saved %s, since %s", e.Key, e.Saved, e.Since)
			}
			all = append(all, e)
		}
		return all
	}
	want := []journal.Entry{
		{Sequence: 1, Key: ended, State: campaign.Completed, Since: friday, Summary: said},
		{Sequence: 2, Key: waits, State: campaign.Requested, Since: friday, Wake: friday.Add(time.Hour), Waiting: "the gateway did not answer create: " + strings.Repeat("è", 124) + "…", Summary: said},
		{Sequence: 4, Key: campaign.Key{Source: "shop-italia", RequestID: "old"}, State: campaign.Sending},
	}
	ignore := cmpopts.IgnoreFields(journal.Entry{}, "Saved")
	got := list("", 0)
	if len(got) != 3 {
		t.Fatalf("%d entries, want 3: %v", len(got), got)
	}
	got[2].Since = time.Time{} // when it was saved: it says no better
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[:1], list("acqualuce", 0), ignore); diff != "" {
		t.Errorf("of one source (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[2:], list("shop-italia", 2), ignore, cmpopts.IgnoreFields(journal.Entry{}, "Since")); diff != "" {
		t.Errorf("of one source, behind the second (-want +got):\n%s", diff)
	}
	if last := list("", 4); len(last) != 0 {
		t.Errorf("behind the last there are %v", last)
	}
}
