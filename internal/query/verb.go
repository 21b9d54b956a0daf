package query

import (
	"context"
	"reflect"
	"strings"
	"time"
)

// Subject begins the subject of every question; the verb comes after it. For a user in
// the account of a source, the source comes after the verb: the account's import puts
// it there, see docs/query.md.
const Subject = "staffetta.query."

// Verbs of questions.
const (
	VerbGet           = "get"
	VerbList          = "list"
	VerbWhy           = "why"
	VerbEvents        = "events"
	VerbDLQ           = "dlq"
	VerbBudget        = "budget"
	VerbBudgetHistory = "budget_history"
	VerbSchedules     = "schedules"
	VerbAudiences     = "audiences"
	VerbOutcome       = "outcome"
	VerbCheck         = "check"
	VerbHealth        = "health"
)

// verb is a kind of question.
type verb struct {
	name, about string
	asked, said reflect.Type  // of the question and of its answer
	fields      []string      // fields that the question may have
	within      time.Duration // limits the time for one answer
	answer      func(ctx context.Context, o Options, source string, data []byte) (any, error)
}

// Question is a kind of question, for whoever describes them.
type Question struct {
	Verb, About   string
	Asked, Answer reflect.Type // what is JSON on the wire
}

// Questions are all of them, and [Error] is the other answer of each.
func Questions() (all []Question) {
	for _, v := range verbs {
		all = append(all, Question{v.name, v.about, v.asked, v.said})
	}
	return all
}

var verbs = []verb{
	asks(VerbGet, "the record of a campaign", Reader.Get),
	asks(VerbList, "which campaigns there are", Reader.List),
	asks(VerbWhy, "what happened to a campaign, and what it waits for", Reader.Why),
	asks(VerbEvents, "the events of campaigns", Reader.Events),
	asks(VerbDLQ, "dead letters", Reader.DLQ),
	asks(VerbBudget, "how far budgets are spent", Reader.Budget),
	asks(VerbBudgetHistory, "who set budgets, and when", Reader.BudgetHistory),
	asks(VerbSchedules, "schedules", Reader.Schedules),
	asks(VerbAudiences, "lists of recipients that are published under names", Reader.Audiences),
	asks(VerbOutcome, "what became of a standing order", Reader.Outcome),
	checks(),
	{VerbHealth, "how this service is", reflect.TypeFor[HealthAsk](), reflect.TypeFor[Health](), nil, answerWithin, func(_ context.Context, o Options, source string, data []byte) (any, error) {
		if err := decode(data, &HealthAsk{}, nil); err != nil {
			return nil, err
		}
		h := o.Health()
		if source != "" {
			h = Health{Ready: h.Ready} // the rest is for the operator
		}
		return h, nil
	}},
}

// asks makes a verb from a method of [Reader].
func asks[A any, P interface {
	*A
	Ask
}, B any](name, about string, read func(Reader, context.Context, A) (B, error)) verb {
	return answers[A, P](name, about, answerWithin, func(o Options, ctx context.Context, a A) (B, error) { return read(o.Reader, ctx, a) })
}

// checks is the verb of checks, which a reader of streams cannot answer: they take the
// rules of the service, and its gateway.
func checks() verb {
	return answers(VerbCheck, "what would become of a request", checkWithin, func(o Options, ctx context.Context, a CheckAsk) (Checked, error) {
		return o.Check(ctx, a)
	})
}

// answers makes a verb from what answers it.
func answers[A any, P interface {
	*A
	Ask
}, B any](name, about string, within time.Duration, answer func(Options, context.Context, A) (B, error)) verb {
	fields := fieldsOf(reflect.TypeFor[A]())
	return verb{name, about, reflect.TypeFor[A](), reflect.TypeFor[B](), fields, within, func(ctx context.Context, o Options, source string, data []byte) (any, error) {
		ask := P(new(A))
		if err := decode(data, ask, fields); err != nil {
			return nil, err
		}
		if err := ask.Check(); err != nil {
			return nil, err
		}
		if source != "" {
			if err := ask.narrow(source); err != nil {
				return nil, err
			}
		}
		return answer(o, ctx, *ask)
	}}
}

// fieldsOf are the names of a question's fields.
func fieldsOf(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}
