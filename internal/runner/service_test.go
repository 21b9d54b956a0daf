package runner_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/button"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

var key = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}

const list = 87

func blackFriday() campaign.Request {
	return campaign.Request{
		Name: "Black Friday 2026", Sender: "ShopItalia", ListID: list,
		Text: "Black Friday! Solo per te: -30% su tutto con il codice BF2026.",
	}
}

// service is a runner between both fakes, and the streams around it: wake-ups
// are delivered, and delivered again after a retry or a crash. It lives in a
// synctest bubble.
type service struct {
	t       *testing.T
	journal *runnertest.Journal
	gateway *runnertest.Gateway
	budgets *budget.Ledgers
	button  *button.Button
	intake  runner.Intake
	people  *runnertest.People
	claims  *runnertest.Claims
	ahead   *campaign.Campaign // another one with the same people; nil: there is none
	aheadTo time.Time          // when it is over
	ports   *ports
	runner  *runner.Runner
	rules   campaign.Rules

	mu       sync.Mutex
	verdicts []loop.Verdict // guarded by mu: of every delivery, in order
}

// ackWait is how long a message stays with a worker that died.
const ackWait = 10 * time.Second

func open(t *testing.T, rules campaign.Rules) *service {
	t.Helper()
	s := &service{t: t, gateway: runnertest.NewGateway(), budgets: budget.NewLedgers(runnertest.NewMemoryStore()), button: button.New(runnertest.NewMemoryStore())}
	s.gateway.SetList(list, 9831, 416)
	s.gateway.SendsFor = 8 * time.Second // one look in the middle, one at the end
	s.journal = runnertest.NewJournal(t, s.deliver)
	s.people = runnertest.NewPeople()
	s.claims = runnertest.NewClaims(s.people, s.recordOf)
	s.ports = &ports{journal: s.journal, gateway: s.gateway, budgets: s.budgets, people: s.people, claims: s.claims}
	s.rules = rules
	s.configure("https://gateway.example")
	return s
}

// configure starts the service with a gateway's address.
func (s *service) configure(url string) {
	s.runner = runner.New(runner.Options{Rules: s.rules, Journal: s.ports, Gateway: s.ports, Budgets: s.ports, Button: s.button, Intake: s.intake, People: s.ports, Claims: s.ports, At: url})
}

// budget is what may be spent in a day.
func (s *service) budget(amount string) {
	s.ports.budgeted = true
	day := campaign.Money{Amount: decimal.RequireFromString(amount), Currency: "EUR"}
	if _, err := s.budgets.Set(s.t.Context(), budget.Scope(key.Source), budget.Edit{By: "anna", Zone: "UTC", Day: &day}); err != nil {
		s.t.Fatal(err)
	}
}

// toItsOwn is a campaign that brings its recipients: three that are sent to, one twice,
// and a number that is none.
func (s *service) toItsOwn() campaign.Request {
	s.people.Bring(key, "+393331234501", "+393331234502", "+393331234501", "tomorrow", "+393331234503")
	r := blackFriday()
	r.ListID, r.Audience = 0, &campaign.Audience{Digest: "ab"}
	return r
}

// toEach is one that gives each of them a code of his own.
func (s *service) toEach() campaign.Request {
	r := s.toItsOwn()
	s.people.Bring(key, "+393331234501,A1", "+393331234502,A2", "+393331234501,A9", "tomorrow", "+393331234503,A3")
	r.Text = "Il suo codice: {{code}}"
	return r
}

// comesFirst is another campaign that gives one of them another code, and is being sent for
// so long.
func (s *service) comesFirst(lasts time.Duration) {
	now := time.Now()
	s.ahead = s.another("first", "+393331234502,B2")
	s.ahead.State, s.ahead.Confirmed, s.aheadTo = campaign.Sending, &campaign.Confirmation{At: now}, now.Add(lasts)
	if _, err := s.claims.Claim(s.t.Context(), campaign.DefaultAccount, *s.ahead); err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) another(id string, people ...string) *campaign.Campaign {
	c := campaign.Campaign{Key: campaign.Key{Source: key.Source, RequestID: id}, State: campaign.Requested, Prepared: &campaign.Prepared{Digest: id}}
	c.List = &campaign.List{N: 1, Held: time.Now()}
	s.people.Bring(c.Key, people...)
	return &c
}

