package why_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/why"
)

// testdata/*.txt are stories as people read them. The campaigns in them are
// real: the rules and the loop, between a gateway and streams in memory, on
// fake time. The test writes them with -rewrite; the diff is the review.
var rewrite = flag.Bool("rewrite", false, "write testdata/*.txt anew")

var (
	key  = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}
	rome = must(time.LoadLocation("Europe/Rome"))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func blackFriday() campaign.Request {
	return campaign.Request{
		Name: "Black Friday 2026", Sender: "ShopItalia", ListID: 87,
		Text: "Black Friday! Solo per te: -30% su tutto con il codice BF2026.",
	}
}

// fixture is a campaign, and everything around it that leaves evidence.
type fixture struct {
	t       *testing.T
	gateway *runnertest.Gateway
	journal *runnertest.Journal
	runner  atomic.Pointer[runner.Runner] // timers use it
	rules   campaign.Rules
	seq     uint64

	mu       sync.Mutex
	evidence why.Evidence // guarded by mu
}

func open(t *testing.T, rules campaign.Rules) *fixture {
	time.Sleep(time.Until(time.Date(2026, 11, 27, 7, 59, 58, 0, time.UTC)))
	s := &fixture{t: t, gateway: runnertest.NewGateway()}
	s.gateway.SetList(87, 9831, 416)
	s.gateway.SendsFor = 42 * time.Minute
	s.gateway.Fault = func(campaign.Call) runnertest.Fault { time.Sleep(12 * time.Millisecond); return runnertest.Fault{} }
	s.journal = runnertest.NewJournal(t, func(w runner.Wakeup) { s.deliver(w) })
	s.rules, s.evidence.Key = rules, key
	s.configure("https://gateway.example/v1")
	return s
}

// configure starts the service with a gateway's address.
func (s *fixture) configure(url string) {
	s.runner.Store(runner.New(runner.Options{Rules: s.rules, Journal: s.journal, Gateway: s.gateway, At: url}))
}

// breaks makes calls of one kind go wrong, so many of them; negative: always.
func (s *fixture) breaks(op campaign.Op, times int, f runnertest.Fault) {
	s.gateway.Fault = func(c campaign.Call) runnertest.Fault {
		time.Sleep(12 * time.Millisecond)
		if c.Op != op || times == 0 {
			return runnertest.Fault{}
		}
		times--
		return f
	}
}

func (s *fixture) deliver(w runner.Wakeup) loop.Verdict {
	w.Stored = time.Now()
	for {
		v := s.runner.Load().Handle(context.Background(), w)
		if v.Do != loop.Retry {
			return v
		}
		time.Sleep(v.After)
	}
}

// ask is a request in the stream, and its dead letter if it becomes one.
func (s *fixture) ask(r campaign.Request) {
	s.seq++
	at, seq := time.Now(), s.seq
	s.note(func(e *why.Evidence) { e.Requests = append(e.Requests, why.Request{At: at, Sequence: seq, Content: r}) })
	v := s.deliver(runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: r, RequestedAt: at})
	s.aside("request", seq, v)
}

func (s *fixture) command(in campaign.Input) {
	s.seq++
	at, seq := time.Now(), s.seq
	s.note(func(e *why.Evidence) { e.Commands = append(e.Commands, why.Command{At: at, Sequence: seq, Input: in}) })
	v := s.deliver(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: in})
	s.aside("command", seq, v)
}

func (s *fixture) aside(kind string, seq uint64, v loop.Verdict) {
	if v.Do == loop.Bury {
		s.note(func(e *why.Evidence) {
			e.Letters = append(e.Letters, why.Letter{ID: 17, At: time.Now(), Kind: kind, Sequence: seq, Reason: string(v.Reason), Fields: v.Fields, Note: v.Note})
		})
	}
}

func (s *fixture) note(f func(*why.Evidence)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.evidence)
}

// look is the evidence as it is now.
func (s *fixture) look() why.Evidence {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.evidence
	e.Now = time.Now()
	if c, ok := s.journal.Record(key); ok {
		e.Record = &c
	}
	e.Events = s.journal.Events(key)
	if e.Unarmed = s.journal.Armed(key) == 0; !e.Unarmed && e.Record != nil {
		e.Armed = e.Record.Wake
		if week := e.Now.Add(7 * 24 * time.Hour); e.Armed.After(week) {
			e.Armed = week // the runner sleeps no longer
		}
	}
	return e
}

