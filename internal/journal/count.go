package journal

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Count counts the campaigns in each state, and changes nothing: a service that has just
// started shows with it what there is. It reads the list that the last sweep has left and
// what has moved since. Where there is no such list, as before the first sweep of an
// installation, it reads the headers of all records.
func (j *Journal) Count(ctx context.Context) (Swept, error) {
	c, _, err := loadCheckpoint(ctx, j.records)
	if err != nil {
		return Swept{}, err
	}
	info, err := streams.LeaderInfo(ctx, j.records.Stream())
	if err != nil {
		return Swept{}, err
	}
	var r *roster
	if c.holds(info) {
		if r, err = loadRoster(ctx, j.records, c.Set, c.Parts[c.Set]); err != nil && !errors.Is(err, errNoRoster) {
			return Swept{}, err
		}
	}
	last, upTo := c.Found, uint64(0)
	if r == nil {
		r, last, upTo = &roster{open: map[campaign.Key]Entry{}}, found{}, info.State.LastSeq
	} else {
		r.until = c.Until
	}
	last.Ended = maps.Clone(last.Ended)
	if last.Ended == nil {
		last.Ended = map[campaign.State]int{}
	}
	err = r.catchUp(ctx, j.records, func(e Entry, known bool) error {
		if e.ended(known, upTo, last.At) {
			last.Ended[e.State]++
		}
		return nil
	})
	if err != nil {
		return Swept{}, err
	}
	letters, err := j.letters.Info(ctx)
	if err != nil {
		return Swept{}, err
	}
	last.States, last.Oldest, last.Letters = r.states(), 0, letters.State.Msgs
	now := time.Now()
	for _, e := range r.open {
		last.Oldest = max(last.Oldest, e.late(now))
	}
	return last.swept(), nil
}
