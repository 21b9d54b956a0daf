package query

import (
	"context"
	"iter"

	"github.com/staffetta-io/staffetta/internal/why"
)

// Reader answers questions. The service is one for whoever asks it, and the streams
// are one for whoever may read them: the answers are the same. An error that is part
// of the answer is an [*Error].
type Reader interface {
	Get(context.Context, GetAsk) (Record, error)
	List(context.Context, ListAsk) (Campaigns, error)
	Why(context.Context, WhyAsk) (why.Story, error)
	DLQ(context.Context, DLQAsk) (Letters, error)
	Budget(context.Context, BudgetAsk) (Budgets, error)
	Schedules(context.Context, SchedulesAsk) (Schedules, error)
}

// Each yields what is on all pages, and asks for the next one when it is needed. It
// ends at the first error. What moves meanwhile may come twice, and is never left out.
func Each[T any](page func(after string) (items []T, next string, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after := ""; ; {
			items, next, err := page(after)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			after = next
		}
	}
}
