package uc006

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// without leaves a line out of a sample.
func without(sample, field string) string {
	var lines []string
	for line := range strings.Lines(sample) {
		if !strings.HasPrefix(line, `"`+field+`"`) {
			lines = append(lines, line)
		}
	}
	s := strings.Join(lines, "")
	return strings.ReplaceAll(s, ",\n}", "\n}")
}

// with puts a value into a sample in place of another one.
func with(t *testing.T, sample, old, value string) string {
	t.Helper()
	s := strings.Replace(sample, old, value, 1)
	if s == sample && old != value {
		t.Fatalf("%q is not in %s", old, sample)
	}
	return s
}

// wholes are ways to write 1542, and not ones. JSON knows one kind of number.
var wholes = map[string]bool{
	`1542`: true, `1542.0`: true, `1542.000`: true, `"1542"`: true, `"1542.0"`: true, `1.542e3`: true, `15420e-1`: true,
	`1542.5`: false, `"1.542,0"`: false, `"1,542"`: false, `"1.542"`: false, `""`: false, `"lst_1"`: false, `true`: false, `[1542]`: false, `{}`: false,
	`1e999999999`: false, `99999999999999999999`: false, `-1542`: false, `null`: false,
}

func TestWholeNumbersInAnyForm(t *testing.T) {
	t.Parallel()
	for text, fine := range wholes {
		want := campaign.Unavailable
		if fine {
			want = campaign.OK
		}
		if got := answered(t, campaign.OpCreate, `{"id":`+text+`}`); got.Kind != want || fine && got.CampaignID != 1542 {
			t.Errorf("create, id %s: got %s %d %s, want %s", text, got.Kind, got.CampaignID, got.Err, want)
		}
		got := answered(t, campaign.OpCalculate, with(t, seed(t, "calculated"), "10247", text))
		if got.Kind != want || fine && got.Goal != (campaign.Goal{Total: 1542, Valid: 9831, Invalid: 416, Parts: 9831}) {
			t.Errorf("calculate, total %s: got %s %+v %s, want %s", text, got.Kind, got.Goal, got.Err, want)
		}
		s := answered(t, campaign.OpStats, with(t, seed(t, "stats"), "9831", text)).Stats
		if s.Uncounted == fine || fine && s.Total != 1542 || !fine && s.Sent+s.Delivered != 0 || s.Status != campaign.StatusCompleted {
			t.Errorf("stats, total %s: got %+v", text, s)
		}
		// An answer without an id is taken to be this campaign's.
		for _, op := range []campaign.Op{campaign.OpCalculate, campaign.OpPrice, campaign.OpStatus} {
			body := map[campaign.Op]string{campaign.OpCalculate: "calculated", campaign.OpPrice: "price", campaign.OpStatus: "created"}[op]
			if got := answered(t, op, with(t, seed(t, body), "1542", text)); (got.Kind == campaign.OK) != (fine || text == "null") {
				t.Errorf("%s, id %s: got %s %s", op, text, got.Kind, got.Err)
			}
		}
	}
}

// Calculate is answered by all four counts or not at all.
func TestGoalNeedsEveryCount(t *testing.T) {
	t.Parallel()
	whole := seed(t, "calculated")
	for _, body := range []string{
		without(whole, "totalRecipients"), without(whole, "validRecipients"), without(whole, "invalidRecipients"), without(whole, "estimatedParts"),
		with(t, whole, "416", "null"), with(t, whole, "416", "-416"), with(t, whole, "1542", "1543"),
	} {
		if got := answered(t, campaign.OpCalculate, body); got.Kind != campaign.Unavailable {
			t.Errorf("%s: got %s", body, got.Kind)
		}
	}
}

