package ops

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Every label comes from a closed set. A series that operators put an alarm on exists
// from the start: a rate over a counter that did not exist yet shows nothing on the
// first day. Every other series comes with its first event, otherwise /metrics would be
// a thousand lines of zeros. Each is resolved once, so counting costs a map read and an
// atomic add.
type (
	edge struct{ from, to campaign.State }
	call struct {
		op   campaign.Op
		kind campaign.Kind
	}
	handled struct {
		kind    runner.WakeupKind
		verdict loop.Disposal
	}
)

type meters struct {
	transitions counters[edge]
	ended       counters[campaign.State]
	events      counters[string]
	dead        counters[deadletter.Reason]
	calls       histograms[call]
	wakeups     histograms[handled]
	waits       histograms[campaign.Op]

	unsaved prometheus.Counter
	money   *prometheus.CounterVec
}

func newMeters(r *prometheus.Registry, version string) meters {
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "staffetta_build_info",
		Help: "Always 1; the labels say which build runs."}, []string{"version", "revision", "goversion"})
	build.WithLabelValues(version, revision(), runtime.Version()).Set(1)

	transitions := counter(r, "staffetta_transitions_total", "Campaigns that went from one state to another.", "from", "to")
	ended := counter(r, "staffetta_campaigns_ended_total", "Campaigns that reached a final state.", "state")
	events := counter(r, "staffetta_events_published_total", "Events that saved records owed the world; each is in the stream exactly once.", "type")
	dead := counter(r, "staffetta_dead_letters_total", "Messages put aside for a person.", "reason")
	calls := histogram(r, "staffetta_gateway_call_duration_seconds", "Calls to the gateway, by what became of them.",
		[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "op", "kind")
	people := histogram(r, "staffetta_people_call_duration_seconds", "Reads and removals of the recipients that came with requests, by what became of them: refused is an audience that cannot be used.",
		[]float64{.005, .01, .05, .1, .5, 1, 5, 10, 30, 60}, "op", "kind")
	ledger := histogram(r, "staffetta_ledger_call_duration_seconds", "Calls to the ledger of the budgets, by what became of them: refused is a budget without room.",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}, "op", "kind")
	wakeups := histogram(r, "staffetta_wakeup_duration_seconds", "Wake-ups handled, by what became of the message.",
		[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "kind", "verdict")
	waits := histogram(r, "staffetta_gateway_admission_wait_seconds", "How long calls waited for the rate limit before they left or were turned away.",
		[]float64{.001, .01, .05, .1, .5, 1, 5, 10, 30, 60, 300}, "op")
	unsaved := prometheus.NewCounter(prometheus.CounterOpts{Name: "staffetta_records_unsaved_total",
		Help: "Records that could not be saved; as long as none can be, no draft is begun."})
	r.MustRegister(build, unsaved)
	// Accounts are a closed set, and a gateway has as many currencies as accounts.
	money := counter(r, "staffetta_money_confirmed_total", "What confirmed campaigns agreed to pay, in units of the currency; saved by this service. Without simulations.", "account", "currency")

	m := meters{
		transitions: counters[edge]{}, ended: counters[campaign.State]{}, events: counters[string]{}, dead: counters[deadletter.Reason]{},
		calls: histograms[call]{}, wakeups: histograms[handled]{}, waits: histograms[campaign.Op]{},
		unsaved: unsaved, money: money,
	}
	for _, to := range campaign.States {
		m.transitions[edge{"", to}] = lazily(transitions, "none", string(to))
		for _, from := range campaign.States {
			if from != to && (!from.Final() || from == campaign.Unresolved) {
				m.transitions[edge{from, to}] = lazily(transitions, string(from), string(to))
			}
		}
		if to.Final() {
			m.ended[to] = eagerly(ended, string(to))
		}
	}
	for _, t := range campaign.EventTypes {
		m.events[string(t)] = eagerly(events, string(t))
	}
	for _, reason := range append(deadletter.Reasons(), otherReason) {
		m.dead[reason] = eagerly(dead, string(reason))
	}
	for _, op := range campaign.Ops {
		of := calls
		switch op.To() {
		case campaign.ToGateway:
			m.waits[op] = observer(waits, string(op))
		case campaign.ToLedger:
			of = ledger
		case campaign.ToPeople:
			of = people
		default:
			continue // calls to the streams are not reported
		}
		for _, kind := range campaign.Kinds {
			m.calls[call{op, kind}] = observer(of, string(op), string(kind))
		}
	}
	for _, kind := range runner.WakeupKinds {
		for _, v := range loop.Disposals {
			m.wakeups[handled{kind, v}] = observer(wakeups, string(kind), string(v))
		}
	}
	return m
}

