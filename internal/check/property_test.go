package check_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"google.golang.org/protobuf/encoding/protojson"
	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/check"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

var key = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}

var friday = time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)

// The contact lists that there are; any other is unknown.
const full, empty, unknown = 87, 88, 89

// plan is a request, and the world that it comes into.
type plan struct {
	request campaign.Request
	at, end time.Duration // from now on; zero: immediately, never
	rules   campaign.Rules
	credit  int64
	budget  int64 // of a day; zero: nobody has set one
	held    bool
}

// daily is a send window: from one hour to another, every day, in UTC.
type daily struct{ from, to int }

func (d daily) Open(from time.Time, lasts time.Duration) (time.Time, string, error) {
	if lasts > time.Duration(d.to-d.from)*time.Hour {
		return time.Time{}, "", fmt.Errorf("it takes %s", lasts)
	}
	day := from.UTC().Truncate(24 * time.Hour)
	for ; ; day = day.Add(24 * time.Hour) {
		opens, shuts := day.Add(time.Duration(d.from)*time.Hour), day.Add(time.Duration(d.to)*time.Hour)
		at := opens
		if from.After(at) {
			at = from
		}
		if !at.Add(lasts).After(shuts) {
			return at, "the window is shut", nil
		}
	}
}

func euros(n int64) campaign.Money {
	return campaign.Money{Amount: decimal.NewFromInt(n), Currency: "EUR"}
}

// random draws a plan in which each of the rules may say no, and usually few do.
func random(t *rapid.T) plan {
	pick := func(name string, all ...int) int { return rapid.SampledFrom(all).Draw(t, name) }
	rarely := func(name string) bool { return pick(name, 0, 0, 0, 0, 0, 1) == 1 }
	p := plan{credit: int64(pick("credit", 2000, 2000, 2000, 10)), budget: int64(pick("budget", 0, 0, 5000, 5000, 20))}
	r := campaign.Request{Name: "Black Friday 2026", Sender: "ShopItalia", ListID: int64(pick("list", full, full, full, full, full, empty, unknown))}
	r.Text = rapid.SampledFrom([]string{"Solo per te: -30%", "Solo per te: -30%", "Perché no?", "C’è lo sconto", strings.Repeat("Ciao ", 50)}).Draw(t, "text")
	r.Unicode = rapid.Bool().Draw(t, "unicode")
	if rarely("bad sender") {
		r.Sender = "Shop Italia!"
	}
	r.Simulation = rarely("simulation")
	p.at = time.Duration(pick("at in minutes", 0, 0, 0, -9, -30, 3, 60, 600, 3000)) * time.Minute
	p.end = time.Duration(pick("ends in minutes", 0, 0, 0, -5, 20, 400, 2000, 6000)) * time.Minute
	l := &r.Limits
	if rarely("caps the total") {
		l.MaxTotal = euros(int64(pick("max total", 100, 1000)))
		l.OnOverMax = rapid.SampledFrom([]campaign.Choice{"", campaign.Reject, campaign.Ask}).Draw(t, "on over max")
	}
	l.MaxParts = pick("max parts", 0, 0, 0, 1, 3)
	l.Approval = rarely("approval")
	l.OnNoCredit = rapid.SampledFrom([]campaign.Choice{"", campaign.Reject, campaign.Wait}).Draw(t, "on no credit")
	l.OnLate = rapid.SampledFrom([]campaign.Choice{"", campaign.Reject, campaign.Ask}).Draw(t, "on late")
	l.MaxLateness = time.Duration(pick("max lateness", 0, 0, 5, 60)) * time.Minute
	l.Window = rapid.SampledFrom([]string{"", "", "", "day", "short", "hour", "nowhere"}).Draw(t, "window")
	p.rules.Windows = map[string]campaign.Window{"day": daily{8, 20}, "short": daily{9, 11}, "hour": daily{9, 10}}
	if rarely("policy") {
		p.rules.Policies = map[string]campaign.Policy{"*": {ApproveAbove: euros(int64(pick("approve above", 100, 1000))),
			Window: rapid.SampledFrom([]string{"", "day", "nowhere"}).Draw(t, "window of the policy")}}
	}
	p.rules.Pace = pick("pace", 200, 80, 20)
	p.held = rarely("held")
	p.request = r
	return p
}