// recordOf is what those see who wait behind a campaign.
func (s *service) recordOf(of campaign.Key) campaign.Campaign {
	if s.ahead != nil && s.ahead.Key == of {
		c := *s.ahead
		if !time.Now().Before(s.aheadTo) {
			c.State, c.List = campaign.Completed, &campaign.List{N: 1}
		}
		return c
	}
	c, _ := s.journal.Record(of)
	return c
}

func (s *service) request(r campaign.Request) {
	s.deliver(runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: r, RequestedAt: time.Now(), Stored: time.Now()})
}

func (s *service) cancel() {
	s.deliver(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: campaign.Cancel{By: "anna"}, Stored: time.Now()})
}

// approve says yes to the quote that the campaign waits with.
func (s *service) approve() {
	c := s.record()
	s.deliver(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Stored: time.Now(),
		Command: campaign.Approve{By: "anna", QuoteID: campaign.QuoteID(c.Request, *c.Quote)}})
}

// prove asks for a proof of the quote that the campaign waits with.
func (s *service) prove() {
	c := s.record()
	s.deliver(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Stored: time.Now(), Command: campaign.Prove{
		By: "anna", QuoteID: campaign.QuoteID(c.Request, *c.Quote), N: 1, Phones: 2, People: campaign.Audience{Digest: "cd", Size: 10, Chunks: 1}}})
}

// outlives lets time pass until the campaign's text has been kept for as long as it may
// be. Sweeps wake it, one of them too early, until it is forgotten.
func (s *service) outlives() {
	s.t.Helper()
	wake := func() { s.deliver(runner.Wakeup{Key: key, Kind: runner.WakeTimer, Stored: time.Now()}) }
	wake()
	if s.record().Forgotten != nil || s.journal.Messages(key) == 0 {
		s.t.Error("it is forgotten too early")
	}
	for range 10 {
		time.Sleep(s.rules.Retention / 4)
		if time.Since(s.record().Since) < s.rules.Retention {
			continue
		}
		wake()
		c, left := s.record(), s.journal.Messages(key)
		if c.Forgotten == nil {
			continue
		}
		if c.Request.Text != "" || left != 0 {
			s.t.Errorf("it is called forgotten with the text %q and %d messages", c.Request.Text, left)
		}
		return
	}
	s.t.Error("it is never forgotten")
}

// waitsFor lets time pass until the campaign waits with its quote.
func (s *service) waitsFor(what campaign.NeedKind) {
	s.t.Helper()
	for range 3600 {
		if c := s.record(); c.State == campaign.Quoted && c.Need.For == what {
			return
		}
		time.Sleep(time.Second)
	}
	s.t.Fatalf("it does not wait for %s: it is %q", what, s.record().State)
}

// deliver hands a message to the runner until it is acknowledged or buried.
func (s *service) deliver(w runner.Wakeup) {
	for {
		v, crashed := s.handle(w)
		switch {
		case crashed:
			time.Sleep(ackWait)
		case v.Do == loop.Retry:
			if v.After <= 0 {
				s.t.Errorf("the message is to come back after %s: a bare negative acknowledgement comes back at once", v.After)
			}
			time.Sleep(v.After)
		default:
			return
		}
	}
}

func (s *service) handle(w runner.Wakeup) (v loop.Verdict, crashed bool) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case crash:
			crashed = true
		default:
			panic(r)
		}
	}()
	v = s.runner.Handle(context.Background(), w)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verdicts = append(s.verdicts, v)
	return v, false
}

// rest lets time pass until nothing more can happen.
func (s *service) rest() { time.Sleep(100 * time.Hour) }

func (s *service) record() campaign.Campaign {
	c, _ := s.journal.Record(key)
	return c
}

// breaks makes one thing go wrong, the first time the runner is there.
func (s *service) breaks(point string, what failure) {
	first := true
	s.ports.mu.Lock()
	defer s.ports.mu.Unlock()
	s.ports.decide = func(name string) (w failure) {
		if name == point && first {
			first, w = false, what
		}
		return w
	}
}

