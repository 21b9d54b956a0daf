//go:build !production

package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	"github.com/staffetta-io/staffetta/internal/words"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// screen is what the demo shows: lines that stay, and under them a bar while
// the campaign is being sent. It remembers the events for the summary and
// knows no figure of its own.
type screen struct {
	t     Terminal
	paint paint
	bar   bar

	events    int
	cost      *campaign.Quote
	confirmed *campaign.Confirmation
	stats     *campaign.Stats
	last      contract.StoredEvent
}

func newScreen(t Terminal) *screen {
	p := paint{t.Colour}
	return &screen{t: t, paint: p, bar: newBar(t, p)}
}

func (s *screen) line(format string, args ...any) {
	s.bar.clear()
	fmt.Fprintf(s.t.Out, format+"\n", args...)
}

// opening says what has been started.
func (s *screen) opening(l *app.Local, list sandbox.DemoList, listID int) {
	s.line("%s\n", s.paint.bold("Staffetta: one event in, one campaign out"))
	s.line("  NATS      %s, with JetStream", l.NATSURL)
	s.line("  gateway   %s, a sandbox", l.Sandbox.URL)
	s.line("  list %d   %s, %s contacts", listID, list.Name, thousands(int64(list.Contacts)))
	s.line("")
}

// request shows the request that has been published.
func (s *screen) request(r *campaignv1.CampaignRequested, subject string) {
	s.line("%s CampaignRequested       %s", s.paint.green("→"), s.paint.dim(subject))
	s.line("    %s, from %s, to list %d, now:", r.Name, r.Sender, r.ContactListId)
	for _, l := range wrapped(r.Text, 72) {
		s.line("    %s", s.paint.dim(l))
	}
}

// event shows an event, and how far the sending has come.
func (s *screen) event(e contract.StoredEvent) {
	s.events++
	s.last = e
	arrow := s.paint.green("←")
	if ended, well := outcome(e); ended && !well {
		arrow = s.paint.red("←")
	}
	said := folded(figures(e, s.t.in()), s.t.Width-indent)
	s.line("%s %-22s  %s", arrow, title(e), said[0])
	for _, more := range said[1:] {
		s.line("%*s%s", indent, "", more)
	}
	event, _ := e.Event()
	switch event.Type {
	case campaign.EventCostCalculated:
		s.cost = event.Quote
	case campaign.EventConfirmed:
		s.confirmed = event.Confirmed
		s.bar.draw(0, event.Quote.Goal.Valid, "sending")
	case campaign.EventStats:
		s.stats = event.Stats
		if m := event.Stats; !event.Last {
			s.bar.draw(m.Delivered+m.Undelivered, m.Total, thousands(m.Delivered)+" delivered")
		}
	}
}

// summary draws the sums, from the events alone.
func (s *screen) summary(took time.Duration) error {
	s.line("")
	if _, well := outcome(s.last); !well || s.cost == nil || s.confirmed == nil || s.stats == nil {
		what := "The campaign did not end well."
		if s.confirmed == nil {
			what = "The campaign was not sent."
		}
		s.line("%s", s.paint.red(what))
		return exitError(exitWrong)
	}
	c, st := s.cost, s.stats
	row := func(what, figure, more string) {
		s.line("%s", strings.TrimRight(fmt.Sprintf("  %-18s %s  %s", what, s.paint.bold(fmt.Sprintf("%10s", figure)), more), " "))
	}
	row("contacts", thousands(c.Goal.Total), "")
	row("invalid", thousands(c.Goal.Invalid), "duplicates, malformed numbers, opt-outs")
	row("valid recipients", thousands(c.Goal.Valid), "")
	row("parts", thousands(c.Goal.Parts), words.Money(c.Price.PerMessage)+" each")
	available := ""
	if credit := c.Price.Available; credit.Currency != "" {
		available = fmt.Sprintf(" of %s available", words.Amount(credit))
	}
	row("cost", words.Amount(c.Price.Total), c.Price.Total.Currency+available)
	row("delivered", thousands(st.Delivered), st.DeliveryRate.Decimal.String()+" %")
	row("undelivered", thousands(st.Undelivered), "")
	s.line("")
	s.line("  %s events; %.0f minutes of sending, simulated, in %.1f s",
		thousands(int64(s.events)), (time.Duration(st.Total) * demoPace).Minutes(), took.Seconds())
	s.line("")
	s.line("  Next: %s, and in another terminal %s", s.paint.bold(s.t.Name+" dev"), s.paint.bold(s.t.Name+" watch"))
	return nil
}

// indent is where the figures of an event begin.
const indent = 26
