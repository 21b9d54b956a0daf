package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// consumer is one durable pull consumer, shared by all replicas.
type consumer struct {
	stream string
	name   string
	filter string
}

var consumers = [...]consumer{
	{StreamRequests, "requests", "campaign.v1.request.*.*"},
	{StreamWakeups, "wakeups", "campaign.v1.wakeup.>"},
	{StreamCommands, "commands", commandPrefix + ">"},
}

// besideTimers is where commands lay in layout 1.
var besideTimers = consumer{StreamWakeups, "commands", commandPrefix + ">"}

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
		FilterSubject: c.filter,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       j.AckWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
		DeliverPolicy: jetstream.DeliverAllPolicy,
	}
	cons, err := ask(ctx, func(ctx context.Context) (jetstream.Consumer, error) {
		return j.js.Consumer(ctx, c.stream, c.name)
	})
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		cons, err = j.js.CreateOrUpdateConsumer(ctx, c.stream, want)
	}
	if err != nil {
		return nil, fmt.Errorf("consumer %s of %s: %w", c.name, c.stream, err)
	}
	have := cons.CachedInfo().Config
	if have.FilterSubject != want.FilterSubject || have.AckPolicy != want.AckPolicy {
		return nil, fmt.Errorf("consumer %s of %s has filter %q and ack policy %s, want %q and %s: delete it, it will be made again",
			c.name, c.stream, have.FilterSubject, have.AckPolicy, want.FilterSubject, want.AckPolicy)
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
