package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Upgrade is what an upgrade of the streams does, in its order.
type Upgrade struct {
	Installation string
	Steps        []Step
}

// Step is what an upgrade does to one stream.
type Step struct {
	Stream string
	Does   string // as in "CAMPAIGN_WAKEUPS gives up the subject …"
}

// PlanUpgrade says what streams of an earlier version lack: the id of the others, else
// a new one, and what has changed since in their layout. Streams that do not belong
// together are an error.
func (c *Client) PlanUpgrade(ctx context.Context) (Upgrade, error) {
	ctx, done := c.rights.Watch(ctx, "STREAM.INFO.", "STREAM.MSG.GET.")
	defer done()
	in, err := streams.Survey(ctx, c.js)
	if err != nil {
		return Upgrade{}, streams.ExplainReadError(ctx, c.js, streams.Records, err)
	}
	id, err := in.ID()
	if err == nil {
		err = in.Lost()
	}
	if err != nil {
		return Upgrade{}, err
	}
	if len(in.Have) == 0 {
		return Upgrade{}, errors.New("there are no streams: the service makes them at its start, with an id")
	}
	if id == "" {
		id = rand.Text()
	}
	u := Upgrade{Installation: id}
	for _, want := range streams.All(0) {
		info := in.Have[want.Name]
		if info == nil {
			continue
		}
		if _, does := u.upgraded(info.Config, want); len(does) > 0 {
			u.Steps = append(u.Steps, Step{want.Name, strings.Join(does, ", ")})
		}
	}
	if in.Have[streams.Commands] == nil {
		// Last: the server takes no two streams with one subject, so that the timers'
		// stream has to give it up first.
		u.Steps = append(u.Steps, Step{streams.Commands, "is made, for what people tell campaigns"})
	}
	return u, nil
}

// upgraded is a stream as it will be, and what that does to it. What an operator may
// choose stays.
func (u Upgrade) upgraded(have, want jetstream.StreamConfig) (_ jetstream.StreamConfig, does []string) {
	id := streams.IdentityOf(have)
	if id.Installation == "" {
		does = append(does, "gets the id of the installation")
	}
	if id.Layout < streams.Layout && id.Installation != "" {
		does = append(does, fmt.Sprintf("gets layout %d", streams.Layout))
	}
	switch {
	case id.Layout >= 2:
	case want.Name == streams.Requests:
		have.DenyPurge, have.AllowRollup, have.Duplicates = true, false, want.Duplicates
		does = append(does, "can no longer be purged, and forgets message ids after "+want.Duplicates.String())
	case want.Name == streams.Wakeups:
		have.Subjects = want.Subjects
		does = append(does, "gives up the subject "+streams.CommandPrefix+">")
	}
	meta := maps.Clone(have.Metadata)
	if meta == nil {
		meta = map[string]string{}
	}
	maps.Copy(meta, streams.NewIdentity(u.Installation).Metadata())
	have.Metadata = meta
	return have, does
}

// Upgrade does what was planned, the records first, so that an upgrade that ends in
// between goes on with the same id. It needs the right to change streams, and for a new
// one the right to make it. A command that is published between the two steps finds
// no stream; whoever publishes it hears so, and repeats it.
func (c *Client) Upgrade(ctx context.Context, u Upgrade) error {
	ctx, done := c.rights.Watch(ctx, ".STREAM.")
	defer done()
	all := streams.All(0)
	for _, step := range u.Steps {
		want := all[slices.IndexFunc(all, func(s jetstream.StreamConfig) bool { return s.Name == step.Stream })]
		if step.Stream == streams.Commands {
			if err := c.makeCommands(ctx, want, u.Installation); err != nil {
				return err
			}
			continue
		}
		if err := c.change(ctx, step.Stream, u.Installation, func(cfg jetstream.StreamConfig) jetstream.StreamConfig {
			cfg, _ = u.upgraded(cfg, want)
			return cfg
		}); err != nil {
			return err
		}
	}
	return nil
}

// makeCommands makes the stream of commands like that of the timers, where they lay.
func (c *Client) makeCommands(ctx context.Context, want jetstream.StreamConfig, id string) error {
	s, err := c.js.Stream(ctx, streams.Wakeups)
	if err != nil {
		return streams.ExplainReadError(ctx, c.js, streams.Wakeups, err)
	}
	like := s.CachedInfo().Config
	want.Replicas, want.Storage, want.Placement = like.Replicas, like.Storage, like.Placement
	if _, err := streams.Ensure(ctx, c.js, want, streams.NewIdentity(id)); err != nil {
		if missing := streams.Denied(ctx, c.js.Conn(), err); missing != nil {
			return fmt.Errorf("make stream %s: %w; it is the operator's right", want.Name, missing)
		}
		return err
	}
	return nil
}

// mark adds to what a stream bears.
func (c *Client) mark(ctx context.Context, name string, meta map[string]string) error {
	return c.change(ctx, name, meta[streams.MetaInstallation], func(cfg jetstream.StreamConfig) jetstream.StreamConfig {
		if cfg.Metadata == nil {
			cfg.Metadata = map[string]string{}
		}
		maps.Copy(cfg.Metadata, meta)
		return cfg
	})
}

// change changes a stream, unless it is of another installation by now.
func (c *Client) change(ctx context.Context, name, installation string, change func(jetstream.StreamConfig) jetstream.StreamConfig) error {
	s, err := c.js.Stream(ctx, name)
	if err != nil {
		return streams.ExplainReadError(ctx, c.js, name, err)
	}
	cfg := s.CachedInfo().Config
	if its := streams.IdentityOf(cfg).Installation; its != "" && its != installation {
		return fmt.Errorf("stream %s is of installation %s by now: look again", name, its)
	}
	if _, err := c.js.UpdateStream(ctx, change(cfg)); err != nil {
		if missing := streams.Denied(ctx, c.js.Conn(), err); missing != nil {
			return fmt.Errorf("change stream %s: %w; it is the operator's right", name, missing)
		}
		return fmt.Errorf("change stream %s: %w", name, err)
	}
	return nil
}
