package loop

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/deadletter"
)

// Verdict says what becomes of the message that carried a wake-up.
type Verdict struct {
	Do     Disposal
	After  time.Duration     // retry
	Reason deadletter.Reason // bury
	Fields []string          // bury: the fields at fault
	Note   string            // retry, bury: in words
}

// Disposal is what can be done to a message.
type Disposal string

const (
	// Ack: the record is final, or its next wake-up is armed.
	Ack Disposal = "ack"
	// Retry: deliver it again after a short while.
	Retry Disposal = "retry"
	// Bury: write a dead letter with a full copy, then terminate the message.
	Bury Disposal = "bury"
)

// Disposals lists everything that can be done to a message.
var Disposals = []Disposal{Ack, Retry, Bury}

// AfterConflict is the verdict if another worker has saved the record: retry soon,
// since that worker is about to finish.
func AfterConflict(err error) Verdict { return again(300*time.Millisecond, err) }

// AfterTrouble is the verdict on an error of the journal: retry when a cluster may have
// found a new leader.
func AfterTrouble(err error) Verdict { return again(2*time.Second, err) }

func again(after time.Duration, err error) Verdict {
	return Verdict{Do: Retry, After: after, Note: err.Error()}
}
