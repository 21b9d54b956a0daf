package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// The events are a witness: they outlive a record that is lost, or that a backup
// brought back. Whoever asks them is about to spend money, so they are read from
// the stream's leader, and what cannot be read is an error.

// Published is what the stream tells of a key. See [runner.Journal]. A key of which
// nothing was told, which is nearly every one, costs one question. One of which something was told and that has
// no record has lost it.
func (j *Journal) Published(ctx context.Context, key campaign.Key) ([]campaign.Event, error) {
	all, err := eventReader{j.nc, j.events}.of(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read the events of %s: %w", key, err)
	}
	if len(all) > 0 {
		known, err := j.recorded(ctx, key)
		if err == nil && !known {
			_, err = j.missing(ctx, key, all[len(all)-1].Stored)
		}
		if err != nil {
			return nil, fmt.Errorf("look for the record of %s: %w", key, err)
		}
	}
	var events []campaign.Event
	for _, t := range all {
		e, _ := t.Event()
		events = append(events, e)
	}
	return events, nil
}

// EventsOf are the events of a key as their stream's leader has them, of the statistics
// the last one.
func EventsOf(ctx context.Context, nc *nats.Conn, events jetstream.Stream, key campaign.Key) ([]contract.StoredEvent, error) {
	return eventReader{nc, events}.of(ctx, key)
}

// eventReader reads events from the leader of their stream.
type eventReader struct {
	nc     *nats.Conn
	events jetstream.Stream
}

// of reads the events of a key, all of which this version knows.
func (w eventReader) of(ctx context.Context, key campaign.Key) ([]contract.StoredEvent, error) {
	prefix := streams.EventPrefix + key.String() + "."
	last, err := w.last(ctx, prefix+">")
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := streams.LeaderInfo(ctx, w.events, jetstream.WithSubjectFilter(prefix+">"))
	if err != nil {
		return nil, err
	}
	// Statistics are many, and only the last one says anything that is not old.
	wanted := map[string]bool{last.Subject: true}
	for subject := range info.State.Subjects {
		if strings.HasPrefix(subject, prefix+string(campaign.EventStats)+".") {
			subject = prefix + string(campaign.EventStats) + ".*"
		}
		wanted[subject] = true
	}
	all := map[uint64]contract.StoredEvent{}
	for subject := range wanted {
		m, err := w.last(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // it has just become too old
		}
		if err != nil {
			return nil, err
		}
		t, err := understood(m)
		if err != nil {
			return nil, err
		}
		all[t.Sequence] = t
	}
	ordered := make([]contract.StoredEvent, 0, len(all))
	for _, t := range all {
		ordered = append(ordered, t)
	}
	slices.SortFunc(ordered, func(a, b contract.StoredEvent) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return ordered, nil
}

// understood reads an event, and refuses one that this version does not know: it
// may be an end.
func understood(m *jetstream.RawStreamMsg) (contract.StoredEvent, error) {
	t, err := contract.StoredEventOf(m.Subject, m.Header, m.Data, m.Sequence, m.Time)
	if err != nil {
		return t, err
	}
	if e, known := t.Event(); !known || string(e.Type) != t.Type {
		return t, fmt.Errorf("event %s is of the type %q, which this version does not know: a newer staffetta told it, upgrade this one", t.Subject, contract.HeaderOf(t.Header, "ce-type"))
	}
	return t, nil
}

// costConflict compares a cost that was told before with the one that is to be told:
// by draft and quote, for another version writes the same in other bytes. An older
// version named neither quote nor gateway.
func (j *Journal) costConflict(ctx context.Context, key campaign.Key, e campaign.Event, subject string) error {
	m, err := eventReader{j.nc, j.events}.last(ctx, subject)
	if err != nil {
		return err
	}
	t, err := understood(m)
	if err != nil {
		return err
	}
	there, _ := t.Event()
	if there.CampaignID == e.CampaignID && (there.Gateway == e.Gateway || there.Gateway == "" || e.Gateway == "") && (there.QuoteID == e.QuoteID || there.QuoteID == "" || e.QuoteID == "") {
		return nil
	}
	found := &runner.CostConflict{Event: there}
	j.options.Log.Error("a cost was told before, for another draft or quote: somebody has been further than the record knows; the campaign is not confirmed",
		"key", key.String(), "event", subject, "campaign_id", e.CampaignID, "quote_id", e.QuoteID,
		"told_campaign_id", there.CampaignID, "told_quote_id", there.QuoteID)
	j.options.OnCostConflict(key, found)
	return found
}

// last is the last event of a subject or of many.
func (w eventReader) last(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	return streams.AskLeader(ctx, w.nc, streams.Events, subject)
}