// world is a service between fakes, in which people do at once what is waited for.
type world struct {
	t       *testing.T
	journal *runnertest.Journal
	gateway *runnertest.Gateway
	ledgers *ledgers
	button  *hold
	runner  *runner.Runner

	mu     sync.Mutex
	buried *loop.Verdict // guarded by mu
}

type ledgers struct {
	*budget.Ledgers
	exist bool
}

func (l *ledgers) Exist() bool { return l.exist }

type hold struct {
	mu    sync.Mutex
	words string // guarded by mu
}

func (h *hold) Held(string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.words
}

func (h *hold) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.words = ""
}

func newWorld(t *testing.T, p plan) *world {
	w := &world{t: t, gateway: runnertest.NewGateway(), ledgers: &ledgers{Ledgers: budget.NewLedgers(runnertest.NewMemoryStore())}, button: &hold{}}
	w.gateway.SetList(full, 9831, 416)
	w.gateway.SetList(empty, 0, 3)
	w.gateway.SetCredit(decimal.NewFromInt(p.credit))
	w.gateway.SendsFor = 8 * time.Second
	if p.held {
		w.button.words = "held by anna: wrong prices"
	}
	if p.budget > 0 {
		day := euros(p.budget)
		w.ledgers.exist = true
		if _, err := w.ledgers.Set(t.Context(), budget.Scope(key.Source), budget.Edit{By: "anna", Zone: "UTC", Day: &day}); err != nil {
			t.Error(err)
		}
	}
	w.journal = runnertest.NewJournal(t, w.deliver)
	w.runner = runner.New(runner.Options{Rules: p.rules, Journal: w.journal, Gateway: w.gateway, Budgets: w.ledgers, Button: w.button, At: "https://gateway.example"})
	return w
}

// deliver hands over a message until it is acknowledged or buried. Then people look.
func (w *world) deliver(m runner.Wakeup) {
	for {
		v := w.runner.Handle(context.Background(), m)
		if v.Do == loop.Retry {
			time.Sleep(v.After)
			continue
		}
		if v.Do == loop.Bury {
			w.mu.Lock()
			w.buried = &v
			w.mu.Unlock()
		}
		break
	}
	c, _ := w.journal.Record(key)
	switch n := c.Need; {
	case w.button.Held(key.Source) != "":
		w.button.release()
	case c.State == campaign.Quoted && n.For == campaign.NeedApproval:
		w.deliver(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Stored: time.Now(),
			Command: campaign.Approve{By: "anna", QuoteID: campaign.QuoteID(c.Request, *c.Quote)}})
	case c.State == campaign.Quoted && n.For == campaign.NeedCredit:
		w.gateway.SetCredit(decimal.NewFromInt(100_000))
	}
}

// reservesNothing says if the budgets hold something although nobody has asked.
func (w *world) reservesNothing(now time.Time) {
	if !w.ledgers.exist {
		return
	}
	all, err := w.ledgers.Definitions(w.t.Context())
	if err != nil || len(all) != 1 {
		w.t.Fatalf("budgets: %v, %v", all, err)
	}
	used, err := w.ledgers.Usage(w.t.Context(), all[0], now)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, u := range used {
		if !u.Reserved.Amount.IsZero() || u.Open > 0 {
			w.t.Errorf("a check reserved %s", u.Reserved)
		}
	}
}

// lived is what became of a plan.
type lived struct {
	checked, priced     query.Checked
	checkErr, pricedErr error
	state               campaign.State
	reason              string // empty: it was confirmed
	field               string
	left                []runnertest.Seen
	calls               int
}

