package journal

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// What the streams still hold about one campaign, for whoever asks why.

// Heard is a request or a command as it stands in its stream.
type Heard struct {
	Sequence uint64
	Stored   time.Time
	Wakeup   runner.Wakeup // what the service makes of it
	Err      error         // why it makes nothing of it
	Replay   uint64        // of which dead letter it is a replay; zero: of none
}

// Requests returns every request for a campaign that the stream still holds
// (30 days), the oldest first.
func (c *Client) Requests(ctx context.Context, key campaign.Key) ([]Heard, error) {
	in := intake{validator: c.validator}
	return c.heard(ctx, StreamRequests, requestSubject(key), func(m jetstream.Msg) (runner.Wakeup, error) {
		return in.read(ctx, m)
	})
}

// Commands returns what people told a campaign in the last seven days, the
// oldest first.
func (c *Client) Commands(ctx context.Context, key campaign.Key) ([]Heard, error) {
	var all []Heard
	me, _ := c.Me() // who may not ask sees who is named, and takes nobody's word for proven
	// Beside the timers are those from before the streams were upgraded.
	for _, stream := range []string{StreamWakeups, StreamCommands} {
		some, err := c.heard(ctx, stream, commandSubject(key, ">"), func(m jetstream.Msg) (runner.Wakeup, error) {
			return readCommand(m.Subject(), m.Headers(), m.Data(), me.proves())
		})
		if stream == StreamCommands && errors.Is(err, jetstream.ErrStreamNotFound) {
			break
		}
		if all = append(all, some...); err != nil {
			return all, err
		}
	}
	return all, nil
}

func (c *Client) heard(ctx context.Context, stream, filter string, read func(jetstream.Msg) (runner.Wakeup, error)) ([]Heard, error) {
	var all []Heard
	for m, err := range c.walk(ctx, stream, jetstream.ConsumerConfig{FilterSubject: filter}) {
		if err != nil {
			return all, err
		}
		meta, err := m.Metadata()
		if err != nil {
			return all, err
		}
		h := Heard{Sequence: meta.Sequence.Stream, Stored: meta.Timestamp.UTC()}
		h.Replay, _ = strconv.ParseUint(m.Headers().Get(headerReplay), 10, 64)
		h.Wakeup, h.Err = read(m)
		all = append(all, h)
	}
	return all, nil
}

// Armed is the earliest instant for which a timer of a campaign is set; zero: there
// is none. It is earlier than the campaign's own next wake-up if that is far away,
// because the service sleeps a week at a time.
func (c *Client) Armed(ctx context.Context, key campaign.Key) (earliest time.Time, err error) {
	timers := c.walk(ctx, StreamWakeups, jetstream.ConsumerConfig{FilterSubject: timerPrefix + key.String() + ".*", HeadersOnly: true})
	for m, err := range timers {
		if err != nil {
			return time.Time{}, err
		}
		_, version, err := splitSubject(m.Subject(), timerPrefix)
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

// Turn says where a request stands in the queue.
type Turn struct {
	Ahead   uint64 // requests that the service has yet to take before it
	Taken   bool   // the service has had it in hand, at least once
	Done    bool   // the service has acknowledged it
	Pulling bool   // some service asks for requests at the moment
	Last    time.Time
}

// Turn returns where a request stands. That no service has ever consumed is
// not an error: nothing is taken then, and nobody pulls.
func (c *Client) Turn(ctx context.Context, sequence uint64) (Turn, error) {
	ctx, done := c.rights.heed(ctx, StreamRequests)
	defer done()
	cons, err := c.js.Consumer(ctx, StreamRequests, consumers[0].name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return Turn{}, nil
	}
	if err != nil {
		return Turn{}, unread(ctx, c.js, StreamRequests, err)
	}
	info := cons.CachedInfo()
	t := Turn{
		Taken:   info.Delivered.Stream >= sequence,
		Done:    info.AckFloor.Stream >= sequence,
		Pulling: info.NumWaiting > 0,
	}
	if info.Delivered.Last != nil {
		t.Last = info.Delivered.Last.UTC()
	}
	if !t.Taken {
		t.Ahead = sequence - info.Delivered.Stream - 1
	}
	return t, nil
}

// timerSubject ends in the instant, so that an instant has a subject of its own.
func timerSubject(key campaign.Key, at time.Time) string {
	return timerPrefix + key.String() + "." + strconv.FormatInt(at.UnixNano(), 10)
}
