package journal

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Entry is what is known of a campaign without reading its record.
type Entry struct {
	Sequence uint64 // of its record, in the order of Entries
	Key      campaign.Key
	State    campaign.State
	Since    time.Time // when it entered the state
	Saved    time.Time // when the record was last stored
	Wake     time.Time // when it must be looked at again; zero: it is final
	Waiting  string    // why nothing happens now; cut short
}

// Entries yields every campaign, of one source if it is not empty, in the
// order in which their records were last saved, behind a sequence if it is not zero. It reads headers only: a
// million records are a few seconds. It ends at the first error.
func (c *Client) Entries(ctx context.Context, source string, after uint64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		// Without a filter for all of them: in a million subjects it takes the
		// server a second to find the first.
		cfg := behind(after)
		cfg.HeadersOnly = true
		if source != "" {
			cfg.FilterSubject = recordPrefix + source + ".*"
		}
		for m, err := range c.walk(ctx, StreamRecords, cfg) {
			if err != nil {
				yield(Entry{}, fmt.Errorf("list campaigns: %w", err))
				return
			}
			e, ok, err := entryOf(m)
			if err != nil {
				yield(e, fmt.Errorf("list campaigns: %s: %w", m.Subject(), err))
				return
			}
			if ok && !yield(e, nil) {
				return
			}
		}
	}
}

// entryOf reads the headers of a record; false: it is none (it was deleted by
// hand, or somebody else put it there).
func entryOf(m jetstream.Msg) (Entry, bool, error) {
	h := m.Headers()
	key, rest, err := splitSubject(m.Subject(), recordPrefix)
	if err != nil || rest != "" || h.Get(headerKV) != "" {
		return Entry{}, false, nil
	}
	meta, err := m.Metadata()
	if err != nil {
		return Entry{}, false, err
	}
	e := Entry{Sequence: meta.Sequence.Stream, Key: key, State: campaign.State(h.Get(headerState)), Saved: meta.Timestamp.UTC(), Waiting: h.Get(headerWaiting)}
	// A record that an earlier version saved does not say since when.
	if e.Since, err = time.Parse(time.RFC3339Nano, h.Get(headerSince)); err != nil {
		e.Since = e.Saved
	}
	if text := h.Get(headerWake); text != "" {
		if e.Wake, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return e, false, fmt.Errorf("header %s: %w", headerWake, err)
		}
	}
	return e, true, nil
}
