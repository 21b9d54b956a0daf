package journal

import (
	"github.com/staffetta-io/staffetta/internal/streams"
	"time"
)

// LaneHealth says how one consumer is doing in this process.
type LaneHealth struct {
	Consumer string    // requests, wakeups, commands
	Pulling  bool      // false while the gate is shut, or while it is made again
	Paused   bool      // the gate is shut
	Last     time.Time // when the last message arrived; zero: none yet
	Err      error     // the last trouble, if no message came since
	ErrAt    time.Time
	troubles int // in a row, without a message between them
}

// alive says that the consumer does what it should: it pulls, or is paused on
// purpose, and the server has not been silent. A silent server is reported
// every two heartbeats, so trouble older than a few of them is over.
func (h LaneHealth) alive() bool {
	if h.Paused {
		return true
	}
	return h.Pulling && (h.Err == nil || h.troubles < 2 || time.Since(h.ErrAt) > 5*streams.PullHeartbeat)
}

// Health says how the consumers are doing; none before Consume has begun.
func (j *Journal) Health() []LaneHealth {
	lanes := j.lanes.Load()
	if lanes == nil {
		return nil
	}
	var all []LaneHealth
	for _, l := range *lanes {
		l.mu.Lock()
		h := l.health
		l.mu.Unlock()
		h.Consumer, h.Paused = l.consumer.Name, !l.open()
		all = append(all, h)
	}
	return all
}

// InFlight says how many messages are being handled, and for how long the oldest of
// them: what their number does not say, whether one is stuck.
func (j *Journal) InFlight() (n int, oldest time.Duration) {
	lanes := j.lanes.Load()
	if lanes == nil {
		return 0, 0
	}
	for _, l := range *lanes {
		l.mu.Lock()
		for _, f := range l.inFlight {
			if !f.begun.IsZero() {
				n, oldest = n+1, max(oldest, time.Since(f.begun))
			}
		}
		l.mu.Unlock()
	}
	return n, oldest
}

// Ready says that NATS is connected and every consumer alive, or the sentence
// that says what is not.
func (j *Journal) Ready() (bool, string) {
	if !j.nc.IsConnected() {
		return false, "not connected to NATS"
	}
	if _, stopped := j.Lost(); stopped != "" {
		return false, stopped
	}
	all := j.Health()
	if len(all) == 0 {
		return false, "not consuming yet"
	}
	for _, h := range all {
		if !h.alive() {
			why := "consumer " + h.Consumer + " does not pull"
			if h.Err != nil {
				why += ": " + h.Err.Error()
			}
			return false, why
		}
	}
	return true, ""
}

// note remembers trouble and says how often there was some in a row.
func (l *lane) note(err error) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.health.ErrAt) > 5*streams.PullHeartbeat {
		l.health.troubles = 0
	}
	l.health.Err, l.health.ErrAt = err, time.Now()
	l.health.troubles++
	return l.health.troubles
}

func (l *lane) pulling(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.health.Pulling = yes
}
