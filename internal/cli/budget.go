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
)

func newBudget(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "budget",
		Short: "What may be spent in a day and in a month, and what is",
		Long: `A budget limits what the campaigns of a source, or those of the whole account,
may cost in a day and in a month. A campaign that has no room in every budget it
falls under is rejected before anything is spent. Services that run with
--budgets on heed them; how they are kept is in docs/money.md.`,
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
			day, err := dayOf(on)
			if err != nil {
				return usageError{err}
			}
			return eachBudget(cmd, t, rows, args, func(ctx context.Context, book *app.Budgets, all []budget.Definition) error {
				var used []budget.Usage
				for _, d := range all {
					at := time.Now()
					if zone, err := time.LoadLocation(d.Current().Zone); err == nil && !day.IsZero() {
						at = time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, zone)
					}
					u, err := book.Usage(ctx, d, at)
					if err != nil {
						return err
					}
					used = append(used, u...)
				}
				return printUsage(t.Out, used, asJSON)
			})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&on, "on", "", "another day, 2026-11-27, instead of today")
	f.BoolVar(&asJSON, "json", false, "a JSON object on each line")
	addSettings(f, rows)
	return cmd
}

// usageLine is a budget in a period, for programs.
type usageLine struct {
	Budget   string         `json:"budget"` // a source, or * for the account
	Period   string         `json:"period"`
	Zone     string         `json:"zone"`
	Limit    campaign.Money `json:"limit"`
	Spent    campaign.Money `json:"spent"`
	Reserved campaign.Money `json:"reserved"`
	Left     campaign.Money `json:"left"`
	UnderWay int            `json:"under_way"`
}

func printUsage(w io.Writer, used []budget.Usage, asJSON bool) error {
	if asJSON {
		for _, u := range used {
			err := printLine(w, usageLine{string(u.Scope), u.Period, u.Zone, u.Limit, u.Spent, u.Reserved, u.Left, u.Open})
			if err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BUDGET\tPERIOD\tLIMIT\tSPENT\tRESERVED\tLEFT\tUNDER WAY\tZONE")
	for _, u := range used {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", u.Scope, u.Period, u.Limit, u.Spent, u.Reserved, u.Left, u.Open, u.Zone)
	}
	return table.Flush()
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
			book, err := client.OpenBudgets(cmd.Context())
			if err != nil {
				return err
			}
			d, err := book.Set(cmd.Context(), scope, e)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.Out, "%s: %s\n", d.Scope, laidDown(d.Current()))
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
		Long:    "Show the last 20 changes of each budget, the latest last.",
		Example: "  staffetta budget history shop-italia",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachBudget(cmd, t, rows, args, func(_ context.Context, _ *app.Budgets, all []budget.Definition) error {
				table := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "BUDGET\tSET\tBY\tTO")
				for _, d := range all {
					for _, c := range d.Changes {
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
	ctx := cmd.Context()
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
	switch {
	case errors.Is(err, app.ErrNoBudgets), err == nil && len(all) == 0:
		return fmt.Errorf("nobody has set a budget: %s budget set does", t.Name)
	case err != nil:
		return err
	}
	return do(ctx, book, all)
}

// limitOf reads a limit as people write it; nil if nothing is said.
func limitOf(period, s string) (*campaign.Money, error) {
	switch strings.TrimSpace(s) {
	case "":
		return nil, nil
	case "none":
		return new(campaign.Money), nil
	}
	m, err := app.ParseMoney(s)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", period, err)
	}
	return &m, nil
}

// dayOf reads a calendar day; the zero time if nothing is said.
func dayOf(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return day, fmt.Errorf("--on %q is no day: write 2026-11-27", s)
	}
	return day, nil
}

// atMostOne allows a source, or nothing.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return noArgs(cmd, args[1:])
	}
	return nil
}
