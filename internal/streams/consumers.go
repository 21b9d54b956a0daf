package streams

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Consumer is one durable pull Consumer, shared by all replicas.
type Consumer struct {
	Stream string
	Name   string
	filter string
	second string // another filter; empty: none
	// behind is the consumer of the same stream whose messages it goes on with: it begins
	// behind what that one has acknowledged. Empty: it begins with the first message.
	behind string
}

// Filters are those of the consumer.
func (c Consumer) filters() []string {
	if c.second == "" {
		return []string{c.filter}
	}
	return []string{c.filter, c.second}
}

const cancelSubject = CommandPrefix + "*.*." + CancelVerb

// RequestConsumer is the durable consumer of the requests. Each lane of the service has
// one.
func RequestConsumer() Consumer {
	return Consumer{Stream: Requests, Name: "requests", filter: "campaign.v1.request.*.*"}
}

// WakeupConsumer is that of the timers.
func WakeupConsumer() Consumer {
	return Consumer{Stream: Wakeups, Name: "wakeups", filter: "campaign.v1.wakeup.>"}
}

// CommandConsumer is that of all commands.
func CommandConsumer() Consumer {
	return Consumer{Stream: Commands, Name: "commands", filter: CommandPrefix + ">"}
}

// CancelConsumer is one of its own: a cancel waits behind no other command. The consumer
// of all commands gets it as well, and leaves it to this one.
func CancelConsumer() Consumer {
	return Consumer{Stream: Commands, Name: "cancels", filter: cancelSubject, second: cancelSubject + ".*"}
}

// StandingConsumer feeds whoever carries out standing orders. The consumer of all
// commands gets them as well, and leaves them to this one.
func StandingConsumer() Consumer {
	return Consumer{Stream: Commands, Name: "standing", filter: CommandPrefix + "*." + Standing + ".>"}
}

// ScheduleConsumer feeds the loop of recurring campaigns.
func ScheduleConsumer() Consumer {
	return Consumer{Stream: ScheduleWakeups, Name: "schedules", filter: ScheduleWakeupPrefix + ">"}
}

// ReaderConsumer is that of somebody else who reads events durably: one for each user, made
// by the operator.
func ReaderConsumer(name, filter string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       name,
		Description:   "Staffetta: what happened, for " + name,
		FilterSubject: filter,
		AckPolicy:     jetstream.AckExplicitPolicy,
	}
}

// BesideTimers is where commands lay in layout 1: all of them, and the cancels.
func BesideTimers() [2]Consumer {
	return [2]Consumer{
		{Stream: Wakeups, Name: "commands", filter: CommandPrefix + ">"},
		// An earlier version, which had one consumer for all commands, has handled those
		// that came before.
		{Stream: Wakeups, Name: "cancels", filter: cancelSubject, behind: "commands"},
	}
}

// Of is the consumer of what one source has there: of its requests, or of its timers. The
// consumer of all sources gets them as well.
func (c Consumer) Of(source string) Consumer {
	name, filter := c.Name+ofSource+source, RequestPrefix+source+".*"
	if c.Stream == Wakeups {
		filter = WakeupPrefix + source + ".>"
	}
	return Consumer{Stream: c.Stream, Name: name, filter: filter, behind: c.Name}
}

// ofSource stands between the name of a consumer and the source.
const ofSource = "-"

// IsOfSource says that a consumer of the service, by its name, is a source's own.
func IsOfSource(name string) bool { return strings.Contains(name, ofSource) }

// SourcesOf are the sources that have a consumer of their own beside c.
func SourcesOf(ctx context.Context, js jetstream.JetStream, c Consumer) (all []string, err error) {
	s, err := js.Stream(ctx, c.Stream)
	if err != nil {
		return nil, err
	}
	names := s.ConsumerNames(ctx)
	for name := range names.Name() {
		if source, own := strings.CutPrefix(name, c.Name+ofSource); own {
			all = append(all, source)
		}
	}
	return all, names.Err()
}

// Queued says whether anything waits in a consumer of all sources that nobody has in hand,
// and whether something of that is of other sources than one. While one publishes, a few
// of the others may be overlooked until the next look.
func Queued(ctx context.Context, js jetstream.JetStream, c Consumer, source string) (waits, others bool, err error) {
	cons, err := Ask(ctx, func(ctx context.Context) (jetstream.Consumer, error) { return js.Consumer(ctx, c.Stream, c.Name) })
	if err != nil {
		return false, false, err
	}
	queue := cons.CachedInfo()
	if queue.NumPending == 0 {
		return false, false, nil
	}
	// The server counts what a consumer has before it: nothing is delivered.
	cfg := Behind(queue.Delivered.Stream)
	cfg.FilterSubject = c.Of(source).filter
	count, forget, err := passing(ctx, js, c.Stream, cfg)
	if err != nil {
		return false, false, err
	}
	defer forget()
	return true, queue.NumPending > count.CachedInfo().NumPending, nil
}

