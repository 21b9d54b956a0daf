package uc006

import (
	"net/http"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// spring404 is a 404 in one of the gateway's own shapes.
const spring404 = `{"status":404,"error":"Not Found","message":"no campaign 1542"}`

// reads answers the read by id and the statistics.
func reads(byID, stats http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.RawQuery == "page=0&limit=1": // the probe
		case strings.HasSuffix(r.URL.Path, "/stats"):
			stats(w, r)
		default:
			byID(w, r)
		}
	}
}

// A read that shows the campaign is believed, whichever of the two it is. If neither
// shows it, the outcome says what was answered, and no more.
func TestStatusIsWhatAReadShows(t *testing.T) {
	t.Parallel()
	unexpected := func(w http.ResponseWriter, _ *http.Request) {
		t.Error("the statistics were asked")
	}
	const html404 = "<html><title>404 Not Found</title>"
	none := campaign.Outcome{Kind: campaign.Unavailable, Cause: campaign.NotFound, HTTP: 404, Unshaped: true, Err: "the gateway answered 404 Not Found without a reason"}
	page := none
	page.Err += "; it begins: 404 Not Found"
	own := campaign.Outcome{Kind: campaign.Refused, Cause: campaign.NotFound, HTTP: 404, Words: "no campaign 1542", ByID: true}
	shownByStats := campaign.Outcome{Kind: campaign.OK, HTTP: 200, Status: campaign.StatusCompleted, Name: "Black Friday 2026"}
	tests := []struct {
		name        string
		byID, stats http.HandlerFunc
		want        campaign.Outcome
	}{
		{"ByID", answers(200, seed(t, "created")), unexpected, campaign.Outcome{Kind: campaign.OK, HTTP: 200, ByID: true, Status: campaign.StatusUnconfirmed,
			Name: "Black Friday 2026", Description: "Promozione Black Friday - sconto 30% su tutto il catalogo"}},
		{"ByIDWithNumbersAlone", answers(200, `{"id":1542,"status":2,"name":null,"description":7}`), unexpected,
			campaign.Outcome{Kind: campaign.OK, HTTP: 200, ByID: true, Status: campaign.StatusSending}},
		{"ByIDRefusesOtherwise", answers(400, `{"status":"fail","data":{"id":"no"}}`), unexpected, campaign.Outcome{Kind: campaign.Refused, HTTP: 400, Field: "id", Words: "no", ByID: true}},
		{"ByIDIsUnavailable", answers(503, "later"), unexpected, campaign.Outcome{Kind: campaign.Unavailable, Cause: campaign.Failing, HTTP: 503, Words: "later"}},

		{"UnsupportedByID", answers(405, ""), answers(200, seed(t, "stats")), shownByStats},
		{"UnsupportedByIDInShape", answers(405, `{"status":405,"error":"Method Not Allowed"}`), answers(200, seed(t, "stats")), shownByStats},
		{"NotFoundByID", answers(404, html404), answers(200, seed(t, "stats")), shownByStats},
		{"NotFoundByIDInShape", answers(404, spring404), answers(200, seed(t, "stats")), shownByStats},
		{"SomebodyElseByID", answers(400, "<html>"), answers(200, seed(t, "stats")), shownByStats},

		// Neither shows it.
		{"OwnAndOwn", answers(404, spring404), answers(404, `{"status":"fail","data":{"campaignId":"unknown"}}`), own},
		{"OwnAndForeign", answers(404, spring404), answers(404, html404), own},
		{"OwnAndNeedsDates", answers(404, spring404), answers(400, `{"status":"fail","data":{"startDate":"required"}}`), own},
		{"OwnAndUnsupported", answers(404, spring404), answers(405, ""), own},
		{"OwnAndNothingOfIt", answers(404, spring404), answers(200, `{"content":[]}`), own},
		{"OwnAndAnotherCampaign", answers(404, spring404), answers(200, strings.Replace(seed(t, "stats"), "1542", "7", 1)), own},
		{"ForeignAndOwn", answers(404, html404), answers(404, spring404), campaign.Outcome{Kind: campaign.Refused, Cause: campaign.NotFound, HTTP: 404, Words: "no campaign 1542"}},
		{"ForeignAndForeign", answers(404, ""), answers(404, html404), page},
		{"ForeignAndNeedsDates", answers(404, html404), answers(400, `{"message":"dates!","status":400}`), campaign.Outcome{Kind: campaign.Refused, HTTP: 400, Words: "dates!"}},
		{"UnsupportedAndForeign", answers(405, `{"status":405,"error":"Method Not Allowed"}`), answers(404, ""), none},
		{"UnsupportedAndOwn", answers(405, ""), answers(404, spring404), campaign.Outcome{Kind: campaign.Refused, Cause: campaign.NotFound, HTTP: 404, Words: "no campaign 1542"}},

		// The statistics may show it yet.
		{"OwnAndUnavailable", answers(404, spring404), answers(503, "later"), campaign.Outcome{Kind: campaign.Unavailable, Cause: campaign.Failing, HTTP: 503, Words: "later"}},
		{"OwnAndThrottled", answers(404, spring404), answers(429, "slowly"), campaign.Outcome{Kind: campaign.Throttled, HTTP: 429, Words: "slowly"}},
		{"OwnAndUnauthorised", answers(404, spring404), answers(401, "who?"), campaign.Outcome{Kind: campaign.Unauthorised, HTTP: 401, Words: "who?"}},
		{"OwnAndForbidden", answers(404, spring404), answers(403, `{"status":403,"error":"not yours"}`), campaign.Outcome{Kind: campaign.Refused, Cause: campaign.Forbidden, HTTP: 403, Words: "not yours"}},
		{"OwnAndForeignForbidden", answers(404, spring404), answers(403, "not yours"), campaign.Outcome{Kind: campaign.Unavailable, Cause: campaign.Forbidden, Unshaped: true, HTTP: 403, Words: "not yours"}},
		{"ForeignAndUnavailable", answers(404, ""), answers(503, "later"), campaign.Outcome{Kind: campaign.Unavailable, Cause: campaign.Failing, HTTP: 503, Words: "later"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := open(t, reads(tt.byID, tt.stats))
			tt.want.Op, tt.want.Breaker = campaign.OpStatus, "closed"
			got := do(t, g, blackFriday[campaign.OpStatus])
			got.RetryAfter = 0 // whatever it is
			if diff := diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if got.Took <= 0 || got.Started.IsZero() {
				t.Errorf("started %s, took %s", got.Started, got.Took)
			}
		})
	}
}

