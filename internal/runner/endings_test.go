package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

var rewriteEndings = flag.Bool("rewrite", false, "write what the test kit tells anew")

// kit is what the test kit of the Go client tells, for each ending.
const kit = "../../proto/staffetta/staffettatest/endings.json"

// ending is a life that ends in one way, for people who test what they do then.
type ending struct {
	name  string // a reason that a campaign is not sent, or a word of ours
	rules campaign.Rules
	own   bool // it comes with its own recipients
	set   func(*service)
	ask   func(*campaign.Request)
	after func(*service) // what happens once it is asked for; nil: nothing more
}

var endings = []ending{
	{name: "completed"},
	{name: "simulated", ask: func(r *campaign.Request) { r.Simulation = true }},
	{name: "scheduled", ask: func(r *campaign.Request) { r.At = time.Now().Add(48 * time.Hour) }},
	{name: "approved", ask: func(r *campaign.Request) { r.Limits.Approval = true }, after: func(s *service) {
		s.waitsFor(campaign.NeedApproval)
		s.approve()
	}},
	{name: "credit_topped_up", ask: func(r *campaign.Request) { r.Limits.OnNoCredit = campaign.Wait },
		set: func(s *service) { s.gateway.SetCredit(decimal.NewFromInt(1)) },
		after: func(s *service) {
			s.waitsFor(campaign.NeedCredit)
			s.gateway.SetCredit(decimal.NewFromInt(1500))
		}},
	{name: "text_not_gsm7", ask: func(r *campaign.Request) { r.Text = "L’offerta finisce stasera" }},
	{name: "too_late", ask: func(r *campaign.Request) { r.At = time.Now().Add(-time.Hour) }},
	{name: "expired", ask: func(r *campaign.Request) { r.ExpiresAt = time.Now().Add(time.Hour) },
		set: func(s *service) {
			s.gateway.Fault = calls(campaign.OpCreate, runnertest.Fault{Break: runnertest.NotAttempted, After: time.Hour})
		}},
	{name: "insufficient_credit", set: func(s *service) { s.gateway.SetCredit(decimal.NewFromInt(1)) }},
	{name: "no_valid_recipient", set: func(s *service) { s.gateway.SetList(list, 0, 416) }},
	{name: "refused_by_gateway", set: func(s *service) {
		s.gateway.Fault = calls(campaign.OpConfigure, runnertest.Fault{Break: runnertest.Refused, HTTP: 400})
	}},
	{name: "too_many_parts", ask: func(r *campaign.Request) { r.Text, r.Limits.MaxParts = strings.Repeat("Black Friday! ", 20), 1 }},
	{name: "over_max_total", ask: func(r *campaign.Request) {
		r.Limits.MaxTotal = campaign.Money{Amount: decimal.NewFromInt(1), Currency: "EUR"}
	}},
	{name: "over_budget", set: func(s *service) { s.budget("100") }},
	{name: "declined", ask: func(r *campaign.Request) { r.Limits.Approval = true }, after: func(s *service) {
		s.waitsFor(campaign.NeedApproval)
		c := s.record()
		s.command(campaign.Decline{By: "anna", QuoteID: campaign.QuoteID(c.Request, *c.Quote), Why: "the wrong list"})
	}},
	{name: "not_approved_in_time", ask: func(r *campaign.Request) { r.Limits.Approval = true }},
	{name: "no_send_window", ask: func(r *campaign.Request) { r.Limits.Window = "christmas" }},
	{name: "gave_up", rules: campaign.Rules{BackoffMin: time.Minute},
		set: func(s *service) { s.gateway.Fault = confirms(runnertest.Fault{Break: runnertest.Lost}) }},
	{name: "not_as_asked", set: func(s *service) { s.ports.gateway = contradicting{s.gateway} }},
	{name: "audience_unusable", own: true, rules: soonCleared, set: func(s *service) { s.people.Miss(key, 1000) }},
	{name: "audience_too_old", own: true, rules: soonCleared, ask: func(r *campaign.Request) {
		r.Audience = &campaign.Audience{Name: "this-week", MaxAge: 48 * time.Hour}
	}, set: func(s *service) { s.people.Publish("this-week", time.Now().Add(-7*24*time.Hour), "+393331234501") }},
	{name: "no_room_for_contacts", own: true, rules: soonCleared, set: func(s *service) { s.gateway.Room = new(2) }},
	{name: "cancelled", ask: func(r *campaign.Request) { r.At = time.Now().Add(48 * time.Hour) }, after: func(s *service) {
		time.Sleep(24 * time.Hour)
		s.cancel()
	}},
	{name: "gateway_failed", set: func(s *service) { s.gateway.Fails = true }},
	{name: "vanished", ask: func(r *campaign.Request) { r.At = time.Now().Add(2 * time.Hour) }, after: func(s *service) {
		time.Sleep(time.Hour)
		s.gateway.SetBlind(runnertest.ReadsOld)
	}},
	{name: "unresolved", rules: unsure, set: nobodyCanSay},
	{name: "not_sent", rules: unsure, set: nobodyCanSay, after: func(s *service) {
		for s.record().State != campaign.Unresolved {
			time.Sleep(time.Minute)
		}
		s.command(campaign.Resolved{By: "anna", Sent: false, Why: "the gateway's page shows a draft"})
	}},
}

