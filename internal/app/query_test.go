package app_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/test/natsserver"
)

// accounts are one for the service and the operator, one for each of two sources, and
// one for people, as docs/query.md says.
const accounts = `
accounts {
  STAFFETTA {
    jetstream: enabled
    users: [
      { user: operator, password: x }
      { user: staffetta, password: x, permissions: {
        publish: [ "campaign.v1.>", "$KV.>", "$JS.API.>", "$JS.ACK.>", "_INBOX.>", "_R_.>" ]
        subscribe: [ "campaign.v1.>", "staffetta.query.>", "$SRV.>", "_INBOX.>" ]
      } }
    ]
    exports: [
      { service: "staffetta.query.*.shop-italia", accounts: [SHOP] }
      { service: "staffetta.query.*.acqualuce-billing", accounts: [ACQUALUCE] }
      { service: "staffetta.query.*", accounts: [PEOPLE] }
    ]
  }
  SHOP {
    imports: [ { service: { account: STAFFETTA, subject: "staffetta.query.*.shop-italia" }, to: "staffetta.query.*", share: true } ]
    users: [ { user: shop, password: x } ]
  }
  ACQUALUCE {
    imports: [ { service: { account: STAFFETTA, subject: "staffetta.query.*.acqualuce-billing" }, to: "staffetta.query.*", share: true } ]
    users: [ { user: acqualuce, password: x } ]
  }
  PEOPLE {
    imports: [ { service: { account: STAFFETTA, subject: "staffetta.query.*" }, share: true } ]
    users: [
      { user: support, password: x }
      { user: finance, password: x, permissions: { publish: ["staffetta.query.budget"], subscribe: ["_INBOX.finance.>"] } }
    ]
  }
}
`

// house is a service among accounts, and something of two sources to ask about.
type house struct {
	*bundle
	server *server.Server
	log    lines
	stop   func() error
}

const another = "acqualuce-billing"

