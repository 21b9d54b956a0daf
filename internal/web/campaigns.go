package web

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
)

// campaignsShown is how many campaigns a page lists: those that moved last.
const campaignsShown = 50

// searchedAtMost is among how many a text, an amount or simulations are looked for.
const searchedAtMost = 1000

// campaignList is a list of campaigns, and the question in the address that it answers.
type campaignList struct {
	Campaigns []query.Campaign
	Cut       bool
	States    []string
	Asked     query.ListAsk
	Label     string
	Since     string
	Text      string // in the name or the key
	Pretended string // yes: only simulations; no: none
	AtLeast   string // what it costs
	Wrong     string // a filter that cannot be read; nothing is listed then
}

// Filtered says that something is looked for.
func (l campaignList) Filtered() bool {
	return len(l.Asked.States) > 0 || l.Asked.Source != "" || len(l.Asked.Labels) > 0 || l.Since+l.Text+l.Pretended+l.AtLeast != ""
}

// Chosen says that a state is looked for.
func (l campaignList) Chosen(state string) bool { return slices.Contains(l.Asked.States, state) }

func (s *Server) campaigns(v *visit) error {
	q := v.r.URL.Query()
	l := campaignList{States: query.States(), Label: q.Get("label"), Since: q.Get("since")}
	l.Asked = query.ListAsk{Source: q.Get("source"), Newest: true, Page: query.Page{Limit: campaignsShown}}
	for _, state := range q["state"] {
		if state != "" {
			l.Asked.States = append(l.Asked.States, state)
		}
	}
	if l.Label != "" {
		name, value, _ := strings.Cut(l.Label, "=")
		l.Asked.Labels = map[string]string{strings.TrimSpace(name): strings.TrimSpace(value)}
	}
	if l.Since != "" {
		at, err := time.ParseInLocation(time.DateOnly, l.Since, v.zone)
		if err != nil {
			l.Wrong = v.T("campaigns.since.wrong", l.Since)
		}
		l.Asked.Since = at
	}
	l.Text, l.Pretended, l.AtLeast = strings.TrimSpace(q.Get("text")), q.Get("simulation"), q.Get("cost")
	keeps, err := l.filter()
	if err != nil {
		l.Wrong = err.Error()
	}
	if l.Text+l.Pretended+l.AtLeast != "" {
		l.Asked.Limit = searchedAtMost
	}
	if err := l.Asked.Check(); err != nil {
		l.Wrong = err.Error()
	}
	if l.Wrong == "" {
		all, err := s.service.List(v.ctx, l.Asked)
		if err != nil {
			return err
		}
		l.Cut = all.Cut || len(all.Campaigns) == searchedAtMost
		for _, c := range all.Campaigns {
			if keeps(c) && len(l.Campaigns) < campaignsShown {
				l.Campaigns = append(l.Campaigns, c)
			}
		}
	}
	v.Live = "*"
	return v.show("campaigns", v.T("campaigns"), "campaigns", l)
}

// filter is what the page itself looks for among the campaigns that it was told.
func (l campaignList) filter() (func(query.Campaign) bool, error) {
	least := decimal.Zero
	if l.AtLeast != "" {
		m, err := campaign.ParseMoney(l.AtLeast)
		if err != nil {
			return nil, err
		}
		least = m.Amount
	}
	text := strings.ToLower(l.Text)
	return func(c query.Campaign) bool {
		return (text == "" || strings.Contains(strings.ToLower(c.Name+" "+c.Key), text)) &&
			(l.Pretended == "" || c.Simulation == (l.Pretended == "yes")) &&
			(l.AtLeast == "" || c.Cost != nil && c.Cost.Amount.GreaterThanOrEqual(least))
	}, nil
}

// Moving says that a campaign is being sent, so that its row has a bar.
func (v *visit) Moving(c query.Campaign) bool {
	return c.Total > 0 && (c.State == campaign.Sending || c.State == campaign.Confirmed)
}

// Thousandths is a share of a whole, for a bar.
func (v *visit) Thousandths(part, whole int64) int64 {
	if whole <= 0 {
		return 0
	}
	return min(1000, part*1000/whole)
}
