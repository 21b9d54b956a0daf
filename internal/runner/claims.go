package runner

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Claims keeps campaigns of one account apart that give somebody different values. It is
// safe for concurrent use by several processes. It compares hashes, and holds no audience
// whole.
type Claims interface {
	// Claim gives a campaign its people, or says behind whom it waits: the error is an
	// [*Ahead]. Who came first comes first. It returns the number of the claim, which is
	// the same for as long as it stood without a break. The record that is stored must say
	// that the campaign holds them. Any other error: unknown, ask again.
	Claim(ctx context.Context, account string, c campaign.Campaign) (number uint64, err error)

	// Release gives up a claim of that number; zero: whatever there is of the campaign. It
	// is called once the record that is stored says so. Whoever is not released is found by
	// those who wait behind it, so an error is no harm.
	Release(ctx context.Context, account string, key campaign.Key, number uint64) error
}

// Ahead says behind whom a campaign waits.
type Ahead struct{ campaign.Behind }

func (e *Ahead) Error() string {
	return "campaign " + e.Key.String() + " holds some of the same people"
}

// claim asks for the people of the campaign, in the shape of a call.
func (r *run) claim(ctx context.Context) (o campaign.Outcome) {
	o = campaign.Outcome{Kind: campaign.OK, Started: time.Now().UTC()}
	if r.claims == nil {
		o.Kind, o.Err = campaign.NotAttempted, "this service cannot keep apart campaigns with the same people"
		return o
	}
	var err error
	o.Claim, err = r.claims.Claim(ctx, r.claimsIn(), r.c)
	o.Took = time.Since(o.Started)
	if ahead, is := errors.AsType[*Ahead](err); is {
		o.Kind, o.Behind = campaign.Refused, &ahead.Behind
	} else if err != nil {
		o.Kind, o.Err = campaign.Unavailable, err.Error()
	}
	return o
}

// claimsIn is the account in which the campaign claims its people.
func (r *run) claimsIn() string { return cmp.Or(r.account.Name, campaign.DefaultAccount) }

// letGo gives up the people that the campaign held, or waited for, once its record says
// so. A crash before it leaves a claim for which the record does not stand.
func (r *run) letGo(ctx context.Context, was, is campaign.Campaign) {
	if r.claims == nil || !was.Request.Personal() || was.List == nil {
		return
	}
	now, number := r.now(), was.List.Claim
	switch {
	case is.State.Final() && !is.Holds(now):
		if was.State.Final() && !was.Holds(now) {
			return
		}
		number = 0
	case is.List == nil || is.List.Behind != "" || is.Holds(now) || !was.Holds(now):
		return
	}
	if err := r.claims.Release(ctx, r.claimsIn(), is.Key, number); err != nil {
		r.observer.Called(is, r.found, campaign.Outcome{Op: campaign.OpClaim, Started: now, Kind: campaign.Unavailable, Err: "release: " + err.Error()})
	}
}
