package query

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/staffetta-io/staffetta/internal/why"
)

// Either asks the service. If the service has no answer, it reads the streams. A user
// with the right to read the streams needs them most when the service is down. No user
// needs both rights.
func Either(service, streams Reader) Reader {
	return &fallbackReader{service: service, streams: streams}
}

type fallbackReader struct {
	service, streams Reader
	// silent is why the service gave no answer. The service is not asked a second time.
	silent atomic.Pointer[Error]
}

func (e *fallbackReader) Get(ctx context.Context, a GetAsk) (Record, error) {
	return first(ctx, e, a, e.service.Get, e.streams.Get)
}
func (e *fallbackReader) List(ctx context.Context, a ListAsk) (Campaigns, error) {
	return first(ctx, e, a, e.service.List, e.streams.List)
}
func (e *fallbackReader) Why(ctx context.Context, a WhyAsk) (why.Story, error) {
	return first(ctx, e, a, e.service.Why, e.streams.Why)
}
func (e *fallbackReader) DLQ(ctx context.Context, a DLQAsk) (Letters, error) {
	return first(ctx, e, a, e.service.DLQ, e.streams.DLQ)
}
func (e *fallbackReader) Events(ctx context.Context, a EventsAsk) (Events, error) {
	return first(ctx, e, a, e.service.Events, e.streams.Events)
}
func (e *fallbackReader) Budget(ctx context.Context, a BudgetAsk) (Budgets, error) {
	return first(ctx, e, a, e.service.Budget, e.streams.Budget)
}
func (e *fallbackReader) BudgetHistory(ctx context.Context, a BudgetHistoryAsk) (BudgetHistory, error) {
	return first(ctx, e, a, e.service.BudgetHistory, e.streams.BudgetHistory)
}
func (e *fallbackReader) Schedules(ctx context.Context, a SchedulesAsk) (Schedules, error) {
	return first(ctx, e, a, e.service.Schedules, e.streams.Schedules)
}
func (e *fallbackReader) Audiences(ctx context.Context, a AudiencesAsk) (Audiences, error) {
	return first(ctx, e, a, e.service.Audiences, e.streams.Audiences)
}
func (e *fallbackReader) Outcome(ctx context.Context, a OutcomeAsk) (Outcome, error) {
	return first(ctx, e, a, e.service.Outcome, e.streams.Outcome)
}

func first[A, B any](ctx context.Context, e *fallbackReader, a A, ask, read func(context.Context, A) (B, error)) (B, error) {
	silent := e.silent.Load()
	if silent == nil {
		b, err := ask(ctx, a)
		if ctx.Err() != nil || !errors.As(err, &silent) || silent.answers() {
			return b, err
		}
		if silent.Code == NoAnswer {
			e.silent.Store(silent)
		}
	}
	b, err := read(ctx, a)
	if err == nil || ctx.Err() != nil || errors.As(err, new(*Error)) {
		return b, err
	}
	return b, fmt.Errorf("%w; nor could the service be asked: %w", err, silent)
}

// answers says that the streams would give no better answer.
func (e *Error) answers() bool {
	switch e.Code {
	case BadQuestion, NotYours, NotFound:
		return true
	}
	return false
}
