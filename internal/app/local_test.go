package app_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// What NATS stored outlives the sandbox, which forgets. A campaign from before
// is not told of somebody else's sending under its number: the gateway does
// not find it.
func TestAKeptFolderMeetsASandboxThatHasForgotten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin := func() *bundle {
		t.Helper()
		local, err := app.StartLocal(app.LocalOptions{Dir: dir, Sandbox: sandbox.Options{Speed: 1000}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { local.Stop() })
		return around(t, local)
	}

	b := begin()
	if b.Remembered != 0 {
		t.Errorf("a new folder remembers %d", b.Remembered)
	}
	_, stop := b.run(b.options())
	b.ask()
	b.until("confirmed")
	b.key.RequestID, b.request.RequestId = "scheduled", "scheduled"
	b.request.Start = &campaignv1.CampaignRequested_At{At: timestamppb.New(time.Now().Add(time.Hour))}
	b.ask()
	was := b.until("confirmed").Message.(*campaignv1.CampaignConfirmed).CampaignId
	// The end of the process, without a word to the sandbox.
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}

	b = begin()
	if b.Remembered != was {
		t.Errorf("remembers %d, want %d", b.Remembered, was)
	}
	b.key.RequestID, b.request.RequestId = "after", "after"
	b.run(b.options())
	b.ask()
	if got := b.until("confirmed").Message.(*campaignv1.CampaignConfirmed).CampaignId; got <= was {
		t.Errorf("campaign %d, want one above %d", got, was)
	}
	old, _, err := b.client.Get(t.Context(), campaign.Key{Source: "shop-italia", RequestID: "scheduled"})
	if err != nil || old.Draft == nil || old.Draft.ID != was {
		t.Errorf("the scheduled one: %+v, %v", old.Draft, err)
	}
}
