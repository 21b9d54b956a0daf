package journal

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// HashKey is the service's own secret. A hash under it stands for a phone number, or for a
// number and a value, where neither may stand itself. Without the secret nobody can try
// all numbers until one fits.
type HashKey struct {
	// ID tells this secret from any other, and says nothing of it. It is kept beside what
	// was hashed: under another secret it means nothing.
	ID     string
	secret []byte
}

// Hash makes hashes, one after the other. It is for one goroutine.
type Hash struct {
	mac  hash.Hash
	size [8]byte
	sum  [sha256.Size]byte
}

// NewHash returns one.
func (k HashKey) NewHash() *Hash { return &Hash{mac: hmac.New(sha256.New, k.secret)} }

// Of is the hash of some words in their order: eight bytes of an HMAC with SHA-256.
func (h *Hash) Of(words ...string) uint64 {
	h.mac.Reset()
	for _, w := range words {
		binary.BigEndian.PutUint64(h.size[:], uint64(len(w))) // keeps "a"+"bc" from being "ab"+"c"
		h.mac.Write(h.size[:])
		h.mac.Write([]byte(w))
	}
	return binary.BigEndian.Uint64(h.mac.Sum(h.sum[:0]))
}

// storedKey is the secret as it lies in its stream, and in the mark without the secret.
type storedKey struct {
	Schema int       `json:"schema"`
	ID     string    `json:"id"`
	Secret []byte    `json:"secret,omitempty"`
	Made   time.Time `json:"made"`
}

// HashKey returns the secret, and makes it if there never was one. That it is lost is a
// [*loop.Refusal]: what was hashed under it cannot be compared with anything any more, so
// nothing that depends on it may go on.
//
// The mark among the records says that there was a secret. It is written after the secret
// and before the secret is used: a crash between the two leaves a secret under which
// nothing was hashed, and the next call writes the mark.
func (j *Journal) HashKey(ctx context.Context) (HashKey, error) {
	ctx, done := j.rights().Watch(ctx, streams.HashKey, streams.People, streams.HashMark)
	defer done()
	k, err := j.hashKey(ctx)
	if err != nil {
		return HashKey{}, fmt.Errorf("the secret of the hashes of people: %w", streams.OrDenied(ctx, err))
	}
	return k, nil
}

func (j *Journal) hashKey(ctx context.Context) (HashKey, error) {
	for {
		marked, at, err := j.readKey(ctx, streams.Records, streams.HashMark)
		if err != nil {
			return HashKey{}, err
		}
		if marked.ID == "" {
			if err := j.ensurePeople(ctx); err != nil {
				return HashKey{}, err
			}
		}
		kept, seq, err := j.readKey(ctx, streams.People, streams.HashKey)
		switch api, is := errors.AsType[*jetstream.APIError](err); {
		case is && api.ErrorCode == jetstream.JSErrCodeStreamNotFound:
			kept = storedKey{}
		case err != nil:
			return HashKey{}, err
		}
		switch {
		case marked.ID != "" && kept.ID != marked.ID:
			return HashKey{}, &loop.Refusal{Note: fmt.Sprintf("stream %s has not the secret that was used (%s): restore it together with the other streams, or say that it is lost for good: docs/disaster.md", streams.People, marked.ID)}
		case marked.ID != "":
			return HashKey{ID: kept.ID, secret: kept.Secret}, nil
		case kept.ID == "":
			kept = newKey()
			err = j.writeKey(ctx, streams.HashKey, kept, seq)
		default:
			err = j.writeKey(ctx, streams.HashMark, storedKey{Schema: kept.Schema, ID: kept.ID, Made: kept.Made}, at)
		}
		// Somebody else may do the same: what is there now counts.
		if answer := streams.SortWrite(err); err != nil && answer != streams.Exists && answer != streams.Contended {
			return HashKey{}, err
		}
		if ctx.Err() != nil {
			return HashKey{}, ctx.Err()
		}
	}
}

func newKey() storedKey {
	k := storedKey{Schema: 1, Secret: make([]byte, sha256.Size), Made: time.Now().UTC()}
	rand.Read(k.Secret)
	mac := hmac.New(sha256.New, k.Secret)
	mac.Write([]byte("id"))
	k.ID = hex.EncodeToString(mac.Sum(nil)[:8])
	return k
}

// readKey reads a secret, or its mark; none is the zero one. What no version has written
// is an error: an empty secret would be everybody's.
func (j *Journal) readKey(ctx context.Context, stream, subject string) (k storedKey, seq uint64, err error) {
	m, err := streams.AskLeader(ctx, j.nc, stream, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return storedKey{}, 0, nil
	}
	if err != nil {
		return storedKey{}, 0, err
	}
	if m.Header.Get(streams.HeaderKV) != "" {
		return storedKey{}, m.Sequence, nil // it was deleted by hand
	}
	if err := json.Unmarshal(m.Data, &k); err != nil || k.Schema != 1 || k.ID == "" || stream == streams.People && len(k.Secret) != sha256.Size {
		return storedKey{}, 0, fmt.Errorf("%s is not what any version has written: restore it", subject)
	}
	return k, m.Sequence, nil
}

func (j *Journal) writeKey(ctx context.Context, subject string, k storedKey, last uint64) error {
	data, err := json.Marshal(k)
	if err != nil {
		return err
	}
	_, err = streams.Write(ctx, j.nc, streams.NewMsg(subject, nats.Header{}, data), last, streams.AnswerWithin)
	return err
}

// ensurePeople makes the stream if it is absent.
func (j *Journal) ensurePeople(ctx context.Context) error {
	s, err := streams.Ensure(ctx, j.js, streams.OfPeople(j.options.Replicas), j.id)
	if err == nil {
		err = streams.Belongs(s, j.id)
	}
	return err
}
