// Command dashboard writes the dashboard for Grafana, deploy/grafana/staffetta.json: one
// row for each question that somebody who runs Staffetta asks. test/alarms executes each
// query against a service that runs.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// query is one line, or one for each series.
type query struct{ expr, legend string }

type panel struct {
	title, about, unit string
	queries            []query
}

type row struct {
	question string
	panels   []panel
}

var rows = []row{
	{"Does money flow?", []panel{
		{"Campaigns under way", "As the last sweep counted them, and as each service has moved them since.", "short", []query{
			{`max by (state) (staffetta_campaigns{state!~"completed|rejected|cancelled|failed"})`, "{{state}}"}}},
		{"Campaigns that ended", "For one hour each.", "short", []query{{`sum by (state) (increase(staffetta_campaigns_ended_total[1h]))`, "{{state}}"}}},
		{"Money confirmed", "What confirmed campaigns agreed to pay, for one hour each.", "short", []query{
			{`sum by (account, currency) (increase(staffetta_money_confirmed_total[1h]))`, "{{account}} {{currency}}"}}},
		{"Credit", "What the account has by the last quote, and what left it that no campaign explains.", "short", []query{
			{`max by (account, currency) (staffetta_gateway_credit)`, "{{account}} {{currency}}"},
			{`max by (account, currency) (staffetta_gateway_credit_unexplained)`, "unexplained {{account}} {{currency}}"}}},
		{"Budgets", "How much of each is spent or reserved.", "percentunit", []query{
			{`max by (budget, period, currency) ((staffetta_budget_spent + staffetta_budget_reserved) / (staffetta_budget_limit > 0))`, "{{budget}} {{period}}"},
			{`max by (budget, period) (staffetta_budget_foreign_costs)`, "{{budget}} {{period}} in another currency"}}},
		{"Budgets are looked after", "Since the last look, and what it found.", "short", []query{
			{`time() - max(staffetta_budget_last_sweep_timestamp_seconds)`, "seconds since"},
			{`sum(increase(staffetta_budget_sweep_settled_total[1h]))`, "settled late"},
			{`max(staffetta_budget_sweep_without_record)`, "without a record"},
			{`min(staffetta_budgets_heeded)`, "enforced by all"}}},
	}},
	{"Does the gateway answer?", []panel{
		{"Calls", "A second, by what became of them.", "reqps", []query{{`sum by (kind) (rate(staffetta_gateway_call_duration_seconds_count[$__rate_interval]))`, "{{kind}}"}}},
		{"How long calls take", "95 of 100 are faster.", "s", []query{
			{`histogram_quantile(0.95, sum by (op, le) (rate(staffetta_gateway_call_duration_seconds_bucket{kind="ok"}[$__rate_interval])))`, "{{op}}"}}},
		{"Breaker and key", "1: closed, accepted.", "short", []query{
			{`staffetta_gateway_breaker_state{state="closed"}`, "closed {{instance}} {{account}}"},
			{`staffetta_gateway_authorised`, "accepted {{instance}} {{account}}"}}},
		{"The account's rate", "Calls in a minute.", "short", []query{
			{`max by (account) (staffetta_gateway_rate_used)`, "used {{account}}"},
			{`max by (account) (staffetta_gateway_rate_limit)`, "limit {{account}}"},
			{`max by (account) (staffetta_gateway_foreign_calls)`, "of somebody else {{account}}"}}},
		{"The rate is shared", "1: with all services; and for how long nobody calls.", "short", []query{
			{`staffetta_gateway_rate_shared`, "shared {{instance}} {{account}}"},
			{`staffetta_gateway_rate_closed_seconds`, "closed for {{instance}} {{account}}"}}},
		{"Pace", "Messages a second that one sending is expected to get.", "short", []query{
			{`staffetta_gateway_pace_messages_per_second`, "{{instance}} {{account}}"},
			{`staffetta_gateway_pace_sendings_seen`, "sendings seen {{instance}} {{account}}"}}},
		{"It answers in another way", "Than staffetta doctor learnt; for one hour each.", "short", []query{
			{`sum by (way) (increase(staffetta_gateway_changed_total[1h]))`, "{{way}}"}}},
	}},
	{"What waits?", []panel{
		{"Left alone", "For how long the campaign that waits longest should have been looked at.", "s", []query{{`max(staffetta_oldest_unprogressed_seconds)`, "oldest"}}},
		{"Calls that the rate holds back", "More replicas make none of them.", "short", []query{{`max by (account) (staffetta_gateway_limiter_waiting)`, "{{account}}"}}},
		{"Messages in hand", "", "short", []query{{`sum(staffetta_in_flight)`, "in hand"}, {`max(staffetta_oldest_in_flight_seconds)`, "the oldest, in seconds"}}},
		{"Held", "1: nothing of that source is begun or confirmed; * is everything.", "short", []query{{`max by (source) (staffetta_held)`, "{{source}}"}}},
		{"Put aside", "Dead letters, for one hour each, and how many are kept.", "short", []query{
			{`sum by (reason) (increase(staffetta_dead_letters_total[1h]))`, "{{reason}}"}, {`max(staffetta_dead_letters_kept)`, "kept"}}},
		{"Left out by schedules", "For one hour each.", "short", []query{{`sum by (reason) (increase(staffetta_schedule_skipped_total[1h]))`, "{{reason}}"}}},
		{"Texts kept for too long", "", "short", []query{{`max(staffetta_campaigns_outlived)`, "campaigns"}}},
	}},
	{"Are the streams, and the service, healthy?", []panel{
		{"Ready", "1: it can do its work.", "short", []query{{`staffetta_ready`, "{{instance}}"}, {`up{job="staffetta"}`, "scraped {{instance}}"}, {`staffetta_nats_connected`, "NATS {{instance}}"}}},
		{"Consumers pull", "0 as well while one is paused.", "short", []query{{`min by (consumer) (staffetta_consumer_pulling)`, "{{consumer}}"}}},
		{"Wake-ups", "A second, by what became of them.", "ops", []query{{`sum by (verdict) (rate(staffetta_wakeup_duration_seconds_count[$__rate_interval]))`, "{{verdict}}"}}},
		{"Sweep", "Since the last one, and what it had to wake.", "short", []query{
			{`time() - max(staffetta_last_sweep_timestamp_seconds)`, "seconds since"},
			{`sum(increase(staffetta_sweep_overdue_total[1h]))`, "overdue"},
			{`sum(increase(staffetta_sweep_requests_without_record_total[1h]))`, "without a record"}}},
		{"What must never happen", "For one hour each.", "short", []query{
			{`sum(increase(staffetta_records_lost_total[1h]))`, "records lost"},
			{`sum(increase(staffetta_records_unsaved_total[1h]))`, "records not saved"},
			{`sum(increase(staffetta_records_disbelieved_total[1h]))`, "records not believed"},
			{`sum(increase(staffetta_events_broken_total[1h]))`, "events broken"},
			{`sum(increase(staffetta_cost_told_otherwise_total[1h]))`, "costs told otherwise"},
			{`max(staffetta_consumption_stopped)`, "stopped"}}},
		{"Builds", "Which versions run.", "short", []query{{`count by (version, revision) (staffetta_build_info)`, "{{version}} {{revision}}"}}},
	}},
}