// live checks a plan, and then asks for it.
func (p plan) live(t *testing.T) (is lived) {
	time.Sleep(time.Until(friday)) // the contract takes no instant before 2020
	w := newWorld(t, p)
	now := time.Now()
	r := p.request
	if p.at != 0 {
		r.At = now.Add(p.at)
	}
	if p.end != 0 {
		r.ExpiresAt = now.Add(p.end)
	}
	data, err := protojson.Marshal(contract.Requested(key, r))
	if err != nil {
		t.Error(err)
	}
	checker, err := check.New(check.Options{Rules: p.rules, Records: w.journal, Gateway: w.gateway, Budgets: w.ledgers, Button: w.button, At: "https://gateway.example"})
	if err != nil {
		t.Error(err)
	}
	is.checked, is.checkErr = checker.Check(t.Context(), query.CheckAsk{Request: data})
	if n := len(w.gateway.Calls()); n > 0 {
		t.Errorf("a check without price made %d calls", n)
	}
	is.priced, is.pricedErr = checker.Check(t.Context(), query.CheckAsk{Request: data, Price: true})
	is.calls = len(w.gateway.Calls())
	is.left = slices.DeleteFunc(w.gateway.Seen(), func(s runnertest.Seen) bool { return s.Deleted })
	w.reservesNothing(now)
	if _, asked := w.journal.Record(key); asked || len(w.journal.Events(key)) > 0 {
		t.Error("a check left a record or an event")
	}

	rules, err := contract.NewValidator()
	if err != nil {
		t.Error(err)
	}
	reader := contract.Reader{Rules: rules}
	wakeup, err := reader.ReadRequest(contract.RequestSubject(key), contract.Header{"content-type": {"application/json"}}, data, now)
	if err != nil {
		is.reason = "invalid"
		return is
	}
	w.deliver(wakeup)
	time.Sleep(200 * time.Hour)
	c, _ := w.journal.Record(key)
	is.state = c.State
	switch {
	case c.Confirmed == nil && c.Reason != nil:
		is.reason, is.field = string(c.Reason.Code), c.Reason.Field
	case c.Confirmed == nil:
		is.reason = "it is " + string(c.State) + ": " + c.Waiting
	}
	return is
}

// A no is followed by the rejection that it says. With a price, and in a world that
// stands still but for what people were told to do, a yes is followed by a confirm. And a
// check leaves nothing behind.
func TestANoIsARejectionAndAPricedYesAConfirm(t *testing.T) {
	if _, err := contract.NewValidator(); err != nil { // compiled outside of the bubbles
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := random(rt)
		var is lived
		synctest.Test(t, func(t *testing.T) { is = p.live(t) })
		if is.checkErr != nil {
			rt.Fatalf("no answer: %v", is.checkErr)
		}
		agrees := func(how string, said query.Checked) {
			if said.Accepted != (len(said.Problems) == 0) || said.Known != query.KnownNew {
				rt.Fatalf("%s: %+v", how, said)
			}
			for _, problem := range said.Problems {
				if problem.Text == "" || problem.Remedy == "" || strings.Contains(problem.Text, "new request id") {
					rt.Fatalf("%s: a problem without text or remedy, or for a request that was made: %+v", how, problem)
				}
				if problem.Reason != is.reason || is.reason != "invalid" && problem.Field != is.field {
					rt.Fatalf("%s says %+v, and what became of it is %q, field %q", how, problem, is.reason, is.field)
				}
			}
		}
		agrees("the check", is.checked)
		if len(is.left) > 0 || is.calls > 6 {
			rt.Fatalf("a price made %d calls, and left %+v", is.calls, is.left)
		}
		if p.held && is.checked.Accepted {
			if !query.Is(is.pricedErr, query.Unpriced) || is.calls > 0 {
				rt.Fatalf("held, and priced with %d calls: %+v, %v", is.calls, is.priced, is.pricedErr)
			}
			return
		}
		if is.pricedErr != nil {
			rt.Fatalf("no price: %v", is.pricedErr)
		}
		agrees("the priced check", is.priced)
		if is.priced.Accepted && is.reason != "" {
			rt.Fatalf("the priced check says yes (%+v), and it is %s, %q", is.priced.Notes, is.state, is.reason)
		}
	})
}
