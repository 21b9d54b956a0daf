package ops

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options are what an Ops needs.
type Options struct {
	Log     *slog.Logger // nil: nothing is logged
	Version string       // of this build; empty: "dev"
}

// Ops counts and logs what the loop does, and answers the operator over HTTP. It is
// safe for concurrent use, and takes no lock of its own while the loop waits.
type Ops struct {
	log      *slog.Logger
	version  string
	started  time.Time
	mux      *http.ServeMux
	registry *prometheus.Registry
	meters   meters
	stopping atomic.Bool

	mu     sync.Mutex // guards checks
	checks []check
}

// New returns an Ops with /livez, /readyz and /metrics.
func New(o Options) *Ops {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	s := &Ops{log: o.Log, version: o.Version, started: time.Now(), mux: http.NewServeMux(), registry: prometheus.NewRegistry()}
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.meters = newMeters(s.registry, o.Version)
	s.Gauge("ready", "1 while /readyz says yes.", func() float64 {
		if s.Ready().Ready {
			return 1
		}
		return 0
	})

	s.mux.HandleFunc("GET /{$}", s.index)
	s.mux.HandleFunc("GET /livez", s.livez)
	s.mux.HandleFunc("GET /readyz", s.readyz)
	s.mux.Handle("GET /metrics", promhttp.HandlerFor(withoutEmpty(s.registry), promhttp.HandlerOpts{EnableOpenMetrics: true}))
	return s
}

// Handle adds a page of the program's own, as [http.ServeMux.Handle] does.
func (s *Ops) Handle(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// ServeHTTP answers the operator.
func (s *Ops) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Ops) index(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, `staffetta %s

/livez     the process turns
/readyz    it can do its work, or why not
/metrics   Prometheus
`, s.version)
}
