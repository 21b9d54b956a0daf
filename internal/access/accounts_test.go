package access_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/access"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// fill puts something of each user into the streams, which can be lost.
func (g *guarded) fill() {
	g.t.Helper()
	js := g.js("staffetta")
	for _, subject := range []string{
		"$KV.campaigns.acqualuce-billing.bf", "campaign.v1.event.acqualuce-billing.bf.cancelled.1", "campaign.v1.event.shop-italia.bf.cancelled.1",
		"$KV.budgets.definition.source.shop-italia", "$KV.schedules.acqualuce-billing.bills", "campaign.v1.dead.acqualuce-billing.bf",
		"campaign.v1.request.acqualuce-billing.bf", "campaign.v1.command.acqualuce-billing.bf.cancel.acqualuce-billing",
		"campaign.v1.audience.acqualuce-billing.0a.1",
	} {
		if _, err := js.Publish(g.t.Context(), subject, []byte("theirs")); err != nil {
			g.t.Fatal(err)
		}
	}
	timer := nats.NewMsg("campaign.v1.timer.acqualuce-billing.bf.1")
	timer.Header.Set("Nats-Schedule", "@at "+time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano))
	timer.Header.Set("Nats-Schedule-Target", "campaign.v1.wakeup.acqualuce-billing.bf")
	if _, err := js.PublishMsg(g.t.Context(), timer); err != nil {
		g.t.Fatal(err)
	}
}

// What each user may publish to, as the file says, and what it may then add to a
// stream.
var allowed = map[string][]string{
	"shop-italia": {
		"campaign.v1.request.shop-italia.x", "campaign.v1.audience.shop-italia.0a.1", "campaign.v1.command.shop-italia.x.cancel.shop-italia",
		"campaign.v1.command.shop-italia.@standing.add-schedule.shop-italia", "campaign.v1.command.shop-italia.@standing.remove-schedule.shop-italia",
		"staffetta.api.CONSUMER.INFO.CAMPAIGN_EVENTS.shop-italia", "staffetta.api.CONSUMER.MSG.NEXT.CAMPAIGN_EVENTS.shop-italia",
		"$JS.ACK.CAMPAIGN_EVENTS.shop-italia.1.1.1.1.1", "$SYS.REQ.USER.INFO", "staffetta.query.health",
	},
	"support": {
		"campaign.v1.request.shop-italia.x", "campaign.v1.audience.shop-italia.0b.1", "campaign.v1.command.shop-italia.x.cancel.support", "campaign.v1.command.shop-italia.x.approve.support",
		"campaign.v1.command.@all.@standing.hold.support", "campaign.v1.command.acqualuce-billing.@standing.release.support",
		"staffetta.api.STREAM.INFO.KV_budgets", "staffetta.api.STREAM.MSG.GET.KV_campaigns", "staffetta.api.CONSUMER.INFO.CAMPAIGN_REQUESTS.requests",
		"staffetta.api.DIRECT.GET.CAMPAIGN_EVENTS", "staffetta.api.DIRECT.GET.CAMPAIGN_EVENTS.campaign.v1.event.shop-italia.bf.cancelled.1", "$SYS.REQ.USER.INFO", "staffetta.query.health",
	},
	"finance": {"campaign.v1.command.@all.@standing.set-budget.finance", "campaign.v1.command.shop-italia.@standing.remove-budget.finance", "staffetta.query.outcome"},
	"analytics": {
		"staffetta.api.CONSUMER.INFO.CAMPAIGN_EVENTS.analytics", "staffetta.api.CONSUMER.MSG.NEXT.CAMPAIGN_EVENTS.analytics",
		"$JS.ACK.CAMPAIGN_EVENTS.analytics.1.1.1.1.1", "$SYS.REQ.USER.INFO",
	},
}

