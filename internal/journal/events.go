package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

const contentProtobuf = "application/protobuf"

// Publish tells the world the events of c.Outbox, in order, one after the
// other: a later one is not in the stream before an earlier one. See
// [runner.Journal].
func (j *Journal) Publish(ctx context.Context, c campaign.Campaign) error {
	for _, e := range c.Outbox {
		if err := j.publish(ctx, c, e); err != nil {
			return fmt.Errorf("publish %s: %w", eventID(c.Key, e), err)
		}
	}
	return nil
}

// publish tells one event. Where its subject has one already, that is this one,
// told before. There are two others. A cost_calculated of another draft or quote was
// told by somebody who has been further than this record: a [*runner.ToldOtherwise].
// And a power cut that took back the record of a statistic lets its ordinal be used
// again, for a later one; then the next statistic replaces it, but the last one has
// no next, and is told under the first ordinal that is free.
func (j *Journal) publish(ctx context.Context, c campaign.Campaign, e campaign.Event) error {
	for {
		m, err := eventMessage(c, e)
		if err != nil {
			return err
		}
		already, err := j.create(ctx, m)
		if err != nil || !already {
			return err
		}
		switch {
		case e.Type == campaign.EventCostCalculated:
			return j.otherwise(ctx, c.Key, e, m.Subject)
		case e.Type != campaign.EventStats || !e.Last:
			return nil
		}
		old, err := witness{j.nc, j.events}.last(ctx, m.Subject)
		if err != nil {
			return err
		}
		var told campaignv1.CampaignStats
		if err := proto.Unmarshal(old.Data, &told); err != nil || told.GetLast() {
			return err
		}
		e.N++
	}
}

// eventMessage is the event as it goes out: the same event gives the same
// bytes, today and after a crash.
func eventMessage(c campaign.Campaign, e campaign.Event) (*nats.Msg, error) {
	body, err := toProto(c, e)
	if err != nil {
		return nil, err
	}
	id := eventID(c.Key, e)
	m := &nats.Msg{Subject: eventPrefix + id, Header: headers(
		"ce-specversion", "1.0",
		"ce-id", id,
		"ce-source", "staffetta",
		"ce-type", string(body.ProtoReflect().Descriptor().FullName()),
		"ce-subject", c.Key.String(),
		"ce-time", e.At.UTC().Format(time.RFC3339Nano),
		"content-type", contentProtobuf,
	)}
	if m.Data, err = (proto.MarshalOptions{Deterministic: true}).Marshal(body); err != nil {
		return nil, err
	}
	if e.Gateway != "" {
		m.Header.Set(headerGateway, e.Gateway)
	}
	if c.Trace != "" {
		m.Header.Set("traceparent", c.Trace)
	}
	return m, nil
}

// headerGateway says which gateway gave the campaign its number, as an extension
// attribute of the CloudEvent. The number means nothing to another one (rule 30).
const headerGateway = "ce-gateway"

// createOnly stores a message unless its subject has one already, and returns
// nil only when one is known to be there. It repeats what did not come
// through: the condition makes the second try the same as the first.
func (j *Journal) createOnly(ctx context.Context, m *nats.Msg) error {
	_, err := j.create(ctx, m)
	return err
}

// create is createOnly, and says whether one was there.
func (j *Journal) create(ctx context.Context, m *nats.Msg) (already bool, err error) {
	err = j.repeat(ctx, func(within time.Duration) error {
		_, err := j.write(ctx, m, 0, within)
		if already = sortWrite(err) == exists; already {
			return nil
		}
		return err
	})
	return already, err
}

// repeat makes a write that is safe to repeat until it has an answer, the
// stream refuses it, or patience is at an end.
func (j *Journal) repeat(ctx context.Context, write func(within time.Duration) error) error {
	until := time.Now().Add(j.Patience)
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		err := write(3 * time.Second)
		if err == nil {
			return nil
		}
		if sortWrite(err) == refused || connectionOver(err) || ctx.Err() != nil || time.Now().After(until) {
			if (errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded)) && ctx.Err() == nil {
				return fmt.Errorf("no answer from the stream within %s: %w", j.Patience, err)
			}
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}
