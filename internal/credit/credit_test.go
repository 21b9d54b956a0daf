package credit_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/credit"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func eur(amount string) campaign.Money {
	return campaign.Money{Amount: decimal.RequireFromString(amount), Currency: "EUR"}
}

// sent is a campaign that was quoted at a minute, when the account had so much, and ended
// ten minutes later.
func sent(minute int, available, total string) campaign.Campaign {
	at := noon.Add(time.Duration(minute) * time.Minute)
	return campaign.Campaign{State: campaign.Completed, Since: at.Add(10 * time.Minute), Rounds: 1,
		Quote:     &campaign.Quote{At: at, Price: campaign.Price{Total: eur(total), Available: eur(available)}},
		Confirmed: &campaign.Confirmation{At: at.Add(time.Second)}}
}

// quoted is one that was only quoted.
func quoted(minute int, available string) campaign.Campaign {
	c := sent(minute, available, "50")
	c.State, c.Rounds, c.Confirmed = campaign.Rejected, 0, nil
	return c
}

func TestUnexplained(t *testing.T) {
	t.Parallel()
	under := func(c campaign.Campaign) campaign.Campaign { c.State = campaign.Sending; return c }
	simulated := func(c campaign.Campaign) campaign.Campaign { c.Request.Simulation = true; return c }
	for name, test := range map[string]struct {
		records []campaign.Campaign
		want    string
	}{
		"NothingWhenOurCampaignsCostIt":   {[]campaign.Campaign{sent(0, "1500", "344.09"), quoted(60, "1155.91")}, "0"},
		"WhatLeftBesideThem":              {[]campaign.Campaign{sent(0, "1500", "344.09"), quoted(60, "955.91")}, "199.99"},
		"WhatLeftWithoutAny":              {[]campaign.Campaign{quoted(0, "1500"), quoted(60, "1300")}, "200"},
		"NothingWhenSomebodyPaidIn":       {[]campaign.Campaign{quoted(0, "100"), quoted(60, "1300")}, "0"},
		"WhatLeftBeforeSomebodyPaidIn":    {[]campaign.Campaign{quoted(0, "500"), quoted(30, "300"), quoted(60, "1300")}, "200"},
		"WhatLeftAfterSomebodyPaidIn":     {[]campaign.Campaign{quoted(0, "500"), quoted(30, "1300"), quoted(60, "1200")}, "100"},
		"NothingWhileItMayBeOneUnderWay":  {[]campaign.Campaign{under(sent(0, "1500", "344.09")), quoted(60, "1300")}, "0"},
		"WhatASimulationCannotHaveCost":   {[]campaign.Campaign{simulated(sent(0, "1500", "344.09")), quoted(60, "1155.91")}, "344.09"},
		"NothingForWhatIsOlderThanADay":   {[]campaign.Campaign{quoted(-26*60, "1500"), quoted(60, "1300")}, "0"},
		"NothingWhenACampaignWasPaidBack": {[]campaign.Campaign{sent(0, "1500", "344.09"), quoted(5, "1155.91"), quoted(60, "1500")}, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := credit.See(test.records, time.Time{}, noon.Add(61*time.Minute))["EUR"]
			if want := decimal.RequireFromString(test.want); !got.Unexplained.Equal(want) {
				t.Errorf("unexplained %s, want %s", got.Unexplained, want)
			}
			if last := test.records[len(test.records)-1].Quote; !got.Available.Amount.Equal(last.Price.Available.Amount) || !got.At.Equal(last.At) {
				t.Errorf("available %s at %s", got.Available, got.At)
			}
		})
	}
}

// What is not among the records, because it was saved too long ago, is no theft.
func TestWhatIsNotKnownIsNotUnexplained(t *testing.T) {
	t.Parallel()
	all := []campaign.Campaign{quoted(0, "1500"), quoted(60, "1300"), quoted(65, "1300")}
	if got := credit.See(all, noon.Add(30*time.Minute), noon.Add(2*time.Hour))["EUR"]; !got.Unexplained.IsZero() {
		t.Errorf("unexplained %s", got.Unexplained)
	}
}
