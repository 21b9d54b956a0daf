package torture

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// receiver takes spans as an OpenTelemetry collector does.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	spans map[string]*traces.Span // by trace and span
	told  int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{spans: map[string]*traces.Span{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var body io.Reader = req.Body
	if req.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unpacked
	}
	data, err := io.ReadAll(body)
	var m collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(data, &m)
	}
	if err != nil || req.URL.Path != "/v1/traces" {
		http.Error(w, fmt.Sprint(req.URL.Path, err), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, of := range m.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			for _, s := range scope.Spans {
				r.told++
				r.spans[hex.EncodeToString(s.TraceId)+" "+hex.EncodeToString(s.SpanId)] = s
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	answer, err := proto.Marshal(&collector.ExportTraceServiceResponse{})
	if err == nil {
		w.Write(answer)
	}
}

// named are the spans of a trace with this name.
func (r *receiver) named(trace, name string) (all []*traces.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if hex.EncodeToString(s.TraceId) == trace && s.Name == name {
			all = append(all, s)
		}
	}
	return all
}

// A campaign whose service is killed in the middle is one trace, its producer's: from the
// request to the last event, each span once, and each with a parent that is there.
func TestTracesOverAKill(t *testing.T) {
	t.Parallel()
	const trace, producer = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	r := newReceiver(t)
	f := newFleet(t, "2m")
	f.serve(serviceProgram.path(t), "OTEL_EXPORTER_OTLP_ENDPOINT="+r.URL, "OTEL_BSP_SCHEDULE_DELAY=50")
	f.ready()
	// It stops before the price, so that the kill comes in the middle of it.
	f.control("POST", "faults", sandbox.Fault{Operation: sandbox.Price, Status: http.StatusServiceUnavailable, Times: 2}, nil)
	m := f.request("traced")
	if _, err := f.client.Request(t.Context(), m, "00-"+trace+"-"+producer+"-01"); err != nil {
		t.Fatal(err)
	}
	has := func(name string) func(context.Context) error {
		return func(context.Context) error {
			if len(r.named(trace, name)) == 0 {
				return fmt.Errorf("no span %q", name)
			}
			return nil
		}
	}
	f.eventually("the price is told", has("price"))
	f.services[0].kill()
	f.services[0].start()
	f.waitUntilCompleted([]string{"traced"})
	f.eventually("the confirm is told", has("confirm"))
	f.services[0].stop()

	r.mu.Lock()
	defer r.mu.Unlock()
	roots, byID := 0, map[string]bool{producer: true}
	for _, s := range r.spans {
		byID[hex.EncodeToString(s.SpanId)] = true
	}
	for _, s := range r.spans {
		if hex.EncodeToString(s.TraceId) != trace {
			t.Errorf("%s is in another trace", s.Name)
		}
		if !byID[hex.EncodeToString(s.ParentSpanId)] {
			t.Errorf("%s has a parent that is not there", s.Name)
		}
		if hex.EncodeToString(s.ParentSpanId) == producer {
			roots++
			if s.Name != "process CAMPAIGN_REQUESTS" || len(s.Links) == 0 || hex.EncodeToString(s.Links[0].SpanId) != producer {
				t.Errorf("%s is the producer's child, and linked to %v", s.Name, s.Links)
			}
		}
	}
	if roots != 1 {
		t.Errorf("%d spans come from the producer", roots)
	}
	t.Logf("%d spans, told %d times", len(r.spans), r.told)
}
