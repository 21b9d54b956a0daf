package access_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/access"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// What remains possible, by docs/security.md: each line is tried, so that the page says
// neither too much nor too little.

// An operator can send commands under any name, write what is the service's, and remove
// it.
func TestAnOperatorMayDoEverything(t *testing.T) {
	t.Parallel()
	g := guard(t)
	g.fill()
	nc := g.connect("operator")
	for _, subject := range []string{
		"campaign.v1.command.shop-italia.bf.approve.support", "campaign.v1.request.shop-italia.bf", "$KV.campaigns.shop-italia.bf",
		"$KV.budgets.definition.source.shop-italia", "campaign.v1.event.shop-italia.bf.confirmed.1", "$KV.campaigns.hold",
		"$JS.API.STREAM.DELETE.CAMPAIGN_EVENTS",
	} {
		if said := g.says(nc, nats.NewMsg(subject)); said != "" {
			t.Errorf("the operator on %s: %s", subject, said)
		}
	}
}

// A key is valid until its row is removed and the server has read the file again. Then
// the open connection is closed, and no new one is let in. Other users notice nothing.
func TestAStolenKeyEndsWithItsRow(t *testing.T) {
	t.Parallel()
	for name, without := range map[string]func(*access.Table){
		"shop-italia": func(t *access.Table) { t.Sources = t.Sources[1:] }, // and its account with it
		"support":     func(t *access.Table) { t.People = t.People[1:] },   // the account of people stays
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := guard(t)
			closed := make(chan error, 1)
			thief := g.connect(name)
			thief.SetClosedHandler(func(nc *nats.Conn) { closed <- nc.LastError() })
			bystander := g.connect(another)
			if said := g.says(thief, nats.NewMsg("staffetta.query.health")); said != "" {
				t.Fatalf("before: %s", said)
			}

			without(&g.table)
			g.print()
			if err := g.s.Reload(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-closed:
			case <-time.After(10 * time.Second):
				t.Error("the open connection lives on")
			}
			if _, err := nats.Connect(g.s.ClientURL(), g.options(name)...); err == nil || !strings.Contains(err.Error(), "Authorization") {
				t.Errorf("it connects again: %v", err)
			}
			if said := g.says(bystander, nats.NewMsg("staffetta.query.health")); said != "" || bystander.Stats().Reconnects > 0 {
				t.Errorf("a bystander: %q, after %d reconnects", said, bystander.Stats().Reconnects)
			}
		})
	}
}

// The service can write any record and publish any event: that is its work. What it
// stores it cannot remove, see TestServiceCannotRemoveWhatItKeeps.
func TestACompromisedServiceWritesWhatItLikes(t *testing.T) {
	t.Parallel()
	g := guard(t)
	nc := g.connect("staffetta")
	for _, subject := range []string{"$KV.campaigns.shop-italia.bf", "campaign.v1.event.shop-italia.bf.confirmed.1", "campaign.v1.request.shop-italia.bf", "$KV.budgets.definition.source.shop-italia"} {
		if said := g.says(nc, nats.NewMsg(subject)); said != "" {
			t.Errorf("the service on %s: %s", subject, said)
		}
	}
}

// People share an account. Each hears only the answers to its own inbox, as long as
// none may listen to another's: so each has a prefix of its own.
func TestPeopleHearTheirOwnAnswersOnly(t *testing.T) {
	t.Parallel()
	g := guard(t)
	people := []string{"support", "analytics"}
	for _, name := range people {
		for _, other := range people {
			if may := g.listens(name, "_INBOX."+other+".>"); may != (name == other) {
				t.Errorf("%s listens to the inbox of %s: %t", name, other, may)
			}
		}
		for _, subject := range []string{"_INBOX.>", "_INBOX.*", "_INBOX.*.>", ">"} {
			if g.listens(name, subject) {
				t.Errorf("%s listens to %s", name, subject)
			}
		}
	}
	// An answer in an account goes to every user that listens to its subject. Only the
	// prefix keeps them apart.
	analytics := g.connect("analytics")
	inbox := analytics.NewRespInbox()
	heard, err := analytics.SubscribeSync(inbox)
	if err == nil {
		err = analytics.Flush() // it listens before the first question
	}
	if err != nil {
		t.Fatal(err)
	}
	nc := g.connect("support")
	if err := nc.PublishRequest("staffetta.query.health", inbox, nil); err != nil {
		t.Fatal(err)
	}
	if m, err := heard.NextMsg(10 * time.Second); err != nil || !strings.Contains(string(m.Data), `"ready":true`) {
		t.Errorf("what support asks for, to an inbox under analytics' prefix: %v, %v", m, err)
	}
}

// The second of two messages with one id is dropped while the server remembers the
// first, whichever user sent it. Our own clients send no ids.
func TestTheSecondOfTwoMessagesWithOneIDIsSwallowed(t *testing.T) {
	t.Parallel()
	g := guard(t)
	mine, theirs := g.js("shop-italia"), g.js(another)
	send := func(js jetstream.JetStream, source, id string) *jetstream.PubAck {
		ack, err := js.Publish(t.Context(), "campaign.v1.request."+source+"."+id, nil, jetstream.WithMsgID(id))
		if err != nil {
			t.Fatal(err)
		}
		return ack
	}
	// The machine may be slower than the server's 0.1 s, for once.
	for until, n := time.Now().Add(10*time.Second), 0; ; n++ {
		id := "same" + strings.Repeat("x", n)
		send(mine, "shop-italia", id)
		if send(theirs, another, id).Duplicate {
			break
		}
		if time.Now().After(until) {
			t.Fatal("the second is never swallowed: say so in docs/security.md")
		}
	}

	placed, err := g.client("shop-italia").Request(t.Context(), &campaignv1.CampaignRequested{
		Source: "shop-italia", RequestId: "bf", Name: "Black Friday", Sender: "Shop", Text: "Ciao", ContactListId: 87,
		Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := g.js("operator").Stream(t.Context(), streams.Requests)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := s.GetMsg(t.Context(), placed.Sequence); err != nil || m.Header.Get(jetstream.MsgIDHeader) != "" {
		t.Errorf("our client's request: %+v, %v", m, err)
	}
}

// print writes the accounts that follow from the table into the server's file.
func (g *guarded) print() {
	g.t.Helper()
	conf := "listen: 127.0.0.1:-1\njetstream { store_dir: \"" + g.dir + "\" }\n" + g.table.Print("access.yaml")
	if err := os.WriteFile(g.file, []byte(conf), 0o600); err != nil {
		g.t.Fatal(err)
	}
}