// An answer that breaks off is not read to its end: the campaign may have been in it.
func TestStatisticsThatBreakOffAreNoAnswer(t *testing.T) {
	t.Parallel()
	g := open(t, reads(answers(404, spring404), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		answers(200, seed(t, "stats"))(w, nil)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	if got := do(t, g, blackFriday[campaign.OpStatus]); got.Kind != campaign.Unavailable || got.HTTP != 200 || got.Status != "" || got.ByID {
		t.Errorf("got %+v", got)
	}
}

// If it is known that the read by id does not work, it is not made: one call less each
// time, and the same answer.
func TestStatusOfAGatewayWithoutAReadByID(t *testing.T) {
	t.Parallel()
	byID := func(http.ResponseWriter, *http.Request) { t.Error("it was read by id") }
	for _, tt := range []struct {
		name  string
		stats http.HandlerFunc
		want  campaign.Outcome
	}{
		{"Shown", answers(200, seed(t, "stats")), campaign.Outcome{Kind: campaign.OK, HTTP: 200, Status: campaign.StatusCompleted, Name: "Black Friday 2026"}},
		{"NotThereYet", answers(404, spring404), campaign.Outcome{Kind: campaign.Refused, Cause: campaign.NotFound, HTTP: 404, Words: "no campaign 1542"}},
		{"Unavailable", answers(503, "later"), campaign.Outcome{Kind: campaign.Unavailable, Cause: campaign.Failing, HTTP: 503, Words: "later"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := open(t, reads(byID, tt.stats), func(o *Options) { o.NoRead = true })
			tt.want.Op, tt.want.Breaker = campaign.OpStatus, "closed"
			if diff := diff(tt.want, do(t, g, blackFriday[campaign.OpStatus])); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}
