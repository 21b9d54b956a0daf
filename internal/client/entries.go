package client

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Entries yields every campaign, of one source if it is not empty, in the
// order in which their records were last saved, behind a sequence if it is not zero. It
// reads headers only: a million records are a few seconds. It ends at the first error.
func (c *Client) Entries(ctx context.Context, source string, after uint64) iter.Seq2[journal.Entry, error] {
	return func(yield func(journal.Entry, error) bool) {
		// Without a filter for all of them: in a million subjects it takes the
		// server a second to find the first.
		cfg := streams.Behind(after)
		cfg.HeadersOnly = true
		if source != "" {
			cfg.FilterSubject = streams.RecordPrefix + source + ".*"
		}
		for m, err := range c.walk(ctx, streams.Records, cfg) {
			var r streams.Kept
			if err == nil {
				r, err = streams.KeptOf(m)
			}
			var e journal.Entry
			if err == nil && !r.Absent {
				e, err = journal.EntryOf(r)
			}
			if err != nil {
				yield(e, fmt.Errorf("list campaigns: %w", err))
				return
			}
			if e.Key != (campaign.Key{}) && !yield(e, nil) {
				return
			}
		}
	}
}

// OpenEntries yields the campaigns that are not over, as Entries does, and costs what is
// open, however many are over. Where no service has made the list of them yet it reads
// all.
func (c *Client) OpenEntries(ctx context.Context, source string, after uint64) iter.Seq2[journal.Entry, error] {
	return func(yield func(journal.Entry, error) bool) {
		ctx, done := c.rights.Watch(ctx, streams.Records)
		defer done()
		s, err := c.js.Stream(ctx, streams.Records)
		if err != nil {
			yield(journal.Entry{}, fmt.Errorf("list campaigns: %w", streams.ExplainReadError(ctx, c.js, streams.Records, err)))
			return
		}
		records := streams.NewKeeper(c.access(), streams.NewEpochs(c.js.Conn()), s)
		for e, err := range journal.OpenEntries(ctx, records, after) {
			if errors.Is(err, journal.ErrNoRoster) {
				for e, err := range c.Entries(ctx, source, after) {
					if err == nil && !e.Open() {
						continue
					}
					if !yield(e, err) {
						return
					}
				}
				return
			}
			if err != nil {
				yield(e, fmt.Errorf("list campaigns: %w", streams.ExplainReadError(ctx, c.js, streams.Records, err)))
				return
			}
			if (source == "" || e.Key.Source == source) && !yield(e, nil) {
				return
			}
		}
	}
}
