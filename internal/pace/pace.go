// Package pace knows how fast the gateway sends: it gathers what the looks at
// all sendings have said, from the records as they are saved or read again.
//
// It refuses to know what is made of that, which is the rules' business, and
// how a look is measured, which is too: it remembers, for a day, and forgets.
package pace

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

const (
	// remembered is how long a sending that has ended says something. A bad day
	// at the gateway must not refuse for ever what would fit by now.
	remembered = 24 * time.Hour
	// missed is after how long without news a sending is not counted any more.
	// Somebody looks every fifteen minutes, and every record is read again
	// every ten: it has ended where this process did not see it.
	missed = time.Hour
	// most is how many sendings under way are followed at the same time: it
	// bounds the memory, and more say nothing else.
	most = 1000
	// fresh is for how long a sum is good if nothing new is seen.
	fresh = 10 * time.Second
)

// Pace remembers the sendings of late: those under way, and the last
// [campaign.PaceSeen] of those that have ended. It is safe for concurrent use.
type Pace struct {
	mu    sync.Mutex
	under map[campaign.Key]sending // at most [most]
	ended []sending                // the last one first

	sum   sum       // of all of them
	until time.Time // when the sum is made again; zero: at once
}

// sending is what is known of one.
type sending struct {
	key       campaign.Key
	start     time.Time
	left      int64     // messages still to send
	measured  time.Time // when its pace was; zero: it never was
	sent      int64     // then
	perMinute int64
	seen      time.Time // when there was news of it
}

// Saw takes a record that was saved or read. Most records say nothing: of a
// campaign that was not confirmed yet, or is simulated.
func (p *Pace) Saw(c campaign.Campaign, now time.Time) {
	if c.Confirmed == nil || c.Request.Simulation {
		return
	}
	s := sending{key: c.Key, start: c.Confirmed.For, seen: now}
	if m := c.Progress; m != nil {
		s.measured, s.sent, s.perMinute = m.At, m.Sent, m.PerMinute
	}
	if c.Quote != nil {
		s.left = c.Quote.Goal.Valid
	}
	if c.Stats != nil {
		s.left = c.Stats.Total - c.Stats.Sent
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known, had := p.under[s.key]
	switch {
	case had && known.measured.After(s.measured):
		return // read before it, saved after it
	case s.left <= 0 || c.State != campaign.Confirmed && c.State != campaign.Sending:
		delete(p.under, s.key)
		p.over(s)
	case had:
		p.under[s.key] = s
	case len(p.under) < most && s.start.Sub(now) < missed:
		if p.under == nil {
			p.under = map[campaign.Key]sending{}
		}
		p.under[s.key] = s
		if s.measured.IsZero() {
			p.sum.join(s, now) // by far the most frequent: it was just confirmed
			return
		}
	default:
		return
	}
	p.until = time.Time{}
}

// over keeps a sending that has ended, if it says something of the pace.
func (p *Pace) over(s sending) {
	if s.measured.IsZero() {
		return
	}
	p.ended = slices.DeleteFunc(p.ended, func(e sending) bool { return e.key == s.key })
	at, _ := slices.BinarySearchFunc(p.ended, s, func(e, s sending) int { return s.measured.Compare(e.measured) })
	if p.ended = slices.Insert(p.ended, at, s); len(p.ended) > campaign.PaceSeen {
		p.ended = p.ended[:campaign.PaceSeen]
	}
}

// At is what is known at a moment.
func (p *Pace) At(now time.Time) campaign.Pace {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !now.Before(p.until) {
		p.add(now)
		p.until = now.Add(fresh)
	}
	return p.sum.Pace
}

// add makes the sum, and forgets what is too long ago.
func (p *Pace) add(now time.Time) {
	p.sum = sum{}
	p.ended = slices.DeleteFunc(p.ended, func(s sending) bool { return now.Sub(s.measured) >= remembered })
	maps.DeleteFunc(p.under, func(_ campaign.Key, s sending) bool { return now.Sub(s.seen) >= missed })
	for _, s := range p.ended {
		p.sum.count(s)
	}
	for _, s := range p.under {
		p.sum.join(s, now)
	}
}

// sum is what all sendings say together.
type sum struct{ campaign.Pace }

// join adds a sending that is under way, unless it begins later.
func (t *sum) join(s sending, now time.Time) {
	if s.start.After(now) {
		return
	}
	t.Others++
	t.Ahead += s.left
	t.Together += s.perMinute
	t.count(s)
}

// count adds a sending to what is known of the pace, if it says something.
func (t *sum) count(s sending) {
	if s.measured.IsZero() {
		return
	}
	if t.Seen == 0 || s.perMinute < t.PerMinute {
		t.PerMinute = s.perMinute
	}
	t.Largest = max(t.Largest, s.sent)
	t.Seen++
}
