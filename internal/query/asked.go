package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/staffetta-io/staffetta/internal/why"
)

// Asker sends a question and returns the answer. An error says in a sentence why there
// is none, and which right is missing if that is why.
type Asker interface {
	Ask(ctx context.Context, subject string, data []byte) (*nats.Msg, error)
}

// Asking is a reader that asks the service.
func Asking(via Asker) Reader { return asked{via} }

type asked struct{ Asker }

func (r asked) Get(ctx context.Context, a GetAsk) (Record, error) {
	return ask[Record](ctx, r, VerbGet, a)
}
func (r asked) List(ctx context.Context, a ListAsk) (Campaigns, error) {
	return ask[Campaigns](ctx, r, VerbList, a)
}
func (r asked) Why(ctx context.Context, a WhyAsk) (why.Story, error) {
	return ask[why.Story](ctx, r, VerbWhy, a)
}
func (r asked) DLQ(ctx context.Context, a DLQAsk) (Letters, error) {
	return ask[Letters](ctx, r, VerbDLQ, a)
}
func (r asked) Budget(ctx context.Context, a BudgetAsk) (Budgets, error) {
	return ask[Budgets](ctx, r, VerbBudget, a)
}
func (r asked) Schedules(ctx context.Context, a SchedulesAsk) (Schedules, error) {
	return ask[Schedules](ctx, r, VerbSchedules, a)
}

// waitWithin is how long an answer is waited for.
const waitWithin = answerWithin + 2*time.Second

// again is how often a question is asked again that came while too many were in hand,
// and how long it waits before, longer each time.
const again, pause = 5, 100 * time.Millisecond

func ask[B any](ctx context.Context, r asked, verb string, question any) (answer B, err error) {
	data, err := json.Marshal(question)
	if err != nil {
		return answer, err
	}
	for try := 0; ; try++ {
		answer, err = askOnce[B](ctx, r, verb, data)
		if !Is(err, TooMany) || try == again {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return answer, ctx.Err()
		case <-time.After(pause << try):
		}
	}
}

func askOnce[B any](ctx context.Context, r asked, verb string, data []byte) (answer B, err error) {
	within, cancel := context.WithTimeout(ctx, waitWithin)
	defer cancel()
	m, err := r.Ask(within, Subject+verb, data)
	switch {
	case ctx.Err() != nil:
		return answer, ctx.Err()
	case errors.Is(err, nats.ErrNoResponders):
		return answer, &Error{NoAnswer, "", "no service answers " + Subject + verb + ": is it running?"}
	case err != nil:
		return answer, &Error{NoAnswer, "", err.Error()}
	}
	if m.Header.Get(micro.ErrorHeader) != "" {
		var no refusal
		if err := json.Unmarshal(m.Data, &no); err != nil || no.Error == nil {
			return answer, &Error{Failed, "", m.Header.Get(micro.ErrorHeader)}
		}
		return answer, no.Error
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return answer, &Error{Failed, "", fmt.Sprintf("what %s%s answers cannot be read: %v", Subject, verb, err)}
	}
	return answer, nil
}
