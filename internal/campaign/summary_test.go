package campaign_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// What stands beside a record is read as it was written, by this version and by an
// earlier one.
func TestSummaryLine(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 9, 0, 0, 5e8, time.UTC)
	eur := func(amount string) *campaign.Money {
		return &campaign.Money{Amount: decimal.RequireFromString(amount), Currency: "EUR"}
	}
	for name, s := range map[string]campaign.Summary{
		"Nothing": {},
		"Asked":   {Asked: at, Name: "Black Friday = 2026 asked=x"},
		"All": {Name: "Più  sconti", Asked: at, When: at.Add(time.Hour), Recipients: 9831, Cost: eur("344.09"), Sent: 1, Total: 2, Delivered: 3,
			PerMinute: 4, Reason: campaign.ReasonTooLate, Account: "studio-bianchi", Simulation: true,
			Labels: map[string]string{"team": "crm", "product": "scarpe più belle & più = 5 %"}},
		"Free": {Cost: eur("0"), Simulation: true},
	} {
		if name == "All" { // a field that the line forgets is not missed unless it is here
			for i := range reflect.TypeFor[campaign.Summary]().NumField() {
				if reflect.ValueOf(s).Field(i).IsZero() {
					t.Errorf("%s is zero", reflect.TypeFor[campaign.Summary]().Field(i).Name)
				}
			}
		}
		line := s.Line()
		got, err := campaign.ParseSummary(line)
		if diff := cmp.Diff(s, got); err != nil || diff != "" || strings.Contains(line, "\n") {
			t.Errorf("%s: %q: %v\n%s", name, line, err, diff)
		}
		if later, err := campaign.ParseSummary(strings.TrimSpace("label=spring " + line)); err != nil || !cmp.Equal(s, later) {
			t.Errorf("%s: of a later version: %+v, %v", name, later, err)
		}
	}
	for _, line := range []string{"asked=yesterday", "recipients=many", "labels=%zz", "cost=EUR", "cost=E", "sent=", "total"} {
		if s, err := campaign.ParseSummary(line); err == nil {
			t.Errorf("%q is read as %+v", line, s)
		}
	}
}

// A list tells what was sent from what was not, and a simulation from both.
func TestSummaryOfARecord(t *testing.T) {
	t.Parallel()
	asked := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	later, much := asked.Add(time.Hour), campaign.Money{Amount: decimal.RequireFromString("344.09"), Currency: "EUR"}
	less := campaign.Money{Amount: decimal.RequireFromString("340"), Currency: "EUR"}
	quote := &campaign.Quote{Goal: campaign.Goal{Valid: 9831}, Price: campaign.Price{Total: much}}
	for name, tt := range map[string]struct {
		record campaign.Campaign
		want   campaign.Summary
	}{
		"Asked":     {campaign.Campaign{RequestedAt: asked, Request: campaign.Request{Name: "BF"}}, campaign.Summary{Asked: asked, Name: "BF"}},
		"Scheduled": {campaign.Campaign{Request: campaign.Request{At: later}}, campaign.Summary{When: later}},
		"PutOff":    {campaign.Campaign{Request: campaign.Request{At: asked}, NotBefore: later}, campaign.Summary{When: later}},
		"Confirmed": {campaign.Campaign{Quote: quote, Confirmed: &campaign.Confirmation{At: asked}}, campaign.Summary{When: asked, Recipients: 9831, Cost: &much}},
		"ForLater":  {campaign.Campaign{NotBefore: asked, Confirmed: &campaign.Confirmation{At: asked, For: later}}, campaign.Summary{When: later}},
		"Sending": {campaign.Campaign{State: campaign.Sending, Quote: quote, Stats: &campaign.Stats{Sent: 5, Total: 9, Delivered: 3, Cost: less}, Progress: &campaign.Progress{PerMinute: 200}},
			campaign.Summary{Recipients: 9831, Cost: &less, Sent: 5, Total: 9, Delivered: 3, PerMinute: 200}},
		"Uncounted": {campaign.Campaign{Stats: &campaign.Stats{Uncounted: true, Sent: 5, Total: 9}}, campaign.Summary{}},
		"Ended":     {campaign.Campaign{State: campaign.Completed, Progress: &campaign.Progress{PerMinute: 200}}, campaign.Summary{}},
		"Simulated": {campaign.Campaign{Request: campaign.Request{Simulation: true}, Quote: quote, Stats: &campaign.Stats{Cost: campaign.Money{Currency: "EUR"}}},
			campaign.Summary{Recipients: 9831, Cost: &much, Simulation: true}},
		"Rejected": {campaign.Campaign{Reason: &campaign.Reason{Code: campaign.ReasonTooLate}}, campaign.Summary{Reason: campaign.ReasonTooLate}},
	} {
		if diff := cmp.Diff(tt.want, tt.record.Summary()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// BenchmarkSummary reads what stands beside one record, as it is and as JSON.
func BenchmarkSummary(b *testing.B) {
	at := time.Date(2026, 11, 27, 9, 0, 0, 123456789, time.UTC)
	s := campaign.Summary{Name: "Black Friday 2026", Asked: at, When: at, Recipients: 9831, Sent: 9831, Total: 9831, Delivered: 9542,
		Cost: &campaign.Money{Amount: decimal.RequireFromString("344.09"), Currency: "EUR"}}
	b.Run("Line", func(b *testing.B) {
		line := s.Line()
		for b.Loop() {
			if _, err := campaign.ParseSummary(line); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("JSON", func(b *testing.B) {
		text, err := json.Marshal(s)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := json.Unmarshal(text, new(campaign.Summary)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
