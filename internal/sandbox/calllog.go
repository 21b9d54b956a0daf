package sandbox

import (
	"slices"
	"sync"
	"time"
)

// A Call is one line of the call log.
type Call struct {
	At        time.Time `json:"at"`
	Operation Operation `json:"operation"`
	Method    string    `json:"method"`
	Path      string    `json:"path"` // with the query
	Campaign  int       `json:"campaign,omitempty"`
	// Status that was answered; 0 if the connection was cut.
	Status int `json:"status"`
	// Fault that struck, by its id; 0 if none.
	Fault int `json:"fault,omitempty"`
	// Late marks an effect that came after its call was cut off; Status is what
	// the call would have been answered.
	Late bool `json:"late,omitempty"`
}

// callLog keeps the last calls.
type callLog struct {
	mu    sync.Mutex
	calls []Call // a ring once it is full
	next  int
	total int
}

func (j *callLog) reset(size int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls, j.next, j.total = make([]Call, 0, size), 0, 0
}

func (j *callLog) add(c *call, status int)     { j.write(c, status, false) }
func (j *callLog) addLate(c *call, status int) { j.write(c, status, true) }

func (j *callLog) write(c *call, status int, late bool) {
	line := Call{
		At: c.at, Operation: c.op, Method: c.r.Method, Path: c.r.URL.Path,
		Status: status, Fault: c.rule.ID, Late: late,
	}
	if c.r.URL.RawQuery != "" {
		line.Path += "?" + c.r.URL.RawQuery
	}
	if c.campaign != nil {
		line.Campaign = c.campaign.id
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.total++
	if len(j.calls) < cap(j.calls) {
		j.calls = append(j.calls, line)
		return
	}
	j.calls[j.next] = line
	j.next = (j.next + 1) % len(j.calls)
}

// Calls are the last requests to the gateway's API, oldest first, as many as
// Options.Calls; refused and cut off ones are among them.
func (s *Sandbox) Calls() []Call {
	s.now()
	s.callLog.mu.Lock()
	defer s.callLog.mu.Unlock()
	return slices.Concat(s.callLog.calls[s.callLog.next:], s.callLog.calls[:s.callLog.next])
}
