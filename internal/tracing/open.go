package tracing

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer sends spans. It is safe for concurrent use and blocks nobody: spans that the
// receiver does not take in time are dropped.
type Tracer struct {
	provider *sdk.TracerProvider
	spans    trace.Tracer
	sampler  sdk.Sampler // of campaigns that came without a trace
}

// Open opens a tracer by the standard variables, which getenv reads; nil: they do not ask
// for one. Those of the exporter, OTEL_EXPORTER_OTLP_…, and of the resource are read by
// OpenTelemetry itself, from the environment of the process.
func Open(ctx context.Context, getenv func(string) string, version string) (*Tracer, error) {
	exporter := getenv("OTEL_TRACES_EXPORTER")
	asked := exporter != "" || getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
	if !asked || exporter == "none" || strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return nil, nil
	}
	if exporter != "" && exporter != "otlp" {
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER %q: want otlp or none", exporter)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := getenv(name); p != "" && p != "http/protobuf" {
			return nil, fmt.Errorf("%s %q: want http/protobuf, on port 4318 as a rule", name, p)
		}
	}
	sampler, err := samplerOf(getenv("OTEL_TRACES_SAMPLER"), getenv("OTEL_TRACES_SAMPLER_ARG"))
	if err != nil {
		return nil, err
	}
	out, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_…: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "staffetta"), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return newTracer(sdk.NewBatchSpanProcessor(out), about, sampler, version), nil
}

func newTracer(to sdk.SpanProcessor, about *resource.Resource, sampler sdk.Sampler, version string) *Tracer {
	// Whether a campaign is traced is decided once, and holds for all its traces: by its
	// producer, or by the id of its first one. Here everything is recorded that comes.
	p := sdk.NewTracerProvider(sdk.WithSpanProcessor(to), sdk.WithResource(about), sdk.WithIDGenerator(ids{}), sdk.WithSampler(sdk.AlwaysSample()))
	return &Tracer{provider: p, sampler: sampler,
		spans: p.Tracer("github.com/staffetta-io/staffetta", trace.WithInstrumentationVersion(version), trace.WithSchemaURL("https://opentelemetry.io/schemas/1.43.0"))}
}

// samplerOf is that of campaigns which came without a trace.
func samplerOf(name, arg string) (sdk.Sampler, error) {
	switch strings.TrimPrefix(name, "parentbased_") {
	case "", "always_on":
		return sdk.AlwaysSample(), nil
	case "always_off":
		return sdk.NeverSample(), nil
	case "traceidratio":
		ratio, err := strconv.ParseFloat(arg, 64)
		if arg == "" {
			ratio, err = 1, nil
		}
		if err != nil || ratio < 0 || ratio > 1 {
			return nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG %q: want a number from 0 to 1", arg)
		}
		return sdk.TraceIDRatioBased(ratio), nil
	}
	return nil, fmt.Errorf("OTEL_TRACES_SAMPLER %q: want always_on, always_off, traceidratio, or one of them with parentbased_ before it", name)
}

// Close sends what is there, until ctx ends.
func (t *Tracer) Close(ctx context.Context) error {
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("the last spans were not sent: %w", err)
	}
	return nil
}

// traced says whether a campaign is: the decision of its producer stays with its record.
func (t *Tracer) traced(s story) bool {
	if s.producer.IsValid() {
		return s.producer.IsSampled()
	}
	return t.sampler.ShouldSample(sdk.SamplingParameters{ParentContext: context.Background(), TraceID: s.leg(0)}).Decision == sdk.RecordAndSample
}

// parse reads a W3C traceparent.
func parse(traceparent string) trace.SpanContext {
	carrier := propagation.MapCarrier{"traceparent": traceparent}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}