func main() {
	board, err := build()
	if err != nil {
		log.Fatal(err)
	}
	if len(os.Args) != 2 {
		log.Fatal("say which file to write")
	}
	if err := os.WriteFile(os.Args[1], board, 0o644); err != nil {
		log.Fatal(err)
	}
}

func build() ([]byte, error) {
	source, kind := "${datasource}", "prometheus"
	ref := common.DataSourceRef{Type: &kind, Uid: &source}
	b := dashboard.NewDashboardBuilder("Staffetta").Uid("staffetta").Tags([]string{"staffetta"}).
		Description("Written by make generate from tools/dashboard. Alarms and what to do: docs/operations.md.").
		Time("now-6h", "now").Refresh("1m").Timezone("browser").Readonly().
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Prometheus").Type(kind))
	for _, r := range rows {
		b.WithRow(dashboard.NewRowBuilder(r.question))
		for _, p := range r.panels {
			t := timeseries.NewPanelBuilder().Title(p.title).Description(p.about).Datasource(ref).Unit(p.unit).Height(8).Span(8)
			for i, q := range p.queries {
				t.WithTarget(prometheus.NewDataqueryBuilder().RefId(fmt.Sprintf("%c", 'A'+i)).Expr(q.expr).LegendFormat(q.legend).Exemplar(true).Range())
			}
			b.WithPanel(t)
		}
	}
	board, err := b.Build()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err = enc.Encode(board)
	return out.Bytes(), err
}
