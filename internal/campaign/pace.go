package campaign

import (
	"fmt"
	"time"
)

// How fast the gateway sends: what each look at a sending says of it, and what
// the rules make of what was seen of all of them.

// Progress is what the looks at one sending have said of its pace. It is kept
// with the record, so that it outlives the process that looked.
type Progress struct {
	At        time.Time `json:"at"`         // the look it was measured by last
	Sent      int64     `json:"sent"`       // what had been sent then
	PerMinute int64     `json:"per_minute"` // messages; 1 or more
}

// Pace is what was seen of the sendings of late. The zero Pace is nothing.
type Pace struct {
	Seen      int   // how many sendings say something
	PerMinute int64 // messages a minute of the slowest of them
	Largest   int64 // the most messages that one of them was seen to send

	// What is being sent now, which shares the gateway with what starts now.
	Others   int   // how many campaigns
	Ahead    int64 // messages that they have still to send
	Together int64 // messages a minute that they were seen to send, all together
}

const (
	// measurable is the least time that says something of a pace, and few the
	// messages that say nothing before longEnough: a gateway may take a while
	// to begin, and count in batches. What a dozen reminders took must not be
	// held against ten thousand.
	measurable, longEnough = 2 * time.Minute, 30 * time.Minute
	few                    = 100
	// PaceSeen is how many sendings have to be seen before a pace above the
	// one that was set is believed. A slower one is believed from the first.
	PaceSeen = 5
)

// PaceFor is how many messages a minute a sending to so many is expected to
// get, and whether that was seen or is what was set. What was seen counts at
// once if it is slower. If it is faster, it counts when enough sendings say
// so, and for no more recipients than were seen to go at it: the first
// thousand may go faster than the next ten.
func (r Rules) PaceFor(p Pace, recipients int64) (perMinute int64, seen bool) {
	set := int64(r.Pace)
	switch {
	case p.Seen == 0:
		return set, false
	case p.PerMinute < set:
		return max(p.PerMinute, 1), true
	case p.Seen < PaceSeen || recipients > p.Largest:
		return set, false
	}
	return p.PerMinute, true
}

// lasts is how long a sending to so many takes that has the gateway to itself.
func (t *turn) lasts(recipients int64) time.Duration {
	pace, _ := t.PaceFor(t.pace, recipients)
	return takes(recipients, pace)
}

// beside is how long it takes if it starts now and shares the gateway with
// those that are being sent: each of them sends as many meanwhile, if it has
// as many to go. That the gateway can send more at once than one campaign gets
// is believed when it is seen to.
func (t *turn) beside(recipients int64) time.Duration {
	pace, _ := t.PaceFor(t.pace, recipients)
	meanwhile := min(t.pace.Ahead, recipients*int64(t.pace.Others))
	return max(takes(recipients, pace), takes(recipients+meanwhile, max(pace, t.pace.Together)))
}

// takes divides, and does not overflow before a hundred million messages.
func takes(messages, perMinute int64) time.Duration {
	return time.Duration(min(messages, 100_000_000)) * time.Minute / time.Duration(perMinute)
}

// paceWords say what a duration was worked out from.
func (t *turn) paceWords(recipients int64) string {
	pace, seen := t.PaceFor(t.pace, recipients)
	where := "as is assumed (gateway.pace)"
	switch {
	case seen && t.pace.Seen == 1:
		where = "as was seen of the last sending"
	case seen:
		where = fmt.Sprintf("the slowest of the last %d sendings seen", t.pace.Seen)
	}
	return fmt.Sprintf("%d messages at %d a minute, %s, take about %s", recipients, pace, where, about(takes(recipients, pace)))
}

// about is a duration as one says it: nobody wants the seconds of an hour.
func about(d time.Duration) string {
	switch h, m := int(d.Round(time.Minute).Hours()), int(d.Round(time.Minute).Minutes())%60; {
	case d < time.Minute:
		return "a minute"
	case h == 0:
		return fmt.Sprintf("%d min", m)
	case m == 0:
		return fmt.Sprintf("%d h", h)
	default:
		return fmt.Sprintf("%d h %d min", h, m)
	}
}

// measure takes a look at a sending for what it says of its pace. One that has
// not begun says nothing, and one that has ended could have ended at any time
// since the last look. So does a look too soon after the last one.
//
// The pace is the one since the start at most, which includes what the gateway
// took to begin; it goes half way to that of the last stretch, so that a
// gateway which slows down is noticed, and one that only counts in batches
// is not held for one that stands still.
func (t *turn) measure(s Stats) {
	if s.Status != StatusSending || s.Sent <= 0 || s.Sent >= s.Total || t.c.Request.Simulation {
		return
	}
	took := t.now.Sub(t.left())
	if took < measurable || s.Sent < few && took < longEnough {
		return
	}
	pace := perMinute(s.Sent, took)
	if last := t.c.Progress; last != nil {
		stretch := t.now.Sub(last.At)
		if stretch < measurable {
			return
		}
		pace = min(pace, (last.PerMinute+perMinute(s.Sent-last.Sent, stretch))/2)
	}
	t.c.Progress = &Progress{At: t.now, Sent: s.Sent, PerMinute: max(pace, 1)}
}

func perMinute(sent int64, took time.Duration) int64 {
	return int64(float64(sent) / took.Minutes())
}

// left is when the gateway may have begun to send, by our own clock as far as
// that is known: its own may be ahead, and make it look faster than it is.
func (t *turn) left() time.Time {
	if t.c.Confirmed.For.IsZero() {
		for i := len(t.c.Attempts) - 1; i >= 0; i-- {
			if a := t.c.Attempts[i]; a.Op == OpConfirm && !a.At.IsZero() {
				return a.At
			}
		}
	}
	return t.start()
}