func newHouse(t *testing.T) *house {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "accounts.conf")
	conf := fmt.Sprintf("listen: 127.0.0.1:-1\njetstream { store_dir: %q }\n%s", filepath.Join(dir, "nats"), accounts)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	h := &house{server: natsserver.FromFile(t, file)}
	local, err := app.StartLocal(app.LocalOptions{Sandbox: sandbox.Options{Speed: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { local.Stop() })
	local.NATSURL = h.url("staffetta")
	h.bundle = around(t, local)
	options := h.options()
	options.Log = slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	_, h.stop = h.run(options)
	h.fill()
	return h
}

func (h *house) url(user string) string {
	return "nats://" + user + ":x@" + strings.TrimPrefix(h.server.ClientURL(), "nats://")
}

// as is the outside, as a user sees it.
func (h *house) as(user string) *client.Client {
	h.t.Helper()
	c, err := app.NATS{URL: h.url(user)}.Client()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(c.Close)
	return c
}

// fill is a campaign, a dead letter, a schedule, a budget and a suppressed number of each of two sources.
func (h *house) fill() {
	h.t.Helper()
	js, err := jetstream.New(h.connect())
	if err != nil {
		h.t.Fatal(err)
	}
	operator := *h.bundle
	operator.client = h.as("operator")
	for _, source := range []string{another, "shop-italia"} {
		h.key.Source, h.request.Source = source, source
		h.askAnother("bf-2026")
		h.until("confirmed")
		if _, err := js.Publish(h.t.Context(), "campaign.v1.request."+source+".broken", []byte("not a request of "+source)); err != nil {
			h.t.Fatal(err)
		}
		h.setBudget("5000")
		if o := operator.lay(source, contract.VerbAddSchedule, &campaignv1.AddSchedule{By: "anna", Id: "monday", Zone: "Europe/Rome", At: "09:00",
			Request: &campaignv1.CampaignRequested{Name: "Promemoria", Sender: "Shop", Text: "A domani", ContactListId: 88}}); o.Outcome != query.OutcomeDone {
			h.t.Fatalf("%+v", o)
		}
		if told, o := operator.suppress(source, "complaints of "+source, "+393331234501"); told == nil {
			h.t.Fatalf("%+v", o)
		}
	}
	h.letters(2)
}

// letters waits for so many dead letters.
func (h *house) letters(want int) {
	h.t.Helper()
	eventually(h.t, "the dead letters are written", func() bool {
		n := 0
		for _, err := range h.client.Letters(h.t.Context(), client.LetterFilter{}) {
			if err != nil {
				return false
			}
			n++
		}
		return n == want
	})
}

// answerText is an answer as it comes over the wire.
type answerText struct {
	Text  string
	Error *query.Error `json:"error"`
}

func (h *house) ask(nc *nats.Conn, m *nats.Msg) (s answerText) {
	h.t.Helper()
	answer, err := nc.RequestMsg(m, 20*time.Second)
	if err != nil {
		h.t.Fatalf("%s: %v", m.Subject, err)
	}
	if err := json.Unmarshal(answer.Data, &s); err != nil {
		h.t.Fatalf("%s answers %q: %v", m.Subject, answer.Data, err)
	}
	if code := answer.Header.Get(micro.ErrorCodeHeader); (code == "") != (s.Error == nil) || s.Error != nil && code != query.Codes[s.Error.Code] {
		h.t.Errorf("%s: code %q beside %+v", m.Subject, code, s.Error)
	}
	s.Text = string(answer.Data)
	return s
}

// otherRequest checks a request under the request id of a campaign that there is, with
// other content.
const otherRequest = `{"request":{"source":"%s","requestId":"bf-2026","name":"Saldi","sender":"Shop","text":"Ciao","contactListId":87,"immediately":true}}`

// Every question × everybody who may ask one, and what headers they may forge.
func TestEverybodyIsToldWhatIsTheirs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	forged := nats.Header{"Nats-Request-Info": {`{"acc":"STAFFETTA","user":"operator","name":"operator"}`, `{"acc":"ACQUALUCE","user":"acqualuce"}`}}
	// What each question is when it asks for no more than one's own, and how it reaches
	// for somebody else's.
	questions := map[string]struct {
		own, reach string
		code       query.Code
	}{
		query.VerbGet:           {`{"key":"%s.bf-2026"}`, `{"key":"acqualuce-billing.bf-2026"}`, query.NotYours},
		query.VerbList:          {``, `{"source":"acqualuce-billing"}`, query.NotYours},
		query.VerbWhy:           {`{"key":"%s.bf-2026","zone":"Europe/Rome"}`, `{"key":"acqualuce-billing.bf-2026"}`, query.NotYours},
		query.VerbEvents:        {``, `{"key":"acqualuce-billing.bf-2026"}`, query.NotYours},
		query.VerbDLQ:           {`{}`, `{"id":1}`, query.NotFound},
		query.VerbBudget:        {`{}`, `{"source":"acqualuce-billing"}`, query.NotYours},
		query.VerbBudgetHistory: {`{}`, `{"source":"acqualuce-billing"}`, query.NotYours},
		query.VerbSuppressions:  {`{"number":"333 1234501","region":"IT"}`, `{"source":"acqualuce-billing"}`, query.NotYours},
		query.VerbSchedules:     {``, `{"key":"acqualuce-billing.monday"}`, query.NotYours},
		query.VerbCheck:         {fmt.Sprintf(otherRequest, "%s"), fmt.Sprintf(otherRequest, another), query.NotYours},
	}
	for verb, q := range questions {
		for _, header := range []nats.Header{nil, forged} {
			for user, source := range map[string]string{"shop": "shop-italia", "acqualuce": another} {
				other := another
				if source == another {
					other = "shop-italia"
				}
				own := q.own
				if strings.Contains(own, "%s") {
					own = fmt.Sprintf(own, source)
				}
				nc := h.raw(user)
				got := h.ask(nc, &nats.Msg{Subject: "staffetta.query." + verb, Data: []byte(own), Header: header})
				if got.Error != nil || !strings.Contains(got.Text, source) || strings.Contains(got.Text, other) {
					t.Errorf("%s asks %s %s and is told %s", user, verb, own, got.Text)
				}
			}
			shop := h.raw("shop")
			if got := h.ask(shop, &nats.Msg{Subject: "staffetta.query." + verb, Data: []byte(q.reach), Header: header}); got.Error == nil || got.Error.Code != q.code {
				t.Errorf("shop asks %s %s and is told %s", verb, q.reach, got.Text)
			}
			// By the names that only the service's account has, there is nobody.
			for _, subject := range []string{"staffetta.query." + verb + "." + another, "staffetta.query." + verb + ".shop-italia"} {
				if m, err := shop.RequestMsg(&nats.Msg{Subject: subject, Data: []byte(q.own), Header: header}, time.Second); err == nil {
					t.Errorf("shop asks %s and is told %s", subject, m.Data)
				}
			}
			// People, and whoever is in the service's account, may ask about everybody.
			for _, user := range []string{"support", "operator"} {
				for _, source := range []string{"shop-italia", another} {
					own := strings.ReplaceAll(q.own, "%s", source)
					if got := h.ask(h.raw(user), &nats.Msg{Subject: "staffetta.query." + verb, Data: []byte(own), Header: header}); got.Error != nil || !strings.Contains(got.Text, source) {
						t.Errorf("%s asks %s %s and is told %s", user, verb, own, got.Text)
					}
				}
			}
		}
	}
	if got := h.ask(h.raw("shop"), &nats.Msg{Subject: "staffetta.query.dlq", Data: []byte(`{"key":"acqualuce-billing.broken"}`)}); got.Error == nil || got.Error.Code != query.NotYours {
		t.Errorf("letters about another's campaign: %s", got.Text)
	}
	if got := h.ask(h.raw("shop"), nats.NewMsg("staffetta.query.health")); got.Text != `{"ready":true}` {
		t.Errorf("a source is told of the service's health: %s", got.Text)
	}
	if got := h.ask(h.raw("support"), nats.NewMsg("staffetta.query.health")); !strings.Contains(got.Text, `"name":"gateway url"`) {
		t.Errorf("people are told of the service's health: %s", got.Text)
	}
	// The log names the account and user that the server knows, not those of the header.
	if log := h.log.String(); !strings.Contains(log, `a question about others was refused" verb=get source=shop-italia account=SHOP user=shop `) {
		t.Error("the log does not say who asked about others")
	}
	if strings.Contains(h.log.String(), "source=shop-italia account=STAFFETTA") || strings.Contains(h.log.String(), "source=shop-italia account=ACQUALUCE") {
		t.Error("the log believes a header that the asker wrote")
	}
}

