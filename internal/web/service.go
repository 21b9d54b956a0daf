package web

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/query"
)

// service is the service as it answers questions. The streams are never read in its
// place: a page that goes on while the service is down would look as if it ran.
type service struct{ query.Reader }

// record is the record of one campaign.
func (s service) record(ctx context.Context, key campaign.Key) (campaign.Campaign, error) {
	r, err := s.Get(ctx, query.GetAsk{Key: key.String()})
	if err != nil {
		return campaign.Campaign{}, err
	}
	return client.ReadRecord(key, r)
}

// atATime is how many questions a page asks at once. The service answers twelve of all
// people.
const atATime = 4

// each does something for each of some things, a few at a time, and returns the first
// error.
func each[T any](things []T, do func(i int, thing T) error) error {
	var all sync.WaitGroup
	var once sync.Once
	var first error
	free := make(chan struct{}, atATime)
	for i, thing := range things {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			if err := do(i, thing); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	all.Wait()
	return first
}

// budgetsOf are the budgets that a campaign is charged to, in the periods of its instant;
// none, if nobody has set one.
func (s service) budgetsOf(ctx context.Context, rec campaign.Campaign) ([]query.Budget, error) {
	a := query.BudgetAsk{Source: rec.Key.Source}
	if at := rec.Request.At; !at.IsZero() {
		a.On = at.Format("2006-01-02")
	}
	all, err := s.Budget(ctx, a)
	if query.Is(err, query.NotFound) {
		return nil, nil
	}
	var own []query.Budget
	for _, b := range all.Budgets {
		// One of several accounts is another account's, unless its drafts are made there.
		if b.Budget[0] != '@' || b.Budget == "@"+rec.Account {
			own = append(own, b)
		}
	}
	return own, err
}

// limited bounds what a form may be.
func limited(w http.ResponseWriter, body io.ReadCloser) io.ReadCloser {
	return http.MaxBytesReader(w, body, formAtMost)
}
