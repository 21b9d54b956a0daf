package query

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/staffetta-io/staffetta/internal/why"
)

// Either asks the service, and where that has no answer reads the streams: somebody
// who may read them needs them most when the service is down. Nobody has to be able to
// do both.
func Either(service, streams Reader) Reader { return &either{service: service, streams: streams} }

type either struct {
	service, streams Reader
	// silent is why the service gave no answer. It is not waited for twice.
	silent atomic.Pointer[Error]
}

func (e *either) Get(ctx context.Context, a GetAsk) (Record, error) {
	return first(ctx, e, a, e.service.Get, e.streams.Get)
}
func (e *either) List(ctx context.Context, a ListAsk) (Campaigns, error) {
	return first(ctx, e, a, e.service.List, e.streams.List)
}
func (e *either) Why(ctx context.Context, a WhyAsk) (why.Story, error) {
	return first(ctx, e, a, e.service.Why, e.streams.Why)
}
func (e *either) DLQ(ctx context.Context, a DLQAsk) (Letters, error) {
	return first(ctx, e, a, e.service.DLQ, e.streams.DLQ)
}
func (e *either) Budget(ctx context.Context, a BudgetAsk) (Budgets, error) {
	return first(ctx, e, a, e.service.Budget, e.streams.Budget)
}
func (e *either) Schedules(ctx context.Context, a SchedulesAsk) (Schedules, error) {
	return first(ctx, e, a, e.service.Schedules, e.streams.Schedules)
}

func first[A, B any](ctx context.Context, e *either, a A, ask, read func(context.Context, A) (B, error)) (B, error) {
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

// answers says that there is no better answer elsewhere.
func (e *Error) answers() bool {
	switch e.Code {
	case BadQuestion, NotYours, NotFound:
		return true
	}
	return false
}
