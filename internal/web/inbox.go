package web

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
)

// inbox is what waits for somebody.
type inbox struct {
	Approvals  []quoted // the soonest end first
	More       int      // further campaigns that wait with a quote, not looked into
	Unresolved []query.Campaign
	Overdue    []query.Campaign
	Letters    []query.Letter
	Nearly     []bar
	PutOff     []quoted         // they wait for a window or for credit
	Waiting    []query.Campaign // they wait for something that nobody here can do
}

// Nothing says that nobody has to do anything.
func (b inbox) Nothing() bool {
	return len(b.Approvals)+len(b.Unresolved)+len(b.Overdue)+len(b.Letters)+len(b.Nearly) == 0
}

// How much an inbox looks into. What waits is in a list that is kept ready, so it costs
// what is open, however much is stored.
const (
	waitingAtMost = 1000
	quotesAtMost  = 24
	lettersOf     = 7 * 24 * time.Hour
	lettersAtMost = 50
)

func (s *Server) inbox(v *visit) error {
	var b inbox
	err := each([]func() error{
		func() error { return s.whatWaits(v, &b) },
		func() error {
			all, err := s.service.DLQ(v.ctx, query.DLQAsk{NewerThan: query.Duration(lettersOf), Page: query.Page{Limit: lettersAtMost}})
			for _, l := range all.Letters {
				if l.Replayed == nil {
					b.Letters = append(b.Letters, l)
				}
			}
			return err
		},
		func() error {
			all, err := s.service.Budget(v.ctx, query.BudgetAsk{})
			for _, one := range all.Budgets {
				if bar := barOf(one); bar.nearlySpent() {
					b.Nearly = append(b.Nearly, bar)
				}
			}
			if query.Is(err, query.NotFound) {
				return nil // nobody has set one
			}
			return err
		},
	}, func(_ int, do func() error) error { return do() })
	if err != nil {
		return err
	}
	v.Live = "*"
	return v.show("inbox", v.T("inbox"), "inbox", b)
}

// whatWaits sorts the campaigns that wait by what they wait for.
func (s *Server) whatWaits(v *visit, b *inbox) error {
	all, err := s.service.List(v.ctx, query.ListAsk{Waiting: true, Page: query.Page{Limit: waitingAtMost}})
	if err != nil {
		return err
	}
	var looked []query.Campaign
	for _, c := range all.Campaigns {
		switch {
		case c.State == campaign.Unresolved:
			b.Unresolved = append(b.Unresolved, c)
		case c.Overdue(v.now):
			b.Overdue = append(b.Overdue, c)
		case c.State == campaign.Quoted && len(looked) < quotesAtMost:
			looked = append(looked, c)
		case c.State == campaign.Quoted:
			b.More++
		default:
			b.Waiting = append(b.Waiting, c)
		}
	}
	quotes := make([]quoted, len(looked))
	if err := each(looked, func(i int, c query.Campaign) error {
		key, err := campaign.ParseKey(c.Key)
		if err != nil {
			return err
		}
		rec, err := s.service.record(v.ctx, key)
		if err != nil {
			return err
		}
		quotes[i], err = s.service.quotedOf(v.ctx, rec)
		return err
	}); err != nil {
		return err
	}
	for _, q := range quotes {
		switch {
		case q.Waits():
			b.Approvals = append(b.Approvals, q)
		case q.State == campaign.Quoted && q.Need != nil:
			b.PutOff = append(b.PutOff, q)
		}
	}
	bySoonest(b.Approvals)
	bySoonest(b.PutOff)
	return nil
}