// stories are the campaigns that the test asks about.
var stories = []struct {
	name  string
	zone  *time.Location // nil: UTC
	rules campaign.Rules
	later time.Duration // how long after its end the story is asked for
	life  func(s *fixture)
}{
	{name: "completed", life: func(s *fixture) {
		s.ask(blackFriday())
		time.Sleep(2 * time.Hour)
	}},
	{name: "outage", life: func(s *fixture) {
		// Five calls without an answer, and then no calls for half a minute at a time.
		s.breaks(campaign.OpCreate, -1, runnertest.Fault{Break: runnertest.Lost, HTTP: 503})
		down := time.Now().Add(10 * time.Second)
		s.gateway.Refuse = func(campaign.Op) *campaign.Outcome {
			if time.Now().Before(down) {
				return nil
			}
			return &campaign.Outcome{Kind: campaign.NotAttempted, Breaker: "open", RetryAfter: 30 * time.Second,
				Err: "the gateway did not answer the last calls; it is left alone for a while"}
		}
		s.ask(blackFriday())
		time.Sleep(10 * time.Minute)
	}},
	{name: "unresolved", life: func(s *fixture) {
		s.breaks(campaign.OpConfirm, 1, runnertest.Fault{Break: runnertest.Lost})
		s.gateway.StatsOnly = true
		s.ask(blackFriday())
		time.Sleep(24 * time.Hour)
	}},
	{name: "resolved", life: func(s *fixture) {
		s.breaks(campaign.OpConfirm, 1, runnertest.Fault{Break: runnertest.Lost})
		s.gateway.StatsOnly = true
		s.ask(blackFriday())
		time.Sleep(24 * time.Hour)
		s.command(campaign.Resolved{By: "anna", Why: "it is still a draft on their page; deleted there"})
	}},
	{name: "credit", life: func(s *fixture) {
		s.gateway.SetCredit(decimal.NewFromInt(120))
		s.ask(blackFriday())
		time.Sleep(time.Minute)
	}},
	{name: "scheduled", zone: rome, life: func(s *fixture) {
		r := blackFriday()
		r.At = time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)
		s.ask(r)
		time.Sleep(time.Hour)
	}},
	{name: "far", zone: rome, life: func(s *fixture) {
		r := blackFriday()
		r.At = time.Now().Add(60 * 24 * time.Hour)
		s.ask(r)
	}},
	{name: "cancelled", life: func(s *fixture) {
		r := blackFriday()
		r.At = time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)
		s.ask(r)
		time.Sleep(time.Hour)
		s.command(campaign.Cancel{By: "anna from finance", Actor: "support", Why: "wrong price"})
		time.Sleep(10 * time.Minute)
	}},
	{name: "cancelling", life: func(s *fixture) {
		r := blackFriday()
		r.At = time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)
		s.ask(r)
		time.Sleep(time.Hour)
		s.breaks(campaign.OpDelete, 1, runnertest.Fault{Break: runnertest.ReplyLost})
		s.command(campaign.Cancel{By: "anna", Why: "wrong price"})
		time.Sleep(time.Minute)
	}},
	{name: "cancel-refused", life: func(s *fixture) {
		s.gateway.StatsOnly = true // no read shows it before it is being sent
		r := blackFriday()
		r.At = time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)
		s.ask(r)
		time.Sleep(time.Hour)
		s.command(campaign.Cancel{By: "anna", Why: "wrong price"})
	}},
	{name: "unresolved-looked-at", life: func(s *fixture) {
		s.breaks(campaign.OpConfirm, 1, runnertest.Fault{Break: runnertest.Lost})
		s.gateway.StatsOnly = true
		s.ask(blackFriday())
		time.Sleep(100 * time.Hour)
	}},
	{name: "another-gateway", life: func(s *fixture) {
		r := blackFriday()
		r.At = time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)
		s.ask(r)
		s.configure("https://another.example/v1")
		time.Sleep(48*time.Hour + 20*time.Minute)
	}},
	{name: "without-effect", life: func(s *fixture) {
		s.breaks(campaign.OpConfirm, 1, runnertest.Fault{Break: runnertest.Hollow})
		s.ask(blackFriday())
		time.Sleep(time.Minute)
	}},
	{name: "unconfirmed", life: func(s *fixture) {
		s.ask(blackFriday())
		s.gateway.SetBlind(runnertest.ReadsOld)
		time.Sleep(time.Minute)
	}},
	{name: "unanswered", life: func(s *fixture) {
		s.gateway.Blind = runnertest.AllBlind
		s.ask(blackFriday())
		time.Sleep(30 * time.Minute)
	}},
	{name: "unreconciled", life: func(s *fixture) {
		s.gateway.SendsFor = 90 * time.Hour
		s.ask(blackFriday())
		time.Sleep(80 * time.Hour)
	}},
	{name: "followed", life: func(s *fixture) {
		s.gateway.SendsFor = 90 * time.Hour
		s.ask(blackFriday())
		time.Sleep(80 * time.Hour)
		s.command(campaign.Follow{By: "anna", Actor: "anna"})
	}},
	{name: "cancelled-too-late", life: func(s *fixture) {
		s.ask(blackFriday())
		time.Sleep(5 * time.Minute)
		s.command(campaign.Cancel{By: "anna"})
	}},
	{name: "cancelled-before-asked", life: func(s *fixture) {
		s.command(campaign.Cancel{By: "anna", Why: "not this one"})
		time.Sleep(time.Minute)
		s.ask(blackFriday())
	}},
	{name: "read-back", life: func(s *fixture) {
		s.breaks(campaign.OpConfirm, 1, runnertest.Fault{Break: runnertest.ReplyLost, HTTP: 504})
		s.ask(blackFriday())
		time.Sleep(10 * time.Second)
	}},
	{name: "settling", life: func(s *fixture) {
		s.breaks(campaign.OpConfirm, 1, runnertest.Fault{Break: runnertest.Lost})
		s.ask(blackFriday())
		time.Sleep(10 * time.Second)
		s.command(campaign.Cancel{By: "anna", Why: "wrong price"})
	}},
	{name: "conflict", life: func(s *fixture) {
		s.ask(blackFriday())
		time.Sleep(time.Hour)
		s.ask(blackFriday())
		other := blackFriday()
		other.Text, other.Sender = "Cyber Monday!", "Shop"
		s.ask(other)
	}},
	{name: "approval", rules: campaign.Rules{Policies: map[string]campaign.Policy{
		"*": {ApproveAbove: campaign.Money{Amount: decimal.NewFromInt(100), Currency: "EUR"}},
	}}, life: func(s *fixture) {
		s.ask(blackFriday())
		time.Sleep(time.Minute)
	}},
	{name: "simulation", life: func(s *fixture) {
		r := blackFriday()
		r.Simulation = true
		s.ask(r)
		time.Sleep(2 * time.Hour)
	}},
	{name: "wrong-key", life: func(s *fixture) {
		s.breaks(campaign.OpCreate, -1, runnertest.Fault{Break: runnertest.Unauthorised, After: time.Minute})
		s.ask(blackFriday())
		time.Sleep(10 * time.Minute)
	}},
	{name: "wrong-url", life: func(s *fixture) {
		s.breaks(campaign.OpCreate, -1, runnertest.Fault{Break: runnertest.Unauthorised, HTTP: 404, After: time.Minute})
		s.ask(blackFriday())
		time.Sleep(10 * time.Minute)
	}},
	{name: "queue", life: func(s *fixture) {
		s.note(func(e *why.Evidence) {
			e.Requests = []why.Request{{At: time.Now(), Sequence: 42, Content: blackFriday()}}
			e.QueuePlace = why.QueuePlace{Ahead: 3}
		})
	}},
	{name: "cancelled-in-the-queue", life: func(s *fixture) {
		s.note(func(e *why.Evidence) {
			e.Requests = []why.Request{{At: time.Now(), Sequence: 42, Content: blackFriday()}}
		})
		time.Sleep(time.Minute)
		s.command(campaign.Cancel{By: "anna", Why: "not this one"})
	}},
	{name: "nobody", life: func(*fixture) {}},
	{name: "overdue", later: 20 * time.Minute, life: func(s *fixture) {
		s.breaks(campaign.OpCreate, -1, runnertest.Fault{Break: runnertest.Lost})
		s.ask(blackFriday())
	}},
}

