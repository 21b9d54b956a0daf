package integration

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// What deploy/nats/accounts.conf lets each user do, and what it does not.
func TestAccounts(t *testing.T) {
	t.Parallel()
	s := startNATS(t, newNetwork(t), 1)
	makeStreams(t, s)
	operator := streamClient(t, s.connect(t, userOperator))
	for _, source := range []string{"shop-italia", "acqualuce-billing"} {
		if _, err := operator.Publish(t.Context(), "campaign.v1.event."+source+".bf.confirmed.1", nil); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("NobodyComesInWithoutAKey", func(t *testing.T) {
		if nc, err := nats.Connect(s.urls(t)[0]); err == nil {
			nc.Close()
			t.Error("a connection without a key was let in")
		}
	})

	t.Run("SourceAsksUnderItsOwnNameOnly", func(t *testing.T) {
		shop := s.connect(t, userShop)
		js := streamClient(t, shop)
		if _, err := js.Publish(t.Context(), "campaign.v1.request.shop-italia.bf", nil); err != nil {
			t.Errorf("its own request: %v", err)
		}
		if _, err := js.Publish(t.Context(), "campaign.v1.command.shop-italia.bf.cancel", nil); err != nil {
			t.Errorf("its own cancel: %v", err)
		}
		for _, subject := range []string{
			"campaign.v1.request.acqualuce-billing.bf", "campaign.v1.command.acqualuce-billing.bf.cancel",
			"campaign.v1.command.shop-italia.bf.approve", "campaign.v1.event.shop-italia.bf.confirmed.2",
			"campaign.v1.wakeup.shop-italia.bf", "$KV.campaigns.shop-italia.bf", "$JS.API.STREAM.DELETE.CAMPAIGN_REQUESTS",
		} {
			denied(t, shop, subject, func() error { return shop.Publish(subject, nil) })
		}
	})

	t.Run("SourceReadsWhatHappenedToItsOwnOnly", func(t *testing.T) {
		shop := s.connect(t, userShop)
		if got := subjects(t, shop, "shop-italia", "campaign.v1.event.shop-italia.>"); len(got) != 1 || !strings.HasPrefix(got[0], "campaign.v1.event.shop-italia.") {
			t.Errorf("its durable consumer gives %v, want its own event", got)
		}
		for _, subject := range []string{"campaign.v1.event.>", "campaign.v1.event.acqualuce-billing.>", "campaign.v1.request.>", "_INBOX.>", ">"} {
			denied(t, shop, subject, func() error { _, err := shop.SubscribeSync(subject); return err })
		}
		for _, subject := range []string{
			"$JS.API.CONSUMER.CREATE.CAMPAIGN_EVENTS.shop-italia.campaign.v1.event.>",
			"$JS.API.CONSUMER.MSG.NEXT.CAMPAIGN_EVENTS.analytics",
			"$JS.API.DIRECT.GET.CAMPAIGN_EVENTS", "$JS.API.STREAM.MSG.GET.KV_campaigns",
		} {
			denied(t, shop, subject, func() error { return shop.Publish(subject, nil) })
		}
	})

	// A source keeps its own schedules. What it may spend is not its own business.
	t.Run("SourceKeepsItsOwnSchedulesAndNoBudget", func(t *testing.T) {
		shop := s.connect(t, userShop)
		mine := schedule.Key{Source: "shop-italia", ID: "monday"}
		putSchedule(t, shop, mine)
		putSchedule(t, s.connect(t, userOperator), schedule.Key{Source: "acqualuce-billing", ID: "bills"})
		c, err := journal.NewClient(shop)
		if err != nil {
			t.Fatal(err)
		}
		r, rev, err := c.Schedule(t.Context(), mine)
		if err != nil || r.ChangedBy != "anna" {
			t.Errorf("its own schedule: %+v, %v", r, err)
		}
		var listed []string
		for r, err := range c.Schedules(t.Context(), "shop-italia") {
			if err != nil {
				t.Errorf("list: %v", err)
			}
			listed = append(listed, r.Key.String())
		}
		if !slices.Equal(listed, []string{"shop-italia.monday"}) {
			t.Errorf("its schedules are %v", listed)
		}
		if err := c.PutSchedule(t.Context(), r.Pause("anna", time.Now()), rev); err != nil {
			t.Errorf("pause: %v", err)
		}
		for _, subject := range []string{
			"$KV.schedules.acqualuce-billing.bills", "campaign.v1.schedule.wakeup.acqualuce-billing.bills", "campaign.v1.schedule.timer.shop-italia.monday.1",
			"$JS.API.CONSUMER.CREATE.KV_schedules.mine.$KV.schedules.>", "$JS.API.CONSUMER.CREATE.KV_schedules.mine.$KV.schedules.acqualuce-billing.bills",
			"$JS.API.STREAM.MSG.GET.KV_schedules", "$JS.API.DIRECT.GET.KV_schedules", "$JS.API.STREAM.PURGE.KV_schedules",
			"$KV.budgets.definition.source.shop-italia", "$KV.budgets.ledger.source.shop-italia.2026-11", "$JS.API.STREAM.MSG.GET.KV_budgets",
			"campaign.v1.budgets.heeding", "campaign.v1.budgets.heeding.answer.x",
		} {
			denied(t, shop, subject, func() error { return shop.Publish(subject, nil) })
		}
	})

	// The permission is on the subject of the call; what the call asks for is in
	// its body. The server has to hold the two together.
	t.Run("FilterInTheBodyCannotBeWiderThanInTheSubject", func(t *testing.T) {
		shop := s.connect(t, userShop)
		ask, err := json.Marshal(map[string]any{"stream_name": "CAMPAIGN_EVENTS", "config": map[string]any{
			"durable_name": "shop-italia", "ack_policy": "explicit", "filter_subject": "campaign.v1.event.>",
		}})
		if err != nil {
			t.Fatal(err)
		}
		reply, err := shop.Request("$JS.API.CONSUMER.CREATE.CAMPAIGN_EVENTS.shop-italia.campaign.v1.event.shop-italia.>", ask, patience)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(reply.Data), `"error"`) {
			t.Errorf("a consumer for everybody's events was made: %s", reply.Data)
		}
	})

	t.Run("AnalyticsReadsEverythingAndWritesNothing", func(t *testing.T) {
		analytics := s.connect(t, userAnalytics)
		if got := subjects(t, analytics, "analytics", "campaign.v1.event.>"); len(got) != 2 {
			t.Errorf("its durable consumer gives %v, want both events", got)
		}
		for _, subject := range []string{"campaign.v1.request.shop-italia.bf", "campaign.v1.event.shop-italia.bf.confirmed.2"} {
			denied(t, analytics, subject, func() error { return analytics.Publish(subject, nil) })
		}
	})

	t.Run("SupportTellsCampaignsAndReadsEverything", func(t *testing.T) {
		support := s.connect(t, userSupport)
		js := streamClient(t, support)
		key := campaign.Key{Source: "acqualuce-billing", RequestID: "bf"}
		for _, verb := range []string{"cancel", "approve", "decline", "resolve"} {
			if _, err := js.Publish(t.Context(), "campaign.v1.command."+key.String()+"."+verb, nil); err != nil {
				t.Errorf("its %s: %v", verb, err)
			}
		}
		for _, subject := range []string{
			"campaign.v1.command.shop-italia.bf.anything", "campaign.v1.event.shop-italia.bf.confirmed.2", "campaign.v1.wakeup.shop-italia.bf",
			"campaign.v1.dead.shop-italia.bf", "$KV.campaigns.shop-italia.bf", "$JS.API.STREAM.DELETE.CAMPAIGN_REQUESTS",
			"$KV.budgets.definition.source.shop-italia", "$KV.budgets.definition.account", "$KV.budgets.ledger.source.shop-italia.2026-11",
			"campaign.v1.budgets.heeding.answer.x",
			"$JS.API.CONSUMER.MSG.NEXT.CAMPAIGN_REQUESTS.requests", "$JS.API.CONSUMER.DELETE.CAMPAIGN_WAKEUPS.wakeups",
			"$JS.API.CONSUMER.CREATE.CAMPAIGN_WAKEUPS.commands.campaign.v1.command.>", "$JS.API.CONSUMER.MSG.NEXT.SCHEDULE_WAKEUPS.schedules",
			"$JS.API.CONSUMER.DELETE.SCHEDULE_WAKEUPS.schedules",
		} {
			denied(t, support, subject, func() error { return support.Publish(subject, nil) })
		}
		putSchedule(t, support, schedule.Key{Source: "shop-italia", ID: "friday"})
		c, err := journal.NewClient(support)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range c.Entries(t.Context(), "") {
			if err != nil {
				t.Errorf("list: %v", err)
			}
		}
		for _, err := range c.Letters(t.Context(), journal.LetterFilter{}) {
			if err != nil {
				t.Errorf("dead letters: %v", err)
			}
		}
		n := 0
		for _, err := range c.Watch(t.Context(), journal.WatchOptions{}) {
			if n++; err != nil {
				t.Errorf("events: %v", err)
			}
		}
		if n != 2 {
			t.Errorf("%d events, want both", n)
		}
		if told, err := c.Commands(t.Context(), key); err != nil || len(told) != 4 {
			t.Errorf("%d commands, %v", len(told), err)
		}
		if asked, err := c.Requests(t.Context(), campaign.Key{Source: "shop-italia", RequestID: "bf"}); err != nil || len(asked) != 1 {
			t.Errorf("%d requests, %v", len(asked), err)
		}
		if _, err := c.Turn(t.Context(), 1); err != nil {
			t.Errorf("the queue: %v", err)
		}
		if _, _, err := c.Get(t.Context(), key); !errors.Is(err, journal.ErrNoRecord) {
			t.Errorf("the record: %v", err)
		}
		if _, err := c.Letter(t.Context(), 1); !errors.Is(err, journal.ErrNoLetter) {
			t.Errorf("one dead letter: %v", err)
		}
	})

	t.Run("ServiceCannotRemoveWhatItKeeps", func(t *testing.T) {
		service := s.connect(t, userService)
		for _, subject := range []string{
			"$JS.API.STREAM.DELETE.KV_campaigns", "$JS.API.STREAM.PURGE.KV_campaigns", "$JS.API.STREAM.UPDATE.KV_campaigns",
			"$JS.API.STREAM.MSG.DELETE.KV_campaigns",
		} {
			denied(t, service, subject, func() error { return service.Publish(subject, nil) })
		}
	})
}

