package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// say is an honest answer in which one member says something else, as often as it
// is asked for.
func say(op sandbox.Operation, path, value string) sandbox.Fault {
	return sandbox.Fault{Operation: op, Times: always, Say: map[string]json.RawMessage{path: json.RawMessage(value)}}
}

// figures are what other people's systems make of a number. Nothing is told that
// breaks its own contract, and what only informs stops nothing.
func figures() []lie {
	counted := func(rated bool) func(t *testing.T, told []contract.StoredEvent) {
		return func(t *testing.T, told []contract.StoredEvent) {
			s := told[len(told)-1].Message.(*campaignv1.CampaignStats)
			if s.Total != peopleOfOne || s.Delivered != peopleOfOne || s.Status != campaignv1.CampaignStats_STATUS_COMPLETED {
				t.Errorf("the last statistic is %v, want that of all %d", s, peopleOfOne)
			}
			if (s.DeliveryRate != "") != rated {
				t.Errorf("the delivery rate is %q, said: %t", s.DeliveryRate, rated)
			}
		}
	}
	unusable := func(name, value string) lie {
		return lie{name: name, rules: []sandbox.Fault{say(sandbox.Price, "currency", value)}, meanwhile: func(l *local, id string) { l.struck(id, 3) }}
	}
	return []lie{
		{name: "price-in-doubles", rules: []sandbox.Fault{say(sandbox.Price, "totalPrice", "0.07000000000000001")}, events: sentAtOnce, sent: 1},
		{name: "cost-in-doubles", rules: []sandbox.Fault{say(sandbox.Stats, "cost.totalCredits", "0.07000000000000001")}, events: sentAtOnce, sent: 1, check: counted(true)},
		{name: "cost-of-18-decimals", rules: []sandbox.Fault{say(sandbox.Stats, "cost.totalCredits", `"0.070000000000000001"`)}, events: sentAtOnce, sent: 1, check: counted(true)},
		{name: "rate-of-18-decimals", rules: []sandbox.Fault{say(sandbox.Stats, "stats.deliveryRate", "0.010171905197843556")}, events: sentAtOnce, sent: 1, check: counted(true)},
		{name: "rate-not-a-number", rules: []sandbox.Fault{say(sandbox.Stats, "stats.deliveryRate", `"NaN"`)}, events: sentAtOnce, sent: 1, check: counted(false)},
		{name: "rate-missing", rules: []sandbox.Fault{say(sandbox.Stats, "stats.deliveryRate", "null")}, events: sentAtOnce, sent: 1, check: counted(false)},
		unusable("currency-in-small-letters", `"eur"`),
		unusable("currency-as-a-sign", `"€"`),
		{name: "counts-with-a-point", rules: []sandbox.Fault{{Operation: sandbox.Calculate, Say: map[string]json.RawMessage{
			"totalRecipients": json.RawMessage("2.0"), "validRecipients": json.RawMessage("2.0"), "invalidRecipients": json.RawMessage("0.0"), "estimatedParts": json.RawMessage("2.0")}}}, events: sentAtOnce, sent: 1},
		{name: "id-as-text", rules: []sandbox.Fault{{Operation: sandbox.Create, When: sandbox.After, Status: 200, Answer: `{"id":"$id"}`}}, events: sentAtOnce, sent: 1},
		{name: "customer-on-invoice", rules: []sandbox.Fault{say(sandbox.Price, "availableCredit", "null")}, events: sentAtOnce, sent: 1},
	}
}

// Statistics that are not there are not made up, and a campaign that nothing showed
// being sent is not called sent.
func TestStatisticsThatAreNotThere(t *testing.T) {
	t.Parallel()
	l := newLocal(t, sandbox.Options{})
	o := l.options()
	o.Rules.GiveUp = 4 * time.Second
	l.serve(o)
	broken := sandbox.Fault{Operation: sandbox.Stats, Status: 500, Times: always}
	last := func(want int64) func(*testing.T, []contract.StoredEvent) {
		return func(t *testing.T, told []contract.StoredEvent) {
			s := told[len(told)-1].Message.(*campaignv1.CampaignStats)
			if s.Total != want || s.Pending != 0 || s.DeliveryRate == "0" || s.Status == campaignv1.CampaignStats_STATUS_COMPLETED {
				t.Errorf("the last statistic is %v, want no figure that the gateway did not give", s)
			}
		}
	}
	l.runLies(t, []lie{
		{name: "never", rules: []sandbox.Fault{broken}, events: "cost_calculated confirmed unresolved", sent: 1},
		{name: "once", rules: []sandbox.Fault{{Operation: sandbox.Stats, Report: "SENDING"}, broken}, events: sentAtOnce, sent: 1, check: last(peopleOfOne)},
		{name: "without-counts", rules: []sandbox.Fault{{Operation: sandbox.Stats, Report: "SENDING", Times: always, Say: map[string]json.RawMessage{"stats": json.RawMessage("null")}}}, events: sentAtOnce, sent: 1, check: last(0)},
	})
}

// Budgets that are lost are not taken for none: the service does not start as if
// none had been set.
func TestLostBudgets(t *testing.T) {
	t.Parallel()
	l := newLocal(t, sandbox.Options{})
	o := l.options()
	o.Budgets = app.BudgetsAuto
	book, err := journal.OpenBudgets(t.Context(), streams.Access{JS: l.js}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := book.Set(t.Context(), "torture", budgetOf("0.01")); err != nil {
		t.Fatal(err)
	}
	_, stop := l.serve(o)
	l.runLies(t, []lie{{name: "over-budget", events: "cost_calculated rejected"}})
	stop()
	if err := l.js.DeleteStream(t.Context(), "KV_budgets"); err != nil {
		t.Fatal(err)
	}
	l.ask(l.request("over-budget-too"))
	if a, err := app.New(t.Context(), o); err == nil {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		l.eventually("it ends", func(ctx context.Context) error {
			if told, err := l.eventsOf(ctx); err != nil || !isOver(told["over-budget-too"]) {
				return fmt.Errorf("not yet")
			}
			return nil
		})
		cancel()
		<-done
		t.Error("it starts although the budgets are lost")
	} else {
		t.Log(err)
	}
	for id, drafts := range l.draftsSeen() {
		for _, d := range drafts {
			if d.Confirms > 0 {
				t.Errorf("%s was confirmed over budget", id)
			}
		}
	}
	// Somebody says that they are lost; they are set again, and hold.
	if err := l.client.Recover(t.Context(), "anna"); err != nil {
		t.Fatal(err)
	}
	if book, err = journal.OpenBudgets(t.Context(), streams.Access{JS: l.js}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := book.Set(t.Context(), "torture", budgetOf("0.01")); err != nil {
		t.Fatal(err)
	}
	l.serve(o)
	told := l.waitForEvents([]lie{{name: "over-budget-too", events: "cost_calculated rejected"}})
	if short := inShort(told["over-budget-too"]); short != "cost_calculated rejected" {
		t.Errorf("the world was told %q", short)
	}
}

func budgetOf(amount string) budget.Edit {
	day := campaign.Money{Amount: decimal.RequireFromString(amount), Currency: "EUR"}
	return budget.Edit{By: "anna", Zone: "Europe/Rome", Day: &day}
}