// Money is what the digits say: a float64 would make 0.1 + 0.2 of it. What a
// float64 of theirs has made is rounded to what money can be.
func TestPriceIsReadFromItsDigits(t *testing.T) {
	t.Parallel()
	whole := seed(t, "price")
	for _, tt := range []struct {
		old, value string
		want       string // of what it is instead of; or why not
	}{
		{"344.09", "344.09", "344.09"},
		{"344.09", `"344.09"`, "344.09"},
		{"344.09", "3.4409E+2", "344.09"},
		{"344.09", "344.08500000000004", "344.085"},
		{"344.09", "344.08499999999998", "344.085"},
		{"344.09", "344.0849999995", "344.085"},
		{"344.09", "90071992547409.93", "90071992547409.93"},
		{"0.035", "0.035000000000000003", "0.035"},
		{"0.035", "0.10000000000000000555", "0.1"},
		{"0.035", "3.5E-2", "0.035"},
		{"344.09", `"344,09"`, "an amount that is no number"},
		{"344.09", `"much"`, "an amount that is no number"},
		{"344.09", "1e999999999", "an amount that is no number"},
		{"344.09", "1e-999999999", "an amount that is no number"},
		{"344.09", "1e15", "at most 15 digits"},
		{"344.09", "999999999999999.9999999999", "at most 15 digits"}, // rounded, it is too much
		{"344.09", "-344.09", "a negative price"},
		{"344.09", "null", "it lacks"},
		{"0.035", "null", "it lacks"},
		{"true", "null", "it lacks"},
		{`"EUR"`, `"eur"`, "eur is no currency"},
		{`"EUR"`, `"€"`, "€ is no currency"},
		{`"EUR"`, `""`, "it lacks"},
		{`"EUR"`, `978`, "it lacks"},
		{"1542", "1543", "it is about campaign 1543"},
	} {
		got := answered(t, campaign.OpPrice, with(t, whole, tt.old, tt.value))
		if amount, err := decimal.NewFromString(tt.want); err == nil {
			said := got.Price.Total
			if tt.old == "0.035" {
				said = got.Price.PerMessage
			}
			if got.Kind != campaign.OK || !said.Equal(eur(amount.String())) {
				t.Errorf("%s: got %s %s %s, want %s", tt.value, got.Kind, said, got.Err, tt.want)
			}
			continue
		}
		if got.Kind != campaign.Unavailable || !strings.Contains(got.Err, tt.want) || got.Price != (campaign.Price{}) {
			t.Errorf("%s: got %s %q, want that it cannot be used: %s", tt.value, got.Kind, got.Err, tt.want)
		}
	}
	for _, field := range []string{"currency", "totalPrice", "pricePerMessage", "sufficient"} {
		if got := answered(t, campaign.OpPrice, without(whole, field)); got.Kind != campaign.Unavailable {
			t.Errorf("without %s: got %s", field, got.Kind)
		}
	}
}

// An account that pays by invoice has no credit to show: that it is sufficient is
// enough.
func TestPriceWithoutCredit(t *testing.T) {
	t.Parallel()
	whole := seed(t, "price")
	line := `"availableCredit": 1500.00`
	for body, want := range map[string]campaign.Money{
		whole:                             eur("1500"),
		without(whole, "availableCredit"): {},
		with(t, whole, line, `"availableCredit": null`):                    {},
		with(t, whole, line, `"availableCredit": "unlimited"`):             {},
		with(t, whole, line, `"availableCredit": {}`):                      {},
		with(t, whole, line, `"availableCredit": 1e300`):                   {},
		with(t, whole, line, `"availableCredit": 1e20`):                    {},
		with(t, whole, line, `"availableCredit": -1.205e2`):                eur("-120.5"),
		with(t, whole, line, `"availableCredit": 1499.9999999999998`):      eur("1500"),
		with(t, without(whole, "availableCredit"), ": true", ": false"):    {},
		with(t, whole, line, `"availableCredit": 0.000000000000000000001`): eur("0"),
	} {
		got := answered(t, campaign.OpPrice, body)
		if got.Kind != campaign.OK || !got.Price.Available.Equal(want) || !got.Price.Total.Equal(eur("344.09")) || got.Price.Sufficient != strings.Contains(body, ": true") {
			t.Errorf("%s: got %s %+v %s, want %s available", body, got.Kind, got.Price, got.Err, want)
		}
	}
}

