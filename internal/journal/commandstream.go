package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// commands knows where commands lie. In streams of layout 1 they lie beside the timers; a
// service that runs while the streams are upgraded begins to read the new stream by
// itself. It is the [PullGate] of that.
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

// Pulling says that the stream is there. See [PullGate].
func (c *commands) Pulling() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.there
}

// Changed is closed once the stream is there, which it then stays. See [PullGate].
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
	ctx, cancel := context.WithTimeout(context.Background(), streams.AnswerWithin)
	defer cancel()
	s, err := j.js.Stream(ctx, streams.Commands)
	if err != nil {
		return
	}
	for _, want := range streams.Core(0) {
		if want.Name == streams.Commands {
			err = streams.Verify(s.CachedInfo().Config, want)
		}
	}
	if err != nil {
		j.options.Log.Error("commands are not read", "error", err)
		return
	}
	j.options.Log.Info("the streams have been upgraded: commands are read from a stream of their own", "stream", streams.Commands)
	j.commands.found()
}

// leftOver says whether commands are read beside the timers: they are published there,
// or some have stayed there that were published before the streams were upgraded.
func (j *Journal) leftOver(ctx context.Context) (bool, error) {
	if !j.commands.Pulling() {
		return true, nil
	}
	for _, c := range streams.BesideTimers() {
		cons, err := streams.Ask(ctx, func(ctx context.Context) (jetstream.Consumer, error) {
			return j.js.Consumer(ctx, c.Stream, c.Name)
		})
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			// Nobody has read them yet, or the consumer was lost. Those that were handled
			// before are handled like any redelivery.
			_, err = streams.AskLeader(ctx, j.nc, c.Stream, streams.CommandPrefix+">")
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				return false, nil
			}
			if err != nil {
				return false, fmt.Errorf("look for commands in %s: %w", c.Stream, err)
			}
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("consumer %s of %s: %w", c.Name, c.Stream, err)
		}
		if info := cons.CachedInfo(); info.NumPending > 0 || info.NumAckPending > 0 {
			return true, nil
		}
	}
	return false, nil
}
