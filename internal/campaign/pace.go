package campaign

import (
	"fmt"
	"slices"
	"time"
)

// How fast the gateway sends: what each look at a campaign being sent says of it, and
// what the rules conclude from all of them.

// Progress is the pace of one sending, as the looks at it have shown. It is kept with
// the record, so that it outlives the process that looked.
type Progress struct {
	At        time.Time `json:"at"`         // when it was last measured
	Sent      int64     `json:"sent"`       // how many messages had been sent then
	PerMinute int64     `json:"per_minute"` // messages; 1 or more
}

// Pace is what was seen of the recent sendings. The zero Pace says that nothing was
// seen.
type Pace struct {
	Seen      int   // how many sendings were measured
	PerMinute int64 // messages a minute of the slowest of them
	Largest   int64 // the most messages that one of them was seen to send

	// The campaigns that are being sent now. They share the gateway with one that
	// starts now.
	Others   int   // how many campaigns
	Ahead    int64 // messages that they have still to send
	Together int64 // messages a minute that they were seen to send, all together
}

const (
	// measurable is the shortest time that a pace can be measured over. A gateway may
	// take a while to begin, and count in batches. So before longEnough, fewer than
	// fewSeen messages are not measured: the pace of a dozen reminders says nothing of
	// ten thousand messages.
	measurable, longEnough = 2 * time.Minute, 30 * time.Minute
	fewSeen                = 100
	// PaceSeen is how many sendings have to be seen before a pace faster than the
	// configured one is believed. A slower pace is believed from the first sending on.
	PaceSeen = 5
)

// PaceFor is how many messages a minute a sending to so many recipients is expected to
// get, and whether that was seen or is configured. If the seen pace is slower, it
// counts at once. If it is faster, it counts only when enough sendings have shown it,
// and only up to as many recipients as one of them had: the first thousand may go
// faster than the next ten thousand.
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

// lastsAlone is how long a sending to so many recipients takes if it has the gateway to
// itself.
func (t *transition) lastsAlone(recipients int64) time.Duration {
	pace, _ := t.PaceFor(t.pace, recipients)
	return takes(recipients, pace)
}

// lastsBeside is how long it takes if it starts now and shares the gateway with the
// campaigns that are being sent. Each of those sends as many messages meanwhile, if it
// has as many left. The gateway may be able to send more in all than one campaign gets;
// that is believed only when it was seen.
func (t *transition) lastsBeside(recipients int64) time.Duration {
	pace, _ := t.PaceFor(t.pace, recipients)
	meanwhile := min(t.pace.Ahead, recipients*int64(t.pace.Others))
	return max(takes(recipients, pace), takes(recipients+meanwhile, max(pace, t.pace.Together)))
}

// takes is how long so many messages take. It does not overflow: above a hundred
// million messages it stays the same.
func takes(messages, perMinute int64) time.Duration {
	return time.Duration(min(messages, 100_000_000)) * time.Minute / time.Duration(perMinute)
}

// paceWords says how a duration was worked out.
func (t *transition) paceWords(recipients int64) string {
	pace, seen := t.PaceFor(t.pace, recipients)
	where := "as is assumed (gateway.pace)"
	switch {
	case seen && t.pace.Seen == 1:
		where = "as was seen of the last sending"
	case seen:
		where = fmt.Sprintf("the slowest of the last %d sendings seen", t.pace.Seen)
	}
	return fmt.Sprintf("%d messages at %d a minute, %s, take about %s", recipients, pace, where, roundedDuration(takes(recipients, pace)))
}

// roundedDuration is a duration as people say it, in hours and minutes.
func roundedDuration(d time.Duration) string {
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

// measure takes the pace from a look at a sending. A sending that has not begun shows
// no pace. One that has ended shows none either: it may have ended at any time since
// the last look. And a look too soon after the last one is not used.
//
// The pace is at most the average since the start, which includes the time that the
// gateway took to begin. Each look moves it half way to the pace since the last look.
// So a gateway that slows down is noticed, and one that counts in batches does not look
// as if it stood still.
func (t *transition) measure(s Stats) {
	if s.Status != StatusSending || s.Sent <= 0 || s.Sent >= s.Total || t.c.Request.Simulation {
		return
	}
	took := t.now.Sub(t.leftAt())
	if took < measurable || s.Sent < fewSeen && took < longEnough {
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

// leftAt is when the gateway may have begun to send, by our own clock if that is known.
// The gateway's clock may be ahead, and would make it look faster than it is.
func (t *transition) leftAt() time.Time {
	if t.c.Confirmed.For.IsZero() {
		for _, a := range slices.Backward(t.c.Attempts) {
			if a.Op == OpConfirm && !a.At.IsZero() {
				return a.At
			}
		}
	}
	return t.sendingStart()
}
