package app

import (
	"context"
	"fmt"

	"github.com/staffetta-io/staffetta/internal/button"
	"github.com/staffetta-io/staffetta/internal/journal"
)

// openButton opens the red button, so that the loop heeds it.
func (a *App) openButton(ctx context.Context) (err error) {
	a.button, err = journal.OpenButton(ctx, a.own)
	return err
}

// watchButton says in the log who pressed and released it, until ctx ends.
func (a *App) watchButton(ctx context.Context) {
	a.button.Watch(ctx, func(before, now button.State, err error) {
		if err != nil {
			a.opts.Log.Error("nobody can say whether anything is held: nothing is begun or confirmed until that is known", "error", err)
			return
		}
		for source, p := range now.Held {
			if had, held := before.Held[source]; !held || !had.Since.Equal(p.Since) {
				a.opts.Log.Warn("held", "source", source, "by", p.By, "since", p.Since, "why", p.Why)
			}
		}
		for source := range before.Held {
			if _, held := now.Held[source]; !held {
				c := released(now, source)
				a.opts.Log.Warn("released", "source", source, "by", c.By, "why", c.Why)
			}
		}
		if len(now.Held) == 0 && len(before.Held) == 0 {
			a.opts.Log.Info("nothing is held")
		}
	})
}

// released is the last release of a source.
func released(s button.State, source string) (last button.Change) {
	for _, c := range s.Changes {
		if c.Source == source && c.Released {
			last = c
		}
	}
	return last
}

// showButton shows what is held. It is no reason to send work elsewhere.
func (a *App) showButton() {
	a.ops.Note("hold", func() (string, bool) {
		s, err := a.button.Last()
		if err != nil {
			return "nobody can say whether anything is held: nothing is begun or confirmed; " + err.Error(), false
		}
		if all := s.Sources(); len(all) > 0 {
			return s.Words(all[0]) + more(len(all)-1), false
		}
		return "nothing is held", true
	})
	a.ops.GaugesOf("held", "1 for what is held: nothing of that source is begun or confirmed; * is everything, and nobody can say is unknown.",
		[]string{"source"}, func(is func(float64, ...string)) {
			s, err := a.button.Last()
			if err != nil {
				is(1, "unknown")
				return
			}
			all := s.Sources()
			if _, everything := s.Held[button.All]; !everything {
				is(0, button.All)
			}
			for _, source := range all[:min(len(all), maxHeldSeries)] {
				is(1, source)
			}
		})
}

// maxHeldSeries is of how many sources metrics tell: somebody holds each by hand.
const maxHeldSeries = 100

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more)", n)
}
