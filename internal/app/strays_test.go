package app_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
)

// Two services share a flood of cancels of what nobody asked for: as many leave a record
// as both may, and each of the others is a dead letter.
func TestAFloodOfStrayCancels(t *testing.T) {
	t.Parallel()
	const flood, most = 60, 20
	b := setup(t)
	o := b.options()
	o.IntakeStrays, o.Gateway.Replicas = fmt.Sprintf("shop-italia=%d", most), 2
	b.run(o)
	b.run(o)
	for n := range flood {
		if _, err := b.client.Cancel(t.Context(), campaign.Key{Source: b.key.Source, RequestID: fmt.Sprint("stray-", n)}, "anna", ""); err != nil {
			t.Fatal(err)
		}
	}
	js, err := jetstream.New(b.connect())
	if err != nil {
		t.Fatal(err)
	}
	count := func() (records, letters int) {
		t.Helper()
		for c, err := range b.client.List(t.Context(), "") {
			if records++; err != nil || c.State != campaign.Cancelled {
				t.Fatalf("record %+v, %v", c, err)
			}
		}
		s, err := js.Stream(t.Context(), "CAMPAIGN_DEAD_LETTERS")
		if err != nil {
			t.Fatal(err)
		}
		return records, int(s.CachedInfo().State.Msgs)
	}
	var records, letters int
	eventually(t, "each cancel is done with", func() bool {
		records, letters = count()
		return records+letters == flood
	})
	// A service that gets few of them does not use up its half, and nobody both.
	if records > most || records < most/2 {
		t.Errorf("%d leave a record, want %d to %d", records, most/2, most)
	}
	for l, err := range b.client.Letters(t.Context(), client.LetterFilter{}) {
		if err != nil || l.Reason != "too_many" {
			t.Errorf("put aside: %+v, %v", l, err)
		}
	}
	// What somebody has asked for is cancelled all the same.
	b.request.NeedsApproval = true
	b.ask()
	b.until("approval_required")
	if _, err := b.client.Cancel(t.Context(), b.key, "anna", ""); err != nil {
		t.Fatal(err)
	}
	b.until("cancelled")
}
