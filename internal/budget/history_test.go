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
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// make simulate asks for a hundred thousand.
var (
	simulations = flag.Int("histories", 300, "how many random histories to live")
	firstSeed   = flag.Uint64("history", 1, "the first one, to live it again")
)

// TestNoBudgetIsEverExceeded lives histories of several campaigns and several
// replicas, with the real rules, the real loop and the real ledger. Calls get
// lost, answers get lost, workers crash and are held up, messages come twice,
// lists grow between two quotes, people cancel. What the gateway has charged is
// never more than a budget, and in the end every ledger says exactly that.
func TestNoBudgetIsEverExceeded(t *testing.T) {
	t.Parallel()
	n := *simulations
	if testing.Short() && n > 100 && n <= 300 {
		n = 100
	}
	saw := map[string]int{}
	for seed := *firstSeed; seed < *firstSeed+uint64(n); seed++ {
		synctest.Test(t, func(t *testing.T) {
			h := newSimulation(t, seed)
			h.run()
			h.judge()
			for what, n := range h.seen {
				saw[what] += n
			}
		})
		if t.Failed() {
			t.Fatalf("history %d: live it again with -run %s -histories 1 -history %d", seed, t.Name(), seed)
		}
	}
	t.Logf("%d histories: %v", n, saw)
	for _, what := range []string{"crash", "lost", "reply lost", "held up", "came twice", "over budget", "sent", "taken back", "in an account of two sources", "ledgers of an account"} {
		if saw[what] == 0 && n >= 100 {
			t.Errorf("no history saw that something was %q", what)
		}
	}
}

// simulation is a few campaigns on a few replicas that share a few budgets.
type simulation struct {
	t        *testing.T
	mu       sync.Mutex // guards rand, faults and saw
	rand     *rand.Rand
	gateway  *runnertest.Gateway
	journal  *runnertest.Journal
	store    *runnertest.MemoryStore
	book     *budget.Ledgers // nothing goes wrong with this one
	replicas []*runner.Runner
	keys     []campaign.Key
	due      map[campaign.Key]time.Time // the instant whose day and month it is charged to
	several  bool                       // each source is in an account of its own, but for the last two
	limits   []campaign.Money           // of shop-italia's day, its month, the day of all, and that of account acqua
	faults   int                        // that may still happen
	seen     map[string]int
}

type crash struct{}

var zone = func() *time.Location {
	loc, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return loc
}()

func newSimulation(t *testing.T, seed uint64) *simulation {
	h := &simulation{t: t, rand: rand.New(rand.NewPCG(seed, 0)), gateway: runnertest.NewGateway(), store: runnertest.NewMemoryStore(), seen: map[string]int{},
		due: map[campaign.Key]time.Time{}}
	h.book = budget.NewLedgers(h.store)
	h.gateway.SetCredit(decimal.NewFromInt(100_000))
	h.gateway.SendsFor = 8 * time.Second
	h.gateway.Fault = h.call
	h.several = seed%2 == 0
	for _, n := range []int64{150, 250, 200, 120} {
		h.limits = append(h.limits, campaign.Money{Amount: decimal.NewFromInt(n), Currency: "EUR"})
	}
	set(t, h.book, "shop-italia", zone.String(), h.limits[0], h.limits[1])
	set(t, h.book, budget.Account, zone.String(), h.limits[2], campaign.Money{})
	if h.several {
		set(t, h.book, budget.OfAccount("acqua"), zone.String(), h.limits[3], campaign.Money{})
	}
	h.journal = runnertest.NewJournal(t, h.deliver)
	for i := range 3 {
		j := h.journal
		if i > 0 {
			j = h.journal.Peer()
		}
		j.Fault = func(op string, _ campaign.Key) (bool, error) { return h.step(op) }
		o := runner.Options{Journal: j, Gateway: h.gateway, Budgets: budget.NewLazy(h.find)}
		if h.several {
			o.Accounts = h.accounts()
		}
		h.replicas = append(h.replicas, runner.New(o))
	}
	return h
}

// accountsOf says in which account a source is, where there are several.
var accountsOf = map[string]string{"shop-italia": "shop", "acqua-luce": "acqua", "acqua-luce-billing": "acqua"}

// accounts finds them for a replica.
func (h *simulation) accounts() func(campaign.Key, campaign.Campaign) runner.Account {
	budgets := budget.NewLazy(h.find)
	return func(key campaign.Key, _ campaign.Campaign) runner.Account {
		name := accountsOf[key.Source]
		return runner.Account{Name: name, Rules: campaign.Rules{}.WithDefaults(), Gateway: h.gateway, Budgets: budgets.In(name)}
	}
}

// find is a replica's first look at the budgets.
func (h *simulation) find(context.Context) (*budget.Ledgers, error) {
	if _, err := h.step("find"); err != nil {
		return nil, err
	}
	return budget.NewLedgers(h.store.Peer(h.step)), nil
}