// With one shared account, a user could do all this to others. Each user that is not
// trusted with the streams tries it with the printed configuration.
func TestNobodyActsOnWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	g := guard(t)
	g.fill()
	// What an attacker would want to be written.
	targets := []string{
		"$KV.campaigns.acqualuce-billing.bf", "campaign.v1.event.acqualuce-billing.bf.confirmed.1", "campaign.v1.event.shop-italia.bf.confirmed.1",
		"campaign.v1.command.acqualuce-billing.bf.cancel.support", "campaign.v1.command.shop-italia.bf.approve.support",
		"campaign.v1.command.acqualuce-billing.bf.cancel.acqualuce-billing", "campaign.v1.request.acqualuce-billing.bf",
		"campaign.v1.audience.acqualuce-billing.0a.1",
		"campaign.v1.command.@all.@standing.hold.support", "campaign.v1.command.@all.@standing.set-budget.finance",
		"campaign.v1.command.shop-italia.@standing.add-schedule.shop-italia", "campaign.v1.event.@all.@standing.held.1",
		"$KV.campaigns.hold", "$KV.budgets.definition.source.shop-italia", "$KV.schedules.acqualuce-billing.bills", "campaign.v1.wakeup.acqualuce-billing.bf",
	}
	var mine []string
	for _, subjects := range allowed {
		mine = append(mine, subjects...)
	}
	before := g.state(mine...)
	unchanged := func(t *testing.T) {
		t.Helper()
		if diff := cmp.Diff(before, g.state(mine...)); diff != "" {
			t.Errorf("what is not theirs (-before +after):\n%s", diff)
		}
	}
	each := func(t *testing.T, try func(*testing.T, string, *nats.Conn)) {
		t.Helper()
		for name := range allowed {
			try(t, name, g.connect(name))
		}
		unchanged(t)
	}

	t.Run("ByTheSubjectOfTheAnswer", func(t *testing.T) {
		each(t, func(t *testing.T, name string, nc *nats.Conn) {
			for _, subject := range allowed[name] {
				for _, target := range targets {
					if err := nc.PublishMsg(&nats.Msg{Subject: subject, Reply: target, Data: []byte(`{"last_by_subj":"$KV.campaigns.acqualuce-billing.bf"}`)}); err != nil {
						t.Fatal(err)
					}
				}
				if strings.HasPrefix(subject, "$JS.ACK.") {
					continue // there is an answer only if there is such a message
				}
				// This is answered after all of them.
				if said := g.says(nc, nats.NewMsg(subject)); said == "no responders" || strings.Contains(said, "ermissions") {
					t.Errorf("%s on %s: %s", name, subject, said)
				}
			}
		})
	})
	t.Run("ByAHeader", func(t *testing.T) {
		at := "@at " + time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano)
		each(t, func(t *testing.T, name string, nc *nats.Conn) {
			for _, subject := range allowed[name] {
				if !strings.HasPrefix(subject, "campaign.") {
					continue
				}
				for _, target := range targets {
					for what, h := range map[string]nats.Header{
						"a schedule":           {"Nats-Schedule": {at}, "Nats-Schedule-Target": {target}},
						"a schedule's roll-up": {"Nats-Schedule": {at}, "Nats-Schedule-Target": {target}, "Nats-Schedule-Rollup": {"sub"}},
						"a roll-up of all":     {"Nats-Rollup": {"all"}},
						"a roll-up of one":     {"Nats-Rollup": {"sub"}},
						"a time to live":       {"Nats-TTL": {"1s"}},
					} {
						if said := g.says(nc, &nats.Msg{Subject: subject, Header: h}); !strings.Contains(said, `"err_code"`) {
							t.Errorf("%s on %s with %s: %q, want it refused", name, subject, what, said)
						}
					}
				}
			}
		})
	})
	t.Run("ByAConsumerOfTheirOwnOrOfAnother", func(t *testing.T) {
		push, err := json.Marshal(map[string]any{"stream_name": "CAMPAIGN_EVENTS", "config": map[string]any{
			"name": "x", "deliver_subject": "campaign.v1.event.shop-italia.bf.confirmed.1", "idle_heartbeat": 100_000_000,
		}})
		if err != nil {
			t.Fatal(err)
		}
		each(t, func(t *testing.T, name string, nc *nats.Conn) {
			for _, prefix := range []string{"$JS.API.", streams.APIPrefix + "."} {
				for _, call := range []string{
					"CONSUMER.CREATE.CAMPAIGN_EVENTS", "CONSUMER.CREATE.CAMPAIGN_EVENTS.x", "CONSUMER.CREATE.CAMPAIGN_EVENTS.x.campaign.v1.event.shop-italia.>",
					"CONSUMER.CREATE.CAMPAIGN_EVENTS." + name, "CONSUMER.DURABLE.CREATE.CAMPAIGN_EVENTS.x", "CONSUMER.DELETE.CAMPAIGN_EVENTS." + name,
					"CONSUMER.DELETE.CAMPAIGN_REQUESTS.requests", "CONSUMER.MSG.NEXT.CAMPAIGN_REQUESTS.requests", "CONSUMER.MSG.NEXT.CAMPAIGN_COMMANDS.commands",
					"CONSUMER.MSG.NEXT.CAMPAIGN_EVENTS.acqualuce-billing", "CONSUMER.INFO.KV_schedules.x", "CONSUMER.MSG.NEXT.KV_schedules.x", "CONSUMER.DELETE.KV_schedules.x",
					"CONSUMER.PAUSE.CAMPAIGN_REQUESTS.requests", "CONSUMER.RESET.CAMPAIGN_EVENTS." + name,
				} {
					if said := g.says(nc, &nats.Msg{Subject: prefix + call, Data: push}); !strings.Contains(said, "ermissions") {
						t.Errorf("%s on %s: %q, want it refused", name, prefix+call, said)
					}
				}
			}
		})
	})
	t.Run("ByAReadOrAChangeOfAStream", func(t *testing.T) {
		each(t, func(t *testing.T, name string, nc *nats.Conn) {
			for _, subject := range []string{
				"$JS.API.STREAM.DELETE.CAMPAIGN_REQUESTS",
				"$JS.API.STREAM.PURGE.CAMPAIGN_REQUESTS", "$JS.API.STREAM.UPDATE.CAMPAIGN_COMMANDS", "$JS.API.STREAM.CREATE.MINE",
				"$JS.API.STREAM.MSG.DELETE.CAMPAIGN_REQUESTS", "$JS.API.STREAM.SNAPSHOT.KV_campaigns", "$JS.API.STREAM.RESTORE.KV_campaigns", "$JS.API.STREAM.NAMES",
			} {
				if said := g.says(nc, nats.NewMsg(subject)); !strings.Contains(said, "ermissions") {
					t.Errorf("%s on %s: %q, want it refused", name, subject, said)
				}
			}
			if name == "support" {
				return
			}
			for _, subject := range []string{"$JS.API.STREAM.MSG.GET.KV_campaigns", "$JS.API.DIRECT.GET.CAMPAIGN_EVENTS", "$JS.API.DIRECT.GET.CAMPAIGN_REQUESTS"} {
				if said := g.says(nc, nats.NewMsg(subject)); !strings.Contains(said, "ermissions") {
					t.Errorf("%s on %s: %q, want it refused", name, subject, said)
				}
			}
		})
	})
	t.Run("ByWritingIt", func(t *testing.T) {
		each(t, func(t *testing.T, name string, nc *nats.Conn) {
			for _, target := range append(targets, "campaign.v1.dead.shop-italia.bf", "campaign.v1.budgets.heeding", "campaign.v1.schedule.wakeup.shop-italia.x") {
				if slices.Contains([]string{"support/campaign.v1.command.acqualuce-billing.bf.cancel.support", "support/campaign.v1.command.shop-italia.bf.approve.support",
					"support/campaign.v1.request.acqualuce-billing.bf", "support/campaign.v1.audience.acqualuce-billing.0a.1", "support/campaign.v1.command.@all.@standing.hold.support",
					"finance/campaign.v1.command.@all.@standing.set-budget.finance", "shop-italia/campaign.v1.command.shop-italia.@standing.add-schedule.shop-italia"}, name+"/"+target) {
					continue // it may
				}
				if said := g.says(nc, nats.NewMsg(target)); !strings.Contains(said, "ermissions") {
					t.Errorf("%s on %s: %q, want it refused", name, target, said)
				}
			}
		})
	})
	t.Run("ByTheIDOfAMessage", func(t *testing.T) {
		// The second of two with one id is swallowed for as long as the server's
		// shortest window, 0.1 s; it was two minutes.
		send := func(source string) *jetstream.PubAck {
			ack, err := g.js(source).Publish(t.Context(), "campaign.v1.request."+source+".same", nil, jetstream.WithMsgID("same"))
			if err != nil {
				t.Fatal(err)
			}
			return ack
		}
		send("shop-italia")
		for until := time.Now().Add(10 * time.Second); send(another).Duplicate; {
			if time.Now().After(until) {
				t.Fatal("another source's request is still swallowed")
			}
		}
	})
}

