package app_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	money "github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// A real Prometheus watches a service by the rules of deploy/prometheus. What is broken
// rings, and is quiet once it is mended. In the end each query of the dashboard has
// something to show. Minutes of the rules are a second here.
func TestAlarmsRingAndEnd(t *testing.T) {
	t.Parallel()
	local, err := app.StartLocal(app.LocalOptions{Sandbox: sandbox.Options{Speed: 1000, Rate: sandbox.ProductionRate()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { local.Stop() })
	b := around(t, local)
	o := b.options()
	o.Listen = freePort(t)
	o.Gateway.RatePerMinute, o.Gateway.RatePerSecond = 1000, 50
	o.Gateway.BreakerOpen = 500 * time.Millisecond
	w := watchWithPrometheus(t, o.Listen)
	b.setBudget("0.75 EUR") // the campaign costs 0.70
	begin := func() (stop func() error) { return b.start(b.buildSweeping(o, time.Second)) }
	stop := begin()

	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	if _, err := b.client.Request(t.Context(), b.request, "00-"+trace+"-00f067aa0ba902b7-01"); err != nil {
		t.Fatal(err)
	}
	b.untilEnded()
	w.rings("StaffettaBudgetNearlySpent")
	b.setBudget("500 EUR")
	w.ends("StaffettaBudgetNearlySpent")

	fault, err := b.Sandbox.AddFault(sandbox.Fault{Status: http.StatusServiceUnavailable, Times: -1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		b.askAnother(fmt.Sprint("while-it-is-down-", i))
	}
	w.rings("StaffettaGatewayDown")
	b.Sandbox.RemoveFaults(fault)
	w.ends("StaffettaGatewayDown")
	b.untilEnded()

	b.Sandbox.SetKeys("another")
	b.askAnother("with-a-wrong-key")
	w.rings("StaffettaGatewayRefused")
	w.rings("StaffettaNotReady")
	b.Sandbox.SetKeys(b.Sandbox.Key)
	w.ends("StaffettaGatewayRefused")

	b.lay("", contract.VerbHold, &campaignv1.HoldCampaigns{By: "anna", Why: "wrong prices"})
	w.rings("StaffettaHeld")
	b.lay("", contract.VerbRelease, &campaignv1.ReleaseCampaigns{By: "anna"})
	w.ends("StaffettaHeld")
	w.ends("StaffettaNotReady")

	js, err := jetstream.New(b.connect())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "campaign.v1.request.shop-italia.garbage", []byte("no request")); err != nil {
		t.Fatal(err)
	}
	w.rings("StaffettaDeadLetters")
	w.ends("StaffettaDeadLetters") // an hour later

	if err := b.Sandbox.SetCredit(b.Sandbox.Balance().Credit.Sub(money.NewFromInt(100))); err != nil {
		t.Fatal(err)
	}
	b.askAnother("quoted-after-the-theft")
	b.untilEnded()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	w.rings("StaffettaNotReady")
	begin()
	w.ends("StaffettaNotReady")
	w.rings("StaffettaUnexplainedSpend")

	b.askAnother("for-the-dashboard")
	b.untilEnded()
	for _, query := range queriesOf(t, "../../deploy/grafana/staffetta.json") {
		eventually(t, "the dashboard shows something for "+query, func() bool { return w.answers(query) > 0 })
	}
	eventually(t, "an exemplar leads to the trace", func() bool {
		return strings.Contains(w.get("/api/v1/query_exemplars", url.Values{"query": {"staffetta_gateway_call_duration_seconds_bucket"},
			"start": {"0"}, "end": {fmt.Sprint(time.Now().Add(time.Hour).Unix())}}), trace)
	})
}

// watcher is a Prometheus, and what it told of alarms.
type watcher struct {
	t    *testing.T
	url  string
	mu   sync.Mutex
	rang map[string]bool // by alarm: it rings now
}

// watchWithPrometheus starts a Prometheus that scrapes an address.
func watchWithPrometheus(t *testing.T, address string) *watcher {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		const missing = "prometheus is not here: apt-get install prometheus, and run the test again"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	w := &watcher{t: t, rang: map[string]bool{}}
	told := httptest.NewServer(http.HandlerFunc(w.told))
	t.Cleanup(told.Close)

	rules, err := os.ReadFile("../../deploy/prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	quick := string(rules)
	for long, short := range map[string]string{
		`for: \d+[mh]`: "for: 1s", `\[1h:15s\]`: "[4s:250ms]", `\[\d+[mhd]\]`: "[4s]", ` < 3600`: " < 1",
	} {
		quick = regexp.MustCompile(long).ReplaceAllString(quick, short)
	}
	folder, listen := t.TempDir(), freePort(t)
	write := func(name, content string) string {
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	config := write("prometheus.yaml", `
global: {scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms}
rule_files: [`+write("rules.yaml", quick)+`]
scrape_configs: [{job_name: staffetta, static_configs: [{targets: ["`+address+`"]}]}]
alerting: {alertmanagers: [{static_configs: [{targets: ["`+strings.TrimPrefix(told.URL, "http://")+`"]}]}]}
`)
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config.file", config, "--storage.tsdb.path", filepath.Join(folder, "data"), "--web.listen-address", listen,
		"--enable-feature=exemplar-storage", "--rules.alert.resend-delay=1s", "--log.level=warn")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		//lint:ignore errcheck it was killed
		cmd.Wait()
		log.Close()
		if said, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("Prometheus said:\n%s", said)
		}
	})
	w.url = "http://" + listen
	return w
}

// told gets what Prometheus tells the Alertmanager.
func (w *watcher) told(_ http.ResponseWriter, r *http.Request) {
	var alerts []struct {
		Labels map[string]string
		EndsAt time.Time
	}
	if err := json.NewDecoder(r.Body).Decode(&alerts); err != nil {
		w.t.Errorf("Prometheus told: %v", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range alerts {
		w.rang[a.Labels["alertname"]] = a.EndsAt.After(time.Now())
	}
}

func (w *watcher) is(alarm string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rang[alarm]
}

func (w *watcher) rings(alarm string) {
	w.t.Helper()
	eventually(w.t, alarm+" rings", func() bool { return w.is(alarm) })
}

func (w *watcher) ends(alarm string) {
	w.t.Helper()
	eventually(w.t, alarm+" ends", func() bool { return !w.is(alarm) })
}

func (w *watcher) get(path string, query url.Values) string {
	w.t.Helper()
	resp, err := http.Get(w.url + path + "?" + query.Encode())
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var body json.RawMessage
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		w.t.Fatal(err)
	}
	return string(body)
}

// answers is how many series a query of the dashboard has.
func (w *watcher) answers(query string) int {
	w.t.Helper()
	query = strings.NewReplacer("$__rate_interval", "30s", "[1h]", "[30s]").Replace(query)
	var answer struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	if err := json.Unmarshal([]byte(w.get("/api/v1/query", url.Values{"query": {query}})), &answer); err != nil {
		w.t.Fatal(err)
	}
	if answer.Status != "success" {
		w.t.Fatalf("%s: %s", query, answer.Error)
	}
	return len(answer.Data.Result)
}

// queriesOf are the queries of a dashboard.
func queriesOf(t *testing.T, file string) (all []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		for _, q := range p.Targets {
			all = append(all, q.Expr)
		}
	}
	if len(all) < 30 {
		t.Fatalf("%d queries were found in the dashboard", len(all))
	}
	return all
}

// freePort is an address that nobody listens on, for a program that cannot be asked which
// one it has taken.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
