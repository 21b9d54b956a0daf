package tracing

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

const producer = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

var (
	key  = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}
	noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
)

func setup(sampler sdk.Sampler) (*Tracer, *tracetest.SpanRecorder) {
	seen := tracetest.NewSpanRecorder()
	return newTracer(seen, resource.Empty(), sampler, "v1.2.3"), seen
}

// A campaign that waits three days is one story: two traces, each of which knows the
// other.
func TestThreeDays(t *testing.T) {
	t.Parallel()
	tracer, seen := setup(sdk.AlwaysSample())
	now := time.Now()
	c := campaign.Campaign{Key: key, Trace: producer, State: campaign.Confirmed, Outbox: []campaign.Event{{Type: campaign.EventConfirmed, N: 1, At: noon}}}
	first := runner.Found{Trace: producer, First: true, Wake: now.Add(72 * time.Hour)}
	tracer.Called(c, first, campaign.Outcome{Op: campaign.OpCreate, Kind: campaign.OK, Started: noon, Took: time.Second, HTTP: 200})
	tracer.Told(c)
	tracer.Handled(runner.Wakeup{Key: key, Kind: runner.WakeRequest}, first, loop.Verdict{Do: loop.Ack}, time.Second)
	after := runner.Found{Trace: producer, Leg: 1, First: true, Revision: 7, Wake: now.Add(time.Minute)}
	tracer.Handled(runner.Wakeup{Key: key, Kind: runner.WakeTimer}, after, loop.Verdict{Do: loop.Ack}, time.Second)
	poll := runner.Found{Trace: producer, Leg: 1, Revision: 8}
	tracer.Handled(runner.Wakeup{Key: key, Kind: runner.WakeTimer}, poll, loop.Verdict{Do: loop.Ack}, time.Second)

	spans := seen.Ended()
	if len(spans) != 5 {
		t.Fatalf("%d spans", len(spans))
	}
	call, event, request, woken, polled := spans[0], spans[1], spans[2], spans[3], spans[4]
	asked := parse(producer)
	for name, is := range map[string]bool{
		"the request is the producer's child":         request.Parent().Equal(asked) && request.SpanContext().TraceID() == asked.TraceID(),
		"and linked to it":                            linked(request, asked.SpanID()),
		"the call is the request's child":             call.Parent().SpanID() == request.SpanContext().SpanID() && call.SpanKind() == trace.SpanKindClient,
		"the event comes from it":                     event.Parent().SpanID() == request.SpanContext().SpanID() && event.StartTime().Equal(noon),
		"the request is linked to what comes after":   linked(request, woken.SpanContext().SpanID()),
		"what comes after is a root of its own":       !woken.Parent().IsValid() && woken.SpanContext().TraceID() != asked.TraceID(),
		"and linked to what was before":               linked(woken, request.SpanContext().SpanID()),
		"the next look is in the same trace":          polled.SpanContext().TraceID() == woken.SpanContext().TraceID() && polled.Parent().SpanID() == woken.SpanContext().SpanID(),
		"it links to nothing: it does not wait":       len(polled.Links()) == 0,
		"the call took as long as it did":             call.EndTime().Sub(call.StartTime()) == time.Second,
		"ids are of their own, and of no other wake-": polled.SpanContext().SpanID() != woken.SpanContext().SpanID(),
	} {
		if !is {
			t.Errorf("not so: %s", name)
		}
	}
}

func linked(s sdk.ReadOnlySpan, to trace.SpanID) bool {
	for _, l := range s.Links() {
		if l.SpanContext.SpanID() == to {
			return true
		}
	}
	return false
}

// What another service repeats after a crash is the same span, and not one more.
func TestWhatIsRepeatedIsTheSameSpan(t *testing.T) {
	t.Parallel()
	tell := func() (all []string) {
		tracer, seen := setup(sdk.AlwaysSample())
		found := runner.Found{First: true, Saved: 3}
		c := campaign.Campaign{Key: key, Outbox: []campaign.Event{{Type: campaign.EventCostCalculated, N: 2, At: noon}}}
		tracer.Called(c, found, campaign.Outcome{Op: campaign.OpConfirm, Kind: campaign.OK, Started: noon})
		tracer.Told(c)
		tracer.Handled(runner.Wakeup{Key: key, Kind: runner.WakeRequest}, found, loop.Verdict{}, 0)
		for _, s := range seen.Ended() {
			all = append(all, s.SpanContext().TraceID().String()+" "+s.SpanContext().SpanID().String()+" "+s.Parent().SpanID().String())
		}
		return all
	}
	first := tell()
	if diff := cmp.Diff(first, tell()); diff != "" || len(first) != 3 || first[0] == first[1] {
		t.Errorf("%v: %s", first, diff)
	}
}

// The producer's decision holds for ever, whatever this service would decide.
func TestTheDecisionStaysWithTheRecord(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		trace   string
		sampler sdk.Sampler
		want    int
	}{
		"NoFromTheProducer":  {producer[:len(producer)-1] + "0", sdk.AlwaysSample(), 0},
		"YesFromTheProducer": {producer, sdk.NeverSample(), 2},
		"OursWithoutOne":     {"", sdk.NeverSample(), 0},
		"OursIfItIsNone":     {"00-xyz", sdk.AlwaysSample(), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, seen := setup(test.sampler)
			for leg := range 2 {
				tracer.Handled(runner.Wakeup{Key: key}, runner.Found{Trace: test.trace, Leg: leg, First: true}, loop.Verdict{}, 0)
			}
			if got := len(seen.Ended()); got != test.want {
				t.Errorf("%d spans, want %d", got, test.want)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env  map[string]string
		open bool
		says string
	}{
		"OffWhereNobodyAsks":   {nil, false, ""},
		"OnWithAnEndpoint":     {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, true, ""},
		"OffIfItIsDisabled":    {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, false, ""},
		"OffWithNone":          {map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, false, ""},
		"NotAnotherProtocol":   {map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, `OTEL_EXPORTER_OTLP_PROTOCOL "grpc": want http/protobuf, on port 4318 as a rule`},
		"NotAnUnknownExporter": {map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, `OTEL_TRACES_EXPORTER "zipkin": want otlp or none`},
		"NotAnUnknownSampler":  {map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "some"}, false, `OTEL_TRACES_SAMPLER "some": want always_on, always_off, traceidratio, or one of them with parentbased_ before it`},
		"NotMoreThanAll":       {map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"}, false, `OTEL_TRACES_SAMPLER_ARG "2": want a number from 0 to 1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracer, err := Open(t.Context(), func(name string) string { return test.env[name] }, "v1")
			if got := ""; err != nil {
				if got = err.Error(); got != test.says {
					t.Errorf("%s", got)
				}
			} else if test.says != "" || (tracer != nil) != test.open {
				t.Errorf("tracer %v", tracer)
			}
		})
	}
}