// Each user × each verb × under its own name or another's.
func TestWhoTellsWhat(t *testing.T) {
	t.Parallel()
	g := guard(t)
	may := map[string]bool{
		"shop-italia cancel shop-italia.bf":    true,
		another + " cancel " + another + ".bf": true,
	}
	for _, verb := range []string{"approve", "cancel", "decline", "follow", "proof", "resolve"} {
		for _, key := range []string{"shop-italia.bf", another + ".bf"} {
			may["support "+verb+" "+key] = true
			may["operator "+verb+" "+key] = true
		}
	}
	for _, name := range names(g) {
		if name == "staffetta" {
			continue // it may write anything, and its word is believed
		}
		nc := g.connect(name)
		for _, verb := range append(contract.Verbs(), "anything") {
			for _, key := range []string{"shop-italia.bf", another + ".bf"} {
				want := may[fmt.Sprintf("%s %s %s", name, verb, key)] || name == "operator"
				subject := "campaign.v1.command." + key + "." + verb + "."
				if said := g.says(nc, nats.NewMsg(subject+name)); (said == "") != want {
					t.Errorf("%s tells %s %s: %q, want allowed: %t", name, key, verb, said, want)
				}
				for _, other := range names(g) {
					if said := g.says(nc, nats.NewMsg(subject+other)); other != name && name != "operator" && said == "" {
						t.Errorf("%s tells %s %s as %s", name, key, verb, other)
					}
				}
				// Without an actor in the subject it would come from no proven person.
				if said := g.says(nc, nats.NewMsg("campaign.v1.command."+key+"."+verb)); name != "operator" && said == "" {
					t.Errorf("%s tells %s %s without a name", name, key, verb)
				}
			}
		}
	}
}