// makeStreams makes the streams as the service does, with the service's rights.
func makeStreams(t *testing.T, s *servers) {
	t.Helper()
	nc, err := nats.Connect(s.urls(t)[0], nats.Nkey(s.public(t, userService), s.users[userService].Sign), nats.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	j, err := journal.Open(t.Context(), nc, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Schedules(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.OpenBudgets(t.Context(), nc, 1); err != nil {
		t.Fatal(err)
	}
	j.Close()
}

// putSchedule writes a new schedule with the rights of a connection.
func putSchedule(t *testing.T, nc *nats.Conn, key schedule.Key) {
	t.Helper()
	c, err := journal.NewClient(nc)
	if err != nil {
		t.Fatal(err)
	}
	r, err := schedule.New(schedule.Schedule{
		Key: key, Zone: "Europe/Rome", At: 9 * 60, Request: json.RawMessage(`{"name":"Promemoria","sender":"Bianchi","text":"Ciao","contactListId":"88"}`),
	}, "anna", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.PutSchedule(t.Context(), r, runner.Revision{}); err != nil {
		t.Errorf("write schedule %s: %v", key, err)
	}
}

// denied checks that the server says no to something that names a subject.
func denied(t *testing.T, nc *nats.Conn, subject string, do func() error) {
	t.Helper()
	said := make(chan error, 16)
	nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { said <- err })
	if err := do(); err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
	// The server answers in order: what it says to the flush, it says after the no.
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-said:
		if !strings.Contains(err.Error(), `"`+subject+`"`) {
			t.Errorf("%s: the server says %v", subject, err)
		}
	case <-time.After(5 * time.Second): // the client hands it over in its own time
		t.Errorf("%s is allowed, want it denied", subject)
	}
}

// subjects are those of the events that a durable consumer has for a user.
func subjects(t *testing.T, nc *nats.Conn, durable, filter string) []string {
	t.Helper()
	cons, err := streamClient(t, nc).CreateOrUpdateConsumer(t.Context(), "CAMPAIGN_EVENTS", jetstream.ConsumerConfig{
		Durable: durable, FilterSubject: filter, AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		t.Fatalf("consumer %s: %v", durable, err)
	}
	batch, err := cons.FetchNoWait(100)
	if err != nil {
		t.Fatalf("consumer %s: %v", durable, err)
	}
	var got []string
	for m := range batch.Messages() {
		got = append(got, m.Subject())
		if err := m.DoubleAck(t.Context()); err != nil {
			t.Errorf("acknowledge %s: %v", m.Subject(), err)
		}
	}
	if err := batch.Error(); err != nil {
		t.Fatalf("consumer %s: %v", durable, err)
	}
	return got
}
