package sandbox

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// firstCampaignID makes the first campaign the one of UC-006.
const firstCampaignID = 1542

// status of a campaign, in the order of its life.
type status int

const (
	draft          status = iota
	configured            // text, sender and list are there
	costCalculated        // and nothing was changed since the calculation
	confirmed             // paid or frozen; no message has left
	inSending
	completed
	failed // numeric 4; UC-006 has no name for it
)

func (s status) String() string {
	return [...]string{"DRAFT", "CONFIGURED", "COST_CALCULATED", "CONFIRMED", "SENDING", "COMPLETED", "FAILED"}[s]
}

// number is the status of the vendor's API reference.
func (s status) number() int { return max(int(s)-int(costCalculated), 0) }

// A campaign. The mutex guards everything below it; a calculation holds it, so
// that a long one blocks this campaign and no other.
type campaign struct {
	id      int
	created time.Time
	// stranger campaigns are another customer's.
	stranger bool
	// calls counts what came in for this campaign, with or without an effect.
	calls [operations]atomic.Int32
	// subject is name and description, for rules and searches, which must not wait
	// for a calculation.
	subject atomic.Pointer[string]

	mu          sync.Mutex
	name        string
	channel     string
	description string
	sender      string
	text        string
	list        int // 0: none
	unicode     bool
	ready       bool // readyToSend
	simulated   []Operation

	stage      status // up to confirmed; beyond, the last sending says
	updated    time.Time
	calculated time.Time
	confirmed  time.Time
	goal       goal
	sendings   []*sending // one for each confirm that took effect
	willFail   bool       // it is to end as FAILED once it starts
	deleted    bool
}

// A goal is the outcome of a calculation: whom the campaign reaches and how many
// parts that takes. It stays as it is when the list changes.
type goal struct {
	audience *audience // nil: not calculated
	parts    int
}

// simulate marks a campaign that sends nothing and costs nothing. Any of the
// bodies may ask for it, and none takes it back.
func (k *campaign) simulate(asked bool, by Operation) {
	if asked {
		k.simulated = append(k.simulated, by)
	}
}

// describe changes name and description.
func (k *campaign) describe(name, description string) {
	k.name, k.description = name, description
	subject := name + "\n" + description
	k.subject.Store(&subject)
}

// current is the sending that counts for the campaign, nil before the confirm.
// All sendings are undone together, so the last one decides.
func (k *campaign) current() *sending {
	if n := len(k.sendings); n > 0 && !k.sendings[n-1].undone {
		return k.sendings[n-1]
	}
	return nil
}

// progress of the campaign at an instant.
func (k *campaign) progress(s *Sandbox, now time.Time) progress {
	if sending := k.current(); sending != nil {
		return sending.progress(&s.time, s.opts.Every, now)
	}
	return progress{status: k.stage}
}

// campaigns of the account, by id. Deleted ones remain, marked: the record needs
// them.
type campaigns struct {
	mu    sync.RWMutex
	first int
	all   []*campaign
}

func (c *campaigns) reset(first int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.first, c.all = first, nil
}

func (c *campaigns) add(k *campaign) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k.id = c.first + len(c.all)
	c.all = append(c.all, k)
}

// get finds a campaign, deleted or not; nil if there never was one.
func (c *campaigns) get(id int) *campaign {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if i := id - c.first; i >= 0 && i < len(c.all) {
		return c.all[i]
	}
	return nil
}

func (c *campaigns) list() []*campaign {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clip(c.all)
}

// FailCampaign ends a campaign as FAILED, numeric status 4: at once if messages
// are leaving, else as soon as it starts. What it cost is not given back. It fails
// if there is no such campaign, or if it has ended.
func (s *Sandbox) FailCampaign(id int) error {
	now := s.now()
	k := s.campaigns.get(id)
	if k == nil {
		return fmt.Errorf("fail campaign %d: no such campaign", id)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.progress(s, now)
	if k.deleted || p.status > inSending {
		return fmt.Errorf("fail campaign %d: it has ended", id)
	}
	k.willFail = true
	if sending := k.current(); sending != nil {
		sending.failAfter = p.sent
	}
	return nil
}
