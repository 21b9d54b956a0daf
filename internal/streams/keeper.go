package streams

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/loop"
)

// Keeper keeps records, each under a subject of its own, in a stream that holds the last
// message of each subject and answers from its leader only. It is safe for concurrent
// use. It knows nothing of what a record says. For campaigns, schedules, budgets and the
// red button alike it keeps these rules of the protocol:
//
//   - Rule 1, compare-and-set: Save and Remove store nothing unless the record still is
//     the revision that was read. Of an absent record that means: unless it still is.
//   - Rules 2, 7 and 17, saved before the next call: Save returns a revision only when the
//     stream has acknowledged the record. It tries once. A second try would be a conflict
//     with the first one, and a conflict says "not stored".
//   - Rule 10, conflicts: [loop.ErrConflict] proves that nothing was stored. Any other
//     error proves nothing: only another Read says what is there.
//   - Rule 18, ages: a revision bears the time at which the stream stored the record, by
//     the stream's clock.
//   - Rule 20, epochs: a revision is void once its epoch is over, see [Epochs]. Read takes
//     the epoch before it asks, and Save looks at it last.
//   - Rule 23, the sweep: Walk yields markers too. What was deleted by hand is not lost.
type Keeper struct {
	access Access
	epochs *Epochs
	stream jetstream.Stream
	name   string // of the stream
}

// NewKeeper keeps records in a stream.
func NewKeeper(a Access, e *Epochs, s jetstream.Stream) *Keeper {
	return &Keeper{a, e, s, s.CachedInfo().Config.Name}
}

// Stream is where they are kept.
func (k *Keeper) Stream() jetstream.Stream { return k.stream }

// Kept is a record as it is stored.
type Kept struct {
	Subject string
	Header  nats.Header
	Data    []byte
	// Sequence is where it lies, and Stored when it was put there, by the stream's clock.
	Sequence uint64
	Stored   time.Time
	// Absent: there is no record. A header is then that of the marker in its place,
	// which says that it was deleted by hand, or what removed it.
	Absent bool
}

// Read returns the latest version from the leader, and its revision; of an absent
// record the revision to create it with, perhaps in the place of a marker. The error is
// a [*Right] for somebody who may not read it.
func (k *Keeper) Read(ctx context.Context, subject string) (Kept, loop.Revision, error) {
	// Taken before the read: if the connection breaks on the way, the revision
	// is void, not falsely fresh.
	rev := loop.Revision{Epoch: k.epochs.Now()}
	ctx, done := k.access.Rights.Watch(ctx, "MSG.GET."+k.name)
	defer done()
	m, err := k.stream.GetLastMsgForSubject(ctx, subject)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return Kept{Subject: subject, Absent: true}, rev, nil
	case err != nil:
		return Kept{}, loop.Revision{}, OrDenied(ctx, err)
	}
	rev.Seq, rev.At = m.Sequence, m.Time
	return kept(m.Subject, m.Header, m.Data, rev.Seq, rev.At), rev, nil
}

// Next returns the record, marker or mark that lies next behind a sequence, from the
// leader; with the sequence 0: there is none.
func (k *Keeper) Next(ctx context.Context, after uint64) (Kept, error) {
	ctx, done := k.access.Rights.Watch(ctx, "MSG.GET."+k.name)
	defer done()
	m, err := k.stream.GetMsg(ctx, after+1, jetstream.WithGetMsgSubject(">"))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Kept{}, nil
	}
	if err != nil {
		return Kept{}, OrDenied(ctx, err)
	}
	return kept(m.Subject, m.Header, m.Data, m.Sequence, m.Time), nil
}

// Save stores a record in the place of the revision rev, and returns the new revision.
// [loop.ErrConflict]: it is not stored. Any other error: unknown.
func (k *Keeper) Save(ctx context.Context, m *nats.Msg, rev loop.Revision) (loop.Revision, error) {
	if !k.epochs.Valid(rev) {
		return loop.Revision{}, loop.ErrConflict
	}
	// A crash from here on leaves the old record or the new one, never a part.
	seq, err := k.access.write(ctx, m, rev.Seq)
	switch SortWrite(err) {
	case Stored:
		return loop.Revision{Seq: seq, Epoch: rev.Epoch}, nil
	case Exists, Contended:
		return loop.Revision{}, loop.ErrConflict
	}
	return loop.Revision{}, err
}

// Remove stores a marker in the place of the revision rev, as every key-value client
// writes it and reads it. The message says by its headers what removes the record.
func (k *Keeper) Remove(ctx context.Context, marker *nats.Msg, rev loop.Revision) error {
	marker.Header.Set(HeaderKV, "DEL")
	_, err := k.Save(ctx, marker, rev)
	return err
}

// Walk yields the records that there are now, and the markers of those that are absent,
// in the order in which they were last saved. One that is saved meanwhile may come twice.
// With HeadersOnly no record has data.
func (k *Keeper) Walk(ctx context.Context, cfg jetstream.ConsumerConfig) iter.Seq2[Kept, error] {
	return func(yield func(Kept, error) bool) {
		for m, err := range k.access.Walk(ctx, k.name, cfg) {
			var r Kept
			if err == nil {
				r, err = KeptOf(m)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// KeptOf is a message of a walk as a record.
func KeptOf(m jetstream.Msg) (Kept, error) {
	meta, err := m.Metadata()
	if err != nil {
		return Kept{}, err
	}
	return kept(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream, meta.Timestamp), nil
}

// kept is a message as a record. One with a marker's header is none.
func kept(subject string, h nats.Header, data []byte, seq uint64, stored time.Time) Kept {
	return Kept{subject, h, data, seq, stored, h.Get(HeaderKV) != ""}
}
