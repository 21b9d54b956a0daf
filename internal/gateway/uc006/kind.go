package uc006

import (
	"net/http"
	"strconv"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// sortOf is the one function that reads status codes.
//
// A refusal also needs the gateway's own shape (see envelopes), and a 403 is checked
// with a probe. 408 is the gateway's own time-out, so the outcome is unknown. A
// redirect is not followed.
func sortOf(code int) (campaign.Kind, campaign.Cause) {
	switch {
	case code >= 200 && code < 300:
		return campaign.OK, ""
	case code == http.StatusUnauthorized:
		return campaign.Unauthorised, ""
	case code == http.StatusPaymentRequired:
		return campaign.Refused, campaign.NoCredit
	case code == http.StatusForbidden:
		return campaign.Refused, campaign.Forbidden
	case code == http.StatusNotFound:
		return campaign.Refused, campaign.NotFound
	case code == http.StatusMethodNotAllowed:
		return campaign.Refused, campaign.Unsupported
	case code == http.StatusRequestTimeout:
		return campaign.Unavailable, ""
	case code == http.StatusTooManyRequests:
		return campaign.Throttled, ""
	case code >= 400 && code < 500:
		return campaign.Refused, ""
	case code >= 500:
		return campaign.Unavailable, campaign.Failing
	}
	return campaign.Unavailable, ""
}

// retryAfter is how long a 429 asks to wait: what its body says, else what its header
// says (seconds or a date). Not positive: it does not say.
func retryAfter(body time.Duration, header string) time.Duration {
	if body > 0 {
		return body
	}
	if n, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return time.Until(at)
	}
	return 0
}
