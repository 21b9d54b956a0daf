package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// commands knows where commands lie. In streams of layout 1 they lie beside the timers; a
// service that runs while the streams are upgraded begins to read the new stream by
// itself. It is the [Gate] of that.
type commands struct {
	mu      sync.Mutex
	there   bool
	changed chan struct{} // closed once the stream is there
}

func newCommands() *commands { return &commands{changed: make(chan struct{})} }

func (c *commands) found() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.there {
		c.there = true
		close(c.changed)
	}
}

// Pulling says that the stream is there. See [Gate].
func (c *commands) Pulling() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.there
}

// Changed is closed once the stream is there, which it then stays. See [Gate].
func (c *commands) Changed() <-chan struct{} {
	if c.Pulling() {
		return nil
	}
	return c.changed
}

// lookForCommands looks whether the streams have been upgraded meanwhile.
func (j *Journal) lookForCommands() {
	if j.commands.Pulling() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	s, err := j.js.Stream(ctx, StreamCommands)
	if err != nil {
		return
	}
	for _, want := range streams(0) {
		if want.Name == StreamCommands {
			err = verifyStream(s.CachedInfo().Config, want)
		}
	}
	if err != nil {
		j.Log.Error("commands are not read", "error", err)
		return
	}
	j.Log.Info("the streams have been upgraded: commands are read from a stream of their own", "stream", StreamCommands)
	j.commands.found()
}

// leftOver says whether commands are read beside the timers: they are published there,
// or some have stayed there that were published before the streams were upgraded.
func (j *Journal) leftOver(ctx context.Context) (bool, error) {
	if !j.commands.Pulling() {
		return true, nil
	}
	for _, c := range besideTimers {
		cons, err := ask(ctx, func(ctx context.Context) (jetstream.Consumer, error) {
			return j.js.Consumer(ctx, c.stream, c.name)
		})
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("consumer %s of %s: %w", c.name, c.stream, err)
		}
		if info := cons.CachedInfo(); info.NumPending > 0 || info.NumAckPending > 0 {
			return true, nil
		}
	}
	return false, nil
}

// commandStream is where commands are published, as somebody sees it who may look.
func (c *Client) commandStream(ctx context.Context) (string, error) {
	ctx, done := c.rights.heed(ctx, StreamCommands)
	defer done()
	switch _, err := c.js.Stream(ctx, StreamCommands); {
	case err == nil:
		return StreamCommands, nil
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return StreamWakeups, nil
	default:
		return "", unread(ctx, c.js, StreamCommands, err)
	}
}
