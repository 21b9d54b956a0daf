package ops_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/ops"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// bundle is an Ops, what it logged and what it answers.
type bundle struct {
	*ops.Ops
	t   *testing.T
	log *bytes.Buffer
}

func setup(t *testing.T) *bundle {
	var log bytes.Buffer
	l, err := ops.NewLogger(&log, "info", "json")
	if err != nil {
		t.Fatal(err)
	}
	return &bundle{ops.New(ops.Options{Log: l, Version: "1.2.3"}), t, &log}
}

func (b *bundle) get(path string) (int, string) {
	b.t.Helper()
	w := httptest.NewRecorder()
	b.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return w.Code, string(body)
}

// metric is the value of one series, as /metrics prints it; "" if it is absent.
func (b *bundle) metric(series string) string {
	b.t.Helper()
	_, body := b.get("/metrics")
	for line := range strings.Lines(body) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), series+" "); ok {
			return v
		}
	}
	return ""
}

// line is the only line that was logged, without its time.
func (b *bundle) line() map[string]any {
	b.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(b.log.Bytes(), &m); err != nil {
		b.t.Fatalf("%v: %s", err, b.log)
	}
	delete(m, "time")
	return m
}

var key = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}

func TestTransition(t *testing.T) {
	t.Parallel()
	moved := campaign.Campaign{
		Key: key, State: campaign.Confirming, Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		Draft:   &campaign.Bound{ID: 1542},
		Request: campaign.Request{Name: "Black Friday 2026", Text: "Solo per te: -30%"},
		Waiting: "the gateway did not answer create: Solo per te +393331234567",
		Outbox:  []campaign.Event{{Type: campaign.EventCostCalculated, N: 1}},
	}

	t.Run("IsOneLineWithWhoAndWhere", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Moved(moved, campaign.Drafted, loop.Revision{Seq: 7})
		want := map[string]any{
			"level": "INFO", "msg": "campaign moved", "key": "shop-italia.bf-2026", "state": "confirming", "from": "drafted",
			"revision": 7.0, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "campaign_id": 1542.0,
		}
		if diff := cmp.Diff(want, b.line()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("IsCountedWithTheEventsItOwes", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Moved(moved, campaign.Drafted, loop.Revision{})
		b.Moved(campaign.Campaign{Key: key, State: campaign.Rejected}, campaign.Rejecting, loop.Revision{})
		for series, want := range map[string]string{
			`staffetta_transitions_total{from="drafted",to="confirming"}`:  "1",
			`staffetta_transitions_total{from="rejecting",to="rejected"}`:  "1",
			`staffetta_transitions_total{from="none",to="drafted"}`:        "",
			`staffetta_events_published_total{type="cost_calculated"}`:     "1",
			`staffetta_campaigns_ended_total{state="rejected"}`:            "1",
			`staffetta_campaigns_ended_total{state="completed"}`:           "0",
			`staffetta_transitions_total{from="confirmed",to="confirmed"}`: "",
			`staffetta_transitions_total{from="completed",to="sending"}`:   "",
		} {
			if got := b.metric(series); got != want {
				t.Errorf("%s = %q, want %q", series, got, want)
			}
		}
	})
	t.Run("IsNoneWhenNothingMoved", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Moved(moved, campaign.Confirming, loop.Revision{Seq: 8})
		if b.log.Len() > 0 {
			t.Errorf("logged %s", b.log)
		}
	})
}

