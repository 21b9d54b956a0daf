package journal_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/button"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

func TestButton(t *testing.T) {
	t.Parallel()
	runnertest.TestButton(t, func(t *testing.T) runnertest.ButtonHarness {
		s := startServer(t, -1, t.TempDir())
		nc := connect(t, s)
		open(t, nc, journal.Options{})
		a, people := openButtonAs(t, nc), openButtonAs(t, connect(t, s))
		return runnertest.ButtonHarness{
			A: a, B: openButtonAs(t, connect(t, s)),
			Press: func(t *testing.T, source, why string) {
				t.Helper()
				if _, err := people.Press(t.Context(), source, "anna", why); err != nil {
					t.Fatal(err)
				}
			},
			Release: func(t *testing.T, source, why string) {
				t.Helper()
				if _, err := people.Release(t.Context(), source, "anna", why); err != nil {
					t.Fatal(err)
				}
			},
			Break: func(*testing.T) { nc.Close() },
		}
	})
}

func openButtonAs(t *testing.T, nc *nats.Conn) *button.Button {
	t.Helper()
	b, err := journal.OpenButton(t.Context(), access(t, nc))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What somebody wrote there by hand holds, unless it says that it does not.
func TestButtonByHand(t *testing.T) {
	t.Parallel()
	s := startServer(t, -1, t.TempDir())
	nc := connect(t, s)
	open(t, nc, journal.Options{})
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range []string{"", "{}", "stop"} {
		if _, err := js.Publish(t.Context(), "$KV.campaigns.hold", []byte(stored)); err != nil {
			t.Fatal(err)
		}
		if openButtonAs(t, nc).Held("shop-italia") == "" {
			t.Errorf("%q is taken for released", stored)
		}
	}
}
