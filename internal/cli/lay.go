package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/query"
)

// laying is a standing order on its way (a hold, a budget, a schedule, numbers that get nothing), and the wait
// for its outcome. The service carries it out: only the service writes its buckets.
type laying struct {
	by   string
	wait time.Duration
	rows []setting
	// first is done once it is known that a service answers, before the order is laid down.
	// Nil: nothing is.
	first func(context.Context) error
	// alone is what a person can do if no service answers; empty: only wait.
	alone string
}

func (l *laying) flags(f *pflag.FlagSet, by string) {
	l.rows = settingsOf("nats.")
	f.StringVar(&l.by, "by", "", by+", for people; needed where NATS knows no name")
	f.DurationVar(&l.wait, "wait", 30*time.Second, "how long to wait for the service's answer")
	addSettings(f, l.rows)
}

// notError says that what was asked for is not done, and will not be.
type notError struct{ error }

func (e notError) Unwrap() error { return e.error }

// asideError is an order that was put aside: the error says so, with an exit code of
// its own.
type asideError struct{ error }

// lay publishes an order for a source, or for all if it is empty, and returns the event
// with its outcome.
func lay[E proto.Message](cmd *cobra.Command, c *client.Client, l *laying, source, verb string, body proto.Message) (answer E, err error) {
	ctx := cmd.Context()
	if err := requireName(c, l.by, "say who says so"); err != nil {
		return answer, err
	}
	service := c.FromService()
	if _, err := service.Outcome(ctx, query.OutcomeAsk{}); query.Is(err, query.NoAnswer) {
		no := fmt.Errorf("nothing was done: %w Start one (staffetta serve) and say it again", sentence(err))
		if l.alone != "" {
			no = fmt.Errorf("%w; or %s", no, l.alone)
		}
		return answer, no
	} else if err != nil {
		return answer, err
	}
	if l.first != nil {
		if err := l.first(ctx); err != nil {
			return answer, err
		}
	}
	placed, err := c.Lay(ctx, source, verb, body)
	if err != nil {
		return answer, err
	}
	o, err := l.await(ctx, service, placed)
	switch {
	case err != nil:
		return answer, err
	case o.Outcome == query.OutcomeRefused:
		no := o.Note
		if len(o.Fields) > 0 && !strings.HasPrefix(no, o.Fields[0]) {
			no = strings.Join(o.Fields, ", ") + ": " + no
		}
		return answer, asideError{fmt.Errorf("%s\nrefused, as dead letter %d", no, o.Letter)}
	case o.Outcome != query.OutcomeDone:
		no := fmt.Errorf("%s %s: the order is stored as %d in %s, and no answer came within %s: it is not known yet whether it takes effect; a service carries it out as soon as it gets to it, within seven days",
			verb, or(source, "everybody"), placed.Sequence, placed.Stream, shortDuration(l.wait))
		if l.alone != "" {
			no = fmt.Errorf("%w; or %s", no, l.alone)
		}
		return answer, no
	}
	answer = answer.ProtoReflect().New().Interface().(E)
	if err := proto.Unmarshal(o.Event, answer); err != nil {
		return answer, fmt.Errorf("the answer to %s: %w", verb, plain(err))
	}
	return answer, nil
}

// await asks until the order is carried out or refused, or time is up.
func (l *laying) await(ctx context.Context, service query.Reader, placed client.Placed) (query.Outcome, error) {
	look, limit := time.NewTicker(50*time.Millisecond), time.After(l.wait)
	defer look.Stop()
	for {
		o, err := service.Outcome(ctx, query.OutcomeAsk{Sequence: placed.Sequence})
		switch {
		case err == nil && o.Outcome != query.OutcomeWaiting:
			return o, nil
		case err != nil && !passes(err):
			return o, err
		}
		select {
		case <-ctx.Done():
			return o, ctx.Err()
		case <-look.C:
		case <-limit:
			return query.Outcome{Outcome: query.OutcomeWaiting}, nil
		}
	}
}

// passes says that an error may pass, so it is worth asking again.
func passes(err error) bool {
	for _, code := range []query.Code{query.NoAnswer, query.TooMany, query.TooSlow, query.Closing, query.Failed} {
		if query.Is(err, code) {
			return true
		}
	}
	return false
}

// sentence ends an error as a sentence.
func sentence(err error) error {
	if s := err.Error(); !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "?") {
		return errors.New(s + ".")
	}
	return err
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
