package journal_test

import (
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/journal"
)

// Whoever has set a budget hears from every service that runs, and waits for
// nobody where none does.
func TestServicesSayWhetherTheyEnforceBudgets(t *testing.T) {
	t.Parallel()
	s := startServer(t, -1, t.TempDir())
	asker := connect(t, s)
	began := time.Now()
	all, err := journal.AskEnforcement(t.Context(), asker)
	if took := time.Since(began); err != nil || len(all) != 0 || took > 4*time.Second {
		t.Errorf("nobody runs: got %+v, %v after %s", all, err, took)
	}
	want := []budget.Enforcement{{Service: "one", Enforces: true}, {Service: "two", Why: "it was told so"}}
	var theirs []*nats.Conn
	for _, h := range want {
		nc := connect(t, s)
		if err := journal.AnswerEnforcement(nc, func() budget.Enforcement { return h }); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		theirs = append(theirs, nc)
	}
	all, err = journal.AskEnforcement(t.Context(), asker)
	slices.SortFunc(all, func(a, b budget.Enforcement) int { return len(a.Why) - len(b.Why) })
	if err != nil || !slices.Equal(all, want) {
		t.Errorf("got %+v, %v, want %+v", all, err, want)
	}

	// They answer to nobody else.
	eavesdropper, err := asker.SubscribeSync("campaign.v1.request.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := asker.PublishRequest("campaign.v1.budgets.heeding", "campaign.v1.request.shop-italia.bf", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.AskEnforcement(t.Context(), asker); err != nil {
		t.Fatal(err)
	}
	for _, nc := range theirs {
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if n, _, err := eavesdropper.Pending(); err != nil || n != 0 {
		t.Errorf("%d answers came where a request belongs, %v", n, err)
	}
}
