package journal_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/streams"
)

func TestBudgetsOnOneServer(t *testing.T) {
	t.Parallel()
	runnertest.TestBudgets(t, func(t *testing.T) runnertest.BudgetsHarness {
		s := startServer(t, -1, t.TempDir())
		return budgetsHarness(t, s, s, 1)
	})
}

func TestBudgetsOnThreeServers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: it starts a cluster of three servers; run go test ./internal/journal -run TestBudgetsOnThreeServers, without -short")
	}
	all := startCluster(t)
	runnertest.TestBudgets(t, func(t *testing.T) runnertest.BudgetsHarness {
		deleteStreams(t, all[2])
		return budgetsHarness(t, all[0], all[1], 3)
	})
}

func budgetsHarness(t *testing.T, first, second *server.Server, replicas int) runnertest.BudgetsHarness {
	t.Helper()
	p := startProxy(t, first.Addr().String())
	nc := p.connect(t)
	a, err := journal.OpenBudgets(t.Context(), access(t, nc), replicas)
	// A cluster that has just met may still turn streams away for a moment.
	for until := time.Now().Add(30 * time.Second); err != nil && replicas > 1 && time.Now().Before(until); {
		a, err = journal.OpenBudgets(t.Context(), access(t, nc), replicas)
	}
	if err != nil {
		t.Fatal(err)
	}
	other := connect(t, second)
	b, err := journal.FindBudgets(t.Context(), access(t, other))
	if err != nil {
		t.Fatal(err)
	}
	if replicas > 1 {
		waitForLeaders(t, nc)
		waitForLeaders(t, other)
	}
	return runnertest.BudgetsHarness{
		A: a, B: b,
		Set: func(t *testing.T, source, zone string, day, month campaign.Money) {
			t.Helper()
			if _, err := b.Set(t.Context(), budget.Scope(source), budget.Edit{By: "anna", Zone: zone, Day: &day, Month: &month}); err != nil {
				t.Fatal(err)
			}
		},
		Mute: func(t *testing.T, mute bool) {
			if mute {
				p.mute.Store(true)
				return
			}
			p.breakConnection(t, nc)
		},
	}
}

// A budget that is set while they are listed lies at the end of its stream, and is come
// upon again.
func TestABudgetThatIsSetMeanwhileIsListedOnce(t *testing.T) {
	t.Parallel()
	s := startServer(t, -1, t.TempDir())
	book, err := journal.OpenBudgets(t.Context(), access(t, connect(t, s)), 0)
	if err != nil {
		t.Fatal(err)
	}
	limit := runnertest.Sample(campaign.Key{}).Quote.Price.Total
	set := func() {
		t.Helper()
		if _, err := book.Set(t.Context(), "shop-italia", budget.Edit{By: "anna", Zone: "Europe/Rome", Day: &limit}); err != nil {
			t.Error(err)
		}
	}
	set()
	// The first message that is asked for is what may lie behind those that were listed.
	line := &watchedLine{request: "STREAM.MSG.GET." + streams.Budgets, before: func(nth int) {
		if nth == 1 {
			set()
		}
	}}
	nc, err := nats.Connect(s.ClientURL(), nats.SetCustomDialer(dialer(func(network, address string) (_ net.Conn, err error) {
		line.Conn, err = net.Dial(network, address)
		return line, err
	})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	other, err := journal.FindBudgets(t.Context(), access(t, nc))
	if err != nil {
		t.Fatal(err)
	}
	all, err := other.Definitions(t.Context())
	if err != nil || len(all) != 1 || len(all[0].Changes) != 2 {
		t.Errorf("listed %+v, error %v; want one budget, set twice", all, err)
	}
}

func TestReservationsLeftBehindAreSettledByTheSweep(t *testing.T) {
	t.Parallel()
	s := startServer(t, -1, t.TempDir())
	j := open(t, connect(t, s), journal.Options{})
	book, err := journal.OpenBudgets(t.Context(), access(t, connect(t, s)), 0)
	if err != nil {
		t.Fatal(err)
	}
	limit := runnertest.Sample(campaign.Key{Source: "shop-italia", RequestID: "x"}).Quote.Price.Total
	limit.Amount = limit.Amount.Add(limit.Amount).Add(limit.Amount)
	d, err := book.Set(t.Context(), "shop-italia", budget.Edit{By: "anna", Zone: "Europe/Rome", Day: &limit})
	if err != nil {
		t.Fatal(err)
	}
	var at = runnertest.Sample(campaign.Key{}).ChargedAt()
	for id, state := range map[string]campaign.State{"sent": campaign.Completed, "refused": campaign.Rejected, "going-on": campaign.Sending, "nobody-s": ""} {
		c := runnertest.Sample(campaign.Key{Source: "shop-italia", RequestID: id})
		c.State = state
		c.Confirmed, c.Stats = &campaign.Confirmation{At: at}, nil
		if state == campaign.Rejected {
			c.Confirmed = nil
		}
		if err := book.Reserve(t.Context(), c.Key, campaign.Money{Amount: limit.Amount.Shift(-1), Currency: limit.Currency}, at); err != nil {
			t.Fatal(err)
		}
		if state == "" {
			continue
		}
		_, rev, err := j.Load(t.Context(), c.Key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Save(t.Context(), c, rev); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // twice is the same as once
		found, err := j.SweepBudgetsOnce(context.Background(), book)
		if err != nil {
			t.Fatal(err)
		}
		if found.Orphaned != 1 {
			t.Errorf("swept %+v, want one without a record", found)
		}
	}
	u, err := book.Usage(t.Context(), d, at)
	if err != nil {
		t.Fatal(err)
	}
	sent := runnertest.Sample(campaign.Key{}).Quote.Price.Total
	if len(u) != 1 || u[0].Open != 2 || !u[0].Spent.Equal(sent) {
		t.Errorf("the budget is used %+v, want two under way and %s spent", u, sent)
	}
}
