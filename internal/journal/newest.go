package journal

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Newest hands over the records that were saved last, looking so many saves
// back at most: what has been going on, without a look at a million records.
// One that cannot be read is passed over; whoever needs it will say so.
func (j *Journal) Newest(ctx context.Context, saves uint64, see func(campaign.Campaign)) error {
	info, err := j.records.Info(ctx)
	if err != nil {
		return unread(ctx, j.js, StreamRecords, err)
	}
	last := info.State.LastSeq
	cfg := jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(last, saves) - saves + 1}
	for m, err := range walk(ctx, j.js, StreamRecords, cfg) {
		if err != nil {
			return errors.Join(ctx.Err(), err)
		}
		if m.Headers().Get(headerKV) != "" {
			continue // deleted by hand
		}
		key, _, err := splitSubject(m.Subject(), recordPrefix)
		if err != nil {
			continue
		}
		if c, err := decodeRecord(key, m.Data()); err == nil {
			see(c)
		}
	}
	return nil
}
