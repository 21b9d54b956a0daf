package gateway

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Every row of the design's table, for every call: the kind hangs on the
// status code alone, whatever the body is. (The probe, which a create asks that
// finds nothing, finds the gateway.)
func TestEveryStatusCodeIsSorted(t *testing.T) {
	t.Parallel()
	kinds := map[campaign.Kind][]int{
		campaign.Refused:      {400, 402, 404, 405, 406, 409, 410, 413, 415, 418, 422, 423, 451, 499},
		campaign.Unauthorised: {401},
		campaign.Throttled:    {429},
		campaign.Unavailable:  {300, 301, 302, 303, 304, 307, 308, 408, 500, 501, 502, 503, 504, 520, 599},
	}
	bodies := []string{
		"",
		seed(t, "no_credit"),
		`{"status":429,"error":"Too Many Requests","message":"retry after 12 seconds.","retryAfter":12}`,
		`{"status":"error","message":"server error","code":8}`,
		"<html><head><title>502 Bad Gateway</title></head><body><hr>nginx</body></html>",
		seed(t, "no_credit")[:50],
		strings.Repeat("x", maxBody+10),
	}
	for kind, codes := range kinds {
		for _, code := range codes {
			for i, body := range bodies {
				c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.RawQuery == "page=0&limit=1" {
						return
					}
					answers(code, body)(w, r)
				})
				for op, call := range blackFriday {
					c.limit = newLimiter(0, 0, 1, 0) // that no 429 stops
					got := c.Call(t.Context(), call)
					if got.Kind != kind || got.HTTP != code || got.Op != op {
						t.Errorf("%s answered %d, body %d: got %s %d, want %s", op, code, i, got.Kind, got.HTTP, kind)
					}
					if got.Words+got.Err == "" {
						t.Errorf("%s answered %d, body %d: not a word why", op, code, i)
					}
					if len(got.Words) > maxWords || len(got.Err) > maxWords+100 || len(got.Field) > 64 {
						t.Errorf("%s answered %d, body %d: words without bound", op, code, i)
					}
				}
			}
		}
	}
}

// clientOf is the client alone: no breaker and no gate come between.
func clientOf(t *testing.T, h http.HandlerFunc) *client {
	t.Helper()
	return open(t, h).client
}

// 2xx is a success only if it says what is needed. Confirm, configure and
// delete need nothing: a 2xx means that it happened, unless it is a web page, which
// somebody on the way has answered with.
func TestSuccessNeedsWhatTheCallNeeds(t *testing.T) {
	t.Parallel()
	ok := map[campaign.Op][]string{
		campaign.OpCreate:    {`{"id":1}`},
		campaign.OpConfigure: {"", "null", `{"id":154`, `[]`, strings.Repeat(" ", maxBody+1), `{"id":"1542"}`},
		campaign.OpConfirm:   {"", "null", `{"id":154`, `[]`, strings.Repeat(" ", maxBody+1), `{"id":1542,"confirmedAt":"yesterday"}`},
		campaign.OpDelete:    {"", "{}"},
		campaign.OpStatus:    {`{"status":1}`},
		campaign.OpStats:     {`{"status":"CONFIRMED"}`, `{"status":"SENDING","stats":null}`, `{"status":2,"stats":{"total":3,"sent":1,"delivered":0,"undelivered":0,"pending":3}}`},
	}
	unusable := map[campaign.Op][]string{
		campaign.OpCreate: {"", "null", "<html>", `{}`, `{"id":0}`, `{"id":-4}`, `{"id":1542.5}`, `{"id":"lst_1"}`, `{"id":1542`, `{"id":99999999999999999999}`,
			`{"status":"fail","data":{"name":"taken"}}`, `{"id":7,` + strings.Repeat(" ", maxBody) + `}`},
		campaign.OpConfigure: {`{"status":"fail","data":{}}`, `{"id":7}`, "<html>"},
		campaign.OpConfirm:   {`{"status":"error","message":"no"}`, `{"id":7,"status":"CONFIRMED"}`, "<html>", " \n<!doctype", "<p>" + strings.Repeat(" ", maxBody)},
		campaign.OpDelete:    {"<html>", `{"status":"fail","data":{}}`},
		campaign.OpCalculate: {"", "{}", `{"totalRecipients":1,"validRecipients":1,"invalidRecipients":0}`, `{"totalRecipients":1,"validRecipients":null,"invalidRecipients":0,"estimatedParts":1}`,
			`{"totalRecipients":1,"validRecipients":-1,"invalidRecipients":0,"estimatedParts":1}`, strings.Replace(seed(t, "calculated"), "1542", "1543", 1)},
		campaign.OpPrice: {"", "{}", without(seed(t, "price"), "currency"), without(seed(t, "price"), "totalPrice"), without(seed(t, "price"), "availableCredit"),
			without(seed(t, "price"), "pricePerMessage"), without(seed(t, "price"), "sufficient"), strings.Replace(seed(t, "price"), "344.09", "1e999999999", 1),
			strings.Replace(seed(t, "price"), "344.09", "-344.09", 1), strings.Replace(seed(t, "price"), "344.09", `"much"`, 1), strings.Replace(seed(t, "price"), "1542", "1543", 1)},
		campaign.OpStatus: {"", "{}", "[]", `{"id":1543,"status":1}`},
		campaign.OpStats: {"", "{}", `[{"sent":1}]`, `{"status":"COMPLETED"}`, without(seed(t, "stats"), "pending"), without(seed(t, "stats"), "total"),
			strings.Replace(seed(t, "stats"), "289", "-289", 1), strings.Replace(seed(t, "stats"), "1542", "1543", 1)},
	}
	check := func(table map[campaign.Op][]string, want campaign.Kind) {
		for op, bodies := range table {
			for _, body := range bodies {
				got := clientOf(t, answers(200, body)).Call(t.Context(), blackFriday[op])
				if got.Kind != want || got.HTTP != 200 || (want == campaign.OK) != (got.Err == "") {
					t.Errorf("%s answered 200 %.60s: got %s %q, want %s", op, body, got.Kind, got.Err, want)
				}
			}
		}
	}
	check(ok, campaign.OK)
	check(unusable, campaign.Unavailable)
}

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