// Handled is up to which sequence every message is acknowledged that a consumer brings:
// what lies above may be waiting for its turn. Found is false if there is no such
// consumer. What is left to a source's own is acknowledged there, too: ask the consumer of
// all sources first, and then the source's own.
func Handled(ctx context.Context, js jetstream.JetStream, c Consumer) (floor uint64, found bool, err error) {
	// One that another service is making has no leader yet, and a question about it is
	// never answered: so it is asked again.
	cons, err := Ask(ctx, func(ctx context.Context) (jetstream.Consumer, error) { return js.Consumer(ctx, c.Stream, c.Name) })
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	info := cons.CachedInfo()
	if c.behind != "" && info.NumPending == 0 && info.NumAckPending == 0 {
		// Its floor is its last message, however many came for others since.
		return math.MaxUint64, true, nil
	}
	return info.AckFloor.Stream, true, nil
}

const (
	PullExpiry = 30 * time.Second
	// PullHeartbeat is short because of the client, not of the server: when a
	// whole batch arrives while the next pull is on its way out, the client
	// can forget to pull again until two heartbeats are missing.
	PullHeartbeat = time.Second
	// Silences is how many missing heartbeats in a row mean that the consumer
	// has to be looked for, and made again if it is gone.
	Silences = 5
	// maxAckPending bounds what all replicas have in hand or wait to retry.
	maxAckPending = 50_000
)

// Prefetch is how many messages may wait in the client for a worker.
func Prefetch(workers int) int { return max(2, workers/2) }

// EnsureConsumer creates the consumer if it is absent. One that is present
// keeps what an operator may have set, but not what would break the promise:
// AckWait follows ackWait, and nothing is given up after a number of deliveries.
func EnsureConsumer(ctx context.Context, js jetstream.JetStream, c Consumer, ackWait time.Duration) (jetstream.Consumer, error) {
	want := jetstream.ConsumerConfig{
		Durable:       c.Name,
		Description:   "Staffetta: shared by all replicas of the service",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		Metadata:      monitorOfConsumer(),
	}
	if want.FilterSubject = c.filter; c.second != "" {
		want.FilterSubject, want.FilterSubjects = "", c.filters()
	}
	cons, err := Ask(ctx, func(ctx context.Context) (jetstream.Consumer, error) {
		return js.Consumer(ctx, c.Stream, c.Name)
	})
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		if c.behind != "" {
			var handled jetstream.Consumer
			if handled, err = js.Consumer(ctx, c.Stream, c.behind); err != nil {
				return nil, fmt.Errorf("consumer %s of %s: %w", c.behind, c.Stream, err)
			}
			want.DeliverPolicy, want.OptStartSeq = jetstream.DeliverByStartSequencePolicy, handled.CachedInfo().AckFloor.Stream+1
		}
		cons, err = js.CreateOrUpdateConsumer(ctx, c.Stream, want)
	}
	if err != nil {
		return nil, fmt.Errorf("consumer %s of %s: %w", c.Name, c.Stream, err)
	}
	have := cons.CachedInfo().Config
	if have.FilterSubject != want.FilterSubject || !slices.Equal(have.FilterSubjects, want.FilterSubjects) || have.AckPolicy != want.AckPolicy {
		return nil, fmt.Errorf("consumer %s of %s has filters %q and ack policy %s, want %q and %s: delete it, it will be made again",
			c.Name, c.Stream, append(have.FilterSubjects, have.FilterSubject), have.AckPolicy, c.filters(), want.AckPolicy)
	}
	_, watched := have.Metadata[monitorEnabled]
	if have.AckWait == want.AckWait && have.MaxDeliver == want.MaxDeliver && watched {
		return cons, nil
	}
	have.AckWait, have.MaxDeliver, have.Metadata = want.AckWait, want.MaxDeliver, monitored(have.Metadata, want.Metadata)
	if cons, err = js.UpdateConsumer(ctx, c.Stream, have); err != nil {
		return nil, fmt.Errorf("consumer %s of %s: %w", c.Name, c.Stream, err)
	}
	return cons, nil
}
