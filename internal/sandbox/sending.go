package sandbox

import (
	"sort"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/sms"
)

// A sending is what one confirm set off. It does nothing by itself: how far it
// has come is worked out from the time that has passed.
type sending struct {
	goal      goal
	cost      decimal.Decimal // zero if simulated
	simulated bool
	scheduled bool
	start     time.Time
	// failAfter is the number of messages after which it ends as FAILED; negative:
	// it does not.
	failAfter int
	// undone is a confirm that was taken back before a message had left.
	undone bool
	// text is what is sent; live says that a contact's fields are read when its message
	// leaves.
	text string
	live bool
}

// textTo is what one recipient gets, the i-th one.
func (s *sending) textTo(t *timeline, every time.Duration, b *addressBook, i int) string {
	k := s.goal.audience.recipients[i]
	if s.live {
		if now := b.get(k.id); now != nil {
			leaves := max(every*19/20, 1)
			k = now.at(t.when(t.work(s.start) + time.Duration(i+1)*leaves))
		}
	}
	return sms.ParseTemplate(s.text).Fill(k.field)
}

// progress is how far a campaign has come.
type progress struct {
	status      status
	total       int
	sent        int
	delivered   int
	undelivered int
	ended       time.Time // zero unless completed
}

// pending is the number of recipients whose outcome is not known.
func (p progress) pending() int { return p.total - p.delivered - p.undelivered }

// rate is the share of known outcomes that are deliveries, in percent with two
// decimals, half up. It is 0 while nothing is known.
func (p progress) rate() decimal.Decimal {
	known := p.delivered + p.undelivered
	if known == 0 {
		return decimal.Zero
	}
	return decimal.NewFromInt(int64(p.delivered)*100).DivRound(decimal.NewFromInt(int64(known)), 2)
}

// progress at an instant. The whole takes every × recipients of simulated time.
// Messages leave during the first 19/20 of it, evenly, and the outcome of each is
// known 1/20 later, so that sent runs ahead of delivered as it does in life.
func (s *sending) progress(t *timeline, every time.Duration, now time.Time) progress {
	n := len(s.goal.audience.recipients)
	p := progress{status: confirmed, total: n}
	if now.Before(s.start) {
		return p
	}
	began := t.work(s.start)
	passed := t.work(now) - began
	leaves := max(every*19/20, 1)
	lag := time.Duration(n) * (every - leaves)

	p.sent = min(int(passed/leaves), n)
	reported := 0
	if passed > lag {
		reported = min(int((passed-lag)/leaves), n)
	}
	switch {
	case s.failAfter >= 0 && p.sent >= s.failAfter:
		p.sent = min(p.sent, s.failAfter)
		reported = min(reported, s.failAfter)
		p.status = failed
	case reported == n:
		p.status = completed
		p.ended = t.when(began + time.Duration(n)*every)
	case p.sent > 0:
		p.status = inSending
	}
	p.undelivered = sort.SearchInts(s.goal.audience.unreachable, reported)
	p.delivered = reported - p.undelivered
	return p
}