// Whoever may listen to less may be granted one question alone.
func TestOneQuestionAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	nc, err := nats.Connect(h.url("finance"), nats.CustomInboxPrefix("_INBOX.finance"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if got := h.ask(nc, nats.NewMsg("staffetta.query.budget")); !strings.Contains(got.Text, another) {
		t.Errorf("budget: %s", got.Text)
	}
	if m, err := nc.Request("staffetta.query.list", nil, time.Second); err == nil {
		t.Errorf("list: %s", m.Data)
	}
}

// Nobody makes the service write where it may and the asker may not.
func TestAnswersGoToInboxesOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	eventually(t, "the campaign is over, and owes nothing", func() bool {
		c, _, err := h.client.Get(t.Context(), h.key)
		return err == nil && c.State == campaign.Completed && len(c.Outbox) == 0 && c.Wake.IsZero()
	})
	before, _, err := h.client.Raw(t.Context(), h.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"operator", "support", "shop"} {
		nc := h.raw(user)
		if err := nc.PublishRequest("staffetta.query.health", "$KV.campaigns."+h.key.String(), nil); err != nil {
			t.Fatal(err)
		}
		h.ask(nc, nats.NewMsg("staffetta.query.health")) // which is answered after it
	}
	after, _, err := h.client.Raw(t.Context(), h.key)
	if err != nil || string(after) != string(before) {
		t.Errorf("the record is %s, %v", after, err)
	}
	// That of other accounts the server replaced.
	if n := strings.Count(h.log.String(), "a question wants its answer elsewhere than in an inbox"); n != 1 {
		t.Errorf("the log says it %d times, want once: of the operator's", n)
	}
}

// `nats micro ls` and `nats micro info` show it.
func TestItIsAMicroService(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m, err := h.raw("operator").Request("$SRV.INFO.staffetta-query", nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var info micro.Info
	if err := json.Unmarshal(m.Data, &info); err != nil {
		t.Fatal(err)
	}
	subjects := map[string]bool{}
	for _, e := range info.Endpoints {
		subjects[e.Subject] = true
	}
	for _, verb := range []string{"get", "list", "why", "events", "dlq", "budget", "budget_history", "schedules", "check", "health"} {
		if !subjects["staffetta.query."+verb] || !subjects["staffetta.query."+verb+".*"] {
			t.Errorf("%s is not among %v", verb, subjects)
		}
	}
}

// A source has no streams, and the service is down: the sentence says both.
func TestTheServiceIsDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shop, operator := h.as("shop"), h.as("operator")
	ask := query.WhyAsk{Key: "shop-italia.bf-2026"}
	story, err := shop.Reader().Why(t.Context(), ask)
	if err != nil || story.State != "confirmed" && story.State != "sending" && story.State != "completed" {
		t.Errorf("why of its own: %s, %v", story.State, err)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err = shop.Reader().Why(t.Context(), ask)
	if err == nil || !strings.Contains(err.Error(), "nor could the service be asked: no service answers staffetta.query.why") {
		t.Errorf("the source is told %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it was told after %s", took)
	}
	if story, err := operator.Reader().Why(t.Context(), ask); err != nil || story.Summary == "" {
		t.Errorf("the operator is told %+v, %v", story, err)
	}
	// With a right that is missing it is named.
	finance, err := app.NATS{URL: h.url("finance")}.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(finance.Close)
	if _, err = finance.Reader().List(t.Context(), query.ListAsk{}); err == nil || !strings.Contains(err.Error(), "this user may not listen to _INBOX") {
		t.Errorf("finance is told %v", err)
	}
}

// raw is a connection of a user, without anything of ours.
func (h *house) raw(user string) *nats.Conn {
	h.t.Helper()
	nc, err := nats.Connect(h.url(user))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(nc.Close)
	return nc
}
