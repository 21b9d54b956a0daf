package access_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/access"
	"github.com/staffetta-io/staffetta/internal/query"
)

// echo answers with the source that it was asked for.
type echo struct{ query.Reader }

func (echo) List(_ context.Context, a query.ListAsk) (query.Campaigns, error) {
	return query.Campaigns{Campaigns: []query.Campaign{{Key: "of " + a.Source + "."}}}, nil
}

func (echo) Outcome(_ context.Context, a query.OutcomeAsk) (query.Outcome, error) {
	return query.Outcome{Sequence: a.Sequence, Outcome: query.OutcomeWaiting}, nil
}

func check(_ context.Context, a query.CheckAsk) (query.Checked, error) {
	return query.Checked{Known: "of " + a.Source + "."}, nil
}

// answer answers questions with the service's rights.
func answer(t *testing.T, nc *nats.Conn) {
	t.Helper()
	s, err := query.Serve(nc, query.Options{Reader: echo{}, Check: check, Health: func() query.Health { return query.Health{Ready: true} }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
}

// Each user × what it asks about. With the printed accounts a source learns only of its
// own campaigns, whatever it writes, and a user that only reads events asks nothing.
func TestWhoAsksWhat(t *testing.T) {
	t.Parallel()
	g := guard(t)
	for name, want := range map[string]string{
		"shop-italia": "of shop-italia.", another: "of " + another + ".", "support": "of .", "operator": "of .", "analytics": "", "finance": "",
	} {
		nc := g.connect(name)
		header := nats.Header{"Nats-Request-Info": {`{"acc":"STAFFETTA","user":"operator"}`}}
		if said := g.says(nc, &nats.Msg{Subject: "staffetta.query.list", Header: header}); (said == "") != (want != "") {
			t.Errorf("%s asks: %q", name, said)
			continue
		}
		if want != "" {
			m, err := nc.RequestMsg(&nats.Msg{Subject: "staffetta.query.list", Header: header}, 10*time.Second)
			if err != nil || !strings.Contains(string(m.Data), `"`+want+`"`) {
				t.Errorf("%s is told %v, %v; want %s", name, m, err, want)
			}
		}
		if name == "operator" {
			continue
		}
		for _, subject := range []string{"staffetta.query.list.shop-italia", "staffetta.query.list." + another, "$SRV.PING"} {
			if said := g.says(nc, nats.NewMsg(subject)); said == "" {
				t.Errorf("%s asks %s", name, subject)
			}
		}
		if said := g.says(nc, &nats.Msg{Subject: "staffetta.query.list", Data: []byte(`{"source":"` + another + `"}`)}); name == "shop-italia" && !strings.Contains(said, "not_yours") {
			t.Errorf("%s asks about another: %q", name, said)
		}
	}
}

// A user that may give an order may ask what became of it, and nothing else. It gets
// one answer: two imports that overlap would make two requests of one.
func TestWhoGivesAnOrderLearnsWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	g := guard(t)
	for name, want := range map[string]bool{"finance": true, "support": true, "shop-italia": true, "operator": true, "analytics": false} {
		nc := g.connect(name)
		if said := g.says(nc, nats.NewMsg("staffetta.query.outcome")); (said == "") != want {
			t.Errorf("%s asks what became of an order: %q, want allowed: %t", name, said, want)
		}
		if !want {
			continue
		}
		inbox := nc.NewInbox()
		sub, err := nc.SubscribeSync(inbox)
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.PublishRequest("staffetta.query.outcome", inbox, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := sub.NextMsg(10 * time.Second); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// A second answer would come before the answer to a later question.
		if _, err := nc.Request("staffetta.query.outcome", nil, 10*time.Second); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n, _, err := sub.Pending(); err != nil || n != 0 {
			t.Errorf("%s got %d more answers, %v", name, n, err)
		}
	}
}

// A user that may ask for campaigns may ask what would become of one, a source for its
// own requests alone; and a user that may do neither may not, for a price costs calls of
// the account.
func TestWhoMayAskForACampaignMayCheckOne(t *testing.T) {
	t.Parallel()
	g := guard(t, func(tab *access.Table) {
		tab.Roles["backend"] = access.Role{Asks: true}
		tab.Roles["planner"] = access.Role{Asks: true, Tells: []string{"add-schedule"}}
		tab.People = append(tab.People, access.User{Name: "backend", Role: "backend"}, access.User{Name: "planner", Role: "planner"})
	})
	for name, want := range map[string]string{
		"shop-italia": "of shop-italia.", another: "of " + another + ".", "backend": "of .", "planner": "of .", "support": "of .", "operator": "of .",
		"analytics": "", "finance": "",
	} {
		nc := g.connect(name)
		if said := g.says(nc, &nats.Msg{Subject: "staffetta.query.check", Data: []byte(`{"request":{}}`)}); (said == "") != (want != "") {
			t.Errorf("%s checks: %q", name, said)
			continue
		}
		if want == "" {
			continue
		}
		m, err := nc.Request("staffetta.query.check", []byte(`{"request":{}}`), 10*time.Second)
		if err != nil || !strings.Contains(string(m.Data), `"`+want+`"`) {
			t.Errorf("%s is told %v, %v; want %s", name, m, err, want)
		}
	}
	for name, verbs := range map[string]map[string]bool{
		"backend": {"list": false, "outcome": false}, "planner": {"list": false, "outcome": true},
	} {
		nc := g.connect(name)
		for verb, want := range verbs {
			if said := g.says(nc, nats.NewMsg("staffetta.query."+verb)); (said == "") != want {
				t.Errorf("%s asks %s: %q, want allowed: %t", name, verb, said, want)
			}
		}
	}
}