func TestStories(t *testing.T) {
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, story.rules)
				story.life(s)
				zone := story.zone
				if zone == nil {
					zone = time.UTC
				}
				e := s.look()
				if e.Now = e.Now.Add(story.later); story.later > 0 {
					e.Armed, e.Unarmed = time.Time{}, true
				}
				told := why.Tell(e, zone)
				var page bytes.Buffer
				if err := told.Write(&page, why.Page{Zone: zone, Width: 100}); err != nil {
					t.Fatal(err)
				}
				file := filepath.Join("testdata", story.name+".txt")
				if *rewrite {
					if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), page.String()); diff != "" {
					t.Errorf("the story (-%s +told; -rewrite writes it anew):\n%s", file, diff)
				}
				if _, err := json.Marshal(told); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// No advice contradicts another advice, or what the story says.
func TestNothingExcludesAnother(t *testing.T) {
	t.Parallel()
	at, later := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC), time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)
	cancels := []*campaign.Cancellation{nil, {By: "anna", At: at}, {By: "anna", At: at, Failed: "no read shows it"}}
	for _, state := range campaign.States {
		for i := range 96 {
			c := campaign.Campaign{Key: key, State: state, Since: at, Wake: at.Add(time.Hour), Request: blackFriday(), Cancel: cancels[i%3],
				Draft: &campaign.Bound{ID: 1542, Intended: true, Gateway: "https://gateway.example"}, Need: &campaign.Need{For: campaign.NeedApproval, Until: later},
				Quote: &campaign.Quote{N: 1}, Confirmed: &campaign.Confirmation{At: at}, Reason: &campaign.Reason{Message: "no"}}
			if i/3%2 > 0 {
				c.Confirmed.For = later
			}
			if i/6%2 > 0 {
				c.Draft.Stranded = at
			}
			if i/12%2 > 0 {
				c.Waiting = "the gateway does not show it"
			}
			if i/24%2 > 0 {
				c.Wake = time.Time{}
			}
			if i/48%2 > 0 {
				c.Confirmed = nil
			}
			if c.Confirmed == nil && (state == campaign.Confirmed || state == campaign.Sending) {
				continue
			}
			story := why.Tell(why.Evidence{Key: key, Now: at.Add(time.Minute), Record: &c}, time.UTC)
			all, commands := story.Now, map[string]bool{}
			for _, a := range story.Advice {
				all += " " + a.Text
				if verb := strings.Fields(a.Command + " - -")[1]; verb != "-" {
					commands[verb] = true
				}
			}
			for _, two := range [][2]bool{
				{commands["cancel"], strings.Contains(all, "cannot be stopped") || strings.Contains(all, "cannot be taken back") || strings.Contains(all, "the service cannot")},
				{commands["cancel"], commands["resolve"] || commands["follow"] || state.Final()},
				{commands["resolve"], state != campaign.Unresolved || strings.Contains(all, "Nothing has to be done")},
				{commands["follow"], state != campaign.Unreconciled},
				{commands["request"], commands["resolve"]},
				{strings.Contains(all, "Nothing:"), len(commands) > 0 && !commands["approve"]},
				{commands["cancel"], c.Cancel != nil && c.Cancel.Failed == ""},
				{commands["cancel"], state == campaign.Confirmed && (c.Cancel != nil || !c.Draft.Stranded.IsZero())},
			} {
				if two[0] && two[1] {
					t.Errorf("%s %+v: %q offers %v", state, c.Cancel, all, commands)
				}
			}
		}
	}
}

// An event of a newer version is named, and does not crash the program.
func TestEventsOfANewerVersionAreNamed(t *testing.T) {
	t.Parallel()
	e := why.Evidence{Key: key, Record: &campaign.Campaign{Key: key, State: "frozen"}}
	for _, kind := range []campaign.EventType{campaign.EventCostCalculated, campaign.EventApprovalRequired, campaign.EventApproved, campaign.EventDeferred,
		campaign.EventConfirmed, campaign.EventStats, campaign.EventRejected, "of_tomorrow"} {
		e.Events = append(e.Events, campaign.Event{Type: kind})
	}
	told := why.Tell(e, time.UTC)
	if len(told.Lines) != len(e.Events) || !strings.Contains(told.Summary, "upgrade") {
		t.Fatalf("%+v", told)
	}
	for _, l := range told.Lines {
		if !strings.HasSuffix(l.Text, "which this version cannot read.") {
			t.Errorf("%q", l.Text)
		}
	}
}
