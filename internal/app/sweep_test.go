package app_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Somebody deletes every timer under a running service, while campaigns wait for
// all that a campaign can wait for. Nobody wakes them any more but the sweep.
func TestCampaignsEndWithoutTheirTimers(t *testing.T) {
	t.Parallel()
	const asleep = 6 * time.Second // long enough for all to be asleep at the same time
	b := setup(t)
	o := b.options()
	o.Rules.PollMin, o.Rules.PollMax, o.Rules.ApprovalWithin, o.Rules.Settle = asleep, asleep, asleep, asleep
	a := b.buildSweeping(o, 500*time.Millisecond)
	b.start(a)

	kinds := []struct {
		name string
		wish func(*campaignv1.CampaignRequested)
		ends campaign.State
	}{
		{"is-sending", func(*campaignv1.CampaignRequested) {}, campaign.Completed},
		{"waits-for-its-instant", func(m *campaignv1.CampaignRequested) {
			m.Start = &campaignv1.CampaignRequested_At{At: timestamppb.New(time.Now().Add(asleep))}
		}, campaign.Completed},
		{"asks", func(m *campaignv1.CampaignRequested) { m.NeedsApproval = true }, campaign.Rejected},
		{"settles", func(m *campaignv1.CampaignRequested) {
			if _, err := b.Sandbox.AddFault(sandbox.Fault{Operation: sandbox.Confirm, Cut: true, Name: "[staffetta " + m.Source + "." + m.RequestId + "]"}); err != nil {
				t.Fatal(err)
			}
		}, campaign.Completed},
	}
	ends := map[string]campaign.State{} // by request id
	for _, kind := range kinds {
		for n := range 2 {
			m := proto.Clone(b.request).(*campaignv1.CampaignRequested)
			m.RequestId = fmt.Sprintf("%s-%d", kind.name, n)
			kind.wish(m)
			ends[m.RequestId] = kind.ends
			if _, err := b.client.Request(t.Context(), m, ""); err != nil {
				t.Fatal(err)
			}
		}
	}

	nc, err := nats.Connect(b.NATSURL)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	wakeups, err := js.Stream(t.Context(), "CAMPAIGN_WAKEUPS")
	if err != nil {
		t.Fatal(err)
	}
	const timers = "campaign.v1.timer.>"
	armed := func() map[string]bool { // campaigns that have a timer
		info, err := wakeups.Info(t.Context(), jetstream.WithSubjectFilter(timers))
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for subject := range info.State.Subjects {
			ids[strings.Split(subject, ".")[4]] = true
		}
		return ids
	}
	eventually(t, "every campaign has a timer", func() bool { return len(armed()) == len(ends) })
	if err := wakeups.Purge(t.Context(), jetstream.WithPurgeSubject(timers)); err != nil {
		t.Fatal(err)
	}
	if left := armed(); len(left) > 0 {
		t.Fatalf("timers are left: %v", slices.Sorted(maps.Keys(left)))
	}

	eventually(t, "every campaign ends", func() bool {
		for id, want := range ends {
			c, _, err := b.client.Get(t.Context(), campaign.Key{Source: b.key.Source, RequestID: id})
			if err != nil {
				t.Fatal(err)
			}
			if !c.State.Final() {
				return false
			}
			if c.State != want {
				t.Fatalf("%s ended %s %+v, want %s", id, c.State, c.Reason, want)
			}
		}
		return true
	})
	if seen := b.Sandbox.Seen(); seen.Confirms != 6 || seen.MaxConfirms != 1 {
		t.Errorf("%d confirms took effect, at most %d for one draft; want 6, and 1", seen.Confirms, seen.MaxConfirms)
	}
	woken := regexp.MustCompile(`(?m)^staffetta_sweep_overdue_total (\d+)$`)
	eventually(t, "the sweeps that woke them are counted", func() bool {
		_, metrics := get(t, a, "/metrics")
		found := woken.FindStringSubmatch(metrics)
		if found == nil {
			t.Fatal("there is no such metric")
		}
		n, err := strconv.Atoi(found[1])
		return err == nil && n >= len(ends)
	})
}