// otherReason counts dead letters whose reason this version does not know.
const otherReason deadletter.Reason = "other"

func (m *meters) deadLetter(reason deadletter.Reason) {
	if _, known := m.dead[reason]; !known {
		reason = otherReason
	}
	m.dead.inc(reason)
}

// Gauge shows a number that the program knows. The name has no prefix, and its unit is
// a base unit ("in_flight", "oldest_in_flight_seconds").
func (s *Ops) Gauge(name, help string, read func() float64) {
	s.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "staffetta_" + name, Help: help}, read))
}

// Counter shows a number that only grows. The name has no prefix, and ends in _total.
func (s *Ops) Counter(name, help string, read func() float64) {
	s.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "staffetta_" + name, Help: help}, read))
}

// CounterOf counts things of several kinds. All kinds are there from the start; any
// other kind is not counted.
func (s *Ops) CounterOf(name, help, label string, values []string) (inc func(value string)) {
	v := counter(s.registry, "staffetta_"+name, help, label)
	all := counters[string]{}
	for _, value := range values {
		all[value] = eagerly(v, value)
	}
	return all.inc
}

// GaugeOf shows a number for each of several things.
func (s *Ops) GaugeOf(name, help, label string, values []string, read func(value string) float64) {
	for _, v := range values {
		s.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "staffetta_" + name, Help: help, ConstLabels: prometheus.Labels{label: v},
		}, func() float64 { return read(v) }))
	}
}

// GaugesOf shows numbers of things that come and go while the program runs. Read
// returns those that there are now, and limits how many there can be.
func (s *Ops) GaugesOf(name, help string, labels []string, read func(is func(value float64, labels ...string))) {
	s.registry.MustRegister(gauges{prometheus.NewDesc("staffetta_"+name, help, labels, nil), read})
}

type gauges struct {
	desc *prometheus.Desc
	read func(is func(value float64, labels ...string))
}

func (g gauges) Describe(c chan<- *prometheus.Desc) { c <- g.desc }

func (g gauges) Collect(c chan<- prometheus.Metric) {
	g.read(func(value float64, labels ...string) {
		c <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, value, labels...)
	})
}

// OneOf shows which of several states something is in: 1 for that state, 0 for the
// others.
func (s *Ops) OneOf(name, help, label string, states []string, read func() string) {
	s.GaugeOf(name, help, label, states, func(state string) float64 {
		if read() == state {
			return 1
		}
		return 0
	})
}

// counters and histograms are read-only once they are built. A label that is not in
// them is not in the closed set. It is not counted, and a test makes sure that there is
// none.
type (
	counters[K comparable]   map[K]func() prometheus.Counter
	histograms[K comparable] map[K]func() prometheus.Observer
)

func (c counters[K]) inc(k K) {
	if m := c[k]; m != nil {
		m().Inc()
	}
}

// observe counts with the trace in which it happened, if there is one: an exemplar leads
// from a slow bucket to the story of a campaign.
func (h histograms[K]) observe(k K, d time.Duration, trace string) {
	m := h[k]
	if m == nil {
		return
	}
	o := m()
	if with, ok := o.(prometheus.ExemplarObserver); ok && trace != "" {
		with.ObserveWithExemplar(d.Seconds(), prometheus.Labels{"trace_id": trace})
		return
	}
	o.Observe(d.Seconds())
}

// spend counts what a confirm agreed to pay. A simulation pays nothing.
func (m *meters) spend(c campaign.Campaign, e campaign.Event) {
	if e.Type != campaign.EventConfirmed || c.Request.Simulation || e.Quote == nil {
		return
	}
	total := e.Quote.Price.Total
	m.money.WithLabelValues(c.Account, total.Currency).Add(total.Amount.InexactFloat64())
}

// lazily is a series that comes with its first event. eagerly is a series that is there
// from the start.
func lazily(v *prometheus.CounterVec, labels ...string) func() prometheus.Counter {
	return sync.OnceValue(func() prometheus.Counter { return v.WithLabelValues(labels...) })
}

func eagerly(v *prometheus.CounterVec, labels ...string) func() prometheus.Counter {
	c := v.WithLabelValues(labels...)
	return func() prometheus.Counter { return c }
}

func observer(v *prometheus.HistogramVec, labels ...string) func() prometheus.Observer {
	return sync.OnceValue(func() prometheus.Observer { return v.WithLabelValues(labels...) })
}

func counter(r *prometheus.Registry, name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	r.MustRegister(v)
	return v
}

func histogram(r *prometheus.Registry, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	r.MustRegister(v)
	return v
}

// stamped is the commit that make release writes into the binary.
var stamped string

// revision is the commit the binary was built from, if the build knows it.
func revision() string {
	if stamped != "" {
		return stamped
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "unknown"
}
