package budget_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// make simulate asks for a hundred thousand.
var (
	histories = flag.Int("histories", 300, "how many random histories to live")
	firstSeed = flag.Uint64("history", 1, "the first one, to live it again")
)

// TestNoBudgetIsEverExceeded lives histories of several campaigns and several
// replicas, with the real rules, the real loop and the real ledger. Calls get
// lost, answers get lost, workers crash and are held up, messages come twice,
// lists grow between two quotes, people cancel. What the gateway has charged is
// never more than a budget, and in the end every ledger says exactly that.
func TestNoBudgetIsEverExceeded(t *testing.T) {
	t.Parallel()
	n := *histories
	if testing.Short() && n > 100 && n <= 300 {
		n = 100
	}
	saw := map[string]int{}
	for seed := *firstSeed; seed < *firstSeed+uint64(n); seed++ {
		synctest.Test(t, func(t *testing.T) {
			h := newHistory(t, seed)
			h.live()
			h.judge()
			for what, n := range h.saw {
				saw[what] += n
			}
		})
		if t.Failed() {
			t.Fatalf("history %d: live it again with -run %s -histories 1 -history %d", seed, t.Name(), seed)
		}
	}
	t.Logf("%d histories: %v", n, saw)
	for _, what := range []string{"crash", "lost", "reply lost", "held up", "came twice", "over budget", "sent", "taken back"} {
		if saw[what] == 0 && n >= 100 {
			t.Errorf("no history saw that something was %q", what)
		}
	}
}

// history is a few campaigns on a few replicas that share a few budgets.
type history struct {
	t        *testing.T
	mu       sync.Mutex // guards rand, faults and saw
	rand     *rand.Rand
	gateway  *runnertest.Gateway
	journal  *runnertest.Journal
	shelf    *runnertest.Shelf
	book     *budget.Book // nothing goes wrong with this one
	replicas []*runner.Runner
	keys     []campaign.Key
	due      map[campaign.Key]time.Time // the instant whose day and month it is charged to
	limits   []campaign.Money           // of shop-italia's day, its month, the account's day
	faults   int                        // that may still happen
	saw      map[string]int
}

type crash struct{}

var zone = func() *time.Location {
	loc, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return loc
}()

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{t: t, rand: rand.New(rand.NewPCG(seed, 0)), gateway: runnertest.NewGateway(), shelf: runnertest.NewShelf(), saw: map[string]int{},
		due: map[campaign.Key]time.Time{}}
	h.book = budget.NewBook(h.shelf)
	h.gateway.SetCredit(decimal.NewFromInt(100_000))
	h.gateway.SendsFor = 8 * time.Second
	h.gateway.Fault = h.call
	for _, n := range []int64{150, 250, 200} {
		h.limits = append(h.limits, campaign.Money{Amount: decimal.NewFromInt(n), Currency: "EUR"})
	}
	set(t, h.book, "shop-italia", zone.String(), h.limits[0], h.limits[1])
	set(t, h.book, budget.Account, zone.String(), h.limits[2], campaign.Money{})
	h.journal = runnertest.NewJournal(t, h.deliver)
	for i := range 3 {
		j := h.journal
		if i > 0 {
			j = h.journal.Peer()
		}
		j.Fault = func(op string, _ campaign.Key) (bool, error) { return h.happens(op) }
		h.replicas = append(h.replicas, runner.New(runner.Options{
			Journal: j, Gateway: h.gateway,
			Budgets: budget.NewLookout(h.find),
		}))
	}
	return h
}

// find is a replica's first look at the budgets.
func (h *history) find(context.Context) (*budget.Book, error) {
	if _, err := h.happens("find"); err != nil {
		return nil, err
	}
	return budget.NewBook(h.shelf.Peer(h.happens)), nil
}

// live lets everything happen, until nothing can happen any more.
func (h *history) live() {
	time.Sleep(time.Until(time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)))
	h.faults = h.draw(8)
	for i := range 2 + h.draw(5) {
		source := "shop-italia"
		if h.draw(3) == 0 {
			source = "acqua-luce"
		}
		key := campaign.Key{Source: source, RequestID: fmt.Sprint(i)}
		h.keys = append(h.keys, key)
		h.list(int64(i))
		r := campaign.Request{Name: "Black Friday 2026", Sender: "ShopItalia", ListID: int64(i), Text: "Solo per te: -30%"}
		switch h.draw(4) {
		case 0:
			r.At = time.Now().Add(24 * time.Hour) // charged to another day
		case 1:
			r.ExpiresAt = time.Now().Add(2 * time.Hour)
		}
		if h.due[key] = time.Now(); r.Scheduled() {
			h.due[key] = r.At
		}
		go func() {
			time.Sleep(h.some(time.Second))
			h.deliver(runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: r, Asked: time.Now(), Stored: time.Now()})
		}()
		if h.draw(3) == 0 {
			go func() {
				time.Sleep(h.some([]time.Duration{time.Minute, 10 * time.Minute, 3 * time.Hour}[h.draw(3)]))
				h.deliver(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: campaign.CancelAsked{Key: key, By: "anna"}, Stored: time.Now()})
			}()
		}
		if h.draw(3) == 0 {
			go func() { time.Sleep(h.some(3 * time.Minute)); h.list(int64(i)) }()
		}
	}
	time.Sleep(200 * time.Hour)
}

// list makes a list, or changes it: 35 to 140 EUR.
func (h *history) list(id int64) { h.gateway.SetList(id, int64(1000+h.draw(3000)), 0) }

func (h *history) some(d time.Duration) time.Duration { return time.Duration(h.draw(int(d))) }

