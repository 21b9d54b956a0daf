package journal

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// newestAtOnce is how many read the newest records together.
const newestAtOnce = 8

// Newest hands over the records that were saved last, looking so many saves
// back at most: what has been going on, without a look at a million records.
// One that cannot be read is passed over; whoever needs it will say so.
//
// Since is an instant after which every save was met; zero: all there are.
//
// It makes no consumer: to make one that begins in the middle costs the server more, the
// more records there are, and a start waits for this.
func (j *Journal) Newest(ctx context.Context, saves uint64, see func(campaign.Campaign)) (since time.Time, err error) {
	info, err := j.records.Stream().Info(ctx)
	if err != nil {
		return since, streams.ExplainReadError(ctx, j.js, streams.Records, err)
	}
	c, _, err := loadCheckpoint(ctx, j.records)
	if err != nil {
		return since, err
	}
	roster := slices.Concat(c.Parts[:]...) // it may be large, and is no record
	last := info.State.LastSeq
	first := last - min(last, saves)
	var met [newestAtOnce][]streams.Kept
	var errs [newestAtOnce]error
	var all sync.WaitGroup
	for i := range uint64(newestAtOnce) {
		all.Go(func() {
			after, end := first+(last-first)*i/newestAtOnce, first+(last-first)*(i+1)/newestAtOnce
			for {
				for slices.Contains(roster, after+1) {
					after++
				}
				if after >= end {
					return
				}
				k, err := j.records.Next(ctx, after)
				if errs[i] = err; err != nil || k.Sequence == 0 || k.Sequence > end {
					return
				}
				met[i], after = append(met[i], k), k.Sequence
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return since, err
	}
	for _, k := range slices.Concat(met[:]...) {
		if first > 0 && since.IsZero() {
			since = k.Stored
		}
		key, rest, err := contract.SplitSubject(k.Subject, streams.RecordPrefix)
		if err != nil || rest != "" || k.Absent {
			continue
		}
		if c, err := DecodeRecord(key, k.Data); err == nil {
			see(c)
		}
	}
	return since, nil
}
