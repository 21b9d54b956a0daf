package app_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// underWay asks for campaigns and leaves each where its name says, with no service
// running any more.
func (b *bundle) underWay() {
	b.t.Helper()
	o := b.options()
	o.Grace, o.Rules.Lease = 50*time.Millisecond, 2*time.Second
	_, stop := b.run(o)
	for _, f := range []sandbox.Fault{
		{Operation: sandbox.Price, Name: "staffetta shop-italia.drafted]", Delay: time.Minute},
		{Operation: sandbox.Confirm, Name: "staffetta shop-italia.confirming]", Cut: true},
		{Operation: sandbox.Status, Name: "staffetta shop-italia.confirming]", Cut: true, Times: -1},
	} {
		if _, err := b.Sandbox.AddFault(f); err != nil {
			b.t.Fatal(err)
		}
	}
	tomorrow := &campaignv1.CampaignRequested_At{At: timestamppb.New(time.Now().Add(24 * time.Hour))}
	b.askFor("sending", nil)
	b.state("sending", campaign.Confirmed, campaign.Sending)
	b.askFor("scheduled", func(r *campaignv1.CampaignRequested) { r.Start = tomorrow })
	b.state("scheduled", campaign.Confirmed)
	b.askFor("quoted", func(r *campaignv1.CampaignRequested) {
		r.NeedsApproval = true
	})
	b.state("quoted", campaign.Quoted)
	b.askFor("confirming", nil)
	b.state("confirming", campaign.Confirming)
	b.askFor("drafted", nil)
	b.state("drafted", campaign.Drafted)
	if err := stop(); err != nil {
		b.t.Fatal(err)
	}
	b.Sandbox.RemoveFaults()
}

func (b *bundle) askFor(id string, change func(*campaignv1.CampaignRequested)) {
	b.t.Helper()
	r := proto.Clone(b.request).(*campaignv1.CampaignRequested)
	r.RequestId = id
	if change != nil {
		change(r)
	}
	if _, err := b.client.Request(b.t.Context(), r, ""); err != nil {
		b.t.Fatal(err)
	}
}

// state waits until a campaign is in one of the states.
func (b *bundle) state(id string, want ...campaign.State) (rec campaign.Campaign) {
	b.t.Helper()
	key := campaign.Key{Source: "shop-italia", RequestID: id}
	var names []string
	for _, s := range want {
		names = append(names, string(s))
	}
	eventually(b.t, id+" is "+strings.Join(names, " or "), func() bool {
		rec, _, _ = b.client.Get(b.t.Context(), key)
		return slices.Contains(want, rec.State)
	})
	return rec
}

// published is what the events of a campaign say, in their order.
func (b *bundle) published(id string) (types []string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	for e, err := range b.client.Watch(ctx, client.WatchOptions{Key: campaign.Key{Source: "shop-italia", RequestID: id}}) {
		if err != nil {
			b.t.Fatal(err)
		}
		types = append(types, e.Type)
	}
	return types
}

// The numbers of campaigns under way are strangers' at another gateway.
func TestAnotherGatewayIsAskedForNothingThatItDidNotNumber(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.Sandbox.SetSpeed(0.001); err != nil {
		t.Fatal(err)
	}
	b.underWay()
	told := map[string]int{}
	for _, id := range []string{"sending", "scheduled", "confirming"} {
		told[id] = len(b.published(id))
	}
	before := b.Sandbox.Seen()

	other, err := app.StartSandbox("127.0.0.1:0", sandbox.Options{Speed: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	if list, err := other.FillDemo(sandbox.DemoList{Contacts: 20}); err != nil || int64(list) != b.request.ContactListId {
		t.Fatalf("list %d (%v), want the number it has here too, %d", list, err, b.request.ContactListId)
	}
	strangers, err := other.FillStrangers(10)
	if err != nil || strangers[0] != before.Campaigns[0].ID {
		t.Fatalf("strangers %v (%v), want the first to have a number of ours, %d", strangers, err, before.Campaigns[0].ID)
	}

	o := b.options()
	o.Gateway.URL = other.GatewayURL
	o.Rules.Patience = 2 * time.Second
	b.run(o)
	// Without an intent they are begun anew, with a draft of this gateway's.
	b.state("drafted", campaign.Completed)
	waits := b.state("quoted", campaign.Quoted)
	if _, err := b.client.Approve(t.Context(), waits.Key, campaign.QuoteID(waits.Request, *waits.Quote), "anna"); err != nil {
		t.Fatal(err)
	}
	b.state("quoted", campaign.Completed)
	// What may be sent over there waits, and in the end a person is asked.
	for _, id := range []string{"sending", "confirming"} {
		rec := b.state(id, campaign.Unresolved)
		if why := rec.Reason.Message; !strings.Contains(why, b.Sandbox.GatewayURL) || !strings.Contains(why, other.GatewayURL) {
			t.Errorf("%s: %q does not name both gateways", id, why)
		}
		if all := b.published(id); len(all) != told[id]+1 || all[len(all)-1] != "unresolved" {
			t.Errorf("%s: told %v, want unresolved and nothing else beside the first %d", id, all, told[id])
		}
	}
	if rec := b.state("scheduled", campaign.Confirmed, campaign.Unresolved); len(rec.Outbox) > 0 || len(b.published("scheduled")) > told["scheduled"]+1 {
		t.Errorf("scheduled: %s, told %v", rec.State, b.published("scheduled"))
	}
	for _, c := range other.Seen().Campaigns {
		switch {
		case c.Stranger && (len(c.Calls) > 0 || c.Deleted):
			t.Errorf("campaign %d is a stranger's, and got %v (deleted: %v)", c.ID, c.Calls, c.Deleted)
		case !c.Stranger && c.Confirms != 1:
			t.Errorf("campaign %d, %q, was confirmed %d times, want once", c.ID, c.Description, c.Confirms)
		}
	}
	if after := b.Sandbox.Seen(); after.Confirms != before.Confirms {
		t.Errorf("%d confirms where it was, %d before", after.Confirms, before.Confirms)
	}
}

// The same gateway under another URL is told apart by the setting alone.
func TestAGatewayThatMovedGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.Sandbox.SetSpeed(0.001); err != nil {
		t.Fatal(err)
	}
	b.underWay()
	moved := httptest.NewServer(b.Sandbox.Sandbox)
	defer moved.Close()
	if err := b.Sandbox.SetSpeed(1000); err != nil {
		t.Fatal(err)
	}

	o := b.options()
	o.Gateway.URL = strings.Replace(b.Sandbox.GatewayURL, b.Sandbox.URL, moved.URL, 1)
	o.Gateway.MovedFrom = "https://older.example/v1," + strings.ToUpper(b.Sandbox.URL[:4]) + b.Sandbox.GatewayURL[4:] + "/"
	b.run(o)
	for _, id := range []string{"sending", "confirming", "drafted"} {
		b.state(id, campaign.Completed)
	}
	if rec := b.state("scheduled", campaign.Confirmed); !rec.Draft.Stranded.IsZero() {
		t.Error("scheduled: it is called another gateway's")
	}
	if seen := b.Sandbox.Seen(); seen.MaxConfirms != 1 || seen.Confirms != 4 {
		t.Errorf("%d confirms, %d of one campaign, want 4, each of another", seen.Confirms, seen.MaxConfirms)
	}
}
