package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"buf.build/go/protovalidate"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Publish tells the world the events of c.Outbox, in order, one after the
// other: a later one is not in the stream before an earlier one. See
// [runner.Journal].
func (j *Journal) Publish(ctx context.Context, c campaign.Campaign) error {
	for _, e := range c.Outbox {
		if err := j.publish(ctx, c, e); err != nil {
			return fmt.Errorf("publish %s: %w", contract.EventID(c.Key, e), err)
		}
	}
	return nil
}

// publish tells one event. Where its subject has one already, that is this one,
// told before. There are two others. A cost_calculated of another draft or quote was
// told by somebody who has been further than this record: a [*runner.CostConflict].
// And a power cut that took back the record of a statistic lets its ordinal be used
// again, for a later one; then the next statistic replaces it, but the last one has
// no next, and is told under the first ordinal that is free.
func (j *Journal) publish(ctx context.Context, c campaign.Campaign, e campaign.Event) error {
	for {
		out, err := contract.EventEnvelope(c, e)
		if err != nil {
			return j.broken(c.Key, e, "what a campaign owes cannot be told; it goes no further until that is mended", err)
		}
		m := streams.NewMsg(out.Subject, out.Header, out.Data)
		already, err := j.create(ctx, m)
		if err != nil || !already {
			return err
		}
		switch {
		case e.Type == campaign.EventCostCalculated:
			return j.costConflict(ctx, c.Key, e, m.Subject)
		case e.Type != campaign.EventStats || !e.Last:
			return nil
		}
		old, err := eventReader{j.nc, j.events}.last(ctx, m.Subject)
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
		_, err := streams.Write(ctx, j.nc, m, 0, within)
		if already = streams.SortWrite(err) == streams.Exists; already {
			return nil
		}
		return err
	})
	return already, err
}

// repeat makes a write that is safe to repeat until it has an answer, the
// stream refuses it, or patience is at an end.
func (j *Journal) repeat(ctx context.Context, write func(within time.Duration) error) error {
	until := time.Now().Add(j.options.Patience)
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		err := write(3 * time.Second)
		if err == nil {
			return nil
		}
		if streams.SortWrite(err) == streams.Refused || streams.ConnectionOver(err) || ctx.Err() != nil || time.Now().After(until) {
			if (errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded)) && ctx.Err() == nil {
				return fmt.Errorf("no answer from the stream within %s: %w", j.options.Patience, err)
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

// checkEvents says that every event that a record owes keeps the contract. One that does not
// must not be owed: it could be told only by breaking the promise to those who read it.
func (j *Journal) checkEvents(c campaign.Campaign) error {
	for _, e := range c.Outbox {
		m, err := contract.ToProto(c, e)
		if err == nil {
			err = j.promise.Validate(m)
		}
		if err == nil {
			continue
		}
		if invalid, ok := errors.AsType[*protovalidate.ValidationError](err); ok {
			v := invalid.Violations[0].Proto
			err = fmt.Errorf("%s: %s (%s)", protovalidate.FieldPathString(v.GetField()), v.GetMessage(), v.GetRuleId())
		}
		return j.broken(c.Key, e, "a campaign is not saved, because an event that it would owe breaks the contract; it goes no further until that is mended", err)
	}
	return nil
}

// broken raises an alarm about an event, as a [runner.ErrBroken].
func (j *Journal) broken(key campaign.Key, e campaign.Event, what string, err error) error {
	err = fmt.Errorf("its event %s.%d would break the contract: %w", e.Type, e.N, err)
	j.options.Log.Error(what, "key", key.String(), "error", err)
	j.options.OnBroken(key)
	return fmt.Errorf("%w: %w", runner.ErrBroken, err)
}
