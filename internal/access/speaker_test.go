package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// service receives commands as the service does, with its rights.
func (g *guarded) service(o journal.Options) (told chan campaign.Input, buried chan string) {
	g.t.Helper()
	told, buried = make(chan campaign.Input, 10), make(chan string, 10)
	o.OnBuried = func(reason deadletter.Reason) { buried <- string(reason) }
	j, err := journal.Open(g.t.Context(), g.connect("staffetta"), o)
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(g.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- j.Consume(ctx, journal.ConsumeOptions{}, journal.Handlers{Campaign: func(_ context.Context, w runner.Wakeup) loop.Verdict {
			told <- w.Command
			return loop.Verdict{Do: loop.Ack}
		}})
	}()
	g.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			g.t.Error(err)
		}
		j.Close()
	})
	return told, buried
}

func (g *guarded) client(name string) *client.Client {
	g.t.Helper()
	c, err := client.New(g.connect(name))
	if err != nil {
		g.t.Fatal(err)
	}
	return c
}

func next[T any](t *testing.T, from chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s does not come", what)
	}
	return v
}

// The sender of a command is the user that NATS has authenticated, whatever name the
// command itself gives.
func TestTheServerSaysWhoSaidIt(t *testing.T) {
	t.Parallel()
	g := guard(t)
	told, buried := g.service(journal.Options{})
	key := campaign.Key{Source: "shop-italia", RequestID: "bf"}
	for _, test := range []struct {
		user, by string
		want     campaign.Cancel
	}{
		{"support", "anna from finance", campaign.Cancel{Key: campaign.Key{}, By: "anna from finance", Actor: "support"}},
		{"support", "", campaign.Cancel{By: "support", Actor: "support"}},
		{"shop-italia", "support", campaign.Cancel{By: "support", Actor: "shop-italia"}},
		{"operator", "", campaign.Cancel{By: "operator", Actor: "operator"}},
	} {
		if _, err := g.client(test.user).Cancel(t.Context(), key, test.by, ""); err != nil {
			t.Fatalf("%s cancels: %v", test.user, err)
		}
		if diff := cmp.Diff(campaign.Input(test.want), next(t, told, test.user+"'s cancel")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.user, diff)
		}
	}
	// A user without the right to a verb gets an error at once.
	if _, err := g.client("shop-italia").Approve(t.Context(), key, "0123456789abcdef", "anna"); err == nil ||
		!strings.Contains(err.Error(), "may not publish to campaign.v1.command.shop-italia.bf.approve.shop-italia") {
		t.Errorf("a source approves its own campaign: %v", err)
	}
	// A user with the rights of the streams may leave the name out: then it is
	// unproven.
	if _, err := g.js("operator").Publish(t.Context(), "campaign.v1.command.shop-italia.bf.cancel", []byte(`{"by":"anna"}`)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(campaign.Input(campaign.Cancel{By: "anna"}), next(t, told, "a cancel without an actor")); diff != "" {
		t.Errorf("without an actor (-want +got):\n%s", diff)
	}
	if len(buried) > 0 {
		t.Errorf("buried: %s", <-buried)
	}
}

// If proof is required, a command without a proven sender is put aside.
func TestProofRequired(t *testing.T) {
	t.Parallel()
	g := guard(t)
	told, buried := g.service(journal.Options{ProofRequired: true})
	if _, err := g.js("operator").Publish(t.Context(), "campaign.v1.command.shop-italia.bf.cancel", []byte(`{"by":"anna"}`)); err != nil {
		t.Fatal(err)
	}
	if reason := next(t, buried, "the cancel without an actor"); reason != "bad_command" {
		t.Errorf("buried as %s", reason)
	}
	if _, err := g.client("support").Cancel(t.Context(), campaign.Key{Source: "shop-italia", RequestID: "bf"}, "", ""); err != nil {
		t.Fatal(err)
	}
	next(t, told, "support's cancel")
}

// On a server without accounts a name in a subject proves nothing.
func TestABareServerProvesNothing(t *testing.T) {
	t.Parallel()
	g := bare(t)
	told, _ := g.service(journal.Options{})
	if _, err := g.js("staffetta").Publish(t.Context(), "campaign.v1.command.shop-italia.bf.cancel.anna", nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(campaign.Input(campaign.Cancel{By: "anna"}), next(t, told, "the cancel")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := journal.Open(t.Context(), g.connect("staffetta"), journal.Options{ProofRequired: true}); err == nil || !strings.Contains(err.Error(), "staffetta access print") {
		t.Errorf("opened with proof required: %v", err)
	}
	c := g.client("staffetta")
	if me, err := c.Me(); err != nil || me.Actor != "" {
		t.Errorf("who am I: %+v, %v", me, err)
	}
	if _, err := c.Cancel(t.Context(), campaign.Key{Source: "shop-italia", RequestID: "bf"}, "", ""); err == nil || !strings.Contains(err.Error(), "say who cancels it") {
		t.Errorf("a cancel of nobody: %v", err)
	}
}