// count is how often the runner was at a point.
func (s *service) count(point string) (n int) {
	for _, name := range s.ports.points() {
		if name == point {
			n++
		}
	}
	return n
}

// published are the events in the stream, each as "<type>.<n>".
func (s *service) published() (names []string) {
	for _, e := range s.journal.Events(key) {
		names = append(names, fmt.Sprintf("%s.%d", e.Type, e.N))
	}
	return names
}

// ports stand between the runner and the fakes, and break the calls that a test names.
// Every call of the runner that can fail passes through at: it is a point.
type ports struct {
	journal runner.Journal
	gateway runner.Gateway
	budgets runner.Budgets
	people  runner.People
	claims  runner.Claims
	// budgeted: a budget was set.
	budgeted bool

	breaks map[int]failure // what goes wrong at which of the points
	before func(string)    // called at every point; nil: not called

	mu     sync.Mutex           // guards what follows
	seen   []string             // the points passed, in order
	decide func(string) failure // says by name what goes wrong; nil: nothing
	held   int                  // permits given and not used or released
}

// points are those passed so far.
func (p *ports) points() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

// pass notes a point, and says what goes wrong there.
func (p *ports) pass(name string) failure {
	p.mu.Lock()
	defer p.mu.Unlock()
	what := p.breaks[len(p.seen)]
	p.seen = append(p.seen, name)
	if p.decide != nil {
		what = p.decide(name)
	}
	return what
}

// countPermits counts the permits that are given out, and says how many there are.
func (p *ports) countPermits(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held += n
	return p.held
}

// failure is what goes wrong at a point.
type failure string

const (
	lost        failure = "lost"                       // no effect, no answer
	replyLost   failure = "done, reply lost"           // the effect, no answer
	crashBefore failure = "the worker dies"            // no effect
	crashAfter  failure = "done, then the worker dies" // the effect
)

var failures = []failure{lost, replyLost, crashBefore, crashAfter}

// crash is the end of a worker, as a panic that leaves nothing of it.
type crash struct{}

var errNoAnswer = errors.New("no answer")

// at passes a point: it has the effect, or not, and says whether an answer
// came back.
func (p *ports) at(name string, effect func()) (answered bool) {
	what := p.pass(name)
	if p.before != nil {
		p.before(name)
	}
	switch what {
	case lost:
		return false
	case crashBefore:
		panic(crash{})
	}
	effect()
	switch what {
	case replyLost:
		return false
	case crashAfter:
		panic(crash{})
	}
	return true
}

func (p *ports) Load(ctx context.Context, key campaign.Key) (c campaign.Campaign, rev loop.Revision, err error) {
	if !p.at("load", func() { c, rev, err = p.journal.Load(ctx, key) }) {
		return campaign.Campaign{}, loop.Revision{}, errNoAnswer
	}
	return c, rev, err
}

func (p *ports) Save(ctx context.Context, c campaign.Campaign, rev loop.Revision) (next loop.Revision, err error) {
	if !p.at("save "+string(c.State), func() { next, err = p.journal.Save(ctx, c, rev) }) {
		return loop.Revision{}, errNoAnswer
	}
	return next, err
}

