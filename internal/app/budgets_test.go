package app_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// A budget that somebody has set is enforced by a service that was told nothing
// about budgets, whichever of the two comes first. Until then nothing is written
// that would not be written without.
func TestBudgetsAreEnforced(t *testing.T) {
	t.Parallel()
	t.Run("FromTheMomentTheyAreSet", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.run(b.options())
		b.ask()
		b.until("stats")
		if b.hasStream("KV_budgets") {
			t.Error("nobody has set a budget, and there is a place for it")
		}
		b.setBudget("0.10")
		services, err := b.client.AskEnforcement(t.Context())
		if err != nil || len(services) != 1 || !services[0].Enforces {
			t.Fatalf("the service says %+v, %v", services, err)
		}
		b.askAnother("too-dear")
		b.until("rejected")
		if seen := b.Sandbox.Seen(); seen.Confirms != 1 {
			t.Errorf("%d campaigns were confirmed, want the first alone", seen.Confirms)
		}
	})
	t.Run("FromTheStart", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		if _, err := app.New(t.Context(), b.options()); err != nil { // which makes the streams
			t.Fatal(err)
		}
		b.setBudget("0.10")
		b.run(b.options())
		b.ask()
		b.until("rejected")
	})
	t.Run("AndNothingIsConfirmedBeforeWhereTheyAreRequired", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		o := b.options()
		var log lines
		o.Budgets, o.Log = app.BudgetsRequired, slog.New(slog.NewTextHandler(&log, nil))
		b.run(o)
		b.ask()
		eventually(t, "the record says why it waits", func() bool {
			c, _, err := b.client.Get(t.Context(), b.key)
			return err == nil && strings.Contains(c.Waiting, "budgets are required, and none is set for "+b.key.Source)
		})
		if seen := b.Sandbox.Seen(); seen.Confirms != 0 {
			t.Errorf("%d campaigns were confirmed without a budget", seen.Confirms)
		}
		if !strings.Contains(log.String(), "budgets are required, and none is set") {
			t.Error("the log does not say it")
		}
		b.setBudget("1000")
		b.until("confirmed")
	})
	t.Run("AndNotForgottenWhenTheyAreLost", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, stop := b.run(b.options())
		b.setBudget("0.10")
		stop()
		js, err := jetstream.New(b.connect())
		if err != nil {
			t.Fatal(err)
		}
		if err := js.DeleteStream(t.Context(), "KV_budgets"); err != nil {
			t.Fatal(err)
		}
		const lost = "there have been budgets, and stream KV_budgets is gone: restore it"
		for _, mode := range []string{app.BudgetsAuto, app.BudgetsOn, app.BudgetsRequired} {
			o := b.options()
			o.Budgets = mode
			if a, err := app.New(t.Context(), o); err == nil || !strings.Contains(err.Error(), lost) {
				t.Errorf("budgets: %s starts with %v, want an error with %q", mode, err, lost)
				if err == nil {
					a.Stop()
				}
			}
		}
		// Nor does an order make a place for one budget, as if it had been the only one.
		o := b.options()
		o.Budgets = app.BudgetsOff
		_, stop = b.run(o)
		if order := b.lay("", contract.VerbSetBudget, &campaignv1.SetBudget{By: "anna", Zone: "Europe/Rome", Day: dayOf("100.00")}); order.Outcome != query.OutcomeRefused || !strings.Contains(order.Note, lost) {
			t.Errorf("a budget is set beside those that are lost: %+v", order)
		}
		stop()
		if all, err := b.client.Streams(t.Context()); err != nil || all.Wrong == nil || !strings.Contains(all.Wrong.Error(), lost) {
			t.Errorf("what is wrong with the streams: %v, %v", all.Wrong, err)
		}
		// Somebody has looked, and there is no backup.
		if err := b.client.Recover(t.Context(), "anna"); err != nil {
			t.Fatal(err)
		}
		b.run(b.options())
		if order := b.lay(b.key.Source, contract.VerbSetBudget, &campaignv1.SetBudget{By: "anna", Zone: "Europe/Rome", Day: dayOf("0.10")}); order.Outcome != query.OutcomeDone {
			t.Fatalf("a budget is set again: %+v", order)
		}
		b.ask()
		b.until("rejected")
	})
	t.Run("OrItIsSaidThatTheyAreNot", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		o := b.options()
		var log lines
		o.Budgets, o.Log = app.BudgetsOff, slog.New(slog.NewTextHandler(&log, nil))
		a, _ := b.run(o)
		b.setBudget("0.10")
		services, err := b.client.AskEnforcement(t.Context())
		if err != nil || len(services) != 1 || services[0].Enforces || services[0].Why == "" {
			t.Errorf("the service says %+v, %v", services, err)
		}
		eventually(t, "the log says it", func() bool {
			return strings.Contains(log.String(), "there are budgets, and this service does not enforce them: set budgets to auto")
		})
		if _, page := get(t, a, "/metrics"); !strings.Contains(page, "\nstaffetta_budgets_heeded 0\n") {
			t.Error("the metrics say that it enforces them")
		}
		b.ask()
		b.until("stats")
	})
}

// lines is what a logger has written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (b *bundle) setBudget(day string) {
	b.t.Helper()
	book, err := b.openBudgets()
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := campaign.ParseMoney(day)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := book.Set(b.t.Context(), budget.Scope(b.key.Source), budget.Edit{By: "anna", Zone: "Europe/Rome", Day: &m}); err != nil {
		b.t.Fatal(err)
	}
}

// askAnother asks for the same campaign under another request id.
func (b *bundle) askAnother(id string) {
	b.t.Helper()
	b.request.RequestId, b.key.RequestID = id, id
	b.ask()
}

// connect is a connection of the test's own.
// openBudgets opens the budgets as the service does, and makes their place.
func (b *bundle) openBudgets() (*budget.Ledgers, error) {
	own, err := streams.OwnAccess(b.connect())
	if err != nil {
		return nil, err
	}
	return journal.OpenBudgets(b.t.Context(), own, 0)
}

func (b *bundle) connect() *nats.Conn {
	b.t.Helper()
	nc, err := nats.Connect(b.NATSURL)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(nc.Close)
	return nc
}

func (b *bundle) hasStream(name string) bool {
	b.t.Helper()
	js, err := jetstream.New(b.connect())
	if err != nil {
		b.t.Fatal(err)
	}
	_, err = js.Stream(b.t.Context(), name)
	return err == nil
}
