package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/words"
)

// live shows what happens to campaigns. On a terminal it draws one line for each
// campaign that is being sent, again and again in the same place: how far it is, how
// fast, how long it still takes, what it costs. Above them stands what has happened.
// Elsewhere each event is a line.
type live struct {
	t       Terminal
	sending []*sent
	drawn   int // lines that are on the screen now
}

// sent is how far one campaign is.
type sent struct {
	key   string
	total int64
	done  int64
	cost  campaign.Money
	sim   bool      // a simulation: its cost is not spent
	began time.Time // when the gateway may have begun
	at    time.Time // when done was looked at
}

// event shows an event.
func (l *live) event(e contract.StoredEvent) error {
	event, known := e.Event()
	if l.t.Width == 0 {
		return printEvent(l.t, e)
	}
	l.clear()
	ended, _ := outcome(e)
	var err error
	// A figure of a sending changes its line, and is no history.
	if !known || event.Type != campaign.EventStats || event.Last || ended {
		err = printEvent(l.t, e)
	}
	if known && err == nil {
		l.note(e, event, ended)
	}
	l.draw()
	return err
}

// note remembers what an event says of a sending.
func (l *live) note(e contract.StoredEvent, event campaign.Event, ended bool) {
	key := e.About()
	i := slices.IndexFunc(l.sending, func(s *sent) bool { return s.key == key })
	if ended {
		if i >= 0 {
			l.sending = slices.Delete(l.sending, i, i+1)
		}
		return
	}
	if event.Type != campaign.EventConfirmed && event.Type != campaign.EventStats {
		return
	}
	if i < 0 {
		i = len(l.sending)
		l.sending = append(l.sending, &sent{key: key})
	}
	s := l.sending[i]
	s.sim = simulated(e)
	switch {
	case event.Type == campaign.EventConfirmed:
		s.began = e.Stored
		if event.Confirmed != nil && event.Confirmed.For.After(e.Stored) {
			s.began = event.Confirmed.For
		}
		if event.Quote != nil {
			s.total, s.cost = event.Quote.Goal.Valid, event.Quote.Price.Total
		}
	case event.Stats != nil && !event.Stats.Uncounted:
		if s.began.IsZero() {
			s.began = e.Stored
		}
		s.total, s.done, s.at = event.Stats.Total, event.Stats.Sent, e.Stored
		if event.Stats.Cost.Currency != "" {
			s.cost = event.Stats.Cost
		}
	}
}

// line is one campaign in so many columns. The bar goes first if there is too little
// room, then what is said last.
func (s *sent) line(p paint, width int, now time.Time) string {
	var parts []string
	if s.sim {
		parts = append(parts, "sim")
	}
	switch {
	case s.began.After(now) && s.done == 0:
		parts = append(parts, "begins in "+age(s.began.Sub(now)))
	case s.total > 0:
		parts = append(parts, fmt.Sprintf("%d %%", min(s.done, s.total)*100/s.total), thousands(s.done)+" of "+thousands(s.total))
	}
	if took := s.at.Sub(s.began); s.done > 0 && took > 0 {
		perMinute := float64(s.done) / took.Minutes()
		parts = append(parts, thousands(int64(perMinute))+"/min")
		if left := s.total - s.done; left > 0 && perMinute > 0 {
			parts = append(parts, age(time.Duration(float64(left)/perMinute*float64(time.Minute)))+" left")
		}
	}
	switch {
	case s.cost.Currency == "":
	case s.sim:
		parts = append(parts, "("+words.Money(s.cost)+")")
	default:
		parts = append(parts, words.Money(s.cost))
	}
	key := s.key
	if most := max(width/3, 16); utf8.RuneCountInString(key) > most {
		key = shortened(key, most)
	}
	said := strings.Join(parts, " · ")
	room := width - utf8.RuneCountInString(key) - utf8.RuneCountInString(said) - 5
	if cells := min(room, cells); cells >= 8 && s.total > 0 {
		return key + "  " + filled(p, s.done, s.total, cells) + "  " + said
	}
	if line := key + "  " + said; utf8.RuneCountInString(line) < width {
		return line
	}
	return cutOff(key+"  "+said, width-1)
}

// draw draws the lines of the campaigns that are being sent, as many as fit.
func (l *live) draw() {
	fits := max(l.t.Height-2, 1)
	now := time.Now()
	for i, s := range l.sending {
		if i == fits && len(l.sending) > fits {
			fmt.Fprintf(l.t.Out, "and %d more\n", len(l.sending)-fits)
			l.drawn++
			break
		}
		fmt.Fprintln(l.t.Out, s.line(paint{l.t.Colour}, l.t.Width, now))
		l.drawn++
	}
}

// clear takes the lines away, so that history can be printed in their place.
func (l *live) clear() {
	if l.drawn > 0 {
		// Up so many lines, to the first column, and all away below.
		fmt.Fprint(l.t.Out, ownMark+itoa(l.drawn)+"A"+ownMark+"1G"+ownMark+"J")
		l.drawn = 0
	}
}
