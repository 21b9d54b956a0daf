package query

import (
	"context"
	"iter"

	"github.com/staffetta-io/staffetta/internal/why"
)

// Reader answers questions. There are two: the service, for a user with the right to
// ask it, and the streams, for a user with the right to read them. Their answers are
// the same. An error that is part of the answer is an [*Error].
type Reader interface {
	Get(context.Context, GetAsk) (Record, error)
	List(context.Context, ListAsk) (Campaigns, error)
	Why(context.Context, WhyAsk) (why.Story, error)
	DLQ(context.Context, DLQAsk) (Letters, error)
	Events(context.Context, EventsAsk) (Events, error)
	Budget(context.Context, BudgetAsk) (Budgets, error)
	BudgetHistory(context.Context, BudgetHistoryAsk) (BudgetHistory, error)
	Schedules(context.Context, SchedulesAsk) (Schedules, error)
	Audiences(context.Context, AudiencesAsk) (Audiences, error)
	Outcome(context.Context, OutcomeAsk) (Outcome, error)
}

// Each yields the items of all pages. It asks for the next page while it yields the
// items of this one, so that neither side waits for the other. It ends at the first
// error. An item that is saved meanwhile may come twice, and is never left out.
func Each[T any](page func(after string) (items []T, next string, err error)) iter.Seq2[T, error] {
	type answer struct {
		items []T
		next  string
		err   error
	}
	return func(yield func(T, error) bool) {
		coming := make(chan answer, 1) // buffered: a loop that stops early leaves one unread
		ask := func(after string) {
			var a answer
			a.items, a.next, a.err = page(after)
			coming <- a
		}
		ask("")
		for {
			a := <-coming
			if a.err != nil {
				var none T
				yield(none, a.err)
				return
			}
			if a.next != "" {
				go ask(a.next)
			}
			for _, item := range a.items {
				if !yield(item, nil) {
					return
				}
			}
			if a.next == "" {
				return
			}
		}
	}
}
