package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
	"github.com/staffetta-io/staffetta/internal/suppression"
)

// Suppressions is who gets nothing, as all services of this installation know it.
func (j *Journal) Suppressions() *suppression.List { return j.suppressed }

// segments keeps them in KV_people, beside the secret of their hashes. A segment is some
// messages of hashes and a last one, with its head, that makes it count: until that is there
// the others are nothing. Each is written once, for its subject has the name of its order.
type segments struct{ *Journal }

var _ suppression.Store = segments{}

const (
	// partHashes is how many hashes are in one message: 256 KiB.
	partHashes = 32 << 10
	// headerSegment is the head of a segment, in JSON.
	headerSegment = "Staffetta-Segment"
	// lastPart stands in the place of a part's number in the message that has the head.
	lastPart = "end"
)

func partSubject(s suppression.Segment, part string) string {
	return streams.SuppressedPrefix + contract.Scope(s.Source) + "." + s.Order + "." + part
}

// Key implements [suppression.Store].
func (s segments) Key(ctx context.Context, make bool) (suppression.Key, error) {
	if !make {
		// Nobody asks for the secret before somebody needs it: a campaign makes no stream.
		if marked, _, err := s.readKey(ctx, streams.Records, streams.HashMark); err != nil || marked.ID == "" {
			return suppression.Key{}, err
		}
	}
	k, err := s.HashKey(ctx)
	if err != nil {
		return suppression.Key{}, err
	}
	return suppression.Key{ID: k.ID, New: func() func(string) uint64 {
		h := k.NewHash()
		return func(number string) uint64 { return h.Of(number) }
	}}, nil
}

// Last implements [suppression.Store].
func (s segments) Last(ctx context.Context) (suppression.Place, error) {
	m, err := streams.AskLeader(ctx, s.nc, streams.People, streams.SuppressedPrefix+"*.*."+lastPart)
	switch api, is := errors.AsType[*jetstream.APIError](err); {
	case errors.Is(err, jetstream.ErrMsgNotFound), is && api.ErrorCode == jetstream.JSErrCodeStreamNotFound:
		return suppression.Place{}, nil
	case err != nil:
		return suppression.Place{}, fmt.Errorf("the last segment of what is suppressed: %w", err)
	}
	return suppression.Place{Sequence: m.Sequence, Stored: m.Time}, nil
}

// After implements [suppression.Store]. A walk may be led by a replica that is behind: who
// asks looks whether it came as far as the last one.
func (s segments) After(ctx context.Context, sequence uint64) iter.Seq2[suppression.Segment, error] {
	return func(yield func(suppression.Segment, error) bool) {
		cfg := streams.Behind(sequence)
		cfg.FilterSubject = streams.SuppressedPrefix + "*.*." + lastPart
		for m, err := range streams.Walk(ctx, s.js, streams.People, cfg) {
			var one suppression.Segment
			if errors.Is(err, jetstream.ErrStreamNotFound) {
				return // nobody has needed it yet
			}
			if err == nil {
				if one, err = s.segment(ctx, m); err != nil {
					err = fmt.Errorf("%s: %w", m.Subject(), err)
				}
			}
			if !yield(one, err) || err != nil {
				return
			}
		}
	}
}

// segment is a whole segment, of its last message and those before.
func (s segments) segment(ctx context.Context, m jetstream.Msg) (one suppression.Segment, err error) {
	meta, err := m.Metadata()
	if err != nil {
		return one, err
	}
	if err := json.Unmarshal([]byte(m.Headers().Get(headerSegment)), &one); err != nil || one.Order == "" || partSubject(one, lastPart) != m.Subject() {
		return one, errors.New("the head of the segment is not what any version has written: restore it")
	}
	one.Place = suppression.Place{Sequence: meta.Sequence.Stream, Stored: meta.Timestamp}
	one.Hashes = make([]uint64, 0, one.Numbers)
	for n := 1; n <= one.Parts; n++ {
		part, err := streams.AskLeader(ctx, s.nc, streams.People, partSubject(one, strconv.Itoa(n)))
		if err == nil {
			one.Hashes, err = suppression.Decode(one.Hashes, part.Data)
		}
		if err != nil {
			return one, fmt.Errorf("part %d of %d: %w", n, one.Parts, err)
		}
	}
	one.Hashes, err = suppression.Decode(one.Hashes, m.Data())
	if err == nil && int64(len(one.Hashes)) != one.Numbers {
		err = fmt.Errorf("it has %d hashes, and its head says %d: restore it", len(one.Hashes), one.Numbers)
	}
	return one, err
}

// Put implements [suppression.Store].
func (s segments) Put(ctx context.Context, one suppression.Segment) error {
	put := func(part string, h nats.Header, hashes []uint64) error {
		return s.createOnly(ctx, streams.NewMsg(partSubject(one, part), h, suppression.Encode(hashes)))
	}
	rest := one.Hashes
	for one.Parts = 0; len(rest) > partHashes; rest = rest[partHashes:] {
		one.Parts++
		if err := put(strconv.Itoa(one.Parts), nats.Header{}, rest[:partHashes]); err != nil {
			return fmt.Errorf("part %d of what is suppressed: %w", one.Parts, err)
		}
	}
	head, err := json.Marshal(one)
	if err != nil {
		return err
	}
	// A crash before this line leaves parts that count for nothing. The order comes again and
	// finds them.
	if err := put(lastPart, nats.Header{headerSegment: {string(head)}}, rest); err != nil {
		return fmt.Errorf("the head of what is suppressed: %w", err)
	}
	return nil
}
