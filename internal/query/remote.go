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
// is none, and names the missing right if that is the reason.
type Asker interface {
	Ask(ctx context.Context, subject string, data []byte) (*nats.Msg, error)
}

// Asking is a reader that asks the service.
func Asking(via Asker) Reader { return remoteReader{via} }

type remoteReader struct{ Asker }

func (r remoteReader) Get(ctx context.Context, a GetAsk) (Record, error) {
	return ask[Record](ctx, r, VerbGet, a)
}
func (r remoteReader) List(ctx context.Context, a ListAsk) (Campaigns, error) {
	return ask[Campaigns](ctx, r, VerbList, a)
}
func (r remoteReader) Why(ctx context.Context, a WhyAsk) (why.Story, error) {
	return ask[why.Story](ctx, r, VerbWhy, a)
}
func (r remoteReader) DLQ(ctx context.Context, a DLQAsk) (Letters, error) {
	return ask[Letters](ctx, r, VerbDLQ, a)
}
func (r remoteReader) Events(ctx context.Context, a EventsAsk) (Events, error) {
	return ask[Events](ctx, r, VerbEvents, a)
}
func (r remoteReader) Budget(ctx context.Context, a BudgetAsk) (Budgets, error) {
	return ask[Budgets](ctx, r, VerbBudget, a)
}
func (r remoteReader) BudgetHistory(ctx context.Context, a BudgetHistoryAsk) (BudgetHistory, error) {
	return ask[BudgetHistory](ctx, r, VerbBudgetHistory, a)
}
func (r remoteReader) Schedules(ctx context.Context, a SchedulesAsk) (Schedules, error) {
	return ask[Schedules](ctx, r, VerbSchedules, a)
}
func (r remoteReader) Audiences(ctx context.Context, a AudiencesAsk) (Audiences, error) {
	return ask[Audiences](ctx, r, VerbAudiences, a)
}
func (r remoteReader) Outcome(ctx context.Context, a OutcomeAsk) (Outcome, error) {
	return ask[Outcome](ctx, r, VerbOutcome, a)
}

// AskCheck asks the service what would become of a request.
func AskCheck(ctx context.Context, via Asker, a CheckAsk) (Checked, error) {
	return ask[Checked](ctx, remoteReader{via}, VerbCheck, a)
}

// AskHealth asks a service how it is.
func AskHealth(ctx context.Context, via Asker) (Health, error) {
	return ask[Health](ctx, remoteReader{via}, VerbHealth, HealthAsk{})
}

// waitFor is how long the asker waits for an answer: a little longer than the service
// works on it. Only a price takes long.
func waitFor(question any) time.Duration {
	if a, ok := question.(CheckAsk); ok && a.Price {
		return checkWithin + 2*time.Second
	}
	return answerWithin + 2*time.Second
}

// again is how often a question is repeated if the service had too many, and how long
// the asker waits before, longer each time.
const again, pause = 5, 100 * time.Millisecond

func ask[B any](ctx context.Context, r remoteReader, verb string, question any) (answer B, err error) {
	data, err := json.Marshal(question)
	if err != nil {
		return answer, err
	}
	for try := 0; ; try++ {
		answer, err = askOnce[B](ctx, r, verb, data, waitFor(question))
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

func askOnce[B any](ctx context.Context, r remoteReader, verb string, data []byte, wait time.Duration) (answer B, err error) {
	within, cancel := context.WithTimeout(ctx, wait)
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
