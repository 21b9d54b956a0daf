package check

import (
	"context"
	"encoding/json"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/query"
)

// KnownNot is what Known of an offline answer is: nobody was asked.
const KnownNot = "unknown"

// lateOffline is how long after its instant a request is refused without knowing the
// service's campaign.too_late: nobody sets that to more than a day.
const lateOffline = 24 * time.Hour

// Offline is what can be known of a request without a service: the contract, its text,
// its instant and its expiry. Send windows, policies, the list and the money cannot.
func Offline(ctx context.Context, request json.RawMessage, now time.Time) (query.Checked, error) {
	c, err := New(Options{
		Rules: campaign.Rules{TooLate: lateOffline}, Records: noRecords{}, Clock: func() time.Time { return now },
	})
	if err != nil {
		return query.Checked{}, err
	}
	c.offline = true
	out, err := c.Check(ctx, query.CheckAsk{Request: request})
	out.Known = KnownNot
	return out, err
}

// noRecords knows no campaign.
type noRecords struct{}

func (noRecords) Load(context.Context, campaign.Key) (none campaign.Campaign, rev loop.Revision, err error) {
	return
}

func (noRecords) Published(context.Context, campaign.Key) ([]campaign.Event, error) { return nil, nil }
