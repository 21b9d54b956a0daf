package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// longWait is after how long a campaign goes on in another trace; see [runner.Found].
const longWait = time.Hour

// span is one to be told.
type span struct {
	name   string
	kind   trace.SpanKind
	id     trace.SpanID
	parent trace.SpanContext // not valid: it is a root
	trace  trace.TraceID
	from   time.Time
	to     time.Time
	links  []trace.Link
	about  []attribute.KeyValue
	failed string
}

func (t *Tracer) tell(s span) {
	ctx := withIDs(context.Background(), given{s.trace, s.id})
	if s.parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, s.parent)
	}
	_, told := t.spans.Start(ctx, s.name, trace.WithTimestamp(s.from), trace.WithSpanKind(s.kind), trace.WithLinks(s.links...), trace.WithAttributes(s.about...))
	if s.failed != "" {
		told.SetStatus(codes.Error, s.failed)
	}
	told.End(trace.WithTimestamp(s.to))
}

// wakeupID is that of the span of a wake-up: the one with which a leg begins, or another.
func wakeupID(key campaign.Key, found runner.Found) trace.SpanID {
	if found.First {
		return spanID(key, "leg", found.Leg)
	}
	return spanID(key, "wake-up", found.Revision)
}

// Handled tells of a wake-up. The first one is a child of the producer's span and linked
// to it as well: some viewers follow the one, some the other. After a long wait it is a
// root, linked to the trace before; and whoever begins a long wait links to the one that
// will come.
func (t *Tracer) Handled(w runner.Wakeup, found runner.Found, v loop.Verdict, took time.Duration) {
	s := storyOf(w.Key, found.Trace)
	if !t.traced(s) {
		return
	}
	now := time.Now()
	stream := map[runner.WakeupKind]string{runner.WakeRequest: "CAMPAIGN_REQUESTS", runner.WakeTimer: "CAMPAIGN_WAKEUPS", runner.WakeCommand: "CAMPAIGN_COMMANDS"}[w.Kind]
	it := span{
		name: "process " + stream, kind: trace.SpanKindConsumer, id: wakeupID(w.Key, found), trace: s.leg(found.Leg), from: now.Add(-took), to: now,
		about: []attribute.KeyValue{
			attribute.String("messaging.system", "nats"), attribute.String("messaging.operation.name", "process"), attribute.String("messaging.operation.type", "process"),
			attribute.String("messaging.destination.name", stream), attribute.String("messaging.consumer.group.name", "staffetta"),
			attribute.String("staffetta.key", w.Key.String()), attribute.String("staffetta.wakeup", string(w.Kind)), attribute.String("staffetta.verdict", string(v.Do)),
		},
	}
	switch {
	case !found.First:
		it.parent = s.root(found.Leg)
	case found.Leg > 0:
		it.links = append(it.links, trace.Link{SpanContext: s.root(found.Leg - 1), Attributes: []attribute.KeyValue{attribute.String("staffetta.link", "before the wait")}})
	case s.producer.IsValid():
		it.parent = s.producer
		it.links = append(it.links, trace.Link{SpanContext: s.producer, Attributes: []attribute.KeyValue{attribute.String("staffetta.link", "who asked")}})
	}
	if found.Wake.Sub(now) > longWait {
		it.links = append(it.links, trace.Link{SpanContext: s.root(found.Leg + 1), Attributes: []attribute.KeyValue{attribute.String("staffetta.link", "after the wait")}})
	}
	if v.Do == loop.Bury {
		it.failed = string(v.Reason)
	}
	t.tell(it)
}

// Called tells of a call. What was said in it is not told: no text, no number, none of the
// gateway's words.
func (t *Tracer) Called(c campaign.Campaign, found runner.Found, o campaign.Outcome) {
	s := storyOf(c.Key, found.Trace)
	if c.Key == (campaign.Key{}) || !t.traced(s) {
		return
	}
	it := span{
		name: string(o.Op), kind: trace.SpanKindClient, id: spanID(c.Key, "call", found.Saved, o.Op), trace: s.leg(found.Leg),
		parent: trace.NewSpanContext(trace.SpanContextConfig{TraceID: s.leg(found.Leg), SpanID: wakeupID(c.Key, found), TraceFlags: trace.FlagsSampled, Remote: true}),
		from:   o.Started, to: o.Started.Add(o.Took),
		about: []attribute.KeyValue{attribute.String("peer.service", string(o.Op.To())), attribute.String("staffetta.key", c.Key.String()),
			attribute.String("staffetta.op", string(o.Op)), attribute.String("staffetta.outcome", string(o.Kind))},
	}
	if o.HTTP != 0 {
		it.about = append(it.about, attribute.Int("http.response.status_code", o.HTTP))
	}
	if c.Draft != nil {
		it.about = append(it.about, attribute.Int64("staffetta.campaign_id", c.Draft.ID))
	}
	if o.Kind != campaign.OK {
		it.about = append(it.about, attribute.String("error.type", string(o.Kind)))
		it.failed = string(o.Kind)
	}
	t.tell(it)
}

// Told tells of events that are in the stream. A record that owes them is published again
// whenever that may not have happened: then the same spans are told again, word by word.
func (t *Tracer) Told(c campaign.Campaign) {
	s := storyOf(c.Key, c.Trace)
	if !t.traced(s) {
		return
	}
	for _, e := range c.Outbox {
		t.tell(span{
			name: "send CAMPAIGN_EVENTS", kind: trace.SpanKindProducer, id: spanID(c.Key, "event", e.Type, e.N), trace: s.leg(c.Leg), parent: s.root(c.Leg),
			from: e.At, to: e.At,
			about: []attribute.KeyValue{
				attribute.String("messaging.system", "nats"), attribute.String("messaging.operation.name", "publish"), attribute.String("messaging.operation.type", "send"),
				attribute.String("messaging.destination.name", "CAMPAIGN_EVENTS"), attribute.String("staffetta.key", c.Key.String()), attribute.String("staffetta.event", string(e.Type)),
			},
		})
	}
}

// Moved is told by the events, and by what is done next.
func (t *Tracer) Moved(campaign.Campaign, campaign.State, loop.Revision) {}

// Unsaved is in the log and in the metrics.
func (t *Tracer) Unsaved(campaign.Key, error) {}

var _ runner.Observer = (*Tracer)(nil)
