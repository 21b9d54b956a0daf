package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/button"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// standing carries out a standing order, and returns the event that tells of it. It is
// the only writer of the button, the budgets, what people say of schedules and who gets
// nothing. An order
// that comes again finds that it was carried out, and changes nothing.
func (a *App) standing(ctx context.Context, o contract.Order) (proto.Message, error) {
	switch body := o.Body.(type) {
	case *campaignv1.HoldCampaigns:
		// When it returns every service heeds it, and only then is it told.
		_, c, err := a.button.PressAs(ctx, buttonScope(o), button.Word{By: o.By, Actor: o.Actor, Why: body.GetWhy(), Order: o.ID()})
		return &campaignv1.CampaignsHeld{
			Source: o.Source, Command: o.Sequence, At: timestamppb.New(c.At), By: o.By, Actor: o.Actor, Why: body.GetWhy(),
		}, err
	case *campaignv1.ReleaseCampaigns:
		s, c, err := a.button.ReleaseAs(ctx, buttonScope(o), button.Word{By: o.By, Actor: o.Actor, Why: body.GetWhy(), Order: o.ID()})
		return &campaignv1.CampaignsReleased{
			Source: o.Source, Command: o.Sequence, At: timestamppb.New(c.At), By: o.By, Actor: o.Actor, Why: body.GetWhy(),
			StillHeld: stillHeld(s, o.Source),
		}, err
	case *campaignv1.SetBudget:
		e := budget.Edit{Zone: body.GetZone(), After: after(body.AfterChanges)}
		var err error
		if e.Day, err = limit(body.GetDay()); err != nil {
			return nil, err
		}
		if e.Month, err = limit(body.GetMonth()); err != nil {
			return nil, err
		}
		return a.setBudget(ctx, o, body.GetAccount(), e)
	case *campaignv1.RemoveBudget:
		return a.setBudget(ctx, o, body.GetAccount(), budget.Edit{Remove: true, After: after(body.AfterChanges)})
	case *campaignv1.SuppressNumbers, *campaignv1.AllowNumbers:
		return a.journal.ObeySuppression(ctx, o)
	}
	return a.recurring.Obey(ctx, o)
}

// stillHeld is what a source whose order it was may know, or everything.
func stillHeld(s button.State, source string) []string {
	if source == "" {
		return s.All()
	}
	if words := s.Words(source); words != "" {
		return []string{words}
	}
	return nil
}

func buttonScope(o contract.Order) string {
	if o.Source == "" {
		return button.All
	}
	return o.Source
}

// setBudget changes a budget. A service that enforces none keeps them all the same, for
// those that do.
func (a *App) setBudget(ctx context.Context, o contract.Order, account string, e budget.Edit) (proto.Message, error) {
	scope, err := a.budgetScope(o, account, e.Remove)
	if err != nil {
		return nil, err
	}
	book, err := journal.OpenBudgets(ctx, a.own, a.opts.NATS.Replicas)
	if err != nil {
		return nil, err
	}
	e.By, e.Actor, e.Order = o.By, o.Actor, o.ID()
	d, err := book.Set(ctx, scope, e)
	if err != nil {
		return nil, err
	}
	n, c, before := d.Obeyed(o.ID())
	if n == 0 {
		return nil, fmt.Errorf("budget of %s: the order %s is not among its changes", scope, o.ID())
	}
	m := &campaignv1.BudgetChanged{
		Source: o.Source, Account: account, Command: o.Sequence, At: timestamppb.New(c.At), By: o.By, Actor: o.Actor,
		Zone: c.Zone, Day: contract.MoneyOf(c.Day), Month: contract.MoneyOf(c.Month), Changes: int32(n),
	}
	if n > 1 && !before.At.IsZero() {
		m.Before = fmt.Sprintf("%s, by %s", before, before.By)
	}
	return m, nil
}

// budgetScope is whose budget an order is about. A limit that would bind nobody is refused;
// one of an account that is gone may be taken away.
func (a *App) budgetScope(o contract.Order, account string, remove bool) (budget.Scope, error) {
	switch {
	case account == "" && o.Source == "":
		return budget.Account, nil
	case account == "":
		return budget.Scope(o.Source), nil
	case o.Source != "":
		return "", &loop.Refusal{Field: "account", Note: "name a source or an account, not both: an order about an account goes to @all"}
	case remove:
		return budget.OfAccount(account), nil
	case !a.accounts.several():
		return "", &loop.Refusal{Field: "account", Note: "there is one account, and its budget is that of all sources together: leave the account out (staffetta budget set --account)"}
	case a.accounts.named(account) == nil:
		return "", &loop.Refusal{Field: "account", Note: fmt.Sprintf("there is no account %s: want one of %s", account, strings.Join(a.accounts.names(), ", "))}
	}
	return budget.OfAccount(account), nil
}

func after(n *int32) *int {
	if n == nil {
		return nil
	}
	m := int(*n)
	return &m
}

// limit is one that an order lays down; nil: it says nothing of it.
func limit(l *campaignv1.SetBudget_Limit) (*campaign.Money, error) {
	switch {
	case l == nil:
		return nil, nil
	case l.GetNone():
		return new(campaign.Money), nil
	}
	amount, err := decimal.NewFromString(l.GetAmount().GetAmount())
	return &campaign.Money{Amount: amount, Currency: l.GetAmount().GetCurrency()}, err
}
