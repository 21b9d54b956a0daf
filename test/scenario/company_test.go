package scenario_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/gateway/uc006"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/pace"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	"github.com/staffetta-io/staffetta/internal/window"
	"github.com/staffetta-io/staffetta/internal/words"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

// company is a service, its gateway, and a diary of what happens.
type company struct {
	t       *testing.T
	sandbox *sandbox.Sandbox
	budgets *budget.Ledgers
	journal *runnertest.Journal
	runner  *runner.Runner
	lists   *lists
	zone    *time.Location

	mu        sync.Mutex
	published map[campaign.Key]int // how many of its events stand in the diary
	diary     strings.Builder
}

// live runs a company's story in simulated time, from the given moment, and
// compares the diary with the one in testdata.
func live(t *testing.T, from string, rules campaign.Rules, story func(c *company)) {
	name := strings.TrimPrefix(t.Name(), "Test")
	synctest.Test(t, func(t *testing.T) {
		rome, err := time.LoadLocation("Europe/Rome")
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.ParseInLocation("2006-01-02 15:04", from, rome)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(at)) // simulated: it takes no time
		c := found(t, rome, rules)
		story(c)
		synctest.Wait()
		c.mu.Lock()
		defer c.mu.Unlock()
		fmt.Println(c.diary.String())
		compare(t, filepath.Join("testdata", strings.ToLower(name)+".txt"), c.diary.String())
	})
}

func compare(t *testing.T, file, have string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), have); diff != "" {
		t.Errorf("the story is another one (-%s +now):\n%s", file, diff)
	}
}

func found(t *testing.T, zone *time.Location, rules campaign.Rules) *company {
	c := &company{t: t, zone: zone, lists: newLists(), published: map[campaign.Key]int{}, budgets: budget.NewLedgers(runnertest.NewMemoryStore())}
	var err error
	if c.sandbox, err = sandbox.New(sandbox.Options{Keys: []string{"key"}, Credit: decimal.RequireFromString("5000")}); err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Options{Vendor: uc006.New(uc006.Options{}), BaseURL: "https://gateway.test/api/partner-gateway/v1", Key: "key", Transport: inProcess{c.sandbox}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	c.journal = runnertest.NewJournal(t, c.deliver)
	c.runner = runner.New(runner.Options{Rules: rules, Journal: c.journal, Gateway: g, Budgets: c.budgets, People: c.lists, Claims: &oneByOne{}, Pace: &pace.Estimator{}})
	return c
}

// inProcess is a network that is not there: simulated time and sockets do not
// go together.
type inProcess struct{ server http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.server.ServeHTTP(w, r)
	return w.Result(), nil
}

// deliver hands a message to the service until it is done with.
func (c *company) deliver(w runner.Wakeup) {
	for {
		v := c.runner.Handle(context.Background(), w)
		c.write(w.Key)
		switch v.Do {
		case loop.Retry:
			time.Sleep(v.After)
		case loop.Bury:
			c.notef("%s: dead letter, %s: %s", w.Key, v.Reason, v.Note)
			return
		default:
			return
		}
	}
}

func (c *company) ask(key campaign.Key, r campaign.Request) {
	c.deliver(runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: r, RequestedAt: time.Now(), Stored: time.Now()})
}

func (c *company) publishCommand(key campaign.Key, command campaign.Input) {
	c.deliver(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: command, Stored: time.Now()})
}

// until lets simulated time pass.
func (c *company) until(local string) {
	at, err := time.ParseInLocation("2006-01-02 15:04", local, c.zone)
	if err != nil {
		c.t.Fatal(err)
	}
	time.Sleep(time.Until(at))
	synctest.Wait()
}

// notef writes a line into the diary.
func (c *company) notef(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line(time.Now(), fmt.Sprintf(format, args...))
}

func (c *company) line(at time.Time, text string) {
	fmt.Fprintf(&c.diary, "%s  %s\n", at.In(c.zone).Format("Mon 02 Jan 15:04"), text)
}