// unsure is a service that soon asks a person, at a gateway of which nobody can say whether
// a confirm took effect.
var unsure = campaign.Rules{Patience: time.Minute, BackoffMin: time.Minute, LookAgain: 30 * time.Hour}

func nobodyCanSay(s *service) {
	s.gateway.StatsOnly = true
	s.gateway.Fault = confirms(runnertest.Fault{Break: runnertest.Lost})
}

// calls breaks each call of one kind.
func calls(op campaign.Op, f runnertest.Fault) func(campaign.Call) runnertest.Fault {
	return func(call campaign.Call) runnertest.Fault {
		if call.Op == op {
			return f
		}
		return runnertest.Fault{}
	}
}

// contradicting is a gateway whose figures do not add up.
type contradicting struct{ runner.Gateway }

func (g contradicting) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	p, no := g.Gateway.Admit(ctx, op)
	if p == nil {
		return nil, no
	}
	return contradictingPermit{p}, no
}

type contradictingPermit struct{ runner.Permit }

func (p contradictingPermit) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	o := p.Permit.Call(ctx, call)
	if call.Op == campaign.OpCalculate {
		o.Goal.Invalid++
	}
	return o
}

func (s *service) command(in campaign.Input) {
	s.deliver(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: in, Stored: time.Now()})
}

// told is an event as the kit has it.
type told struct {
	Header map[string]string `json:"header"`
	Data   json.RawMessage   `json:"data"`
}

// live lives a life to its end and returns what was told of it.
func (e ending) live(t *testing.T) (all []told, last campaign.Event) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, e.rules)
		if e.set != nil {
			e.set(s)
		}
		r := blackFriday()
		if e.own {
			r = s.toItsOwn()
		}
		if e.ask != nil {
			e.ask(&r)
		}
		s.request(r)
		if e.after != nil {
			e.after(s)
		}
		s.rest()
		c := s.record()
		for _, event := range s.journal.Events(key) {
			if event.Gateway == "" && event.CampaignID != 0 {
				event.Gateway = "https://gateway.example"
			}
			out, err := contract.EventEnvelope(c, event)
			if err != nil {
				t.Fatal(err)
			}
			m, err := contract.ToProto(c, event)
			if err != nil {
				t.Fatal(err)
			}
			data, err := protojson.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			var compact bytes.Buffer // protojson's spaces are random
			if err := json.Compact(&compact, data); err != nil {
				t.Fatal(err)
			}
			header := map[string]string{}
			for name, values := range out.Header {
				header[name] = values[0]
			}
			all, last = append(all, told{header, compact.Bytes()}), event
		}
	})
	return all, last
}

// What the test kit of the Go client tells is what these rules tell.
func TestTheKitTellsWhatTheRulesTell(t *testing.T) {
	t.Parallel()
	lives, reasons := map[string][]told{}, map[string]bool{}
	for _, e := range endings {
		all, last := e.live(t)
		lives[e.name] = all
		if len(all) == 0 {
			t.Errorf("%s: nothing is told", e.name)
			continue
		}
		if why := last.Reason; why != nil {
			reasons[string(why.Code)] = true
			if last.Type != campaign.EventUnresolved && string(why.Code) != e.name {
				t.Errorf("%s ends as %s", e.name, why.Code)
			}
			if last.Type == campaign.EventUnresolved && e.name != "unresolved" {
				t.Errorf("%s ends unresolved: %s", e.name, why.Message)
			}
		} else if !last.Well() {
			t.Errorf("%s does not end well: %+v", e.name, last)
		}
	}
	for _, r := range campaign.Reasons {
		if r.In != campaign.EventUnresolved && !reasons[string(r.Code)] {
			t.Errorf("no ending of the kit has the reason %s", r.Code)
		}
	}
	now, err := json.MarshalIndent(lives, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	now = append(now, '\n')
	if *rewriteEndings {
		if err := os.WriteFile(kit, now, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	then, err := os.ReadFile(kit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(then), string(now)); diff != "" {
		t.Errorf("the kit tells something else than the rules: write it anew with go test ./internal/runner -run TestTheKit -rewrite, and review it (-kit +rules):\n%s", diff)
	}
}