// draw is a number below n.
func (h *history) draw(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rand.IntN(n)
}

func (h *history) see(what string, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.saw[what] += n
}

// deliver hands a message to a replica until it is acknowledged, and now and
// then to another one at the same time.
func (h *history) deliver(w runner.Wakeup) {
	if h.draw(8) == 0 {
		h.see("came twice", 1)
		go h.handOver(w, h.some(90*time.Second))
	}
	h.handOver(w, h.some(10*time.Millisecond))
}

func (h *history) handOver(w runner.Wakeup, after time.Duration) {
	for time.Sleep(after); ; {
		v, crashed := h.handle(w)
		switch {
		case crashed:
			time.Sleep(10 * time.Second)
		case v.Do == runner.Retry:
			time.Sleep(v.After)
		default:
			return
		}
	}
}

func (h *history) handle(w runner.Wakeup) (v runner.Verdict, crashed bool) {
	defer func() {
		if r := recover(); r == (crash{}) {
			crashed = true
		} else if r != nil {
			panic(r)
		}
	}()
	return h.replicas[h.draw(len(h.replicas))].Handle(context.Background(), w), false
}

// call says what goes wrong with a call to the gateway.
func (h *history) call(c campaign.Call) runnertest.Fault {
	if c.Op == campaign.OpDelete {
		h.check() // what it takes back was charged until now
	}
	apply, err := h.happens(string(c.Op))
	switch {
	case err == nil:
		return runnertest.Fault{}
	case apply:
		return runnertest.Fault{Break: runnertest.ReplyLost}
	case h.draw(2) == 0:
		return runnertest.Fault{Break: runnertest.Late, After: h.some(20 * time.Second)}
	}
	return runnertest.Fault{Break: runnertest.Lost}
}

// happens takes a moment, and now and then goes wrong.
func (h *history) happens(string) (apply bool, err error) {
	time.Sleep(h.some(20 * time.Millisecond))
	if h.draw(25) > 0 || !h.trouble() {
		return true, nil
	}
	switch h.draw(4) {
	case 0:
		h.see("crash", 1)
		panic(crash{})
	case 1:
		h.see("lost", 1)
		return false, errLost
	case 2:
		h.see("reply lost", 1)
		return true, errLost
	}
	h.see("held up", 1)
	time.Sleep(h.some(3 * time.Minute))
	return true, nil
}

// trouble says that something may still go wrong.
func (h *history) trouble() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults--
	return h.faults >= 0
}

// charged is what the gateway has charged to each budget, by the period.
func (h *history) charged() (sums [3]map[string]decimal.Decimal) {
	for i := range sums {
		sums[i] = map[string]decimal.Decimal{}
	}
	for _, s := range h.gateway.Seen() {
		_, text, _ := strings.Cut(s.Description, "[staffetta ")
		key, err := campaign.ParseKey(strings.TrimSuffix(text, "]"))
		if err != nil {
			h.t.Fatal(err)
		}
		day, month := h.due[key].In(zone).Format(time.DateOnly), h.due[key].In(zone).Format("2006-01")
		cost := s.Cost.Mul(decimal.NewFromInt(int64(len(s.Standing))))
		if key.Source == "shop-italia" {
			sums[0][day] = sums[0][day].Add(cost)
			sums[1][month] = sums[1][month].Add(cost)
		}
		sums[2][day] = sums[2][day].Add(cost)
	}
	return sums
}

// check fails if more was charged than a budget allows.
func (h *history) check() {
	for i, sums := range h.charged() {
		for period, sum := range sums {
			if sum.GreaterThan(h.limits[i].Amount) {
				h.t.Errorf("%s: %s were charged, the budget is %s", period, sum, h.limits[i])
			}
		}
	}
}

// judge looks at what it has come to.
func (h *history) judge() {
	h.check()
	for _, key := range h.keys {
		switch c, _ := h.journal.Record(key); {
		case !c.State.Final() || c.State == campaign.Unresolved:
			h.t.Errorf("%s is %s: %s", key, c.State, c.Waiting)
		case c.State == campaign.Rejected && c.Reason.Code == campaign.ReasonOverBudget:
			h.see("over budget", 1)
		case c.State == campaign.Completed:
			h.see("sent", 1)
		case c.Confirmed != nil && c.State == campaign.Cancelled:
			h.see("taken back", 1)
		}
	}
	find := func(_ context.Context, key campaign.Key) (campaign.Campaign, error) {
		c, _ := h.journal.Record(key)
		return c, nil
	}
	found, err := h.book.Sweep(context.Background(), find)
	if err != nil {
		h.t.Error(err)
	}
	h.see("left to the sweep", found.Settled)
	charged := h.charged()
	ledgers := 0
	names, err := h.shelf.List(context.Background(), "ledger.", false)
	if err != nil {
		h.t.Error(err)
	}
	for _, name := range names {
		var l budget.Ledger
		if err := json.Unmarshal(h.shelf.Record(name), &l); err != nil {
			h.t.Fatal(err)
		}
		ledgers++
		i, period := 2, strings.TrimPrefix(name, "ledger.account.")
		if rest, ok := strings.CutPrefix(name, "ledger.source.shop-italia."); ok {
			i, period = 0, rest
			if len(period) == len("2026-11") {
				i = 1
			}
		}
		if len(l.Open) > 0 {
			h.t.Errorf("%s: still open: %v", name, l.Open)
		}
		if !l.Settled.Equal(charged[i][period]) {
			h.t.Errorf("%s: %s are settled, the gateway charged %s", name, l.Settled, charged[i][period])
		}
	}
	h.see("ledgers", ledgers)
}
