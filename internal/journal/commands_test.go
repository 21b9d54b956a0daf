package journal_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
)

func TestCommands(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	got := make(chan runner.Wakeup, 10)
	b.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
		got <- w
		return loop.Verdict{Do: loop.Ack}
	})

	for _, test := range []struct {
		name string
		say  func() (client.Placed, error)
		want campaign.Input
		on   string
	}{
		{"CancelArrivesWithItsReason", func() (client.Placed, error) { return b.client.Cancel(t.Context(), key, "anna", "typo") },
			campaign.Cancel{By: "anna", Why: "typo"}, "cancel"},
		{"ResolveSaysThatItWasSent", func() (client.Placed, error) { return b.client.Resolve(t.Context(), key, "anna", true, "") },
			campaign.Resolved{By: "anna", Sent: true}, "resolve"},
		{"ResolveSaysThatItWasNot", func() (client.Placed, error) {
			return b.client.Resolve(t.Context(), key, "anna", false, "deleted by hand")
		},
			campaign.Resolved{By: "anna", Why: "deleted by hand"}, "resolve"},
		{"ApproveArrivesWithItsQuote", func() (client.Placed, error) {
			return b.client.Approve(t.Context(), key, "0123456789abcdef", "anna")
		},
			campaign.Approve{QuoteID: "0123456789abcdef", By: "anna"}, "approve"},
		{"DeclineArrivesWithItsReason", func() (client.Placed, error) {
			return b.client.Decline(t.Context(), key, "0123456789abcdef", "anna", "wrong list")
		},
			campaign.Decline{QuoteID: "0123456789abcdef", By: "anna", Why: "wrong list"}, "decline"},
		{"ForgetArrivesWithWhoAsked", func() (client.Placed, error) { return b.client.Forget(t.Context(), key, "anna") },
			campaign.Forget{By: "anna"}, "forget"},
		{"FollowArrivesWithWhoAsked", func() (client.Placed, error) { return b.client.FollowAgain(t.Context(), key, "anna") },
			campaign.Follow{By: "anna"}, "follow"},
	} {
		t.Run(test.name, func(t *testing.T) {
			placed, err := test.say()
			if err != nil {
				t.Fatal(err)
			}
			if want := "campaign.v1.command.shop-italia.bf-2026." + test.on; placed.Subject != want || placed.Stream != streams.Commands || placed.Sequence == 0 {
				t.Errorf("placed %+v, want on %s", placed, want)
			}
			if diff := cmp.Diff(test.want, receive(t, got, "command").Command); diff != "" {
				t.Errorf("command (-want +got):\n%s", diff)
			}
		})
	}

	for _, test := range []struct {
		name string
		say  func() (client.Placed, error)
		want string
	}{
		{"CancelIsNotPublishedWithoutAName", func() (client.Placed, error) { return b.client.Cancel(t.Context(), key, "", "") }, "say who cancels it"},
		{"ApproveIsNotPublishedWithoutAName", func() (client.Placed, error) {
			return b.client.Approve(t.Context(), key, "0123456789abcdef", " ")
		}, "bad_command: by:"},
		{"DeclineIsNotPublishedWithoutItsQuote", func() (client.Placed, error) { return b.client.Decline(t.Context(), key, "the last one", "anna", "") }, "bad_command: quote_id:"},
		{"ResolveIsNotPublishedWithoutAName", func() (client.Placed, error) { return b.client.Resolve(t.Context(), key, "", true, "") }, "who looked at the gateway"},
		{"NothingIsPublishedThatTheServiceWouldNotRead", func() (client.Placed, error) {
			return b.client.Command(t.Context(), key, "cancle", struct{}{})
		}, `unknown verb "cancle", want one of approve, cancel`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.say(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want …%s…", err, test.want)
			}
		})
	}
	select {
	case w := <-got:
		t.Errorf("what was not published woke %+v", w)
	default:
	}
}
