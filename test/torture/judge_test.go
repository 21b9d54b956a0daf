package torture

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// records are those of the world's source, by request id.
func (w *testbed) records(ctx context.Context) (map[string]campaign.Campaign, error) {
	records := map[string]campaign.Campaign{}
	for c, err := range w.client.List(ctx, w.source) {
		if err != nil {
			return nil, err
		}
		records[c.Key.RequestID] = c
	}
	return records, nil
}

// waitUntilOver waits until every one of the campaigns is over, and returns their records.
func (w *testbed) waitUntilOver(ids []string) (records map[string]campaign.Campaign) {
	w.Helper()
	w.eventually("all campaigns end", func(ctx context.Context) (err error) {
		if records, err = w.records(ctx); err != nil {
			return err
		}
		var open []string
		for _, id := range ids {
			c := records[id]
			if !c.State.Final() {
				open = append(open, fmt.Sprintf("%s %s: %s", id, c.State, c.Waiting))
			}
		}
		if len(open) > 0 {
			return fmt.Errorf("%d are under way, the first: %v", len(open), open[:min(3, len(open))])
		}
		return nil
	})
	return records
}

// waitUntilCompleted waits until every one of the campaigns is over, and fails the test for each
// that was not sent to its end: for where nothing happens that is a reason not to.
func (w *testbed) waitUntilCompleted(ids []string) (records map[string]campaign.Campaign) {
	w.Helper()
	records = w.waitUntilOver(ids)
	for _, id := range ids {
		if c := records[id]; c.State != campaign.Completed {
			w.Errorf("%s: ended %s %+v, want completed", id, c.State, c.Reason)
		}
	}
	return records
}

// A verdict is what a judge found. The first three must be zero.
type verdict struct {
	doubles    int // campaigns confirmed more than once, or people who got more than one message
	lost       int // requests that have no end
	duplicates int // events that are in the stream more than once, or in no order
	campaigns  int
	drafts     int
	confirms   int
}

func (v verdict) String() string {
	return fmt.Sprintf("%d campaigns, %d drafts at the gateway, %d confirms took effect; double confirms %d, lost %d, duplicate events %d",
		v.campaigns, v.drafts, v.confirms, v.doubles, v.lost, v.duplicates)
}

// judge says what became of the campaigns, by what the sandbox has seen and by what
// stands in the streams, and fails the test for everything that may not be.
func (w *testbed) judge(ids []string) verdict {
	w.Helper()
	v := verdict{campaigns: len(ids)}
	var seen sandbox.Seen
	w.control("GET", "seen?limit=10000000", nil, &seen)
	v.drafts, v.confirms = len(seen.Campaigns), seen.Confirms
	if seen.MaxPerPhone > 1 {
		v.doubles++
		w.Errorf("somebody got %d messages", seen.MaxPerPhone)
	}
	confirms, undone := map[string]int{}, map[string]int{}
	for _, c := range seen.Campaigns {
		_, key, _ := strings.Cut(c.Description, "[staffetta "+w.source+".")
		id := strings.TrimSuffix(key, "]")
		confirms[id] += c.Confirms
		if c.Deleted && c.Messages == 0 {
			undone[id] += c.Confirms
		}
	}
	var (
		records map[string]campaign.Campaign
		told    map[string][]contract.StoredEvent
	)
	w.eventually("read the streams", func(ctx context.Context) (err error) {
		if records, err = w.records(ctx); err == nil {
			told, err = w.eventsOf(ctx)
		}
		return err
	})
	for _, id := range ids {
		c, n := records[id], confirms[id]
		if n > 1 {
			v.doubles++
			w.Errorf("%s: %d confirms took effect", id, n)
		}
		switch sent := c.State == campaign.Completed || c.State == campaign.Unreconciled || c.State == campaign.Failed; {
		case !c.State.Final():
			v.lost++
			w.Errorf("%s: has not ended: %q %s", id, c.State, c.Waiting)
		case sent && n == 0:
			v.lost++
			w.Errorf("%s: is %s and was never confirmed", id, c.State)
		case c.State == campaign.Cancelled && c.Confirmed != nil && n == undone[id]:
			// It was confirmed for later, and taken back before that.
		case !sent && c.State != campaign.Unresolved && n > 0:
			v.doubles++
			w.Errorf("%s: is %s and was confirmed: %v", id, c.State, c.Reason)
		}
		if why := disorder(told[id]); why != "" && !(w.lostTail && why == unquoted) {
			v.duplicates++
			w.Errorf("%s: %s: %s", id, why, order(told[id]))
		}
	}
	return v
}

// eventsOf are all events, by request id, in the order of the stream.
func (w *testbed) eventsOf(ctx context.Context) (map[string][]contract.StoredEvent, error) {
	told := map[string][]contract.StoredEvent{}
	for e, err := range w.client.Watch(ctx, client.WatchOptions{Key: campaign.Key{Source: w.source}}) {
		if err != nil {
			return nil, err
		}
		told[e.Key.RequestID] = append(told[e.Key.RequestID], e)
	}
	return told, nil
}

// disorder says what is wrong with the events of one campaign: each is there once,
// those of a kind are counted from 1, a confirm comes after a quote, statistics
// after the confirm, and one end comes last.
func disorder(events []contract.StoredEvent) string {
	count := map[string]int{}
	for i, e := range events {
		name, _ := strings.CutPrefix(e.Subject, "campaign.v1.event."+e.Key.String()+".")
		count[e.Type]++
		if e.Type == "approved" {
			count[e.Type] = count["approval_required"] // it answers that one; an earlier one may have been lost unanswered
		}
		if want := fmt.Sprintf("%s.%d", e.Type, count[e.Type]); name != want {
			return fmt.Sprintf("%s where %s belongs", name, want)
		}
		last := slices.Contains([]string{"rejected", "cancelled", "failed", "unresolved"}, e.Type)
		switch m := e.Message.(type) {
		case *campaignv1.CampaignConfirmed:
			if count["confirmed"] > 1 {
				return "confirmed twice"
			}
			if count["cost_calculated"] == 0 {
				return unquoted
			}
		case *campaignv1.CampaignStats:
			last = m.Last
			if count["confirmed"] == 0 {
				return "statistics of what was not confirmed"
			}
		}
		// The statistic that shows a failure is the last one, and then the failure is told.
		if more := i+1 < len(events); last && more && events[i+1].Type != "failed" || !last && !more {
			return "the end is not at the end"
		}
	}
	if len(events) == 0 {
		return "nothing was told"
	}
	return ""
}

const unquoted = "confirmed without a quote"

func order(events []contract.StoredEvent) string {
	var names []string
	for _, e := range events {
		names = append(names, strings.TrimPrefix(e.Subject, "campaign.v1.event."+e.Key.String()+"."))
	}
	return strings.Join(names, ", ")
}

// wantDeadLetters fails the test if the dead letters are not so many.
func (w *testbed) wantDeadLetters(want uint64) {
	w.Helper()
	var s jetstream.Stream
	w.eventually("look at the dead letters", func(ctx context.Context) (err error) {
		s, err = w.js.Stream(ctx, "CAMPAIGN_DEAD_LETTERS")
		return err
	})
	if diff := cmp.Diff(want, s.CachedInfo().State.Msgs); diff != "" {
		w.Errorf("dead letters (-want +got):\n%s", diff)
	}
}
