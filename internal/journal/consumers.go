package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// consumer is one durable pull consumer, shared by all replicas.
type consumer struct {
	stream string
	name   string
	filter string
	second string // another filter; empty: none
}

// filters are those of the consumer.
func (c consumer) filters() []string {
	if c.second == "" {
		return []string{c.filter}
	}
	return []string{c.filter, c.second}
}

const cancels = commandPrefix + "*.*." + VerbCancel

var consumers = [...]consumer{
	{stream: StreamRequests, name: "requests", filter: "campaign.v1.request.*.*"},
	{stream: StreamWakeups, name: "wakeups", filter: "campaign.v1.wakeup.>"},
	{stream: StreamCommands, name: "commands", filter: commandPrefix + ">"},
	// A cancel waits behind no other command. The consumer before gets it as well,
	// and leaves it to this one.
	{stream: StreamCommands, name: "cancels", filter: cancels, second: cancels + ".*"},
}

// besideTimers is where commands lay in layout 1.
var besideTimers = [...]consumer{
	{stream: StreamWakeups, name: "commands", filter: commandPrefix + ">"},
	{stream: StreamWakeups, name: "cancels", filter: cancels},
}

// isCancel says that a command is one that the lane of the cancels handles.
func isCancel(subject string) bool {
	_, rest, err := splitSubject(subject, commandPrefix)
	verb, actor, _ := strings.Cut(rest, ".")
	return err == nil && verb == VerbCancel && !strings.Contains(actor, ".")
}

// isBareCancel is the same beside the timers, where the filter knows no actor.
func isBareCancel(subject string) bool {
	_, rest, err := splitSubject(subject, commandPrefix)
	return err == nil && rest == VerbCancel
}

const (
	pullExpiry = 30 * time.Second
	// pullHeartbeat is short because of the client, not of the server: when a
	// whole batch arrives while the next pull is on its way out, the client
	// can forget to pull again until two heartbeats are missing.
	pullHeartbeat = time.Second
	// silences is how many missing heartbeats in a row mean that the consumer
	// has to be looked for, and made again if it is gone.
	silences = 5
	// maxAckPending bounds what all replicas have in hand or wait to retry.
	maxAckPending = 50_000
)

// prefetch is how many messages may wait in the client for a worker.
func prefetch(workers int) int { return max(2, workers/2) }

// ensureConsumer creates the consumer if it is absent. One that is present
// keeps what an operator may have set, but not what would break the promise:
// AckWait follows ours, and nothing is given up after a number of deliveries.
func (j *Journal) ensureConsumer(ctx context.Context, c consumer) (jetstream.Consumer, error) {
	want := jetstream.ConsumerConfig{
		Durable:       c.name,
		Description:   "Staffetta: shared by all replicas of the service",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       j.AckWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
		DeliverPolicy: jetstream.DeliverAllPolicy,
	}
	if want.FilterSubject = c.filter; c.second != "" {
		want.FilterSubject, want.FilterSubjects = "", c.filters()
	}
	cons, err := ask(ctx, func(ctx context.Context) (jetstream.Consumer, error) {
		return j.js.Consumer(ctx, c.stream, c.name)
	})
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		if c == besideTimers[1] {
			// An earlier version, which had one consumer for all commands, has
			// handled those that came before.
			var handled jetstream.Consumer
			if handled, err = j.js.Consumer(ctx, c.stream, besideTimers[0].name); err != nil {
				return nil, fmt.Errorf("consumer %s of %s: %w", besideTimers[0].name, c.stream, err)
			}
			want.DeliverPolicy, want.OptStartSeq = jetstream.DeliverByStartSequencePolicy, handled.CachedInfo().AckFloor.Stream+1
		}
		cons, err = j.js.CreateOrUpdateConsumer(ctx, c.stream, want)
	}
	if err != nil {
		return nil, fmt.Errorf("consumer %s of %s: %w", c.name, c.stream, err)
	}
	have := cons.CachedInfo().Config
	if have.FilterSubject != want.FilterSubject || !slices.Equal(have.FilterSubjects, want.FilterSubjects) || have.AckPolicy != want.AckPolicy {
		return nil, fmt.Errorf("consumer %s of %s has filters %q and ack policy %s, want %q and %s: delete it, it will be made again",
			c.name, c.stream, append(have.FilterSubjects, have.FilterSubject), have.AckPolicy, c.filters(), want.AckPolicy)
	}
	if have.AckWait == want.AckWait && have.MaxDeliver == want.MaxDeliver {
		return cons, nil
	}
	have.AckWait, have.MaxDeliver = want.AckWait, want.MaxDeliver
	if cons, err = j.js.UpdateConsumer(ctx, c.stream, have); err != nil {
		return nil, fmt.Errorf("consumer %s of %s: %w", c.name, c.stream, err)
	}
	return cons, nil
}
