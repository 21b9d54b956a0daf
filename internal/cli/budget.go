package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
)

func newBudget(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "budget",
		Short: "What may be spent in a day and in a month, and what is",
		Long: `A budget limits what the campaigns of a source, or those of the whole account,
may cost in a day and in a month. A campaign that has no room in every budget it
falls under is rejected before anything is spent. Services heed them from the
first one on, unless they were told --budgets off; how they are kept is in
docs/money.md.`,
		Example: `  staffetta budget set shop-italia --month "5000 EUR" --by anna
  staffetta budget show
  staffetta budget history shop-italia`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBudgetShow(t), newBudgetSet(t), newBudgetHistory(t))
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
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			var all []query.Budget
			reader := client.Reader()
			for b, err := range query.Each(func(after string) ([]query.Budget, string, error) {
				a.After = after
				page, err := reader.Budget(cmd.Context(), a)
				return page.Budgets, page.Next, err
			}) {
				if err != nil {
					return noBudget(t, err)
				}
				all = append(all, b)
			}
			if err := printBudgets(t.Out, all, asJSON); err != nil {
				return err
			}
			// Whoever may read the budgets need not be one who may ask.
			if all, err := client.AskHeeding(cmd.Context()); err == nil && unheeded(all) != "" {
				_, err := fmt.Fprintln(t.Err, unheeded(all))
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

func printBudgets(w io.Writer, all []query.Budget, asJSON bool) error {
	if asJSON {
		for _, b := range all {
			if err := printLine(w, b); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BUDGET\tPERIOD\tLIMIT\tSPENT\tRESERVED\tLEFT\tUNDER WAY\tZONE")
	for _, b := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", budget.Scope(b.Budget), b.Period, b.Limit, b.Spent, b.Reserved, b.Left, b.UnderWay, b.Zone)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, b := range all {
		if b.Foreign != nil {
			fmt.Fprintln(w, foreign(b))
		}
	}
	return nil
}

// foreign says what stands in a budget in place of costs in another currency.
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
	var account bool
	var day, month, zone, by string
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "set SOURCE|--account",
		Short: "Set a budget",
		Long: `Set what the campaigns of a source, or with --account all of them together, may
cost in a day and in a month. What is not said stays as it was; "none" takes a
limit away. It holds for the next campaign that is quoted; what is reserved stays
reserved. Who set it and when is kept.`,
		Example: `  staffetta budget set shop-italia --day 500 --month "5000 EUR" --zone Europe/Rome --by anna
  staffetta budget set --account --day none --by anna`,
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			if account == (len(args) == 1) {
				return usageError{errors.New("say whose budget: a source, or --account for everybody's together")}
			}
			scope := budget.Account
			if !account {
				scope = budget.Scope(args[0])
			}
			e := budget.Edit{By: by, Zone: zone}
			var err error
			if e.Day, err = limitOf("day", day); err == nil {
				e.Month, err = limitOf("month", month)
			}
			switch {
			case err != nil:
				return usageError{err}
			case by == "":
				return usageError{errors.New("say who sets it: --by NAME; it is kept with the budget")}
			case e.Day == nil && e.Month == nil && zone == "":
				return usageError{errors.New("say what to set: --day, --month or --zone")}
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			ctx, done := client.HeedBudgets(cmd.Context())
			defer done()
			book, err := client.OpenBudgets(ctx)
			if err != nil {
				return err
			}
			d, err := book.Set(ctx, scope, e)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(t.Out, "%s: %s\n", d.Scope, laidDown(d.Current())); err != nil {
				return err
			}
			_, err = fmt.Fprintln(t.Out, heeded(client.AskHeeding(cmd.Context())))
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&account, "account", false, "the budget of all sources together")
	f.StringVar(&day, "day", "", `most that may be spent in a day: "500", "500 EUR" or "none"`)
	f.StringVar(&month, "month", "", "the same for a month")
	f.StringVar(&zone, "zone", "", "time zone in which its days and months begin, as Europe/Rome")
	f.StringVar(&by, "by", "", "who sets it, for the history")
	addSettings(f, rows)
	return cmd
}

func newBudgetHistory(t Terminal) *cobra.Command {
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:     "history [SOURCE]",
		Short:   "Show who set the budgets, and when",
		Long:    "Show every change of each budget, the latest last.",
		Example: "  staffetta budget history shop-italia",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachBudget(cmd, t, rows, args, func(ctx context.Context, book *app.Budgets, all []budget.Definition) error {
				table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "BUDGET\tSET\tBY\tTO")
				for _, d := range all {
					changes, err := book.History(ctx, d)
					if err != nil {
						return err
					}
					for _, c := range changes {
						fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", d.Scope, c.At.Format(time.RFC3339), c.By, laidDown(c))
					}
				}
				return table.Flush()
			})
		},
	}
	addSettings(cmd.Flags(), rows)
	return cmd
}