// An answer that breaks off is no answer, except where the code says it all.
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
	tests := []struct {
		op   campaign.Op
		code int
		want campaign.Kind
	}{
		{campaign.OpPrice, 200, campaign.Unavailable},
		{campaign.OpCreate, 201, campaign.Unavailable},
		{campaign.OpConfirm, 202, campaign.OK},
		{campaign.OpConfirm, 402, campaign.Refused},
		{campaign.OpDelete, 200, campaign.OK},
	}
	for _, tt := range tests {
		got := clientOf(t, brokenOff(tt.code, `{"status":"fail","data":{"credit":"Insuf`)).Call(t.Context(), blackFriday[tt.op])
		if got.Kind != tt.want || got.HTTP != tt.code {
			t.Errorf("%s %d: got %s %q, want %s", tt.op, tt.code, got.Kind, got.Err, tt.want)
		}
	}
}

func TestRetryAfterComesFromBodyThenHeaderThenUs(t *testing.T) {
	t.Parallel()
	const ours = 10 * time.Second
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
		}, func(o *Options) { o.RetryAfter = ours })
		if got := do(t, g, blackFriday[campaign.OpStats]); got.Kind != campaign.Throttled || got.RetryAfter != tt.want {
			t.Errorf("body %s, header %q: got %s %s, want throttled %s", tt.body, tt.header, got.Kind, got.RetryAfter, tt.want)
		}
	}
	date := time.Now().Add(100 * time.Second).UTC().Format(http.TimeFormat)
	if got := retryAfter(0, date, ours); got < 90*time.Second || got > 100*time.Second {
		t.Errorf("date: got %s", got)
	}
}

// After a 429 nobody calls, not even who had the leave already.
func TestThrottledStopsEverybody(t *testing.T) {
	t.Parallel()
	calls := 0
	g := open(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		answers(429, `{"retryAfter":60}`)(w, r)
	})
	inHand, _ := g.Admit(t.Context(), campaign.OpConfirm)
	if got := do(t, g, blackFriday[campaign.OpStats]); got.Kind != campaign.Throttled {
		t.Fatalf("got %s", got.Kind)
	}
	permit, no := g.Admit(t.Context(), campaign.OpCreate)
	if permit != nil || no.Kind != campaign.Throttled || no.RetryAfter < 50*time.Second {
		t.Errorf("admitted after a 429: %v, %s, retry after %s", permit != nil, no.Kind, no.RetryAfter)
	}
	if got := inHand.Call(t.Context(), blackFriday[campaign.OpConfirm]); got.Kind != campaign.NotAttempted || got.RetryAfter < 50*time.Second {
		t.Errorf("the leave in hand: got %s, retry after %s", got.Kind, got.RetryAfter)
	}
	if calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
	if g.BreakerState() != "closed" {
		t.Error("the breaker counted a 429")
	}
}

// What was quoted holds until the gateway says a cost: an amount that is not
// below zero, and its currency.
func TestCostNeedsAmountAndCurrency(t *testing.T) {
	t.Parallel()
	whole := seed(t, "stats")
	for name, body := range map[string]string{
		"NoCurrency":    strings.Replace(whole, ",\n\"currency\": \"EUR\"", "", 1),
		"EmptyCurrency": strings.Replace(whole, `"EUR"`, `""`, 1),
		"NoAmount":      strings.Replace(whole, "\"totalCredits\": 344.09,\n", "", 1),
		"NullAmount":    strings.Replace(whole, "344.09", "null", 1),
		"BelowZero":     strings.Replace(whole, "344.09", "-344.09", 1),
		"Nothing":       strings.Replace(whole, "\"totalCredits\": 344.09,\n\"currency\": \"EUR\"", "", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if body == whole {
				t.Fatal("nothing was left out")
			}
			o := clientOf(t, answers(200, body)).Call(t.Context(), blackFriday[campaign.OpStats])
			if o.Kind != campaign.OK || o.Stats.Delivered != 9542 || !o.Stats.Cost.Equal(campaign.Money{}) {
				t.Errorf("got %s %q, %d delivered, cost %q; want no cost", o.Kind, o.Err, o.Stats.Delivered, o.Stats.Cost)
			}
		})
	}
}
