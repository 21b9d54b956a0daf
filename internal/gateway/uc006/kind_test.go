package uc006

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// Every row of the design's table, for every call: the kind hangs on the status
// code, and of a refusal on whether its body has the gateway's own shape. (The
// probe, which a create asks that finds nothing, finds the gateway.)
func TestEveryStatusCodeIsSorted(t *testing.T) {
	t.Parallel()
	kinds := map[campaign.Kind][]int{
		campaign.Refused:      {400, 402, 404, 405, 406, 409, 410, 413, 415, 418, 422, 423, 451, 499},
		campaign.Unauthorised: {401},
		campaign.Throttled:    {429},
		campaign.Unavailable:  {300, 301, 302, 303, 304, 307, 308, 408, 500, 501, 502, 503, 504, 520, 599},
	}
	causes := map[int]campaign.Cause{402: campaign.NoCredit, 403: campaign.Forbidden, 404: campaign.NotFound, 405: campaign.Unsupported}
	bodies := []struct {
		text   string
		shaped bool
	}{
		{"", false},
		{seed(t, "no_credit"), true},
		{`{"status":429,"error":"Too Many Requests","message":"retry after 12 seconds.","retryAfter":12}`, true},
		{`{"status":"error","message":"server error","code":8}`, true},
		{"<html><head><title>502 Bad Gateway</title></head><body><hr>nginx</body></html>", false},
		{seed(t, "no_credit")[:50], false},
		{strings.Repeat("x", gateway.MaxBody+10), false},
		{seed(t, "no_credit") + strings.Repeat(" ", gateway.MaxBody), false},
	}
	for kind, codes := range kinds {
		for _, code := range codes {
			for i, body := range bodies {
				says := func(w http.ResponseWriter, r *http.Request) {
					if r.URL.RawQuery == "page=0&limit=1" {
						return
					}
					answers(code, body.text)(w, r)
				}
				for op, call := range blackFriday {
					got := do(t, proven(t, says, func(h http.Handler) (string, http.RoundTripper) {
						return "http://localhost", inProcess{h}
					}), call)
					want, unshaped := kind, kind == campaign.Refused && !body.shaped
					if unshaped {
						want = campaign.Unavailable
					}
					if got.Kind != want || got.Unshaped != unshaped || got.HTTP != code || got.Op != op {
						t.Errorf("%s answered %d, body %d: got %s %d, unshaped %v, want %s", op, code, i, got.Kind, got.HTTP, got.Unshaped, want)
					}
					cause := causes[code]
					switch {
					case code >= 500:
						cause = campaign.Failing
					case code == 400 && got.Field == "credit":
						cause = campaign.NoCredit // by other pages of the vendor
					}
					if got.Cause != cause {
						t.Errorf("%s answered %d, body %d: the cause is %q, want %q", op, code, i, got.Cause, cause)
					}
					if got.Words+got.Err == "" {
						t.Errorf("%s answered %d, body %d: not a word why", op, code, i)
					}
					if len(got.Words) > gateway.MaxWords || len(got.Err) > gateway.MaxWords+100 || len(got.Field) > 64 {
						t.Errorf("%s answered %d, body %d: words without bound", op, code, i)
					}
				}
			}
		}
	}
}

// An answer that breaks off is no answer. Of a 2xx to a call that needs none only
// the code is left.
func TestAnswerThatBreaksOff(t *testing.T) {
	t.Parallel()
	brokenOff := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(code)
			io.WriteString(w, body)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	confirmed := `{"id":1542,"status":"CONFIRMED","confirmedAt":"2026-04-09T09:05:00Z"}`
	for _, tt := range []struct {
		op   campaign.Op
		code int
		body string
		want campaign.Kind
	}{
		{campaign.OpPrice, 200, seed(t, "price"), campaign.Unavailable},
		{campaign.OpCreate, 201, seed(t, "created"), campaign.Unavailable},
		{campaign.OpStatus, 200, confirmed, campaign.Unavailable},
		{campaign.OpConfirm, 202, confirmed, campaign.OK},
		{campaign.OpConfirm, 202, confirmed[:20], campaign.OK},
		{campaign.OpConfirm, 200, "<html>", campaign.Unavailable},
		{campaign.OpConfigure, 200, seed(t, "configured"), campaign.OK},
		{campaign.OpDelete, 200, "", campaign.OK},
		{campaign.OpConfirm, 402, seed(t, "no_credit"), campaign.Unavailable},
		{campaign.OpConfirm, 402, seed(t, "no_credit")[:50], campaign.Unavailable},
	} {
		got := do(t, open(t, brokenOff(tt.code, tt.body)), blackFriday[tt.op])
		if got.Kind != tt.want || got.HTTP != tt.code || (got.Cause == campaign.Unusable) != (tt.want == campaign.Unavailable && tt.code < 300) {
			t.Errorf("%s %d %.20q: got %s %q %q, want %s", tt.op, tt.code, tt.body, got.Kind, got.Cause, got.Err, tt.want)
		}
		if got.Status != "" || got.Echo != nil || !got.ConfirmedAt.IsZero() {
			t.Errorf("%s %d %.20q: it says %q, %v, %s", tt.op, tt.code, tt.body, got.Status, got.Echo, got.ConfirmedAt)
		}
	}
}

func TestRetryAfterComesFromBodyThenHeaderThenUs(t *testing.T) {
	t.Parallel()
	const ours = 10 * time.Second // by default
	tests := []struct {
		body, header string
		want         time.Duration
	}{
		{`{"status":429,"error":"Too Many Requests","message":"retry after 12 seconds.","retryAfter":12}`, "3", 12 * time.Second},
		{`{"retryAfter":"2.5"}`, "", 2500 * time.Millisecond},
		{`{"retryAfter":0}`, "3", 3 * time.Second},
		{`{"retryAfter":-4}`, "", ours},
		{`{"retryAfter":"soon"}`, "0", ours},
		{`{"retryAfter":1e900}`, "", time.Hour},
		{`{"retryAfter":86400}`, "", time.Hour},
		{"", "7", 7 * time.Second},
		{"", "99999999999999999999", ours},
		{"<html>", "", ours},
	}
	for _, tt := range tests {
		g := open(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", tt.header)
			answers(429, tt.body)(w, r)
		})
		if got := do(t, g, blackFriday[campaign.OpStats]); got.Kind != campaign.Throttled || got.RetryAfter != tt.want {
			t.Errorf("body %s, header %q: got %s %s, want throttled %s", tt.body, tt.header, got.Kind, got.RetryAfter, tt.want)
		}
	}
	date := time.Now().Add(100 * time.Second).UTC().Format(http.TimeFormat)
	if got := retryAfter(0, date); got < 90*time.Second || got > 100*time.Second {
		t.Errorf("date: got %s", got)
	}
}
