package audience

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Sum is what a request says of recipients that lie elsewhere.
type Sum struct {
	Digest string // SHA-256 of all of it, in hexadecimal
	Size   int64  // in bytes
	Chunks int    // in which it lies, from 1 on
}

// Gap is a chunk that is not there, or all of them together are not what was named. It may
// come yet.
type Gap struct {
	Chunk int // from 1; 0: each chunk is there, and together they are something else
	Of    int
	What  string
}

// Error names the chunk.
func (g *Gap) Error() string {
	if g.Chunk == 0 {
		return fmt.Sprintf("the %d chunks %s", g.Of, g.What)
	}
	return fmt.Sprintf("chunk %d of %d %s", g.Chunk, g.Of, g.What)
}

// ErrNoChunk says that a chunk is not there.
var ErrNoChunk = errors.New("there is no such chunk")

// Join reads what lies in chunks, one at a time, and ends with a [Gap] where it is not what
// the sum says. So nothing of it may be believed before its end.
func Join(s Sum, chunk func(n int) ([]byte, error)) io.Reader {
	return &joined{sum: s, chunk: chunk, hash: sha256.New()}
}

type joined struct {
	sum   Sum
	chunk func(n int) ([]byte, error)
	hash  hash.Hash
	read  int   // chunks
	size  int64 // of them
	rest  []byte
	err   error
}

// Read implements io.Reader.
func (j *joined) Read(p []byte) (int, error) {
	for len(j.rest) == 0 && j.err == nil {
		j.rest, j.err = j.next()
	}
	if len(j.rest) == 0 {
		return 0, j.err
	}
	n := copy(p, j.rest)
	j.rest = j.rest[n:]
	return n, nil
}

func (j *joined) next() ([]byte, error) {
	gap := func(n int, format string, args ...any) error {
		return &Gap{n, j.sum.Chunks, fmt.Sprintf(format, args...)}
	}
	if j.read == j.sum.Chunks {
		switch {
		case j.size != j.sum.Size:
			return nil, gap(0, "have %d bytes, and the request says %d", j.size, j.sum.Size)
		case hex.EncodeToString(j.hash.Sum(nil)) != j.sum.Digest:
			return nil, gap(0, "have another digest than the request says: what was published is not what was asked for")
		}
		return nil, io.EOF
	}
	j.read++
	data, err := j.chunk(j.read)
	switch {
	case errors.Is(err, ErrNoChunk):
		return nil, gap(j.read, "is missing")
	case err != nil:
		return nil, fmt.Errorf("chunk %d of %d: %w", j.read, j.sum.Chunks, err)
	case len(data) == 0:
		return nil, gap(j.read, "is empty")
	}
	j.hash.Write(data) // never an error
	if j.size += int64(len(data)); j.size > j.sum.Size {
		return nil, gap(j.read, "ends at byte %d, and the request says that there are %d", j.size, j.sum.Size)
	}
	return data, nil
}
