package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// A key that was spoken of has had a record. A few that have none any more are what a
// power cut takes; more are a bucket that was lost, or restored from a backup. Then
// nothing is handled any more until somebody has looked.

// maxLost is how many campaigns without their record one process takes for bad luck.
const maxLost = 10

// recoveryHolds is how long after somebody has looked what was lost before is handled
// again, however much it is.
const recoveryHolds = 24 * time.Hour

// Recovery says who looked at what was lost, and when, by the stream's clock.
type Recovery struct {
	Schema int       `json:"schema"`
	By     string    `json:"by"`
	At     time.Time `json:"-"`
}

// allows says that something of a moment may be handled although its record is lost.
func (r Recovery) allows(stored, now time.Time) bool {
	return stored.Before(r.At) && now.Before(r.At.Add(recoveryHolds))
}

// losses are the campaigns that were found without their record. It stops the lanes
// once there are too many, and is a [PullGate].
type losses struct {
	mu      sync.Mutex
	keys    map[campaign.Key]bool
	missing int       // how many were ever found
	stopped time.Time // zero: the lanes go on
	changed chan struct{}
}

func newLosses() *losses { return &losses{keys: map[campaign.Key]bool{}, changed: make(chan struct{})} }

// add notes one, and says whether the lanes have just been stopped.
func (l *losses) add(key campaign.Key) (stops bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.keys[key] {
		return false
	}
	l.missing++
	if len(l.keys) <= maxLost { // more need no names
		l.keys[key] = true
	}
	if len(l.keys) <= maxLost || !l.stopped.IsZero() {
		return false
	}
	l.stopped = time.Now()
	l.signal()
	return true
}

// release lets the lanes go on.
func (l *losses) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped, l.keys = time.Time{}, map[campaign.Key]bool{}
	l.signal()
}

func (l *losses) signal() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Pulling implements [PullGate].
func (l *losses) Pulling() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopped.IsZero()
}

// Changed implements [PullGate].
func (l *losses) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// Lost says how many campaigns were found without their record since the start, and
// why nothing is handled any more; empty: it is.
func (j *Journal) Lost() (found int, stopped string) {
	j.losses.mu.Lock()
	defer j.losses.mu.Unlock()
	if !j.losses.stopped.IsZero() {
		stopped = stoppedBecause
	}
	return j.losses.missing, stopped
}

const stoppedBecause = "more than 10 campaigns that were spoken of have no record: records were lost, and nothing is handled any more; look with staffetta recover, docs/disaster.md says what to do"

// missing notes a campaign that was spoken of at a moment and has no record, and says
// whether it may be handled.
func (j *Journal) missing(ctx context.Context, key campaign.Key, spoken time.Time) (bool, error) {
	r, err := j.recovery(ctx)
	if err != nil {
		return false, err
	}
	if r.allows(spoken, time.Now()) {
		return true, nil
	}
	j.options.Log.Warn("a campaign was spoken of and has no record", "key", key.String(), "spoken_of", spoken)
	if j.losses.add(key) {
		j.options.Log.Error(stoppedBecause)
	}
	return j.losses.Pulling(), nil
}

// recovery is the last word of somebody who has looked; zero: nobody has.
func (j *Journal) recovery(ctx context.Context) (Recovery, error) {
	mark, rev, err := j.records.Read(ctx, streams.RecoveryMark)
	if err != nil {
		return Recovery{}, fmt.Errorf("read whether somebody has looked: %w", err)
	}
	var r Recovery
	if err := json.Unmarshal(mark.Data, &r); err != nil {
		return Recovery{}, nil // absent, or no mark of ours: nobody has
	}
	r.At = rev.At
	return r, nil
}

// lookForRecovery lets the lanes go on once somebody has looked after they stopped.
func (j *Journal) lookForRecovery() {
	j.losses.mu.Lock()
	stopped := j.losses.stopped
	j.losses.mu.Unlock()
	if stopped.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), streams.AnswerWithin)
	defer cancel()
	// The clock that stopped them may differ from the stream's by a little; somebody
	// who has looked before says nothing of what was found since.
	if r, err := j.recovery(ctx); err == nil && r.At.After(stopped.Add(-clocksDiffer)) {
		j.losses.release()
		j.options.Log.Warn("somebody has looked at the campaigns without a record: they are handled again", "by", r.By)
	}
}

// clocksDiffer is how far apart the clocks of a service and of a server may be.
const clocksDiffer = 5 * time.Second
