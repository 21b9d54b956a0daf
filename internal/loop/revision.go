package loop

import (
	"errors"
	"time"
)

// ErrConflict means the record was not saved, because it may not be what it was when it
// was read: another worker saved it, or the connection that it was read on broke. Load
// again and decide again. Any other error of Save proves nothing: the record may have
// been stored.
var ErrConflict = errors.New("the record was moved by somebody else")

// Revision names one stored version of a record. It is opaque to all but the Journal
// that gave it, and void once that journal's connection broke. The Revision of a record
// that does not exist is valid for creating it.
type Revision struct {
	Seq   uint64    // stream sequence; zero: no record
	Epoch uint64    // the connection it was read or written on
	At    time.Time // when it was stored, by the stream's clock; zero if this process has just written it
}