// Publish is a point for each event: a crash may fall between two of them.
func (p *ports) Publish(ctx context.Context, c campaign.Campaign) (err error) {
	events := c.Outbox
	for _, e := range events {
		c.Outbox = []campaign.Event{e}
		if !p.at("publish "+string(e.Type), func() { err = p.journal.Publish(ctx, c) }) {
			return errNoAnswer
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *ports) Published(ctx context.Context, key campaign.Key) (all []campaign.Event, err error) {
	if !p.at("told", func() { all, err = p.journal.Published(ctx, key) }) {
		return nil, errNoAnswer
	}
	return all, err
}

func (p *ports) Arm(ctx context.Context, key campaign.Key, at time.Time) (err error) {
	if !p.at("arm", func() { err = p.journal.Arm(ctx, key, at) }) {
		return errNoAnswer
	}
	return err
}

func (p *ports) Asked(ctx context.Context, key campaign.Key) (asked bool, err error) {
	if !p.at("asked", func() { asked, err = p.journal.Asked(ctx, key) }) {
		return false, errNoAnswer
	}
	return asked, err
}

func (p *ports) AskFor(ctx context.Context, key campaign.Key, r campaign.Request) (err error) {
	if !p.at("ask", func() { err = p.journal.AskFor(ctx, key, r) }) {
		return errNoAnswer
	}
	return err
}

func (p *ports) Erase(ctx context.Context, key campaign.Key) (err error) {
	if !p.at("erase", func() { err = p.journal.Erase(ctx, key) }) {
		return errNoAnswer
	}
	return err
}

// Age and Valid make no call: there is nothing to lose.
func (p *ports) Age(rev loop.Revision, seen time.Time) time.Duration {
	return p.journal.Age(rev, seen)
}
func (p *ports) Valid(rev loop.Revision) bool { return p.journal.Valid(rev) }

func (p *ports) Admit(ctx context.Context, op campaign.Op) (permit runner.Permit, no campaign.Outcome) {
	if !p.at("admit "+string(op), func() { permit, no = p.gateway.Admit(ctx, op) }) {
		if permit != nil {
			permit.Release()
		}
		return nil, campaign.Outcome{Op: op, Kind: campaign.NotAttempted, Err: "the breaker is open", RetryAfter: 30 * time.Second}
	}
	if permit == nil {
		return nil, no
	}
	p.countPermits(1)
	return brokenPermit{permit, p}, no
}

type brokenPermit struct {
	inner runner.Permit
	p     *ports
}

func (b brokenPermit) Release() {
	b.p.countPermits(-1)
	b.inner.Release()
}

func (b brokenPermit) Call(ctx context.Context, call campaign.Call) (o campaign.Outcome) {
	b.p.countPermits(-1)
	if !b.p.at("call "+string(call.Op), func() { o = b.inner.Call(ctx, call) }) {
		return campaign.Outcome{Op: call.Op, Kind: campaign.Unavailable, Err: "no answer"}
	}
	return o
}

func (p *ports) Exist() bool { return p.budgeted }

func (p *ports) Prepare(ctx context.Context, key campaign.Key, r campaign.Request) (out campaign.Prepared, err error) {
	if !p.at("prepare", func() { out, err = p.people.Prepare(ctx, key, r) }) {
		return campaign.Prepared{}, errNoAnswer
	}
	return out, err
}

func (p *ports) Open(ctx context.Context, key campaign.Key, r campaign.Request, digest string) (file campaign.File, err error) {
	if !p.at("open", func() { file, err = p.people.Open(ctx, key, r, digest) }) {
		return nil, errNoAnswer
	}
	return file, err
}

func (p *ports) Discard(ctx context.Context, key campaign.Key, r campaign.Request) (err error) {
	if !p.at("discard", func() { err = p.people.Discard(ctx, key, r) }) {
		return errNoAnswer
	}
	return err
}

func (p *ports) Claim(ctx context.Context, account string, c campaign.Campaign) (number uint64, err error) {
	if !p.at("claim", func() { number, err = p.claims.Claim(ctx, account, c) }) {
		return 0, errNoAnswer
	}
	return number, err
}

func (p *ports) Release(ctx context.Context, account string, key campaign.Key, number uint64) (err error) {
	if !p.at("release", func() { err = p.claims.Release(ctx, account, key, number) }) {
		return errNoAnswer
	}
	return err
}

func (p *ports) Room(ctx context.Context, key campaign.Key, m campaign.Money, at time.Time) (err error) {
	if !p.at("room", func() { err = p.budgets.Room(ctx, key, m, at) }) {
		return errNoAnswer
	}
	return err
}

func (p *ports) Reserve(ctx context.Context, key campaign.Key, m campaign.Money, at time.Time) (err error) {
	if !p.at("reserve", func() { err = p.budgets.Reserve(ctx, key, m, at) }) {
		return errNoAnswer
	}
	return err
}

func (p *ports) Settle(ctx context.Context, key campaign.Key, m campaign.Money, at time.Time) (err error) {
	if !p.at("settle", func() { err = p.budgets.Settle(ctx, key, m, at) }) {
		return errNoAnswer
	}
	return err
}