// Of the statistics everything is used that can be read.
func TestStatisticsAreUsedAsFarAsTheyGo(t *testing.T) {
	t.Parallel()
	body := seed(t, "stats")
	said := answered(t, campaign.OpStats, body).Stats
	if said.Uncounted || said.Cost.Currency == "" || !said.DeliveryRate.Valid || said.CompletedAt.IsZero() {
		t.Fatalf("the sample: %+v", said)
	}
	rate := func(text string) func(*campaign.Stats) {
		return func(s *campaign.Stats) {
			s.DeliveryRate = decimal.NullDecimal{}
			if text != "" {
				s.DeliveryRate = decimal.NewNullDecimal(decimal.RequireFromString(text))
			}
		}
	}
	uncounted := func(s *campaign.Stats) {
		s.Uncounted = true
		s.Total, s.Sent, s.Delivered, s.Undelivered, s.Pending = 0, 0, 0, 0, 0
	}
	noCost := func(s *campaign.Stats) { s.Cost = campaign.Money{} }
	cost := func(text string) func(*campaign.Stats) {
		return func(s *campaign.Stats) { s.Cost = eur(text) }
	}
	for _, tt := range []struct {
		name, old, value string
		change           func(*campaign.Stats)
	}{
		{"RateInDoublePrecision", "97.06", "0.010171905197843556", rate("0.010171905")},
		{"RateOfAFloat", "97.06", "97.05999999999999", rate("97.06")},
		{"RateAsText", "97.06", `"97.06"`, rate("97.06")},
		{"RateNull", "97.06", "null", rate("")},
		{"RateNaN", "97.06", `"NaN"`, rate("")},
		{"RateInfinite", "97.06", `"Infinity"`, rate("")},
		{"RateAbove", "97.06", "100.01", rate("")},
		{"RateBelow", "97.06", "-1", rate("")},
		{"RateAll", "97.06", "100", rate("100")},
		{"RateWithPercent", "97.06", `"97.06 %"`, rate("")},
		{"RateBeyondSense", "97.06", "1e-999999999", rate("")},
		{"RateAnObject", "97.06", "{}", rate("")},

		{"CostOfAFloat", "344.09", "344.08999999999997", cost("344.09")},
		{"CostNull", "344.09", "null", noCost},
		{"CostBelowZero", "344.09", "-344.09", noCost},
		{"CostUnreadable", "344.09", `"344,09"`, noCost},
		{"CostTooMuch", "344.09", "1e15", noCost},
		{"CostNothing", "344.09", "0", cost("0")},
		{"CostWithoutCurrency", `"EUR"`, `null`, noCost},
		{"CostWithEmptyCurrency", `"EUR"`, `""`, noCost},
		{"CostInSmallLetters", `"EUR"`, `"eur"`, noCost},
		{"CostWithASign", `"EUR"`, `"€"`, noCost},
		{"CostIsANumber", "{\n\"totalCredits\": 344.09,\n\"currency\": \"EUR\"\n}", "344.09", noCost},

		{"CountsAsFloats", `"total": 9831`, `"total": 9831.0`, func(*campaign.Stats) {}},
		{"CountsAsText", `"delivered": 9542`, `"delivered": "9542"`, func(*campaign.Stats) {}},
		{"CountBelowZero", "289", "-289", uncounted},
		{"CountInHalves", "289", "288.5", uncounted},
		{"CountNull", `"pending": 0`, `"pending": null`, uncounted},
		{"CountMissing", "\"pending\": 0,\n", "", uncounted},

		{"EndUnreadable", `"2026-04-09T09:47:00Z"`, `"just now"`, func(s *campaign.Stats) { s.CompletedAt = time.Time{} }},
		{"EndANumber", `"2026-04-09T09:47:00Z"`, `1775727000`, func(s *campaign.Stats) { s.CompletedAt = time.Time{} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := said
			tt.change(&want)
			got := answered(t, campaign.OpStats, with(t, body, tt.old, tt.value))
			if diff := cmp.Diff(want, got.Stats); diff != "" || got.Kind != campaign.OK {
				t.Errorf("%s %s, statistics (-want +got):\n%s", got.Kind, got.Err, diff)
			}
		})
	}
	for _, body := range []string{`{"status":"COMPLETED"}`, `{"status":3,"stats":null}`, `{"status":"COMPLETED","stats":[]}`, `{"status":"COMPLETED","stats":{}}`} {
		if got := answered(t, campaign.OpStats, body); got.Kind != campaign.OK || got.Stats != (campaign.Stats{Status: campaign.StatusCompleted, Uncounted: true}) {
			t.Errorf("%s: got %s %+v %s", body, got.Kind, got.Stats, got.Err)
		}
	}
	for _, body := range []string{without(body, "status"), with(t, body, "1542", "1543"), with(t, body, "1542", `"cmp_7"`), `[{"sent":1}]`} {
		if got := answered(t, campaign.OpStats, body); got.Kind != campaign.Unavailable {
			t.Errorf("%s: got %s", body, got.Kind)
		}
	}
}
