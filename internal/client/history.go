package client

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
	"github.com/staffetta-io/staffetta/internal/why"
)

// What the streams still hold about one campaign, for whoever asks why.

// Requests returns every request for a campaign that the stream still holds
// (30 days), the oldest first.
func (c *Client) Requests(ctx context.Context, key campaign.Key) ([]why.Request, error) {
	var all []why.Request
	in := contract.Reader{Rules: c.rules}
	for m, err := range c.stored(ctx, streams.Requests, contract.RequestSubject(key)) {
		if err != nil {
			return all, err
		}
		r := why.Request{At: m.at, Sequence: m.sequence}
		r.Replay, _ = strconv.ParseUint(m.Headers().Get(contract.HeaderReplay), 10, 64)
		w, err := in.ReadRequest(m.Subject(), m.Headers(), m.Data(), m.at)
		if err != nil {
			r.Err = err.Error()
		}
		r.Content = w.Request
		all = append(all, r)
	}
	return all, nil
}

// Commands returns what people told a campaign in the last seven days, the
// oldest first.
func (c *Client) Commands(ctx context.Context, key campaign.Key) ([]why.Command, error) {
	var all []why.Command
	me, _ := c.Me() // who may not ask sees who is named, and takes nobody's word for proven
	// Beside the timers are those from before the streams were upgraded.
	for _, stream := range []string{streams.Wakeups, streams.Commands} {
		for m, err := range c.stored(ctx, stream, contract.CommandSubject(key, ">")) {
			if stream == streams.Commands && errors.Is(err, jetstream.ErrStreamNotFound) {
				break
			}
			if err != nil {
				return all, err
			}
			command := why.Command{At: m.at, Sequence: m.sequence}
			// One that cannot be read tells nothing: why it was put aside its dead letter says.
			if w, err := contract.ReadCommand(m.Subject(), m.Headers(), m.Data(), me.Proves()); err == nil {
				command.Input = w.Command
			}
			all = append(all, command)
		}
	}
	return all, nil
}

// storedMessage is a message, and where it stands in its stream.
type storedMessage struct {
	jetstream.Msg
	sequence uint64
	at       time.Time // when it was stored, in UTC
}

// stored yields what a stream holds on a subject, the oldest first. It ends at the first
// error.
func (c *Client) stored(ctx context.Context, stream, filter string) iter.Seq2[storedMessage, error] {
	return func(yield func(storedMessage, error) bool) {
		for m, err := range c.walk(ctx, stream, jetstream.ConsumerConfig{FilterSubject: filter}) {
			var meta *jetstream.MsgMetadata
			if err == nil {
				meta, err = m.Metadata()
			}
			if err != nil {
				yield(storedMessage{}, err)
				return
			}
			if !yield(storedMessage{m, meta.Sequence.Stream, meta.Timestamp.UTC()}, nil) {
				return
			}
		}
	}
}

// Armed is the earliest instant for which a timer of a campaign is set; zero: there
// is none. It is earlier than the campaign's own next wake-up if that is far away,
// because the service sleeps a week at a time.
func (c *Client) Armed(ctx context.Context, key campaign.Key) (earliest time.Time, err error) {
	timers := c.walk(ctx, streams.Wakeups, jetstream.ConsumerConfig{FilterSubject: streams.TimerPrefix + key.String() + ".*", HeadersOnly: true})
	for m, err := range timers {
		if err != nil {
			return time.Time{}, err
		}
		_, version, err := contract.SplitSubject(m.Subject(), streams.TimerPrefix)
		nanos, bad := strconv.ParseInt(version, 10, 64)
		if err != nil || bad != nil {
			continue
		}
		if at := time.Unix(0, nanos).UTC(); earliest.IsZero() || at.Before(earliest) {
			earliest = at
		}
	}
	return earliest, nil
}

// QueuePlace returns where a request of a source stands. That no service has ever consumed
// is not an error: nothing is taken then, and nobody pulls.
func (c *Client) QueuePlace(ctx context.Context, source string, sequence uint64) (why.QueuePlace, error) {
	if own := c.ownConsumer(ctx, source); own != nil && !own.before(sequence) {
		return own.place(sequence), nil
	}
	ctx, done := c.rights.Watch(ctx, streams.Requests)
	defer done()
	cons, err := c.js.Consumer(ctx, streams.Requests, streams.RequestConsumer().Name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return why.QueuePlace{}, nil
	}
	if err != nil {
		return why.QueuePlace{}, streams.ExplainReadError(ctx, c.js, streams.Requests, err)
	}
	return (&queue{cons.CachedInfo()}).place(sequence), nil
}

// queue is a consumer of requests.
type queue struct{ *jetstream.ConsumerInfo }

// ownConsumer is the consumer of one source's requests; nil: it has none, or this user may
// not see it.
func (c *Client) ownConsumer(ctx context.Context, source string) *queue {
	ctx, done := c.rights.Watch(ctx, "CONSUMER.INFO.")
	defer done()
	cons, err := c.js.Consumer(ctx, streams.Requests, streams.RequestConsumer().Of(source).Name)
	if err != nil {
		return nil
	}
	return &queue{cons.CachedInfo()}
}

// before says that a request was handled before the consumer was made.
func (q *queue) before(sequence uint64) bool { return sequence < q.Config.OptStartSeq }

// waits says that a request is not done with.
func (q *queue) waits(sequence uint64) bool {
	return !q.before(sequence) && q.AckFloor.Stream < sequence && (q.NumPending > 0 || q.NumAckPending > 0)
}

// place is where a request stands.
func (q *queue) place(sequence uint64) why.QueuePlace {
	t := why.QueuePlace{
		Taken:   q.Delivered.Stream >= sequence,
		Done:    q.AckFloor.Stream >= sequence,
		Pulling: q.NumWaiting > 0,
	}
	if !t.Taken {
		t.Ahead = sequence - q.Delivered.Stream - 1
		if q.NumPending > 0 {
			t.Ahead = min(t.Ahead, q.NumPending-1) // those between may be others'
		}
	}
	return t
}