func TestCalledShowsWhatFailedAndNotTheGatewaysWords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Called(campaign.Campaign{Key: key}, runner.Found{}, campaign.Outcome{Op: campaign.OpCreate, Kind: campaign.OK, Took: 20 * time.Millisecond})
	if b.log.Len() > 0 {
		t.Errorf("logged a call that went well: %s", b.log)
	}
	b.Called(campaign.Campaign{Key: key}, runner.Found{}, campaign.Outcome{Op: campaign.OpConfigure, Kind: campaign.Refused, HTTP: 400, Field: "text",
		Words: "cannot send: Solo per te", Err: "", Took: 12 * time.Millisecond, Breaker: "closed"})
	want := map[string]any{
		"level": "WARN", "msg": "gateway called", "key": "shop-italia.bf-2026", "op": "configure", "kind": "refused",
		"took": "12ms", "http_status": 400.0, "field": "text", "breaker": "closed",
	}
	if diff := cmp.Diff(want, b.line()); diff != "" {
		t.Error(diff)
	}
	if got := b.metric(`staffetta_gateway_call_duration_seconds_count{kind="refused",op="configure"}`); got != "1" {
		t.Errorf("refused configures counted: %q", got)
	}
	if got := b.metric(`staffetta_gateway_call_duration_seconds_bucket{kind="ok",op="create",le="0.025"}`); got != "1" {
		t.Errorf("creates within 25 ms: %q", got)
	}
}

// A budget without room is seen in the log and in a metric, and not among the calls to
// the gateway.
func TestCallsToTheLedgerAreItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Called(campaign.Campaign{Key: key}, runner.Found{}, campaign.Outcome{Op: campaign.OpReserve, Kind: campaign.Refused, Field: "shop-italia, day 2026-11-27",
		Words: "it has 12.00 EUR left", Took: 3 * time.Millisecond})
	want := map[string]any{
		"level": "WARN", "msg": "ledger called", "key": "shop-italia.bf-2026", "op": "reserve", "kind": "refused",
		"took": "3ms", "budget": "shop-italia, day 2026-11-27",
	}
	if diff := cmp.Diff(want, b.line()); diff != "" {
		t.Error(diff)
	}
	for series, want := range map[string]string{
		`staffetta_ledger_call_duration_seconds_count{kind="refused",op="reserve"}`:  "1",
		`staffetta_gateway_call_duration_seconds_count{kind="refused",op="reserve"}`: "",
	} {
		if got := b.metric(series); got != want {
			t.Errorf("%s = %q, want %q", series, got, want)
		}
	}
}

// A new kind of call is counted, whatever its outcome, by where it goes.
func TestEveryCallIsCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, op := range campaign.Ops {
		if op.To() == campaign.ToStreams {
			continue // that is not reported
		}
		for _, kind := range campaign.Kinds {
			b.Called(campaign.Campaign{Key: key}, runner.Found{}, campaign.Outcome{Op: op, Kind: kind})
			series := fmt.Sprintf("staffetta_%s_call_duration_seconds_count{kind=%q,op=%q}", op.To(), kind, op)
			if got := b.metric(series); got != "1" {
				t.Errorf("%s = %q, want 1", series, got)
			}
		}
	}
}

func TestHandled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: campaign.Request{Text: "Solo per te"}}
	b.Handled(w, runner.Found{}, loop.Verdict{Do: loop.Ack}, time.Millisecond)
	b.Handled(w, runner.Found{}, loop.Verdict{Do: loop.Bury, Reason: "conflicting_duplicate"}, time.Millisecond)
	b.Buried("conflicting_duplicate")
	b.Buried("a reason of tomorrow")
	for series, want := range map[string]string{
		`staffetta_wakeup_duration_seconds_count{kind="request",verdict="ack"}`:  "1",
		`staffetta_wakeup_duration_seconds_count{kind="request",verdict="bury"}`: "1",
		`staffetta_dead_letters_total{reason="conflicting_duplicate"}`:           "1",
		`staffetta_dead_letters_total{reason="other"}`:                           "1",
		`staffetta_dead_letters_total{reason="invalid"}`:                         "0",
	} {
		if got := b.metric(series); got != want {
			t.Errorf("%s = %q, want %q", series, got, want)
		}
	}
	if strings.Contains(b.log.String(), "Solo per te") {
		t.Errorf("the message was logged: %s", b.log)
	}
}

