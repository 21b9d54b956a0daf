package web

import (
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/words"
)

// money is what is left of the budgets, and what was spent on which campaign.
type money struct {
	Budgets []bar
	Months  []month
	Month   string // that is listed, 2026-12
	Lines   []query.Campaign
	Sums    []sum // by source
	Cut     bool
}

// month is what the budgets of one month came to.
type month struct {
	Name    string // 2026-11
	Budgets []bar
}

// sum is what one source's campaigns cost together.
type sum struct {
	Source    string
	Campaigns int64
	Cost      campaign.Money
}

// monthsShown is how many months one sees beside each other, and chargedAtMost how many
// campaigns of a month are listed.
const monthsShown, chargedAtMost = 6, 500

func (s *Server) money(v *visit) error {
	begin, err := monthOf(v)
	if err != nil {
		return err
	}
	m := money{Month: begin.Format("2006-01")}
	months := make([]month, monthsShown)
	for i := range months {
		months[i].Name = v.now.In(v.zone).AddDate(0, 0, 1-v.now.In(v.zone).Day()).AddDate(0, -i, 0).Format("2006-01")
	}
	err = each(months, func(i int, one month) error {
		a := query.BudgetAsk{On: one.Name + "-15"}
		if i == 0 {
			a.On = "" // today: its day is shown too
		}
		all, err := s.service.Budget(v.ctx, a)
		if query.Is(err, query.NotFound) {
			return nil // nobody has set one
		}
		for _, b := range all.Budgets {
			if i == 0 {
				m.Budgets = append(m.Budgets, barOf(b))
			}
			if len(b.Period) == len("2006-01") && (i == 0 || !b.Spent.Amount.IsZero() || !b.Reserved.Amount.IsZero()) {
				months[i].Budgets = append(months[i].Budgets, barOf(b))
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, one := range months {
		if len(one.Budgets) > 0 {
			m.Months = append(m.Months, one)
		}
	}
	if m.Lines, m.Cut, err = s.charged(v, begin, chargedAtMost); err != nil {
		return err
	}
	m.Sums = sumsOf(m.Lines)
	v.Live = "*"
	return v.show("money", v.T("money"), "money", m)
}

// monthOf is the first moment of the month that the address names; this one's, if none.
func monthOf(v *visit) (time.Time, error) {
	now := v.now.In(v.zone)
	if name := v.r.URL.Query().Get("month"); name != "" {
		at, err := time.ParseInLocation("2006-01", name, v.zone)
		if err != nil {
			return at, &query.Error{Code: query.BadQuestion, Field: "month", Text: v.T("money.month.wrong", name)}
		}
		return at, nil
	}
	return time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, v.zone), nil
}

// charged are the campaigns of a month that cost something: those that were sent, or may
// have been. A month is that of the instant at which one was sent.
func (s *Server) charged(v *visit, begin time.Time, most int) ([]query.Campaign, bool, error) {
	a := query.ListAsk{Newest: true, Page: query.Page{Limit: most}, States: []string{
		string(campaign.Confirmed), string(campaign.Sending), string(campaign.Completed), string(campaign.Unreconciled), string(campaign.Failed), string(campaign.Unresolved)}}
	all, err := s.service.List(v.ctx, a)
	end := begin.AddDate(0, 1, 0)
	var lines []query.Campaign
	for _, c := range all.Campaigns {
		at := c.When
		if at.IsZero() {
			at = c.Saved
		}
		if c.Cost != nil && !c.Simulation && !at.Before(begin) && at.Before(end) {
			lines = append(lines, c)
		}
	}
	return lines, all.Cut || len(all.Campaigns) == most, err
}

// sumsOf adds exactly, and never one currency to another.
func sumsOf(lines []query.Campaign) (sums []sum) {
	type of struct{ source, currency string }
	all := map[of]*sum{}
	for _, c := range lines {
		source, _, _ := strings.Cut(c.Key, ".")
		is := of{source, c.Cost.Currency}
		if all[is] == nil {
			all[is] = &sum{Source: source, Cost: campaign.Money{Amount: decimal.Zero, Currency: c.Cost.Currency}}
		}
		all[is].Campaigns++
		all[is].Cost.Amount = all[is].Cost.Amount.Add(c.Cost.Amount)
	}
	for _, one := range slices.SortedFunc(maps.Values(all), func(a, b *sum) int {
		return strings.Compare(a.Source+" "+a.Cost.Currency, b.Source+" "+b.Cost.Currency)
	}) {
		sums = append(sums, *one)
	}
	return sums
}

// ledgerAtMost is how many campaigns the file has.
const ledgerAtMost = 2500

// ledger is a month's campaigns as a file for a spreadsheet.
func (s *Server) ledger(w http.ResponseWriter, r *http.Request) {
	v, err := s.visitOf(w, r)
	if err != nil {
		s.SignIn.Refuse(w, r, err)
		return
	}
	begin, err := monthOf(v)
	var lines []query.Campaign
	var cut bool
	if err == nil {
		lines, cut, err = s.charged(v, begin, ledgerAtMost)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="staffetta-%s.csv"`, begin.Format("2006-01")))
	out := csv.NewWriter(w)
	rows := [][]string{{"campaign", "name", "source", "state", "sent_at_utc", "recipients", "delivered", "cost", "currency"}}
	for _, c := range lines {
		source, _, _ := strings.Cut(c.Key, ".")
		rows = append(rows, []string{c.Key, cell(c.Name), source, string(c.State), c.When.UTC().Format(time.RFC3339), strconv.FormatInt(c.Recipients, 10),
			strconv.FormatInt(c.Delivered, 10), campaign.Plain(c.Cost.Amount), c.Cost.Currency})
	}
	if cut {
		rows = append(rows, []string{"there may be more: " + words.Count(ledgerAtMost) + " were looked at; staffetta ls --json has all", "", "", "", "", "", "", "", ""})
	}
	//lint:ignore errcheck whoever asked has hung up
	out.WriteAll(rows)
}

// cell keeps a spreadsheet from taking a name for a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
