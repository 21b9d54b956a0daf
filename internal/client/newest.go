package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// newest is the campaigns whose records were saved last. It looks back from the end of
// the stream, one stretch of it after another, until there are as many as were asked for:
// it costs how far back they lie, and not what is stored.
func (s streamReader) newest(ctx context.Context, a query.ListAsk) (all query.Campaigns, err error) {
	now := time.Now()
	l := lookBack{Client: s.Client, source: a.Source, want: a.Limit, most: s.bounds.Looks(), met: map[campaign.Key]journal.Entry{}}
	l.takes = func(e journal.Entry) bool { return a.Takes(rowOf(e), now) }
	if a.OpenOnly() {
		for e, err := range s.OpenEntries(ctx, a.Source, 0) {
			if err != nil {
				return all, err
			}
			l.see(e)
		}
	} else if err := l.look(ctx); err != nil {
		return all, fmt.Errorf("list campaigns: %w", err)
	}
	page := query.NewPager[query.Campaign](a.Page, s.bounds)
	for _, e := range l.latest() {
		if !page.Take(rowOf(e), "") {
			l.cut = true
			break
		}
	}
	return query.Campaigns{Campaigns: page.Items, Cut: l.cut}, nil
}

// firstStretch is how many sequences of the stream are looked at first; farther means how
// many times as many come next at most.
const firstStretch, farther = 1024, 8

// lookBack is a look at the records from the end of their stream.
type lookBack struct {
	*Client
	source string
	takes  func(journal.Entry) bool
	want   int // so many of those that it takes
	most   int // and looks at no more records than so many
	looks  int
	met    map[campaign.Key]journal.Entry
	cut    bool // it looked at so many, and there may be more
}

// see takes the latest that is known of a campaign.
func (l *lookBack) see(e journal.Entry) {
	l.looks++
	switch was, met := l.met[e.Key]; {
	case e.Key == (campaign.Key{}) || met && was.Sequence > e.Sequence:
	case e.State != "" && l.takes(e):
		l.met[e.Key] = e
	default:
		delete(l.met, e.Key) // it was deleted by hand, or has moved on
	}
}

// latest are those that were asked for, the latest first.
func (l *lookBack) latest() []journal.Entry {
	var all []journal.Entry
	for _, e := range l.met {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b journal.Entry) int {
		if a.Sequence > b.Sequence {
			return -1
		}
		return 1
	})
	return all[:min(len(all), l.want)]
}

func (l *lookBack) look(ctx context.Context) error {
	ctx, done := l.rights.Watch(ctx, streams.Records)
	defer done()
	s, err := l.js.Stream(ctx, streams.Records)
	if err != nil {
		return streams.ExplainReadError(ctx, l.js, streams.Records, err)
	}
	first, last := s.CachedInfo().State.FirstSeq, s.CachedInfo().State.LastSeq
	end, above, stretch := last+1, uint64(0), max(firstStretch, 2*uint64(l.want))
	for end > first && len(l.met) < l.want && !l.cut {
		begin := end - min(stretch, end-first)
		if above, err = l.lookAt(ctx, begin, end, last, above); err != nil {
			return err
		}
		end = begin
		further := farther * stretch
		if n := uint64(len(l.met)); n > 0 { // as densely as until now, and half as much again
			further = min(further, (last+1-end)/n*uint64(l.want)*3/2)
		}
		stretch = max(stretch, further)
	}
	// What was not reached yet and was saved meanwhile lies behind the end.
	info, err := s.Info(ctx)
	if err == nil && info.State.LastSeq > last && end <= last {
		_, err = l.lookAt(ctx, last+1, info.State.LastSeq+1, info.State.LastSeq, 0)
	}
	return err
}

// lookAt looks at the records from a sequence on and before another one, and goes on to
// the end of the stream if the other one lies behind the last. So many lie above it. It
// returns how many lie from the first one on.
func (l *lookBack) lookAt(ctx context.Context, begin, end, last, above uint64) (uint64, error) {
	cfg := streams.Behind(begin - 1)
	cfg.HeadersOnly = true
	if l.source != "" {
		cfg.FilterSubject = streams.RecordPrefix + l.source + ".*"
	}
	here := above
	for m, err := range l.walk(ctx, streams.Records, cfg) {
		var meta *jetstream.MsgMetadata
		var r streams.Kept
		if err == nil {
			meta, err = m.Metadata()
		}
		if err == nil {
			r, err = streams.KeptOf(m)
		}
		if err != nil {
			return here, err
		}
		if r.Sequence >= end && end <= last {
			break
		}
		e, err := journal.EntryOf(r)
		if err != nil {
			return here, err
		}
		here = max(here, meta.NumPending+1)
		l.see(e)
		if l.cut = l.looks >= l.most; l.cut || end <= last && meta.NumPending <= above {
			break // behind it are those that were seen before
		}
	}
	return here, nil
}