// A campaign's text and people's numbers never appear, whatever is logged one day.
func TestLoggerHidesPhoneNumbers(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	l, err := ops.NewLogger(&log, "debug", "text")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"no such recipient +393331234567", "no such recipient 393331234567", "+39 333 123 4567", "0039 333 1234567",
		"number 333 1234567 is malformed", "+39-333-1234567",
	} {
		log.Reset()
		l.Info("gateway", "error", s)
		if got := log.String(); strings.Contains(got, "333") || strings.Contains(got, "4567") {
			t.Errorf("%q was logged as %s", s, got)
		}
	}
	for _, s := range []string{
		"2026-11-29T08:00:00Z", "10.0.0.1:4222", "HTTP 503 after 12.5s", "http://127.0.0.1:38421/api", "344.09 EUR of 1500.00", "stream seq 123456",
	} {
		log.Reset()
		l.Info("gateway", "error", s)
		if got := log.String(); !strings.Contains(got, s) {
			t.Errorf("%q was logged as %s", s, got)
		}
	}
}

func TestLoggerHidesWhatANoteQuotes(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	l, err := ops.NewLogger(&log, "info", "json")
	if err != nil {
		t.Fatal(err)
	}
	l.Warn("dead letter", "reason", "not_json", "note", `syntax error (line 1:9): unexpected token "Solo per te"`)
	if got := log.String(); strings.Contains(got, "Solo") || !strings.Contains(got, "line 1:9") {
		t.Errorf("logged %s", got)
	}
}

func TestNewLoggerSaysWhatItKnows(t *testing.T) {
	t.Parallel()
	if _, err := ops.NewLogger(io.Discard, "loud", "json"); err == nil || !strings.Contains(err.Error(), "want debug, info, warn or error") {
		t.Errorf("level loud: %v", err)
	}
	if _, err := ops.NewLogger(io.Discard, "info", "xml"); err == nil || !strings.Contains(err.Error(), "want json or text") {
		t.Errorf("format xml: %v", err)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	yes := func() (string, bool) { return "connected", true }
	no := func() (string, bool) { return "not connected: RECONNECTING", false }

	t.Run("WhenEveryCheckSaysSo", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Check("nats", yes)
		code, body := b.get("/readyz")
		want := `{
  "ready": true,
  "checks": [
    {
      "name": "nats",
      "ok": true,
      "how": "connected"
    }
  ]
}
`
		if diff := cmp.Diff(want, body); code != http.StatusOK || diff != "" {
			t.Errorf("%d: %s", code, diff)
		}
	})
	t.Run("NotWhenOneSaysNo", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Check("nats", no)
		b.Check("gateway key", yes)
		code, body := b.get("/readyz")
		if code != http.StatusServiceUnavailable || !strings.Contains(body, "not connected: RECONNECTING") {
			t.Errorf("%d: %s", code, body)
		}
	})
	t.Run("WhateverANoteSays", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Check("nats", yes)
		b.Note("breaker", func() (string, bool) { return "open", false })
		code, body := b.get("/readyz")
		if code != http.StatusOK || !strings.Contains(body, `"how": "open"`) {
			t.Errorf("%d: %s", code, body)
		}
	})
	t.Run("NotWhileStopping", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Check("nats", yes)
		b.Stopping()
		if code, body := b.get("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "it is stopping") {
			t.Errorf("%d: %s", code, body)
		}
		if code, _ := b.get("/livez"); code != http.StatusOK {
			t.Errorf("livez says %d: it would be killed while it drains", code)
		}
	})
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Gauge("in_flight", "Wake-ups being handled.", func() float64 { return 3 })
	b.OneOf("gateway_breaker_state", "Which.", "state", []string{"closed", "open"}, func() string { return "open" })
	b.Handle("GET /page", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a page") }))

	if code, body := b.get("/"); code != http.StatusOK || !strings.Contains(body, "/readyz") {
		t.Errorf("/: %d %s", code, body)
	}
	if code, body := b.get("/page"); code != http.StatusOK || body != "a page" {
		t.Errorf("/page: %d %s", code, body)
	}
	if code, _ := b.get("/nothing"); code != http.StatusNotFound {
		t.Errorf("/nothing: %d", code)
	}
	if code, body := b.get("/livez"); code != http.StatusOK || !strings.Contains(body, `"version": "1.2.3"`) {
		t.Errorf("/livez: %d %s", code, body)
	}
	for series, want := range map[string]string{
		"staffetta_in_flight":                             "3",
		`staffetta_gateway_breaker_state{state="open"}`:   "1",
		`staffetta_gateway_breaker_state{state="closed"}`: "0",
	} {
		if got := b.metric(series); got != want {
			t.Errorf("%s = %q, want %q", series, got, want)
		}
	}
	_, body := b.get("/metrics")
	if !strings.Contains(body, `staffetta_build_info{goversion="go1.`) {
		t.Error("no build_info")
	}
	count := b.CounterOf("left_out_total", "Things.", "reason", []string{"one", "two"})
	count("two")
	count("three, which is none")
	for series, want := range map[string]string{
		`staffetta_left_out_total{reason="one"}`: "0",
		`staffetta_left_out_total{reason="two"}`: "1",
	} {
		if got := b.metric(series); got != want {
			t.Errorf("%s = %q, want %q", series, got, want)
		}
	}
	// Labels come from closed sets: none of them is a campaign.
	b.Moved(campaign.Campaign{Key: key, State: campaign.Drafted}, "", loop.Revision{})
	if _, body := b.get("/metrics"); strings.Contains(body, "shop-italia") {
		t.Error("a campaign's key is in the metrics")
	}
}

