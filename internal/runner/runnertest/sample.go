package runnertest

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Sample is a record with something in every part that has to survive being
// stored.
func Sample(key campaign.Key) campaign.Campaign {
	at := time.Date(2026, 11, 27, 8, 0, 0, 123456789, time.UTC)
	return campaign.Campaign{
		Schema: campaign.Schema, Key: key, State: campaign.Confirming, Since: at,
		Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		Request: campaign.Request{
			Name: "Black Friday 2026", Sender: "ShopItalia", Text: "Scopri di più: {{code}}", ListID: 87, At: at.Add(time.Hour),
		},
		Wake:  at.Add(time.Minute),
		Draft: &campaign.Bound{ID: 1542, Intended: true},
		Quote: &campaign.Quote{
			N: 1, At: at, Goal: campaign.Goal{Total: 10247, Valid: 9831, Invalid: 416, Parts: 9831},
			Price: campaign.Price{PerMessage: eur("0.035"), Total: eur("344.09"), Available: eur("1500.00"), Sufficient: true},
		},
		Attempts: []campaign.Attempt{{Op: campaign.OpConfirm, At: at, TookMS: 12, Kind: campaign.Unavailable, Breaker: "closed"}},
	}
}

func eur(amount string) campaign.Money {
	return campaign.Money{Amount: decimal.RequireFromString(amount), Currency: "EUR"}
}

func costEvent(n int, campaignID int64, quoteID string) campaign.Event {
	q := *Sample(campaign.Key{}).Quote
	q.N = n
	return campaign.Event{Type: campaign.EventCostCalculated, N: n, At: q.At, CampaignID: campaignID, Quote: &q, QuoteID: quoteID}
}

func statsEvent(n int) campaign.Event {
	return campaign.Event{
		Type: campaign.EventStats, N: n, CampaignID: 1542,
		At: time.Date(2026, 11, 27, 8, n, 0, 0, time.UTC),
		Stats: &campaign.Stats{
			Status: campaign.StatusSending, Total: 100, Sent: int64(n), Pending: int64(100 - n),
			DeliveryRate: decimal.NewNullDecimal(decimal.RequireFromString("97.06")), Cost: eur("344.09"),
		},
	}
}
