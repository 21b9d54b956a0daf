package app_test

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// A limit of one account binds all sources of it and no other account's: what is asked
// before, what is asked for, and what people read of it say so.
func TestAnAccountHasItsBudget(t *testing.T) {
	t.Parallel()
	h := newCompanies(t)
	h.run(h.options())
	set := &campaignv1.SetBudget{By: "anna", Zone: "Europe/Rome", Day: dayOf("0.10"), Account: "acqua-luce"}
	o := h.lay("", contract.VerbSetBudget, set)
	var changed campaignv1.BudgetChanged
	if err := proto.Unmarshal(o.Event, &changed); o.Outcome != query.OutcomeDone || err != nil || changed.Account != "acqua-luce" || changed.Source != "" {
		t.Fatalf("the order is %s (%s), and the event says %v", o.Outcome, o.Note, &changed)
	}
	if all, err := h.client.AskEnforcement(t.Context()); err != nil || len(all) != 1 || !all[0].Enforces {
		t.Fatalf("it is enforced by %v, %v", all, err)
	}
	const refusal = "account acqua-luce has 0.10 EUR of 0.10 EUR left for the day"
	for _, source := range []string{"acqua-luce", "acqua-luce-billing"} {
		checked, err := h.check(true, func(r *campaignv1.CampaignRequested) { r.Source = source })
		if said, _ := json.Marshal(checked); err != nil || checked.Accepted || !strings.Contains(string(said), refusal) {
			t.Errorf("%s: the check says %s (%v), want %q", source, said, err, refusal)
		}
		key := h.askFrom(source, "dear")
		eventually(t, key.String()+" is rejected", func() bool {
			rec, _, _ := h.client.Get(t.Context(), key)
			return rec.State == campaign.Rejected && rec.Reason.Code == campaign.ReasonOverBudget
		})
		story, err := h.client.Reader().Why(t.Context(), query.WhyAsk{Key: key.String()})
		if err != nil || !strings.Contains(story.Summary, refusal) {
			t.Errorf("%s: why says %q (%v), want %q", source, story.Summary, err, refusal)
		}
	}
	if n := h.accounts[1].Seen().Confirms; n != 0 {
		t.Errorf("%d confirms above the budget", n)
	}
	h.ends(h.askFrom("studio-bianchi", "another-account"))
	h.ends(h.askFrom("shop-italia", "the-standing-one"))
	// What is spent is read by name, also of the default account.
	h.lay("", contract.VerbSetBudget, &campaignv1.SetBudget{By: "anna", Zone: "Europe/Rome", Day: dayOf("100.00"), Account: "default"})
	h.lay("", contract.VerbSetBudget, &campaignv1.SetBudget{By: "anna", Zone: "Europe/Rome", Day: dayOf("100.00")})
	h.ends(h.askFrom("shop-italia", "counted"))
	all, err := h.client.Reader().Budget(t.Context(), query.BudgetAsk{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range all.Budgets {
		names = append(names, b.Budget)
		if spent := b.Spent.Amount.IsPositive(); spent != (b.Budget != "@acqua-luce") {
			t.Errorf("of %s %s are spent", b.Budget, b.Spent)
		}
	}
	if got := strings.Join(names, " "); got != "* @acqua-luce @default" {
		t.Errorf("the budgets are %s", got)
	}
	own, err := h.client.FromStreams(query.InMemory).Budget(t.Context(), query.BudgetAsk{Source: "shop-italia", OwnOnly: true})
	if !query.Is(err, query.NotFound) {
		t.Errorf("a source sees %v (%v), want nothing: it has no budget of its own", own.Budgets, err)
	}
}

// A limit that would bind nobody is refused, with the field and the remedy.
func TestABudgetOfAnAccountThatThereIsNotIsRefused(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T, o query.Outcome, remedy string) {
		t.Helper()
		if o.Outcome != query.OutcomeRefused || len(o.Fields) != 1 || o.Fields[0] != "account" || !strings.Contains(o.Note, remedy) {
			t.Errorf("%s, fields %v: %q; want the field account and %q", o.Outcome, o.Fields, o.Note, remedy)
		}
	}
	set := func(account string) *campaignv1.SetBudget {
		return &campaignv1.SetBudget{By: "anna", Zone: "Europe/Rome", Day: dayOf("1.00"), Account: account}
	}
	t.Run("Several", func(t *testing.T) {
		t.Parallel()
		h := newCompanies(t)
		h.run(h.options())
		refused(t, h.lay("", contract.VerbSetBudget, set("bianco")), "there is no account bianco: want one of default, bianchi, acqua-luce")
		refused(t, h.lay("studio-bianchi", contract.VerbSetBudget, set("bianchi")), "name a source or an account, not both")
	})
	t.Run("One", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.run(b.options())
		refused(t, b.lay("", contract.VerbSetBudget, set("default")), "leave the account out")
	})
}