// A slow call leads to the trace of its campaign. What a sender wrote for a trace, and is
// none, ends nothing.
func TestCallsHaveExemplars(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	b.Called(campaign.Campaign{Key: key, Trace: "00-" + id + "-00f067aa0ba902b7-01"}, runner.Found{}, campaign.Outcome{Op: campaign.OpCreate, Kind: campaign.OK})
	b.Called(campaign.Campaign{Key: key, Trace: "00-" + strings.Repeat("x", 300) + "-1-01"}, runner.Found{}, campaign.Outcome{Op: campaign.OpCreate, Kind: campaign.OK})
	b.Handled(runner.Wakeup{Key: key, Kind: runner.WakeTimer}, runner.Found{Trace: "00-" + id + "-00f067aa0ba902b7-01"}, loop.Verdict{Do: loop.Ack}, 0)
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	for _, series := range []string{`staffetta_gateway_call_duration_seconds_bucket{kind="ok",op="create",le="0.005"} 2`, `staffetta_wakeup_duration_seconds_bucket{kind="timer",verdict="ack",le="0.005"} 1`} {
		if !strings.Contains(w.Body.String(), series+` # {trace_id="`+id+`"}`) {
			t.Errorf("%s has no exemplar", series)
		}
	}
}

// What was agreed to pay is counted where the confirm is saved; a simulation pays nothing.
func TestMoneyIsCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	total, err := campaign.ParseMoney("344.09 EUR")
	if err != nil {
		t.Fatal(err)
	}
	confirmed := campaign.Campaign{Key: key, State: campaign.Confirmed, Account: "bianchi", Outbox: []campaign.Event{
		{Type: campaign.EventConfirmed, N: 1, Quote: &campaign.Quote{Price: campaign.Price{Total: total}}}}}
	b.Moved(confirmed, campaign.Confirming, loop.Revision{})
	confirmed.Request.Simulation = true
	b.Moved(confirmed, campaign.Confirming, loop.Revision{})
	if got := b.metric(`staffetta_money_confirmed_total{account="bianchi",currency="EUR"}`); got != "344.09" {
		t.Errorf("confirmed %s EUR", got)
	}
}

// BenchmarkMoved is what the observer costs the loop.
func BenchmarkMoved(b *testing.B) {
	l, err := ops.NewLogger(io.Discard, "info", "json")
	if err != nil {
		b.Fatal(err)
	}
	o := ops.New(ops.Options{Log: l})
	c := campaign.Campaign{Key: key, State: campaign.Confirming, Draft: &campaign.Bound{ID: 1542},
		Outbox: []campaign.Event{{Type: campaign.EventCostCalculated, N: 1}}}
	b.ReportAllocs()
	for b.Loop() {
		o.Moved(c, campaign.Drafted, loop.Revision{Seq: 7})
	}
}
