package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Streams of layout 1 are upgraded while services run on them, and people go on
// telling campaigns what to do.
func TestUpgradeUnderWay(t *testing.T) {
	t.Parallel()
	y := newTestServer(t)
	y.mustOpen().Close()
	y.age()
	// serve is one service, until stop; what it is told it hands on.
	serve := func() (told chan runner.Wakeup, stop func()) {
		j, err := journal.Open(t.Context(), y.nc, journal.Options{LookEvery: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		told = make(chan runner.Wakeup, 10)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- j.Consume(ctx, journal.ConsumeOptions{}, journal.Handlers{Campaign: func(_ context.Context, w runner.Wakeup) loop.Verdict {
				told <- w
				return loop.Verdict{Do: loop.Ack}
			}})
		}()
		stop = func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			j.Close()
		}
		return told, stop
	}
	cancel := func(who, stream string) {
		t.Helper()
		placed, err := y.c.Cancel(t.Context(), key, who, "")
		if err != nil || placed.Stream != stream {
			t.Fatalf("%s's cancel: stored in %q, %v; want %s", who, placed.Stream, err, stream)
		}
	}
	heard := func(told chan runner.Wakeup, who string) {
		t.Helper()
		if diff := cmp.Diff(campaign.Cancel{By: who}, receive(t, told, who).Command); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	}

	told, stop := serve()
	cancel("before", streams.Wakeups)
	heard(told, "before")
	m, err := y.last(streams.Wakeups, "campaign.v1.command.shop-italia.bf-2026.cancel")
	if err != nil || m.Header.Get("Nats-TTL") == "" {
		t.Errorf("beside the timers a command must end by itself: %v, %v", m, err)
	}
	stop()
	cancel("left over", streams.Wakeups)

	plan, err := y.c.PlanUpgrade(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// It ends in between, as if somebody had pulled the plug: nobody takes a command, and
	// it is run again.
	if err := y.c.Upgrade(t.Context(), client.Upgrade{Installation: plan.Installation, Steps: plan.Steps[:len(plan.Steps)-1]}); err != nil {
		t.Fatal(err)
	}
	if _, err := y.c.Cancel(t.Context(), key, "in between", ""); err == nil || !strings.Contains(err.Error(), "no stream takes campaign.v1.command.") {
		t.Errorf("a command that no stream takes: %v", err)
	}
	if plan, err = y.c.PlanUpgrade(t.Context()); err != nil || len(plan.Steps) != 1 || plan.Steps[0].Stream != streams.Commands {
		t.Fatalf("planned again: %+v, %v", plan, err)
	}
	if err := y.c.Upgrade(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	cancel("after", streams.Commands)

	told, stop = serve()
	got := map[string]bool{}
	for range 2 {
		got[receive(t, told, "both").Command.(campaign.Cancel).By] = true
	}
	if diff := cmp.Diff(map[string]bool{"left over": true, "after": true}, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	stop()

	// A command line of yesterday is refused, and says so.
	old := nats.NewMsg("campaign.v1.command.shop-italia.bf-2026.cancel")
	if _, err := y.js.PublishMsg(t.Context(), old, jetstream.WithMsgTTL(time.Hour)); err == nil {
		t.Error("a message with a time to live of its own is taken")
	}
	all, err := y.c.Commands(t.Context(), key)
	var by []string
	for _, h := range all {
		by = append(by, h.Input.(campaign.Cancel).By)
	}
	if diff := cmp.Diff([]string{"before", "left over", "after"}, by); err != nil || diff != "" {
		t.Errorf("what people told the campaign: %v (-want +got):\n%s", err, diff)
	}
	if plan, err = y.c.PlanUpgrade(t.Context()); err != nil || len(plan.Steps) != 0 {
		t.Errorf("planned once more: %+v, %v", plan, err)
	}
	y.mustOpen() // strictly verified now
}

// A service that runs while the streams are upgraded goes on by itself.
func TestUpgradeIsNoticed(t *testing.T) {
	t.Parallel()
	y := newTestServer(t)
	y.mustOpen().Close()
	y.age()
	j, err := journal.Open(t.Context(), y.nc, journal.Options{LookEvery: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	told := make(chan runner.Wakeup, 10)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- j.Consume(ctx, journal.ConsumeOptions{}, journal.Handlers{Campaign: func(_ context.Context, w runner.Wakeup) loop.Verdict {
			told <- w
			return loop.Verdict{Do: loop.Ack}
		}})
	}()
	if _, err := y.c.Cancel(t.Context(), key, "before", ""); err != nil {
		t.Fatal(err)
	}
	receive(t, told, "before")
	plan, err := y.c.PlanUpgrade(t.Context())
	if err == nil {
		err = y.c.Upgrade(t.Context(), plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := y.c.Cancel(t.Context(), key, "after", ""); err != nil {
		t.Fatal(err)
	}
	receive(t, told, "after")
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Commands that lie beside the timers are read after an upgrade, whether or not anybody has
// ever read there: no service ran meanwhile, or its consumers are lost.
func TestCommandsThatNobodyHasReadOutliveAnUpgrade(t *testing.T) {
	t.Parallel()
	y := newTestServer(t)
	y.mustOpen().Close()
	y.age()
	if _, err := y.c.Cancel(t.Context(), key, "anna", ""); err != nil {
		t.Fatal(err)
	}
	laid, err := y.c.Lay(t.Context(), "shop-italia", contract.VerbHold, &campaignv1.HoldCampaigns{By: "anna", Why: "wrong prices"})
	if err != nil || laid.Stream != streams.Wakeups {
		t.Fatalf("an order before the upgrade: %+v, %v", laid, err)
	}
	plan, err := y.c.PlanUpgrade(t.Context())
	if err == nil {
		err = y.c.Upgrade(t.Context(), plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	j := y.mustOpen()
	told := make(chan string, 10)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- j.Consume(ctx, journal.ConsumeOptions{}, journal.Handlers{
			Campaign: func(_ context.Context, w runner.Wakeup) loop.Verdict {
				told <- "cancel"
				return loop.Verdict{Do: loop.Ack}
			},
			Standing: func(_ context.Context, o contract.Order) (proto.Message, error) {
				told <- o.Verb
				return &campaignv1.CampaignsHeld{Source: o.Source, Command: o.Sequence, At: timestamppb.New(o.Stored), By: o.By, Why: "wrong prices"}, nil
			},
		})
	}()
	got := map[string]bool{receive(t, told, "one"): true, receive(t, told, "the other"): true}
	if diff := cmp.Diff(map[string]bool{"cancel": true, "hold": true}, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	// Whoever gave the order before the upgrade asks what became of it.
	waitFor(t, func() bool {
		out, err := y.c.Outcome(t.Context(), laid.Sequence)
		return err == nil && out.Answer != nil && out.Subject == laid.Subject
	})
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// In streams of layout 1 whoever may publish one command can schedule another one.
func TestACommandThatAScheduleHasPublishedIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ target, body string }{
		"OfACampaign":    {"campaign.v1.command.shop-italia.bf-2026.approve", `{"quote_id":"0123456789abcdef","by":"anna"}`},
		"AStandingOrder": {"campaign.v1.command.@all.@standing.release", `{"by":"anna"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scheduled(t, tt.target, tt.body)
		})
	}
}

// scheduled has a schedule of the server publish a command, which nobody may obey; nor may
// anybody obey the schedule itself, which is a command by its subject. One that has fired
// is gone at once, perhaps before anybody has read it: so there is one that does not fire.
func scheduled(t *testing.T, target, body string) {
	y := newTestServer(t)
	y.mustOpen().Close()
	y.age()
	j := y.mustOpen()
	for _, at := range []time.Time{time.Now().Add(time.Hour), time.Now()} {
		h := nats.NewMsg(fmt.Sprintf("campaign.v1.command.shop-italia.x-%d.cancel", at.Unix()))
		h.Header.Set("Nats-Schedule", "@at "+at.UTC().Format(time.RFC3339Nano))
		h.Header.Set("Nats-Schedule-Target", target)
		h.Data = []byte(body)
		if _, err := y.js.PublishMsg(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		standing := func(_ context.Context, o contract.Order) (proto.Message, error) {
			t.Errorf("obeyed: %+v", o)
			return nil, errors.New("it must not be")
		}
		done <- j.Consume(ctx, journal.ConsumeOptions{}, journal.Handlers{Standing: standing, Campaign: func(_ context.Context, w runner.Wakeup) loop.Verdict {
			t.Errorf("obeyed: %+v", w)
			return loop.Verdict{Do: loop.Ack}
		}})
	}()
	waitFor(t, func() bool {
		schedule, published := false, false
		for l, err := range y.c.Letters(t.Context(), client.LetterFilter{}) {
			if err != nil {
				t.Fatal(err)
			}
			if l.Reason != string(deadletter.BadCommand) {
				t.Errorf("%s is buried as %s", l.Subject, l.Reason)
			}
			schedule = schedule || strings.HasPrefix(l.Subject, "campaign.v1.command.shop-italia.x-")
			published = published || l.Subject == target
		}
		return schedule && published
	})
	stop()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func (y *testServer) last(stream, subject string) (*jetstream.RawStreamMsg, error) {
	s, err := y.js.Stream(y.t.Context(), stream)
	if err != nil {
		return nil, err
	}
	return s.GetLastMsgForSubject(y.t.Context(), subject)
}