// heeded says who heeds a budget that was just set.
func heeded(all []app.Heeding, err error) string {
	switch no := unheeded(all); {
	case err != nil:
		return fmt.Sprintf("it is set; whether it is heeded nobody could say: %s", err)
	case no != "":
		return no
	case len(all) == 0:
		return fmt.Sprintf("no service answers now: one that starts heeds it, and one that could not be asked within %s, unless they were told --budgets off", budget.HeededWithin)
	case len(all) == 1:
		return "the service heeds it from now on"
	}
	return fmt.Sprintf("%d services heed it from now on", len(all))
}

// unheeded names the services that do not heed the budgets; empty: all do.
func unheeded(all []app.Heeding) string {
	var who []string
	for _, h := range all {
		if !h.Heeds {
			who = append(who, h.Service+": "+h.Why)
		}
	}
	if len(who) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d services do NOT heed budgets (%s)", len(who), len(all), strings.Join(who, "; "))
}

// laidDown is a change in words.
func laidDown(c budget.Change) string {
	amount := func(m campaign.Money) string {
		if m.Currency == "" {
			return "no limit"
		}
		return m.String()
	}
	return fmt.Sprintf("%s a day, %s a month, in %s", amount(c.Day), amount(c.Month), c.Zone)
}

// eachBudget reads the budgets, of one source or all.
func eachBudget(cmd *cobra.Command, t Terminal, rows []setting, args []string, do func(context.Context, *app.Budgets, []budget.Definition) error) error {
	client, err := connect(cmd, t, rows)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, done := client.HeedBudgets(cmd.Context())
	defer done()
	book, err := client.FindBudgets(ctx)
	var all []budget.Definition
	if err == nil {
		all, err = book.Definitions(ctx)
	}
	if err == nil && len(args) == 1 {
		var some []budget.Definition
		for _, d := range all {
			if d.Scope == budget.Scope(args[0]) || d.Scope == budget.Account {
				some = append(some, d)
			}
		}
		all = some
	}
	if err == nil && len(all) == 0 {
		err = app.ErrNoBudgets
	}
	if err != nil {
		return noBudget(t, err)
	}
	return do(ctx, book, all)
}

// noBudget says what to do where there is none.
func noBudget(t Terminal, err error) error {
	if errors.Is(err, app.ErrNoBudgets) || query.Is(err, query.NotFound) {
		return fmt.Errorf("nobody has set a budget: %s budget set does", t.Name)
	}
	return err
}

// limitOf reads a limit as people write it; nil if nothing is said.
func limitOf(period, s string) (*campaign.Money, error) {
	switch strings.TrimSpace(s) {
	case "":
		return nil, nil
	case "none":
		return new(campaign.Money), nil
	}
	m, err := app.ParseLimit(s)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", period, err)
	}
	return &m, nil
}

// atMostOne allows a source, or nothing.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return noArgs(cmd, args[1:])
	}
	return nil
}
