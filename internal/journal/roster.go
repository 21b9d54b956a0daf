package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// roster is the open campaigns: what a look at all records would find that is not over.
// It is as the records were up to a sequence of their stream. What was saved since lies
// behind that sequence, because a record that is saved moves to the end of its stream.
// So whoever has a roster reads what has moved, and nothing else; what is over lies
// still, however much there is of it.
type roster struct {
	until uint64
	open  map[campaign.Key]Entry
}

// see takes a record that was met in its stream: behind until, or by a look at records
// that lie still. It says whether the campaign was open before.
func (r *roster) see(e Entry) (known bool) {
	was, known := r.open[e.Key]
	switch {
	case known && was.Sequence > e.Sequence: // a look at what lies still came too late
	case e.Open():
		r.open[e.Key] = e
	default:
		delete(r.open, e.Key)
	}
	return known
}

func (r *roster) has(key campaign.Key) bool {
	_, open := r.open[key]
	return open
}

// states counts the open campaigns in each state.
func (r *roster) states() map[campaign.State]int {
	n := map[campaign.State]int{}
	for _, e := range r.open {
		n[e.State]++
	}
	return n
}

// entries are the open campaigns, in the order in which their records were last saved.
func (r *roster) entries() []Entry {
	all := slices.Collect(maps.Values(r.open))
	slices.SortFunc(all, func(a, b Entry) int {
		if a.Sequence < b.Sequence {
			return -1
		}
		return 1
	})
	return all
}

// catchUp reads what has moved since.
func (r *roster) catchUp(ctx context.Context, records *streams.Keeper, see func(e Entry, known bool) error) error {
	for k, err := range tail(ctx, records, r.until) {
		if err != nil {
			return err
		}
		r.until = max(r.until, k.Sequence)
		e, _ := EntryOf(k) // whoever lists it says what is wrong with it
		if e.Key == (campaign.Key{}) {
			continue
		}
		known := r.see(e)
		if see == nil {
			continue
		}
		if err := see(e, known); err != nil {
			return err
		}
	}
	return nil
}

// shortTail is how many messages are read one by one, before a consumer is made for the
// rest. To make one costs the server more, the more records there are.
const shortTail = 64

// tail yields the records behind a sequence.
func tail(ctx context.Context, records *streams.Keeper, after uint64) iter.Seq2[streams.Kept, error] {
	return func(yield func(streams.Kept, error) bool) {
		for range shortTail {
			k, err := records.Next(ctx, after)
			if err == nil && k.Sequence == 0 {
				return
			}
			if !yield(k, err) || err != nil {
				return
			}
			after = k.Sequence
		}
		cfg := streams.Behind(after)
		cfg.HeadersOnly = true
		for k, err := range records.Walk(ctx, cfg) {
			if !yield(k, err) {
				return
			}
		}
	}
}

// A roster may be larger than a message may be. So it is stored in parts, each a mark
// among the records. There are two sets of them: one is written while the other one is
// the roster. A crash in between leaves the other one.

// partSize is how large a part becomes, in bytes, and then one entry more.
const partSize = 256 << 10

// partOf is the subject of a part of a set.
func partOf(set, n int) string {
	return streams.SweepMark + ".open." + strconv.Itoa(set) + "-" + strconv.Itoa(n)
}

// rosterEntry is an entry as it is stored.
type rosterEntry struct {
	Key string `json:"k"`
	Entry
}

// storeRoster writes a set, whose parts had these sequences before, and returns those
// that they have now. The set is no roster before a checkpoint says so.
func storeRoster(ctx context.Context, records *streams.Keeper, r *roster, set int, had []uint64, epoch uint64) (parts []uint64, err error) {
	var part bytes.Buffer
	write := func() error {
		m := nats.NewMsg(partOf(set, len(parts)))
		m.Data = bytes.Clone(part.Bytes())
		rev := loop.Revision{Epoch: epoch}
		if len(parts) < len(had) {
			rev.Seq = had[len(parts)]
		}
		seq, err := storePart(ctx, records, m, rev)
		parts = append(parts, seq)
		part.Reset()
		return err
	}
	enc := json.NewEncoder(&part)
	for _, e := range r.entries() {
		if err := enc.Encode(rosterEntry{e.Key.String(), e}); err != nil {
			return nil, err
		}
		if part.Len() < partSize {
			continue
		}
		if err := write(); err != nil {
			return nil, fmt.Errorf("store the open campaigns: %w", err)
		}
	}
	if part.Len() > 0 {
		err = write()
	}
	for n := len(parts); n < len(had) && err == nil; n++ { // there were more
		err = records.Remove(ctx, nats.NewMsg(partOf(set, n)), loop.Revision{Seq: had[n], Epoch: epoch})
		if errors.Is(err, loop.ErrConflict) {
			err = nil // what somebody left there takes room, and is no part
		}
	}
	if err != nil {
		return nil, fmt.Errorf("store the open campaigns: %w", err)
	}
	return parts, nil
}

