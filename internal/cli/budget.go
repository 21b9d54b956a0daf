package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func newBudget(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "budget",
		Short: "What may be spent in a day and in a month, and what is",
		Long: `A budget limits what the campaigns of a source, of one of several accounts, or all
together, may cost in a day and in a month. A campaign that has no room in one of its budgets is
rejected before anything is spent. Services enforce budgets as soon as there is one,
unless they were started with --budgets off. How budgets are kept is in
docs/money.md.`,
		Example: `  staffetta budget set shop-italia --month "5000 EUR" --by anna
  staffetta budget show
  staffetta budget history shop-italia`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBudgetShow(t), newBudgetSet(t), newBudgetRm(t), newBudgetHistory(t))
	return cmd
}

func newBudgetShow(t Terminal) *cobra.Command {
	var asJSON bool
	var on string
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "show [SOURCE]",
		Short: "Show how far the budgets are spent",
		Long: `Show for each budget, today and this month in its own time zone: what is spent by
campaigns that have ended, what is reserved by those under way, and what is left.`,
		Example: `  staffetta budget show
  staffetta budget show shop-italia --on 2026-11-27`,
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			a := query.BudgetAsk{On: on}
			if len(args) > 0 {
				a.Source = args[0]
			}
			if err := a.Check(); err != nil {
				return usageError{err}
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			var all []query.Budget
			reader := c.Reader()
			for b, err := range query.Each(func(after string) ([]query.Budget, string, error) {
				a.After = after
				page, err := reader.Budget(cmd.Context(), a)
				return page.Budgets, page.Next, err
			}) {
				if err != nil {
					return noBudget(t, err, asJSON)
				}
				all = append(all, b)
			}
			if err := printBudgets(t, all, asJSON); err != nil {
				return err
			}
			// A user that may read the budgets may have no right to ask the service.
			if all, err := c.AskEnforcement(cmd.Context()); err == nil && notEnforcing(all) != "" {
				_, err := fmt.Fprintln(t.Err, notEnforcing(all))
				return err
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&on, "on", "", "another day, 2026-11-27, instead of today")
	f.BoolVar(&asJSON, "json", false, "a JSON object on each line")
	addSettings(f, rows)
	return cmd
}

func printBudgets(t Terminal, all []query.Budget, asJSON bool) error {
	if asJSON {
		for _, b := range all {
			if err := printLine(t.Out, b); err != nil {
				return err
			}
		}
		return nil
	}
	list := table{columns: []column{
		{head: "BUDGET", least: 10, cut: shortened}, {head: "PERIOD"}, {head: "LIMIT"}, {head: "SPENT", spare: 1},
		{head: "RESERVED", spare: 2}, {head: "LEFT"}, {head: "UNDER WAY", spare: 3}, {head: "ZONE", spare: 4},
	}}
	for _, b := range all {
		list.add(budget.Scope(b.Budget).String(), b.Period, b.Limit.String(), b.Spent.String(), b.Reserved.String(), b.Left.String(), itoa(b.UnderWay), b.Zone)
	}
	if err := list.flush(t); err != nil {
		return err
	}
	for _, b := range all {
		if b.Foreign != nil {
			fmt.Fprintln(t.Out, foreign(b))
		}
	}
	return nil
}

// foreign says what a budget shows instead of costs in another currency.
func foreign(b query.Budget) string {
	f := b.Foreign
	text := fmt.Sprintf("%s, %s: the gateway charged %d of its campaigns in another currency (the last %s, %s); what was reserved is counted for them",
		budget.Scope(b.Budget), b.Period, f.Campaigns, f.Last, f.Cost)
	if f.Uncounted > 0 {
		text += fmt.Sprintf(", and nothing for %d that had nothing reserved", f.Uncounted)
	}
	return text
}

func newBudgetSet(t Terminal) *cobra.Command {
	var account, day, month, zone string
	var l laying
	cmd := &cobra.Command{
		Use:   "set SOURCE|--account[=NAME]",
		Short: "Set a budget",
		Long: `Have the service set what the campaigns of a source, or with --account all of them
together, may cost in a day and in a month. Where there are several accounts,
--account=bianchi is the budget of one of them. A limit that is not given stays as it
was; "none" takes it away. The change applies from the next campaign that is quoted;
what is reserved stays reserved. The history keeps who set it and when, and what it
was before.`,
		Example: `  staffetta budget set shop-italia --day 500 --month "5000 EUR" --zone Europe/Rome --by anna
  staffetta budget set --account --day none --by anna
  staffetta budget set --account=bianchi --month 2000 --zone Europe/Rome --by anna`,
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			scope, err := budgetOf(account, args)
			if err != nil {
				return err
			}
			m := &campaignv1.SetBudget{By: l.by, Zone: zone, Account: accountIn(account)}
			if m.Day, err = limitOf("day", day); err == nil {
				m.Month, err = limitOf("month", month)
			}
			switch {
			case err != nil:
				return usageError{err}
			case m.Day == nil && m.Month == nil && zone == "":
				return usageError{errors.New("say what to set: --day, --month or --zone")}
			}
			return layBudget(cmd, t, &l, scope, contract.VerbSetBudget, m)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	accountFlag(f, &account)
	f.StringVar(&day, "day", "", `most that may be spent in a day: "500", "500 EUR" or "none"`)
	f.StringVar(&month, "month", "", "the same for a month")
	f.StringVar(&zone, "zone", "", "time zone in which its days and months begin, as Europe/Rome")
	l.flags(f, "who sets it")
	return cmd
}

func newBudgetRm(t Terminal) *cobra.Command {
	var account string
	var l laying
	cmd := &cobra.Command{
		Use:   "rm SOURCE|--account[=NAME]",
		Short: "Take both limits of a budget away",
		Long: `Have the service take both limits of a budget away. Its history stays, and what is
reserved stays counted. If budgets are required, a campaign without any other budget
is no longer confirmed.`,
		Example: "  staffetta budget rm shop-italia --by anna",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			scope, err := budgetOf(account, args)
			if err != nil {
				return err
			}
			return layBudget(cmd, t, &l, scope, contract.VerbRemoveBudget, &campaignv1.RemoveBudget{By: l.by, Account: accountIn(account)})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	accountFlag(f, &account)
	l.flags(f, "who removes it")
	return cmd
}

// accountFlag is --account alone, or with the name of one of several accounts.
func accountFlag(f *pflag.FlagSet, account *string) {
	f.StringVar(account, "account", "", "the budget of all sources together; --account=NAME: of one of several accounts")
	f.Lookup("account").NoOptDefVal = string(budget.Account)
}

// accountIn is the name that --account gives; empty: none.
func accountIn(account string) string {
	if account == string(budget.Account) {
		return ""
	}
	return account
}

// budgetOf says whose budget is meant.
func budgetOf(account string, args []string) (budget.Scope, error) {
	switch named := accountIn(account); {
	case (account != "") == (len(args) == 1):
		return "", usageError{errors.New("say whose budget: a source, or --account for everybody's together (--account=NAME: those of one of several accounts)")}
	case named != "":
		return budget.OfAccount(named), nil
	case account != "":
		return budget.Account, nil
	}
	return budget.Scope(args[0]), nil
}

// layBudget has the service change a budget, and says what it is now, and what it was.
func layBudget(cmd *cobra.Command, t Terminal, l *laying, scope budget.Scope, verb string, body proto.Message) error {
	c, err := connect(cmd, t, l.rows)
	if err != nil {
		return err
	}
	defer c.Close()
	source := "" // everybody
	if scope.IsSource() {
		source = string(scope)
	}
	set, err := lay[*campaignv1.BudgetChanged](cmd, c, l, source, verb, body)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "%s: %s\n", scope, laidDown(set))
	if before := set.GetBefore(); before != "" {
		fmt.Fprintf(t.Out, "before: %s\n", before)
	}
	_, err = fmt.Fprintln(t.Out, enforcedBy(c.AskEnforcement(cmd.Context())))
	return err
}

func newBudgetHistory(t Terminal) *cobra.Command {
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:     "history [SOURCE]",
		Short:   "Show who set the budgets, and when",
		Long:    "Show every change of each budget, the latest last.",
		Example: "  staffetta budget history shop-italia",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			var a query.BudgetHistoryAsk
			if len(args) > 0 {
				a.Source = args[0]
			}
			if err := a.Check(); err != nil {
				return usageError{err}
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			list := table{columns: []column{{head: "BUDGET", least: 10, cut: shortened}, {head: "SET"}, {head: "BY", spare: 1}, textColumn("TO", 0)}}
			reader := c.Reader()
			for c, err := range query.Each(func(after string) ([]query.BudgetChange, string, error) {
				a.After = after
				page, err := reader.BudgetHistory(cmd.Context(), a)
				return page.Changes, page.Next, err
			}) {
				if err != nil {
					return noBudget(t, err, false)
				}
				list.add(budget.Scope(c.Budget).String(), t.instant(c.At), c.By, c.Change.String())
			}
			return list.flush(t)
		},
	}
	zone.add(cmd.Flags())
	addSettings(cmd.Flags(), rows)
	return cmd
}

// enforcedBy says which services enforce a budget that was just set.
func enforcedBy(all []budget.Enforcement, err error) string {
	switch no := notEnforcing(all); {
	case err != nil:
		return fmt.Sprintf("it is set; it is not known whether it is enforced: %s", err)
	case no != "":
		return no
	case len(all) == 0:
		return fmt.Sprintf("no service answers now: one that starts enforces it, and so does one that could not be asked within %s, unless they were started with --budgets off", budget.EnforcedWithin)
	case len(all) == 1:
		return "the service enforces it from now on"
	}
	return fmt.Sprintf("%d services enforce it from now on", len(all))
}

// notEnforcing names the services that do not enforce the budgets; empty: all do.
func notEnforcing(all []budget.Enforcement) string {
	var who []string
	for _, h := range all {
		if !h.Enforces {
			who = append(who, h.Service+": "+h.Why)
		}
	}
	if len(who) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d services do NOT enforce budgets (%s)", len(who), len(all), strings.Join(who, "; "))
}

// laidDown is a budget in words.
func laidDown(m *campaignv1.BudgetChanged) string {
	limit := func(m *campaignv1.Money) string {
		if m == nil {
			return "no limit"
		}
		return m.Amount + " " + m.Currency
	}
	return fmt.Sprintf("%s a day, %s a month, in %s", limit(m.GetDay()), limit(m.GetMonth()), m.GetZone())
}

// noBudget says what to do if there is no budget. That is no error: a list may be empty.
func noBudget(t Terminal, err error, asJSON bool) error {
	if !errors.Is(err, budget.ErrNone) && !query.Is(err, query.NotFound) {
		return err
	}
	if asJSON {
		return nil
	}
	_, err = fmt.Fprintf(t.Out, "nobody has set a budget: %s budget set does\n", t.Name)
	return err
}

// limitOf reads a limit as people write it; nil if none is given.
func limitOf(period, s string) (*campaignv1.SetBudget_Limit, error) {
	switch strings.TrimSpace(s) {
	case "":
		return nil, nil
	case "none":
		return &campaignv1.SetBudget_Limit{Limit: &campaignv1.SetBudget_Limit_None{None: true}}, nil
	}
	m, err := campaign.ParseLimit(s)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", period, err)
	}
	return &campaignv1.SetBudget_Limit{Limit: &campaignv1.SetBudget_Limit_Amount{Amount: contract.MoneyOf(m)}}, nil
}

// atMostOne allows one source, or none.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return noArgs(cmd, args[1:])
	}
	return nil
}
