package doctor_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

func TestTroubleIsASentenceWithARemedy(t *testing.T) {
	t.Parallel()
	for rule, says := range map[string]string{
		`{"status":401,"times":-1}`:                                     "write a key that is valid",
		`{"status":403,"times":-1}`:                                     "ask the vendor",
		`{"status":503,"times":-1}`:                                     "try again later",
		`{"status":404,"body":"html","times":-1}`:                       "UC-006 has /api/partner-gateway/v1",
		`{"status":200,"body":"html","times":-1}`:                       "login page",
		`{"status":302,"body":"empty","times":-1}`:                      "login page",
		`{"cut":true,"times":-1}`:                                       "check --gateway-url",
		`{"status":429,"times":-1}`:                                     "too many calls",
		`{"operation":"create","status":200,"body":"empty","times":-1}`: "a draft could not be made",
		`{"operation":"create","cut":true,"when":"after","times":-1}`:   "is never sent",
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			c := open(t, sandbox.Variants{})
			var f sandbox.Fault
			if err := json.Unmarshal([]byte(rule), &f); err != nil {
				t.Fatal(err)
			}
			if _, err := c.AddFault(f); err != nil {
				t.Fatal(err)
			}
			_, err := doctor.Examine(t.Context(), c.options(false))
			if _, is := errors.AsType[doctor.Trouble](err); !is || !strings.Contains(err.Error(), says) {
				t.Errorf("error %v, want %q in it", err, says)
			}
		})
	}
	if _, err := doctor.Examine(t.Context(), doctor.Options{URL: "gateway.example"}); err == nil || !strings.Contains(err.Error(), "http(s)://") {
		t.Errorf("error %v", err)
	}
}

func TestTroubleOnTheWay(t *testing.T) {
	t.Parallel()
	never := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	secure := httptest.NewTLSServer(http.HandlerFunc(never))
	silent := httptest.NewServer(http.HandlerFunc(never))
	gone := httptest.NewServer(http.HandlerFunc(never))
	gone.Close()
	t.Cleanup(secure.Close)
	t.Cleanup(silent.Close)
	for url, says := range map[string]string{
		secure.URL: "is not to be trusted", gone.URL: "check --gateway-url and the network",
		silent.URL: "did not answer within 50ms", "ftp://gateway.example": "is not a URL",
		strings.Replace(silent.URL, "http:", "https:", 1): "does not speak TLS",
	} {
		o := doctor.Options{URL: url, Key: "secret-key", Timeout: 50 * time.Millisecond}
		if strings.HasPrefix(url, "https") {
			o.Timeout = time.Minute
		}
		_, err := doctor.Examine(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret-key") {
			t.Errorf("%s: %v, want %q in it", url, err, says)
		}
	}
}

// Answers that are none leave a way unknown.
func TestWhatDoesNotAnswerIsUnknown(t *testing.T) {
	t.Parallel()
	for op, ways := range map[sandbox.Operation][]string{
		sandbox.Status: {"read"}, sandbox.Stats: {"stats", "stats_dates"}, sandbox.Delete: {"delete"}, sandbox.Calculate: {"configure"},
	} {
		c := open(t, sandbox.Variants{})
		if _, err := c.AddFault(sandbox.Fault{Operation: op, Status: 502, Body: sandbox.HTML, Times: -1}); err != nil {
			t.Fatal(err)
		}
		report, err := doctor.Examine(t.Context(), c.options(false))
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range ways {
			if got := report.Variant[way]; got != "" {
				t.Errorf("%v does not answer: %s=%s", op, way, got)
			}
		}
		if op == sandbox.Delete && len(report.Left) != 1 {
			t.Errorf("left %v", report.Left)
		}
		if op == sandbox.Status && report.Variant.Verdict().Judgement != doctor.Unclear {
			t.Errorf("the verdict is %s", report.Variant.Verdict().Judgement)
		}
	}
	c := open(t, sandbox.Variants{})
	if _, err := c.AddFault(sandbox.Fault{Operation: sandbox.Delete, Status: 204, Times: -1}); err != nil {
		t.Fatal(err)
	}
	report, err := doctor.Examine(t.Context(), c.options(false))
	if err != nil || report.Variant["delete"] != "ignored" || len(report.Left) != 1 {
		t.Errorf("a DELETE without effect: %s, left %v, %v", report.Variant, report.Left, err)
	}
}