// run lets everything happen, until nothing can happen any more.
func (h *simulation) run() {
	time.Sleep(time.Until(time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)))
	h.faults = h.draw(8)
	for i := range 2 + h.draw(5) {
		source := "shop-italia"
		if n := h.draw(6); n < 2 {
			source = []string{"acqua-luce", "acqua-luce-billing"}[n]
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
			h.deliver(runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: r, RequestedAt: time.Now(), Stored: time.Now()})
		}()
		if h.draw(3) == 0 {
			go func() {
				time.Sleep(h.some([]time.Duration{time.Minute, 10 * time.Minute, 3 * time.Hour}[h.draw(3)]))
				h.deliver(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: campaign.Cancel{Key: key, By: "anna"}, Stored: time.Now()})
			}()
		}
		if h.draw(3) == 0 {
			go func() { time.Sleep(h.some(3 * time.Minute)); h.list(int64(i)) }()
		}
	}
	time.Sleep(200 * time.Hour)
}

// list makes a list, or changes it: 35 to 140 EUR.
func (h *simulation) list(id int64) { h.gateway.SetList(id, int64(1000+h.draw(3000)), 0) }

func (h *simulation) some(d time.Duration) time.Duration { return time.Duration(h.draw(int(d))) }

// draw is a number below n.
func (h *simulation) draw(n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rand.IntN(n)
}

func (h *simulation) see(what string, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen[what] += n
}

// deliver hands a message to a replica until it is acknowledged, and now and
// then to another one at the same time.
func (h *simulation) deliver(w runner.Wakeup) {
	if h.draw(8) == 0 {
		h.see("came twice", 1)
		go h.handOver(w, h.some(90*time.Second))
	}
	h.handOver(w, h.some(10*time.Millisecond))
}

func (h *simulation) handOver(w runner.Wakeup, after time.Duration) {
	for time.Sleep(after); ; {
		v, crashed := h.handle(w)
		switch {
		case crashed:
			time.Sleep(10 * time.Second)
		case v.Do == loop.Retry:
			time.Sleep(v.After)
		default:
			return
		}
	}
}

func (h *simulation) handle(w runner.Wakeup) (v loop.Verdict, crashed bool) {
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
func (h *simulation) call(c campaign.Call) runnertest.Fault {
	if c.Op == campaign.OpDelete {
		h.check() // what it takes back was charged until now
	}
	apply, err := h.step(string(c.Op))
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

// step takes a moment, and now and then goes wrong.
func (h *simulation) step(string) (apply bool, err error) {
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
func (h *simulation) trouble() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults--
	return h.faults >= 0
}

// charged is what the gateway has charged to each budget, by the period.
func (h *simulation) charged() (sums [4]map[string]decimal.Decimal) {
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
		if h.several && accountsOf[key.Source] == "acqua" {
			sums[3][day] = sums[3][day].Add(cost)
			h.see("in an account of two sources", 1)
		}
	}
	return sums
}

// check fails if more was charged than a budget allows.
func (h *simulation) check() {
	for i, sums := range h.charged() {
		for period, sum := range sums {
			if sum.GreaterThan(h.limits[i].Amount) {
				h.t.Errorf("%s: %s were charged, the budget is %s", period, sum, h.limits[i])
			}
		}
	}
}

// undone says that the gateway has taken back every confirm of a campaign.
func (h *simulation) undone(key campaign.Key) bool {
	confirmed := false
	for _, s := range h.gateway.Seen() {
		if strings.HasSuffix(s.Description, "[staffetta "+key.String()+"]") {
			confirmed = true
			if len(s.Standing) > 0 {
				return false
			}
		}
	}
	return confirmed
}

// troubled says that something has gone wrong.
func (h *simulation) troubled() bool {
	return h.seen["crash"]+h.seen["reply lost"]+h.seen["lost"]+h.seen["held up"] > 0
}

// judge looks at what it has come to.
func (h *simulation) judge() {
	h.check()
	unresolved := map[string]bool{}
	for _, key := range h.keys {
		switch c, _ := h.journal.Record(key); {
		case c.State == campaign.Unresolved && c.Cancel != nil && h.undone(key) && h.troubled():
			// Its delete took effect, and the answer was lost, or whoever had it. A 404
			// afterwards proves no absence (rule 25), so its reservation stands until a
			// person has looked.
			h.see("unresolved", 1)
			unresolved[key.String()] = true
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
	var names []string
	for _, prefix := range []string{"ledger.", "account-ledger."} {
		some, err := h.store.List(context.Background(), prefix, false)
		if err != nil {
			h.t.Error(err)
		}
		names = append(names, some...)
	}
	for _, name := range names {
		var l budget.Ledger
		if err := json.Unmarshal(h.store.Record(name), &l); err != nil {
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
		if rest, ok := strings.CutPrefix(name, "account-ledger.acqua."); ok {
			i, period = 3, rest
			h.see("ledgers of an account", 1)
		}
		for key := range l.Open {
			if !unresolved[key] {
				h.t.Errorf("%s: still open: %v", name, l.Open)
			}
		}
		if !l.Settled.Equal(charged[i][period]) {
			h.t.Errorf("%s: %s are settled, the gateway charged %s", name, l.Settled, charged[i][period])
		}
	}
	h.see("ledgers", ledgers)
}
