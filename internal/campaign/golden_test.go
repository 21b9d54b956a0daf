package campaign_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// testdata/lifecycle.txt is the lifecycle as a table: every situation a
// campaign can be in × everything that can happen to it. The test writes it
// with -rewrite; its diff is the review. Commit only a diff you understand.
var rewrite = flag.Bool("rewrite", false, "write testdata/lifecycle.txt anew")

var (
	friday = time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	rules  = campaign.Rules{Windows: map[string]campaign.Window{"night": night{}}}.WithDefaults()
	key    = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}
)

// night is a send window that is open from 22:00 to 07:00 UTC.
type night struct{}

func (night) Open(from time.Time, lasts time.Duration) (time.Time, string, error) {
	if lasts > 9*time.Hour {
		return time.Time{}, "", errors.New("it lasts longer than a night")
	}
	day := from.Truncate(24 * time.Hour)
	for _, w := range []struct{ open, shut time.Time }{
		{day.Add(-2 * time.Hour), day.Add(7 * time.Hour)},
		{day.Add(22 * time.Hour), day.Add(31 * time.Hour)},
		{day.Add(46 * time.Hour), day.Add(55 * time.Hour)},
	} {
		if at := later(from, w.open); !at.Add(lasts).After(w.shut) {
			return at, "the night begins at " + w.open.Format(time.TimeOnly), nil
		}
	}
	return time.Time{}, "", errors.New("no night is long enough")
}

// quoteID is the one of blackFriday as outcomes() quotes it.
var quoteID = campaign.QuoteID(blackFriday(), campaign.Quote{
	Goal:  campaign.Goal{Total: 10247, Valid: 9831, Invalid: 416, Parts: 9831},
	Price: campaign.Price{PerMessage: eur("0.035"), Total: eur("344.09")}})

func eur(s string) campaign.Money {
	return campaign.Money{Amount: decimal.RequireFromString(s), Currency: "EUR"}
}

func blackFriday() campaign.Request {
	return campaign.Request{
		Name: "Black Friday 2026", Sender: "ShopItalia", ListID: 87,
		Text: "Black Friday! Solo per te: -30% su tutto con il codice BF2026.",
	}
}

// describe is one decision in the words of the table.
func describe(s situation, d campaign.Decision) string {
	var b strings.Builder
	b.WriteString(string(d.Next.State))
	for _, e := range d.Next.Outbox {
		fmt.Fprintf(&b, ", tell %s.%d", e.Type, e.N)
		if e.Last {
			b.WriteString(" (last)")
		}
		if e.Reason != nil {
			fmt.Fprintf(&b, " (%s)", e.Reason.Code)
		}
	}
	if d.Save {
		b.WriteString(", save")
	}
	if d.Call != nil {
		fmt.Fprintf(&b, ", call %s", d.Call.Op)
		if !d.Call.At.IsZero() {
			fmt.Fprintf(&b, " for %s", d.Call.At.Format(time.DateTime))
		}
	} else if state := d.Next.State; state != "" && (!state.Final() || len(d.Next.Outbox) == 0) && !d.Next.Wake.IsZero() {
		fmt.Fprintf(&b, ", wake in %s", d.Next.Wake.Sub(s.now).Round(time.Second))
	}
	if d.Next.Cancel != nil && d.Next.Cancel.Failed != "" {
		b.WriteString(", cancel refused")
	}
	return b.String()
}

// A command that changes nothing was followed before, or it is refused in words. Either
// way its sender knows what became of it.
func TestNoCommandIsTakenInSilence(t *testing.T) {
	for _, s := range situations(t) {
		for _, i := range inputs() {
			d := s.step(i.in)
			if d.Save || d.Call != nil || d.Objection != "" || s.c.State == "" {
				continue // it goes on; without a record it waits for the request
			}
			again := true
			switch in := i.in.(type) {
			case campaign.Cancel:
				again = s.c.Cancel != nil
			case campaign.Approve:
				again = s.c.Approval != nil && s.c.Approval.QuoteID == in.QuoteID
			case campaign.Decline:
				again = s.c.Reason != nil && s.c.Reason.Code == campaign.ReasonDeclined
			case campaign.Follow:
				again = s.c.Followed != nil && s.c.Followed.By == in.By
			case campaign.Forget:
				again = s.c.Forgotten != nil
			case campaign.Resolved:
				again = s.c.Resolved != nil && s.c.Resolved.Sent == in.Sent
			}
			if !again {
				t.Errorf("%s: %q changes nothing, and nobody is told", s.name, i.name)
			}
		}
	}
}

func TestLifecycleTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Every situation × everything that can happen. Written by `go test ./internal/campaign -rewrite`.\n")
	for _, s := range situations(t) {
		fmt.Fprintf(&b, "\n%s\n", s.name)
		var nothing, no []string
		refused := map[string][]string{} // what is, by the words
		for _, i := range inputs() {
			if _, ok := i.in.(campaign.Received); ok {
				i.in = campaign.Received{Key: key, Request: s.asks}
			}
			d := s.step(i.in)
			if d.Objection != "" {
				if refused[d.Objection] == nil {
					no = append(no, d.Objection)
				}
				refused[d.Objection] = append(refused[d.Objection], i.name)
				continue
			}
			if !d.Save && d.Call == nil {
				nothing = append(nothing, i.name)
				continue
			}
			what := describe(s, d)
			for _, e := range d.Next.Outbox {
				if err := whole(e); err != nil {
					t.Errorf("%s, %s: %v", s.name, i.name, err)
				}
			}
			if o, ok := i.in.(campaign.Outcome); ok && len(o.Events) > 0 && len(d.Next.Outbox) == 0 && d.Save {
				what = "rebuilt: " + what // no way of the lifecycle: it had gone it before
			}
			fmt.Fprintf(&b, "  %-31s → %s\n", i.name, what)
		}
		for _, words := range no {
			fmt.Fprintf(&b, "  %-31s → refused: %s\n", strings.Join(refused[words], ", "), words)
		}
		if len(nothing) == len(inputs()) {
			b.WriteString("  anything                        → nothing\n")
		} else {
			b.WriteString("  anything else                   → nothing\n")
		}
	}
	file := filepath.Join("testdata", "lifecycle.txt")
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the lifecycle changed (-%s +now); if that is meant, run with -rewrite and review the diff:\n%s", file, diff)
	}
}
