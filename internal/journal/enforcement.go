package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Whoever has set a budget asks the services that run now whether they enforce it.
// No stream keeps the question: it is about now, and who does not hear it finds
// the budget by itself. The answer goes to a subject beside the question, and
// not to an inbox, so that neither needs a permission of its own. The subject keeps the
// word that permissions were written with.
const (
	enforcementSubject = "campaign.v1.budgets.heeding"
	enforcementAnswer  = enforcementSubject + ".answer."
)

// AnswerEnforcement answers whoever asks, until the connection is closed. What it
// says is found out for each question.
func AnswerEnforcement(nc *nats.Conn, say func() budget.Enforcement) error {
	_, err := nc.Subscribe(enforcementSubject, func(m *nats.Msg) {
		if !strings.HasPrefix(m.Reply, enforcementAnswer) {
			return // nobody makes the service speak elsewhere
		}
		data, err := json.Marshal(say())
		if err == nil {
			// Nobody is told if this is lost: who asked says that not all answered.
			_ = nc.Publish(m.Reply, data)
		}
	})
	if err != nil {
		return fmt.Errorf("answer whether budgets are enforced: %w", err)
	}
	return nil
}

// How long somebody who asks waits: for the first answer, which a service gives
// once it has looked, and for one more. If nobody is there the server says so at
// once.
const (
	firstAnswer = 5 * time.Second
	nextAnswer  = 500 * time.Millisecond
)

// AskEnforcement asks the services, and returns what those say that answer.
func AskEnforcement(ctx context.Context, nc *nats.Conn) ([]budget.Enforcement, error) {
	reply := enforcementAnswer + nats.NewInbox()[len(nats.InboxPrefix):]
	sub, err := nc.SubscribeSync(reply)
	if err != nil {
		return nil, fmt.Errorf("ask who enforces the budgets: %w", err)
	}
	defer sub.Unsubscribe()
	if err := nc.PublishRequest(enforcementSubject, reply, nil); err != nil {
		return nil, fmt.Errorf("ask who enforces the budgets: %w", err)
	}
	if err := nc.FlushTimeout(firstAnswer); err != nil {
		return nil, fmt.Errorf("ask who enforces the budgets: %w", err)
	}
	if missing := streams.Denied(ctx, nc, nats.ErrTimeout); missing != nil {
		return nil, fmt.Errorf("ask who enforces the budgets: %w", missing)
	}
	var all []budget.Enforcement
	for wait := firstAnswer; ; wait = nextAnswer {
		within, cancel := context.WithTimeout(ctx, wait)
		m, err := sub.NextMsgWithContext(within)
		cancel()
		switch {
		case ctx.Err() != nil:
			return all, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
			return all, nil
		case err != nil:
			return all, fmt.Errorf("ask who enforces the budgets: %w", err)
		}
		var h budget.Enforcement
		if err := json.Unmarshal(m.Data, &h); err == nil {
			all = append(all, h)
		}
	}
}