// Each user × each standing order × for each source and for all, under its own name or
// another's: holds, budgets, schedules.
func TestWhoLaysDownWhat(t *testing.T) {
	t.Parallel()
	g := guard(t)
	may := func(name, verb, source string) bool {
		switch name {
		case "operator":
			return true
		case "support":
			return verb == "hold" || verb == "release"
		case "finance":
			return verb == "set-budget" || verb == "remove-budget"
		}
		return name == source && strings.HasSuffix(verb, "-schedule")
	}
	for _, name := range names(g) {
		if name == "staffetta" {
			continue // it may write anything, and its word is believed
		}
		nc := g.connect(name)
		for _, verb := range append(contract.StandingVerbs(), "cancel", "anything") {
			for _, source := range []string{"shop-italia", another, "@all"} {
				subject := "campaign.v1.command." + source + ".@standing." + verb
				// Such a cancel names no campaign: a user with the right to cancel gets
				// a dead letter.
				want := may(name, verb, source) || verb == "cancel" && (name == "support" || name == source)
				if said := g.says(nc, nats.NewMsg(subject+"."+name)); (said == "") != want {
					t.Errorf("%s lays down %s for %s: %q, want allowed: %t", name, verb, source, said, want)
				}
				for _, other := range names(g) {
					if said := g.says(nc, nats.NewMsg(subject+"."+other)); other != name && name != "operator" && said == "" {
						t.Errorf("%s lays down %s for %s as %s", name, verb, source, other)
					}
				}
				if said := g.says(nc, nats.NewMsg(subject)); name != "operator" && said == "" {
					t.Errorf("%s lays down %s for %s without a name", name, verb, source)
				}
			}
		}
	}
}

