package campaign

import (
	"fmt"
	"time"
)

// Promoted is the request of a completed simulation, for real, and bound to what the
// simulation would have cost. An error says why there is none; clock writes its instants.
func (c Campaign) Promoted(immediately bool, now time.Time, clock func(time.Time) string) (Request, error) {
	r := c.Request
	if c.Prepared != nil && r.Audience.Name != "" {
		r.Audience = c.Prepared.Version.Alone() // the people who were quoted, and no newer list
	}
	switch {
	case !r.Simulation:
		return r, fmt.Errorf("%s was no simulation: it is %s", c.Key, c.State)
	case c.State != Completed || c.Quote == nil:
		return r, fmt.Errorf("the simulation %s has not gone its whole way, it is %s", c.Key, c.State)
	case c.Forgotten != nil:
		return r, fmt.Errorf("the text of %s was forgotten at %s: ask for it anew", c.Key, clock(c.Forgotten.At))
	case !r.ExpiresAt.IsZero() && !now.Before(r.ExpiresAt):
		return r, fmt.Errorf("%s expired at %s: ask for it anew", c.Key, clock(r.ExpiresAt))
	case r.Scheduled() && !immediately && !now.Before(r.At):
		return r, fmt.Errorf("%s was for %s, which has passed: add --immediately, or ask for it anew", c.Key, clock(r.At))
	}
	r.Simulation = false
	if immediately {
		r.At = time.Time{}
	}
	r.Limits.MaxTotal, r.Limits.OnOverMax = c.Quote.Price.Total, Reject
	r.Limits.Agreed = QuoteID(c.Request, *c.Quote)
	return r, nil
}
