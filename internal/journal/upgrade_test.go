package journal_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Streams of layout 1 are upgraded while services run on them, and people go on
// telling campaigns what to do.
func TestUpgradeUnderWay(t *testing.T) {
	t.Parallel()
	y := newYard(t)
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
			done <- j.Consume(ctx, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) runner.Verdict {
				told <- w
				return runner.Verdict{Do: runner.Ack}
			})
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
		if diff := cmp.Diff(campaign.CancelAsked{By: who}, receive(t, told, who).Command); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	}

	told, stop := serve()
	cancel("before", journal.StreamWakeups)
	heard(told, "before")
	m, err := y.last(journal.StreamWakeups, "campaign.v1.command.shop-italia.bf-2026.cancel")
	if err != nil || m.Header.Get("Nats-TTL") == "" {
		t.Errorf("beside the timers a command must end by itself: %v, %v", m, err)
	}
	stop()
	cancel("left over", journal.StreamWakeups)

	plan, err := y.c.PlanUpgrade(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// It ends in between, as if somebody had pulled the plug: nobody takes a command, and
	// it is run again.
	if err := y.c.Upgrade(t.Context(), journal.Upgrade{Installation: plan.Installation, Steps: plan.Steps[:len(plan.Steps)-1]}); err != nil {
		t.Fatal(err)
	}
	if _, err := y.c.Cancel(t.Context(), key, "in between", ""); err == nil || !strings.Contains(err.Error(), "no stream takes campaign.v1.command.") {
		t.Errorf("a command that no stream takes: %v", err)
	}
	if plan, err = y.c.PlanUpgrade(t.Context()); err != nil || len(plan.Steps) != 1 || plan.Steps[0].Stream != journal.StreamCommands {
		t.Fatalf("planned again: %+v, %v", plan, err)
	}
	if err := y.c.Upgrade(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	cancel("after", journal.StreamCommands)

	told, stop = serve()
	got := map[string]bool{}
	for range 2 {
		got[receive(t, told, "both").Command.(campaign.CancelAsked).By] = true
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
		by = append(by, h.Wakeup.Command.(campaign.CancelAsked).By)
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
	y := newYard(t)
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
		done <- j.Consume(ctx, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) runner.Verdict {
			told <- w
			return runner.Verdict{Do: runner.Ack}
		})
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

// In streams of layout 1 whoever may publish one command can schedule another one.
func TestACommandThatAScheduleHasPublishedIsRefused(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	y.mustOpen().Close()
	y.age()
	j := y.mustOpen()
	buried := make(chan string, 2)
	j.OnBuried = func(reason string) { buried <- reason }
	h := nats.NewMsg("campaign.v1.command.shop-italia.x.cancel")
	h.Header.Set("Nats-Schedule", "@at "+time.Now().UTC().Format(time.RFC3339Nano))
	h.Header.Set("Nats-Schedule-Target", "campaign.v1.command.shop-italia.bf-2026.approve")
	h.Data = []byte(`{"quote_id":"0123456789abcdef","by":"anna"}`)
	if _, err := y.js.PublishMsg(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- j.Consume(ctx, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) runner.Verdict {
			t.Errorf("obeyed: %+v", w)
			return runner.Verdict{Do: runner.Ack}
		})
	}()
	for _, what := range []string{"the schedule", "what it has published"} {
		if reason := receive(t, buried, what); reason != "bad_command" {
			t.Errorf("%s is buried as %s", what, reason)
		}
	}
	stop()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func (y *yard) last(stream, subject string) (*jetstream.RawStreamMsg, error) {
	s, err := y.js.Stream(y.t.Context(), stream)
	if err != nil {
		return nil, err
	}
	return s.GetLastMsgForSubject(y.t.Context(), subject)
}