// write puts what was told of a campaign into the diary.
func (c *company) write(key campaign.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	events := c.journal.Events(key)
	for _, e := range events[c.published[key]:] {
		if text := c.eventWords(e); text != "" {
			c.line(e.At, key.RequestID+": "+text)
		}
	}
	c.published[key] = len(events)
}

// eventWords is an event in words.
func (c *company) eventWords(e campaign.Event) string {
	switch e.Type {
	case campaign.EventAudiencePrepared:
		p := *e.Prepared
		said := fmt.Sprintf("%s given, %s to send to", words.Plural(p.Given, "recipient", "recipients"), words.Count(p.Sent))
		for _, out := range []struct {
			n   int64
			why string
		}{{p.Malformed, "no phone number"}, {p.Duplicate, "given twice"}} {
			if out.n > 0 {
				said += fmt.Sprintf(", %d %s", out.n, out.why)
			}
		}
		if v := p.Version; v.Digest != "" {
			said += fmt.Sprintf("; the list %s of %s", v.Name, v.AsOf.In(c.zone).Format("Mon 02 Jan 15:04"))
		}
		return said
	case campaign.EventCostCalculated:
		return fmt.Sprintf("would go to %s in %s for %s", words.Plural(e.Quote.Goal.Valid, "person", "people"), words.Plural(e.Quote.Goal.Parts, "part", "parts"), e.Quote.Price.Total)
	case campaign.EventApprovalRequired:
		return fmt.Sprintf("waits for an approval until %s: %s", e.Need.Until.In(c.zone).Format("Mon 15:04"), e.Need.Why)
	case campaign.EventApproved:
		return fmt.Sprintf("%s approved %s for %d people", e.Approval.By, e.Approval.Quote.Price.Total, e.Approval.Quote.Goal.Valid)
	case campaign.EventDeferred:
		return e.Need.Why
	case campaign.EventConfirmed:
		if e.Confirmed.For.IsZero() {
			return "confirmed, the gateway is sending"
		}
		return "confirmed for " + e.Confirmed.For.In(c.zone).Format("Mon 02 Jan 15:04")
	case campaign.EventStats:
		if !e.Last {
			return ""
		}
		return fmt.Sprintf("done: %d delivered, %d not, %s %%, cost %s", e.Stats.Delivered, e.Stats.Undelivered, e.Stats.DeliveryRate.Decimal, e.Stats.Cost)
	}
	return string(e.Type) + ": " + c.localWords(e.Reason.Message)
}

// localWords is a sentence of the service with its instants in the company's zone.
func (c *company) localWords(sentence string) string { return words.Zoned(sentence, c.zone) }

// phone writes into the diary what a phone got last.
func (c *company) phone(number string) {
	texts, err := c.sandbox.SeenTexts(number)
	if err != nil {
		c.t.Fatal(err)
	}
	if len(texts) == 0 {
		c.notef("%s got nothing", number)
		return
	}
	c.notef("%s got: %s", number, texts[len(texts)-1].Text)
}

// charged is what the gateway really took.
func (c *company) charged() string {
	return eur(c.sandbox.Seen().Charged.String()).String()
}

// fill makes a contact list of so many people, all of them valid.
func (c *company) fill(name string, people int) int64 {
	id, err := c.sandbox.FillDemo(sandbox.DemoList{Name: name, Contacts: people})
	if err != nil {
		c.t.Fatal(err)
	}
	return int64(id)
}

func (c *company) faults(f sandbox.Fault) {
	if _, err := c.sandbox.AddFault(f); err != nil {
		c.t.Fatal(err)
	}
}

func eur(s string) campaign.Money {
	return campaign.Money{Amount: decimal.RequireFromString(s), Currency: "EUR"}
}

// daytime is the example of a send window: 08:00 to 22:00 in Italy, not on
// Sundays nor on holidays.
func daytime(t *testing.T) map[string]campaign.Window {
	data, err := os.ReadFile("../../policies/example-it.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := window.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]campaign.Window{p.Name: &p}
}