// What each user needs still works, with clients that know nothing of all this.
func TestWhatEachIsFor(t *testing.T) {
	t.Parallel()
	g := guard(t)
	shop := g.connect("shop-italia")
	live, err := shop.SubscribeSync("campaign.v1.event.shop-italia.>")
	if err == nil {
		err = shop.Flush() // it listens before anything is published
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := live.SetPendingLimits(-1, -1); err != nil {
		t.Fatal(err)
	}
	g.fill()
	if m, err := live.NextMsg(5 * time.Second); err != nil || m.Subject != "campaign.v1.event.shop-italia.bf.cancelled.1" {
		t.Errorf("live: %v, %v", m, err)
	}
	service := g.js("staffetta")
	const many = 500
	for i := range many {
		for _, source := range []string{"shop-italia", another} {
			if _, err := service.PublishAsync(fmt.Sprintf("campaign.v1.event.%s.n%d.confirmed.1", source, i), []byte("told")); err != nil {
				t.Fatal(err)
			}
		}
	}
	select {
	case <-service.PublishAsyncComplete():
	case <-time.After(20 * time.Second):
		t.Fatal("the events are not stored")
	}
	for name, want := range map[string]int{"shop-italia": many + 1, "analytics": 2*many + 2} {
		js, err := jetstream.NewWithAPIPrefix(g.connect(name), streams.APIPrefix)
		if err != nil {
			t.Fatal(err)
		}
		cons, err := js.Consumer(t.Context(), streams.Events, name)
		if err != nil {
			t.Fatalf("consumer %s: %v", name, err)
		}
		got := 0
		for got < want {
			batch, err := cons.Fetch(200, jetstream.FetchMaxWait(5*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			before := got
			for m := range batch.Messages() {
				got++
				if name == "shop-italia" && !strings.HasPrefix(m.Subject(), "campaign.v1.event.shop-italia.") {
					t.Errorf("it reads %s", m.Subject())
				}
				if err := m.DoubleAck(t.Context()); err != nil {
					t.Fatalf("acknowledge: %v", err)
				}
			}
			if got == before {
				break
			}
		}
		if info, err := cons.Info(t.Context()); err != nil || got != want || info.NumPending != 0 || info.NumAckPending != 0 {
			t.Errorf("%s read %d of %d events, then %+v, %v", name, got, want, info, err)
		}
	}
	for name, subject := range map[string]string{"shop-italia": "campaign.v1.event.>", another: "campaign.v1.event.shop-italia.>", "support": "_INBOX.>", "analytics": ">"} {
		if g.listens(name, subject) {
			t.Errorf("%s listens to %s", name, subject)
		}
	}
	if nc, err := nats.Connect(g.s.ClientURL()); err == nil {
		nc.Close()
		t.Error("a connection without a key was let in")
	}
}

// The service has no right to remove what it stores.
func TestServiceCannotRemoveWhatItKeeps(t *testing.T) {
	t.Parallel()
	g := guard(t)
	nc := g.connect("staffetta")
	for _, call := range []string{"DELETE", "PURGE", "UPDATE", "MSG.DELETE"} {
		if said := g.says(nc, nats.NewMsg("$JS.API.STREAM."+call+".KV_campaigns")); !strings.Contains(said, "ermissions") {
			t.Errorf("%s: %q, want it refused", call, said)
		}
	}
}

// Texts are forgotten by themselves only if the table says so.
func TestServiceErasesWhereTheTableSaysSo(t *testing.T) {
	t.Parallel()
	kept := journal.Options{Retention: time.Hour}
	_, err := journal.Open(t.Context(), guard(t).connect("staffetta"), kept)
	if err == nil || !strings.Contains(err.Error(), "retention.text") || !strings.Contains(err.Error(), "erases: true") {
		t.Errorf("without the right it starts, or says %v", err)
	}
	g := guard(t, func(tab *access.Table) { tab.Erases = true })
	g.fill()
	nc := g.connect("staffetta")
	j, err := journal.Open(t.Context(), nc, kept)
	if err != nil {
		t.Fatal(err)
	}
	j.Close()
	for stream, may := range map[string]bool{"CAMPAIGN_REQUESTS": true, "CAMPAIGN_DEAD_LETTERS": true, "CAMPAIGN_AUDIENCES": true, "CAMPAIGN_EVENTS": false, "CAMPAIGN_COMMANDS": false, "KV_campaigns": false} {
		if said := g.says(nc, &nats.Msg{Subject: "$JS.API.STREAM.MSG.DELETE." + stream, Header: nats.Header{}, Data: []byte(`{"seq":1}`)}); may != (said == "") || may == strings.Contains(said, "ermissions") {
			t.Errorf("erase a message of %s: %q", stream, said)
		}
	}
}

// Support reads everything with the commands that people use, and makes no consumer.
func TestSupportReadsEverything(t *testing.T) {
	t.Parallel()
	g := guard(t)
	g.fill()
	c := g.client("support")
	theirs := campaign.Key{Source: another, RequestID: "bf"}
	if told, err := c.Commands(t.Context(), theirs); err != nil || len(told) != 1 {
		t.Errorf("%d commands, %v", len(told), err)
	}
	if asked, err := c.Requests(t.Context(), theirs); err != nil || len(asked) != 1 {
		t.Errorf("%d requests, %v", len(asked), err)
	}
	letters, events := 0, 0
	for _, err := range c.Letters(t.Context(), client.LetterFilter{}) {
		if letters++; err != nil {
			t.Errorf("dead letters: %v", err)
		}
	}
	for _, err := range c.Watch(t.Context(), client.WatchOptions{}) {
		events++
		_ = err // they are no protobuf
	}
	if letters != 1 || events == 0 {
		t.Errorf("%d dead letters and %d events", letters, events)
	}
	if at, err := c.Armed(t.Context(), theirs); err != nil || at.IsZero() {
		t.Errorf("its timer: %s, %v", at, err)
	}
	if _, err := c.QueuePlace(t.Context(), "shop-italia", 1); err != nil {
		t.Errorf("the queue: %v", err)
	}
	if _, _, err := c.Get(t.Context(), campaign.Key{Source: "shop-italia", RequestID: "none"}); !errors.Is(err, client.ErrNoRecord) {
		t.Errorf("the record: %v", err)
	}
	if _, err := c.Letter(t.Context(), 7); !errors.Is(err, client.ErrNoLetter) {
		t.Errorf("one dead letter: %v", err)
	}
}
