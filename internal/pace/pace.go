// Package pace knows how fast the gateway sends: it gathers what the looks at
// all sendings have said, from the records as they are saved or read again.
//
// It refuses to know what is made of that, which is the rules' business, and
// how a look is measured, which is too: it remembers, for a day, and forgets.
package pace

import (
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
	under []sending // at most [most], in no order
	ended []sending // the last one first

	sum   campaign.Pace // of all of them
	until time.Time     // when the sum is made again; zero: at once
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
	at := slices.IndexFunc(p.under, func(u sending) bool { return u.key == s.key })
	switch {
	case at >= 0 && p.under[at].measured.After(s.measured):
		return // read before it, saved after it
	case s.left <= 0 || c.State != campaign.Confirmed && c.State != campaign.Sending:
		if at >= 0 {
			p.under = slices.Delete(p.under, at, at+1)
		}
		p.over(s)
	case at >= 0:
		p.under[at] = s
	case len(p.under) < most && s.start.Sub(now) < missed:
		p.under = append(p.under, s)
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
	return p.sum
}

// add makes the sum, and forgets what is too long ago.
func (p *Pace) add(now time.Time) {
	p.sum = campaign.Pace{}
	p.ended = slices.DeleteFunc(p.ended, func(s sending) bool { return now.Sub(s.measured) >= remembered })
	p.under = slices.DeleteFunc(p.under, func(s sending) bool { return now.Sub(s.seen) >= missed })
	for i := range p.ended {
		p.count(&p.ended[i])
	}
	for i := range p.under {
		s := &p.under[i]
		if s.start.After(now) {
			continue
		}
		p.sum.Others++
		p.sum.Ahead += s.left
		p.sum.Together += s.perMinute
		p.count(s)
	}
}

// count adds a sending to what is known of the pace, if it says something.
func (p *Pace) count(s *sending) {
	if s.measured.IsZero() {
		return
	}
	if p.sum.Seen == 0 || s.perMinute < p.sum.PerMinute {
		p.sum.PerMinute = s.perMinute
	}
	p.sum.Largest = max(p.sum.Largest, s.sent)
	p.sum.Seen++
}
