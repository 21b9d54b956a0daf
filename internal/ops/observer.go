package ops

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

var _ runner.Observer = (*Ops)(nil)

// Moved logs one line for each change of state, and counts it with the events that it
// publishes. A save without a new state (another statistic, a longer wait) is a line at
// level debug only.
func (s *Ops) Moved(c campaign.Campaign, from campaign.State, rev loop.Revision) {
	for i := range c.Outbox {
		s.meters.events.inc(string(c.Outbox[i].Type))
		s.meters.spend(c, c.Outbox[i])
	}
	level, msg := slog.LevelDebug, "campaign saved"
	if c.State != from {
		level, msg = slog.LevelInfo, "campaign moved"
		s.meters.transitions.inc(edge{from, c.State})
		if c.State.Final() {
			s.meters.ended.inc(c.State)
		}
	}
	ctx := context.Background()
	if !s.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs,
		slog.String("key", c.Key.String()),
		slog.String("state", string(c.State)),
		slog.String("from", cmp.Or(string(from), "none")),
		slog.Uint64("revision", rev.Seq))
	if id := traceID(c.Trace); id != "" {
		attrs = append(attrs, slog.String("trace_id", id))
	}
	if c.Draft != nil {
		attrs = append(attrs, slog.Int64("campaign_id", c.Draft.ID))
	}
	if c.Reason != nil {
		attrs = append(attrs, slog.String("reason", string(c.Reason.Code)))
	}
	s.log.LogAttrs(ctx, level, msg, attrs...)
}

// Called counts a call to the gateway, or to the budgets' ledger, by its outcome. It
// logs the calls that did not go well. The gateway's own words stay in the record: they
// may quote the message.
func (s *Ops) Called(c campaign.Campaign, _ runner.Found, o campaign.Outcome) {
	s.meters.calls.observe(call{o.Op, o.Kind}, o.Took, traceID(c.Trace))
	level := slog.LevelDebug
	switch o.Kind {
	case campaign.Refused, campaign.Unavailable, campaign.Throttled, campaign.Unauthorised:
		level = slog.LevelWarn
	}
	ctx := context.Background()
	if !s.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs,
		slog.String("key", c.Key.String()),
		slog.String("op", string(o.Op)),
		slog.String("kind", string(o.Kind)),
		slog.Duration("took", o.Took))
	if o.HTTP != 0 {
		attrs = append(attrs, slog.Int("http_status", o.HTTP))
	}
	to, field := o.Op.To(), "field"
	if to == campaign.ToLedger {
		field = "budget"
	}
	if o.Field != "" {
		attrs = append(attrs, slog.String(field, o.Field))
	}
	if o.Breaker != "" {
		attrs = append(attrs, slog.String("breaker", o.Breaker))
	}
	if o.Err != "" {
		attrs = append(attrs, slog.String("error", o.Err))
	}
	s.log.LogAttrs(ctx, level, string(to)+" called", attrs...)
}

// Told is counted when the record is saved that owes the events.
func (s *Ops) Told(campaign.Campaign) {}

// Unsaved counts a record that could not be saved. As long as none can be, no draft
// is begun, and the service is not ready.
func (s *Ops) Unsaved(key campaign.Key, err error) {
	s.meters.unsaved.Inc()
	s.log.Error("a record could not be saved; no draft is begun until one can be", "key", key.String(), "error", err)
}

// Handled counts a wake-up by its verdict. A retry is ordinary (another worker was
// faster). A dead letter is for a person.
func (s *Ops) Handled(w runner.Wakeup, found runner.Found, v loop.Verdict, took time.Duration) {
	s.meters.wakeups.observe(handled{w.Kind, v.Do}, took, traceID(found.Trace))
	level := slog.LevelDebug
	switch v.Do {
	case loop.Retry:
		level = slog.LevelInfo
	case loop.Bury:
		level = slog.LevelWarn
	}
	ctx := context.Background()
	if !s.log.Enabled(ctx, level) {
		return
	}
	s.log.LogAttrs(ctx, level, "wake-up handled",
		slog.String("key", w.Key.String()),
		slog.String("kind", string(w.Kind)),
		slog.String("verdict", string(v.Do)),
		slog.Duration("took", took),
		slog.String("reason", string(v.Reason)),
		slog.String("note", v.Note))
}

// Admitted counts how long a call waited for its permit.
func (s *Ops) Admitted(op campaign.Op, waited time.Duration) { s.meters.waits.observe(op, waited, "") }

// Buried counts a dead letter that has been written, for whatever reason.
func (s *Ops) Buried(reason deadletter.Reason) { s.meters.deadLetter(reason) }