// storePart writes a part in the place of the one that there is.
func storePart(ctx context.Context, records *streams.Keeper, m *nats.Msg, rev loop.Revision) (uint64, error) {
	next, err := records.Save(ctx, m, rev)
	if !errors.Is(err, loop.ErrConflict) {
		return next.Seq, err
	}
	// A sweep that was cut short has written it, and no checkpoint says so.
	if _, rev, err = records.Read(ctx, m.Subject); err != nil {
		return 0, err
	}
	next, err = records.Save(ctx, m, rev)
	return next.Seq, err
}

// errNoRoster says that the list of the open campaigns is not what its checkpoint says.
var errNoRoster = errors.New("the list of the open campaigns is not whole")

// loadRoster reads a set whose parts have these sequences.
func loadRoster(ctx context.Context, records *streams.Keeper, set int, parts []uint64) (*roster, error) {
	r := &roster{open: map[campaign.Key]Entry{}}
	for n, seq := range parts {
		k, rev, err := records.Read(ctx, partOf(set, n))
		if err != nil {
			return nil, fmt.Errorf("read the open campaigns: %w", err)
		}
		if k.Absent || rev.Seq != seq {
			return nil, errNoRoster
		}
		for dec := json.NewDecoder(bytes.NewReader(k.Data)); dec.More(); {
			var e rosterEntry
			if err := dec.Decode(&e); err != nil {
				return nil, fmt.Errorf("%w: part %d: %w", errNoRoster, n, err)
			}
			if e.Entry.Key, err = campaign.ParseKey(e.Key); err != nil {
				return nil, fmt.Errorf("%w: part %d: %w", errNoRoster, n, err)
			}
			r.open[e.Entry.Key] = e.Entry
		}
	}
	return r, nil
}

// OpenEntries yields the campaigns that are open, as [Entry.Open] says, in the order in
// which their records were last saved, behind a sequence if it is not zero. It reads the
// list of the last sweep and what has moved since. ErrNoRoster: there is no such list
// yet, or it is being written; look at all records.
func OpenEntries(ctx context.Context, records *streams.Keeper, after uint64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		r, err := openRoster(ctx, records)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		for _, e := range r.entries() {
			if e.Sequence > after && !yield(e, nil) {
				return
			}
		}
	}
}

// ErrNoRoster means that no sweep has left a list of the open campaigns.
var ErrNoRoster = errors.New("no sweep has left a list of the open campaigns")

func openRoster(ctx context.Context, records *streams.Keeper) (*roster, error) {
	cp, _, err := loadCheckpoint(ctx, records)
	if err != nil {
		return nil, err
	}
	info, err := streams.LeaderInfo(ctx, records.Stream())
	if err != nil {
		return nil, err
	}
	if !cp.holds(info) {
		return nil, ErrNoRoster
	}
	r, err := loadRoster(ctx, records, cp.Set, cp.Parts[cp.Set])
	if errors.Is(err, errNoRoster) {
		return nil, ErrNoRoster
	}
	if err != nil {
		return nil, err
	}
	if r.until = cp.Until; info.State.LastSeq == r.until {
		return r, nil
	}
	return r, r.catchUp(ctx, records, nil)
}

// holds says that a checkpoint is of the stream as it is: it is not another one, and
// has not gone back.
func (c checkpoint) holds(info *jetstream.StreamInfo) bool {
	return c.Until > 0 && c.Schema == checkpointSchema && c.Made.Equal(info.Created) && c.Until <= info.State.LastSeq
}
