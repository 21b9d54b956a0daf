package gateway

import (
	"errors"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// status is the gateway's status, as a name or as a number. This is the only
// place that reads it.
type status struct{ campaign.Status }

func (s *status) UnmarshalJSON(token []byte) error {
	switch word := strings.ToUpper(strings.Trim(string(token), `"`)); word {
	case "NULL", "":
		s.Status = ""
	case "DRAFT", "CONFIGURED", "COST_CALCULATED", "0":
		s.Status = campaign.StatusUnconfirmed
	case "CONFIRMED", "1":
		s.Status = campaign.StatusConfirmed
	case "SENDING", "2":
		s.Status = campaign.StatusSending
	case "COMPLETED", "3":
		s.Status = campaign.StatusCompleted
	case "FAILED", "4":
		s.Status = campaign.StatusFailed
	case "FAIL", "ERROR":
		return errors.New("a success whose body says " + string(token))
	default:
		if token[0] == '{' || token[0] == '[' {
			return errors.New("its status is neither a word nor a number")
		}
		s.Status = campaign.StatusUnknown
	}
	return nil
}

// amount is an exact number, read from the digits themselves.
type amount struct {
	decimal.Decimal
	given bool
}

func (a *amount) UnmarshalJSON(token []byte) error {
	if string(token) == "null" {
		return nil
	}
	// A few characters of exponent could make a number of gigabytes.
	d, err := decimal.NewFromString(strings.Trim(string(token[:min(len(token), 41)]), `"`))
	if err != nil || len(token) > 40 || d.Exponent() > 15 || d.Exponent() < -15 {
		return errors.New("an amount that is no number: " + bound(string(token), 40))
	}
	a.Decimal, a.given = d, true
	return nil
}

// scheduledForm is how UC-006 writes an instant that we send: no colon in the
// offset.
const scheduledForm = "2006-01-02T15:04:05.000-0700"

// instant is a moment in any of the vendor's forms. One that cannot be read is
// zero: no decision hangs on it.
type instant struct{ time.Time }

func (t *instant) UnmarshalJSON(token []byte) error {
	text := strings.Trim(string(token), `"`)
	for _, form := range []string{time.RFC3339, scheduledForm, "2006-01-02 15:04:05.000-0700"} {
		if at, err := time.Parse(form, text); err == nil {
			t.Time = at.UTC()
			return nil
		}
	}
	return nil
}
