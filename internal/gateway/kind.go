package gateway

import (
	"net/http"
	"strconv"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// kindOf is the one function that reads status codes.
//
// A refusal needs the gateway's own shape besides (see envelopes), and of a 403
// client.Call asks whether it is one. 408 is the gateway's own time-out, so nobody
// knows. A redirect is not followed.
func kindOf(code int) campaign.Kind {
	switch {
	case code >= 200 && code < 300:
		return campaign.OK
	case code == http.StatusUnauthorized:
		return campaign.Unauthorised
	case code == http.StatusRequestTimeout:
		return campaign.Unavailable
	case code == http.StatusTooManyRequests:
		return campaign.Throttled
	case code >= 400 && code < 500:
		return campaign.Refused
	}
	return campaign.Unavailable
}

// retryAfter is how long a 429 stops everything: what its body says, else what
// its header says (seconds or a date), else ours; at most an hour.
func retryAfter(body time.Duration, header string, ours time.Duration) time.Duration {
	d := body
	if d <= 0 {
		if n, err := strconv.ParseUint(header, 10, 31); err == nil {
			d = time.Duration(n) * time.Second
		} else if at, err := http.ParseTime(header); err == nil {
			d = time.Until(at)
		}
	}
	if d <= 0 {
		d = ours
	}
	return min(d, time.Hour)
}

func statusLine(code int) string {
	text := http.StatusText(code)
	if text == "" {
		return strconv.Itoa(code)
	}
	return strconv.Itoa(code) + " " + text
}
