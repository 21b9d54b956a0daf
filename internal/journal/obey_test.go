package journal_test

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Consumers that are deleted, or lost in a power cut, are made again and bring everything
// from the start. What was refused or carried out is not carried out by that, and what was
// buried has one letter.
func TestAConsumerThatIsMadeAgainSettlesNothingTwice(t *testing.T) {
	t.Parallel()
	b := &testService{testBundle: setup(t, journal.Options{})}
	b.forgetIDs(t)
	refuse := true
	carriedOut := 0
	consume := func() (stop func()) {
		return b.consumeFor(t, journal.ConsumeOptions{}, journal.Handlers{
			Campaign: func(context.Context, runner.Wakeup) loop.Verdict { return loop.Verdict{Do: loop.Ack} },
			Standing: func(_ context.Context, o contract.Order) (proto.Message, error) {
				if carriedOut++; refuse && o.Source == "shop-italia" {
					return nil, &loop.Refusal{Note: "not now"}
				}
				return &campaignv1.CampaignsHeld{Source: o.Source, Command: o.Sequence, At: timestamppb.New(o.Stored), By: o.By, Why: "wrong prices"}, nil
			},
		})
	}
	stop := consume()
	var last uint64
	for _, source := range []string{"shop-italia", "acqua-luce", "shop-italia"} {
		placed, err := b.client.Lay(t.Context(), source, contract.VerbHold, &campaignv1.HoldCampaigns{By: "anna", Why: "wrong prices"})
		if err != nil {
			t.Fatal(err)
		}
		last = placed.Sequence
	}
	b.publish(t, &nats.Msg{Subject: subject, Data: []byte("hello")})
	settled := func(stream, consumer string, sequence uint64) {
		t.Helper()
		waitFor(t, func() bool {
			c, err := b.js.Consumer(t.Context(), stream, consumer)
			return err == nil && c.CachedInfo().AckFloor.Stream >= sequence
		})
	}
	settled(streams.Commands, "standing", last)
	settled(streams.Requests, "requests", 1)
	stop()
	if n := len(b.letters(t)); n != 3 || carriedOut != 3 {
		t.Fatalf("%d letters, want those of two orders and one request; %d orders were carried out or refused", n, carriedOut)
	}
	b.idsAreForgotten(t)
	for stream, consumer := range map[string]string{streams.Commands: "standing", streams.Requests: "requests"} {
		if err := b.js.DeleteConsumer(t.Context(), stream, consumer); err != nil {
			t.Fatal(err)
		}
	}
	refuse = false
	stop = consume()
	settled(streams.Commands, "standing", last)
	settled(streams.Requests, "requests", 1)
	stop()
	if carriedOut != 3 {
		t.Errorf("%d orders were carried out again", carriedOut-3)
	}
	if all := b.letters(t); len(all) != 3 {
		t.Errorf("there are %d letters, want the three: %+v", len(all), all)
	}
	// What is new is carried out, as ever.
	stop = consume()
	placed, err := b.client.Lay(t.Context(), "shop-italia", contract.VerbHold, &campaignv1.HoldCampaigns{By: "anna", Why: "wrong prices"})
	if err != nil {
		t.Fatal(err)
	}
	settled(streams.Commands, "standing", placed.Sequence)
	stop()
	out, err := b.client.Outcome(t.Context(), placed.Sequence)
	if err != nil || out.Answer == nil {
		t.Errorf("what became of a new order: %+v, %v", out, err)
	}
}
