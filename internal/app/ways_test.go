package app_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// A service that was told what its gateway is like says when it is not like that,
// and does its work all the same.
func TestAGatewayThatHasChangedItsWaysIsSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var log lines
	o := b.options()
	o.Gateway.Variant, o.Log = "states=numbers confirm_body=yes", slog.New(slog.NewTextHandler(&log, nil))
	a, stop := b.run(o)
	b.ask()
	b.until("confirmed")
	for line, want := range map[string]bool{
		`staffetta_gateway_changed_total{way="states"} 0`: false, `staffetta_gateway_changed_total{way="confirm_body"} 0`: true,
	} {
		if _, metrics := get(t, a, "/metrics"); strings.Contains(metrics, "\n"+line+"\n") != want {
			t.Errorf("the metrics have the line %s: %v, want %v", line, !want, want)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), `msg="the gateway has changed its ways: run staffetta doctor again" way=states was=numbers is=names`) {
		t.Errorf("the log does not say it:\n%s", log.String())
	}
	if strings.Contains(log.String(), "way=confirm_body") {
		t.Errorf("the log says what has not changed:\n%s", log.String())
	}
}

// What the doctor learnt of reads spares calls: with read=no only the statistics are
// asked after a confirm whose reply was lost.
func TestWhatCannotBeReadByIDIsNotAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Sandbox.SetVariants(sandbox.Variants{UC006: true})
	if _, err := b.Sandbox.AddFault(sandbox.Fault{Operation: sandbox.Confirm, When: sandbox.After, Cut: true}); err != nil {
		t.Fatal(err)
	}
	o := b.options()
	o.Gateway.Variant = "read=no read_confirmed=no"
	b.run(o)
	b.ask()
	b.until("confirmed")
	calls := b.Sandbox.Seen().Campaigns[0].Calls
	if calls[sandbox.Status] > 0 || calls[sandbox.Stats] == 0 {
		t.Errorf("calls %v, want statistics and no read by id", calls)
	}
}
