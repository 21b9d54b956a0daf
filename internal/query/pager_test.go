package query

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// The estimated length of a campaign is never too small, or a page would not fit into
// its message. Nor is it so large that pages become small.
func TestACampaignIsNoLongerThanSaid(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 9, 0, 0, 123456789, time.FixedZone("", 3600))
	key := strings.Repeat("k", 64) + "." + strings.Repeat("k", 64)
	said := campaign.Summary{Name: "Black Friday 2026", Asked: at, When: at, Recipients: 9831, Sent: 4021, Total: 9831, Delivered: 3992, PerMinute: 200,
		Cost: &campaign.Money{Amount: decimal.RequireFromString("344.09"), Currency: "EUR"}, Reason: campaign.ReasonNotGSM7, Simulation: true}
	odd := said
	odd.Name, odd.Recipients, odd.Sent, odd.Total = strings.Repeat("\u2028<\"\\", 20), math.MinInt64, math.MaxInt64, -1
	for name, c := range map[string]Campaign{
		"AllAsUsual":   {Key: "shop-italia.black-friday-2026", State: campaign.Completed, Since: at, Saved: at, Next: at, Waiting: "the gateway does not answer", Summary: said},
		"OddSummary":   {Key: key, State: campaign.Abandoning, Since: at, Saved: at, Next: at, Waiting: "\u2029", Summary: odd},
		"AsUsual":      {Key: "shop-italia.black-friday-2026", State: campaign.Completed, Since: at, Saved: at},
		"Everything":   {Key: key, State: campaign.Abandoning, Since: at, Saved: at, Next: at, Waiting: "the gateway does not answer"},
		"QuotedText":   {Key: key, State: campaign.Abandoning, Since: at, Saved: at, Next: at, Waiting: strings.Repeat("\x01", 160)},
		"NotEvenUTF8":  {Key: key, State: campaign.Unresolved, Since: at, Saved: at, Next: at, Waiting: strings.Repeat("\xff", 160)},
		"NothingAtAll": {},
	} {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if said := c.atMost(); said < len(text) || strings.HasSuffix(name, "AsUsual") && said > len(text)*5/4 {
			t.Errorf("%s: %d bytes, said to be %d", name, len(text), said)
		}
	}
}
