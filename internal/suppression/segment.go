package suppression

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Change is what a segment does to its numbers.
type Change string

const (
	Suppressed Change = "suppressed" // they get nothing
	Allowed    Change = "allowed"    // they may get something again
)

// Segment is what one order of a person did. It is never changed.
type Segment struct {
	Order   string    `json:"order"`            // its name: the same order again adds nothing
	Source  string    `json:"source,omitempty"` // whose campaigns; empty: everybody's
	Change  Change    `json:"change"`
	At      time.Time `json:"at"` // when it took effect
	By      string    `json:"by"`
	Actor   string    `json:"actor,omitempty"` // who is proven to have said so
	Note    string    `json:"note,omitempty"`
	Command uint64    `json:"command"` // the order's sequence

	Numbers   int64  `json:"numbers"`             // different ones
	Malformed int64  `json:"malformed,omitempty"` // what was given beside them and is no number
	Key       string `json:"key"`                 // the id of the secret under which they were hashed
	List      string `json:"list,omitempty"`      // the digest under which the numbers were laid down
	Parts     int    `json:"parts,omitempty"`     // in which it is stored, beside the last one

	Hashes []uint64 `json:"-"` // sorted, each once
	Place  Place    `json:"-"`
}

// Place is where a segment lies. One that lies further on was added later.
type Place struct {
	Sequence uint64
	Stored   time.Time
}

// scope is the key of a source's set; empty: everybody's.
func (s Segment) scope() string { return s.Source }

// Encode writes hashes one behind the other, eight bytes each.
func Encode(hashes []uint64) []byte {
	data := make([]byte, 0, 8*len(hashes))
	for _, h := range hashes {
		data = binary.BigEndian.AppendUint64(data, h)
	}
	return data
}

// Decode reads them behind those that were read before, and refuses what no version has
// written: half a hash, or hashes that are not in their order.
func Decode(hashes []uint64, data []byte) ([]uint64, error) {
	if len(data)%8 != 0 {
		return hashes, fmt.Errorf("it has %d bytes, and a hash has 8", len(data))
	}
	for ; len(data) > 0; data = data[8:] {
		h := binary.BigEndian.Uint64(data)
		if n := len(hashes); n > 0 && hashes[n-1] >= h {
			return hashes, fmt.Errorf("hash %d is not above the one before", n+1)
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}
