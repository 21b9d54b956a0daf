package app_test

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
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/query"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Both ways to an answer give the same: the streams and the service that reads them.
func TestReaders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, source := range []string{"shop-italia", another} {
		h.key.Source = source
		h.state("bf-2026", campaign.Completed)
	}
	c := h.as("operator")
	letters, err := c.Reader().DLQ(t.Context(), query.DLQAsk{Key: "shop-italia.broken"})
	if err != nil || len(letters.Letters) != 1 {
		t.Fatalf("%+v, %v", letters, err)
	}
	key, placed := campaign.Key{Source: "shop-italia", RequestID: "broken"}, client.Placed{Stream: letters.Letters[0].Stream, Sequence: letters.Letters[0].Sequence}
	if l, found, err := c.LetterOf(t.Context(), key, placed); err != nil || !found || l.ID != letters.Letters[0].ID {
		t.Errorf("the letter that a message became: %+v, %v, %v", l, found, err)
	}
	placed.Sequence++
	if l, found, err := c.LetterOf(t.Context(), key, placed); err != nil || found {
		t.Errorf("the letter of another message: %+v, %v, %v", l, found, err)
	}
	readers := map[string]query.Reader{"Streams": c.FromStreams(query.InMemory), "Service": c.FromService(), "Either": c.Reader(), "People": h.as("support").FromService()}
	answers := map[string]map[string]string{}
	for name, r := range readers {
		answers[name] = map[string]string{}
		t.Run(name, func(t *testing.T) { promises(t, r, answers[name]) })
	}
	for name := range readers {
		if diff := cmp.Diff(answers["Streams"], answers[name]); diff != "" {
			t.Errorf("-Streams +%s:\n%s", name, diff)
		}
	}
}

// promises is the contract of [query.Reader], in the house of newHouse. It keeps each
// answer.
func promises(t *testing.T, r query.Reader, answers map[string]string) {
	ctx := t.Context()
	is := func(ok bool, what string, answer any, err error) {
		t.Helper()
		data, bad := json.Marshal(answer)
		if bad != nil {
			t.Fatal(bad)
		}
		answers[what] = string(data)
		if err != nil {
			answers[what] = err.Error()
		}
		if !ok {
			t.Errorf("%s: %s", what, answers[what])
		}
	}
	refuses := func(what string, err error, code query.Code, field string) {
		t.Helper()
		var e *query.Error
		is(query.Is(err, code) && errors.As(err, &e) && e.Field == field, what, nil, err)
	}

	record, err := r.Get(ctx, query.GetAsk{Key: "shop-italia.bf-2026"})
	is(err == nil && !record.Stored.IsZero() && strings.Contains(string(record.Record), `"state":"completed"`), "a record", record, err)
	_, err = r.Get(ctx, query.GetAsk{Key: "shop-italia.nothing"})
	refuses("no record", err, query.NotFound, "key")
	_, err = r.Get(ctx, query.GetAsk{Key: "shop-italia"})
	refuses("no key", err, query.BadQuestion, "key")

	// A request of its name is the one that stands, or another one.
	key := campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}
	rec, err := journal.DecodeRecord(key, record.Record)
	if err != nil {
		t.Fatal(err)
	}
	brings := func(change func(*campaignv1.CampaignRequested)) query.GetAsk {
		m := contract.Requested(key, rec.Request)
		change(m)
		data, err := protojson.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return query.GetAsk{Key: key.String(), Request: data}
	}
	record, err = r.Get(ctx, brings(func(*campaignv1.CampaignRequested) {}))
	is(err == nil && record.Known == query.Known && record.State == campaign.Completed && len(record.Differs) == 0, "the same request", record, err)
	record, err = r.Get(ctx, brings(func(m *campaignv1.CampaignRequested) { m.Text, m.Unicode = "Ciao", !m.Unicode }))
	is(err == nil && record.Known == query.Conflict && slices.Equal(record.Differs, []string{"text", "unicode"}), "another request", record, err)
	for what, change := range map[string]func(*campaignv1.CampaignRequested){
		"a request that breaks a rule":    func(m *campaignv1.CampaignRequested) { m.ContactListId = 0 },
		"a request with no amount":        func(m *campaignv1.CampaignRequested) { m.MaxTotal = &campaignv1.Money{Amount: "much", Currency: "EUR"} },
		"a request of another campaign":   func(m *campaignv1.CampaignRequested) { m.RequestId = "another" },
		"a request of another's campaign": func(m *campaignv1.CampaignRequested) { m.Source = another },
	} {
		_, err = r.Get(ctx, brings(change))
		refuses(what, err, query.BadQuestion, "request")
	}
	_, err = r.Get(ctx, query.GetAsk{Key: key.String(), Request: json.RawMessage(`{"sender":5}`)})
	refuses("no request", err, query.BadQuestion, "request")

	keys := func(all query.Campaigns) (keys []string) {
		for _, c := range all.Campaigns {
			keys = append(keys, c.Key)
		}
		slices.Sort(keys)
		return keys
	}
	all, err := r.List(ctx, query.ListAsk{})
	is(err == nil && slices.Equal(keys(all), []string{another + ".bf-2026", "shop-italia.bf-2026"}) && all.Next == "", "all campaigns", all, err)
	all, err = r.List(ctx, query.ListAsk{Source: "shop-italia", States: []string{"completed", "unresolved"}})
	is(err == nil && slices.Equal(keys(all), []string{"shop-italia.bf-2026"}), "those of a source", all, err)
	for what, ask := range map[string]query.ListAsk{
		"open ones":       {States: []string{"open"}},
		"old ones":        {OlderThan: query.Duration(time.Hour)},
		"waiting ones":    {Waiting: true},
		"forgotten ones":  {Overdue: true},
		"those of nobody": {Source: "nobody"},
	} {
		all, err = r.List(ctx, ask)
		is(err == nil && len(all.Campaigns) == 0 && all.Next == "", what, all, err)
	}
	_, err = r.List(ctx, query.ListAsk{States: []string{"asleep"}})
	refuses("no state", err, query.BadQuestion, "states")
	_, err = r.List(ctx, query.ListAsk{Source: "shop-italia.bf-2026"})
	refuses("no source", err, query.BadQuestion, "source")
	_, err = r.List(ctx, query.ListAsk{Page: query.Page{Limit: 2501}})
	refuses("too many", err, query.BadQuestion, "limit")
	_, err = r.List(ctx, query.ListAsk{Page: query.Page{After: "yesterday"}})
	refuses("no place", err, query.BadQuestion, "after")

	story, err := r.Why(ctx, query.WhyAsk{Key: "shop-italia.bf-2026", Zone: "Europe/Rome"})
	is(err == nil && story.State == campaign.Completed && story.Asked && len(story.Lines) > 3 && len(story.Missing) == 0, "a story", story.Lines, err)
	story, err = r.Why(ctx, query.WhyAsk{Key: "shop-italia.nothing"})
	is(err == nil && story.State == "" && !story.Asked && story.Summary != "", "no story", story, err)
	_, err = r.Why(ctx, query.WhyAsk{Key: "shop-italia.bf-2026", Zone: "Rome"})
	refuses("no zone", err, query.BadQuestion, "zone")

	letters, err := r.DLQ(ctx, query.DLQAsk{})
	is(err == nil && len(letters.Letters) == 2 && letters.Letters[0].Raw == nil && letters.Next == "", "all letters", letters, err)
	letters, err = r.DLQ(ctx, query.DLQAsk{Source: "shop-italia", Reasons: []string{"not_protobuf"}, NewerThan: query.Duration(time.Hour)})
	is(err == nil && len(letters.Letters) == 1 && letters.Letters[0].Key == "shop-italia.broken", "those of a source", letters, err)
	id := letters.Letters[0].ID
	letters, err = r.DLQ(ctx, query.DLQAsk{OlderThan: query.Duration(time.Hour)})
	is(err == nil && len(letters.Letters) == 0, "old letters", letters, err)
	letters, err = r.DLQ(ctx, query.DLQAsk{ID: id})
	is(err == nil && len(letters.Letters) == 1 && string(letters.Letters[0].Raw) == "not a request of shop-italia" && letters.Letters[0].Unreadable != "", "a letter", letters, err)
	letters, err = r.DLQ(ctx, query.DLQAsk{Key: "shop-italia.broken"})
	is(err == nil && len(letters.Letters) == 1 && letters.Letters[0].ID == id, "letters about a campaign", letters, err)
	letters, err = r.DLQ(ctx, query.DLQAsk{Key: "shop-italia.bf-2026"})
	is(err == nil && len(letters.Letters) == 0, "no letters about a campaign", letters, err)
	_, err = r.DLQ(ctx, query.DLQAsk{ID: id, Source: another})
	refuses("another's letter", err, query.NotFound, "id")
	_, err = r.DLQ(ctx, query.DLQAsk{ID: 4711})
	refuses("no letter", err, query.NotFound, "id")
	_, err = r.DLQ(ctx, query.DLQAsk{Reasons: []string{"bad_mood"}})
	refuses("no reason", err, query.BadQuestion, "reasons")

	ids := func(all query.Events) (ids []string) {
		for _, e := range all.Events {
			ids = append(ids, e.ID)
		}
		return ids
	}
	events, err := r.Events(ctx, query.EventsAsk{Key: "shop-italia.bf-2026"})
	is(err == nil && len(events.Events) > 2 && events.Events[0].ID == "shop-italia.bf-2026.cost_calculated.1" && events.Events[0].Sequence > 0 && !events.Events[0].Stored.IsZero() &&
		strings.Contains(string(events.Events[0].Data), `"total":`) && events.Next == "", "what was told of a campaign", events, err)
	told, err := r.Events(ctx, query.EventsAsk{})
	is(err == nil && len(told.Events) > len(events.Events) && strings.Contains(fmt.Sprint(ids(told)), another+".bf-2026.confirmed.1"), "what was told", told, err)
	told, err = r.Events(ctx, query.EventsAsk{Source: another})
	is(err == nil && len(told.Events) > 2 && !strings.Contains(fmt.Sprint(ids(told)), "shop-italia"), "what was told of a source", told, err)
	told, err = r.Events(ctx, query.EventsAsk{Key: "shop-italia.nothing"})
	is(err == nil && len(told.Events) == 0 && told.Next == "", "nothing was told", told, err)
	_, err = r.Events(ctx, query.EventsAsk{Key: "shop-italia"})
	refuses("no key of events", err, query.BadQuestion, "key")

	history, err := r.BudgetHistory(ctx, query.BudgetHistoryAsk{})
	is(err == nil && len(history.Changes) == 2 && history.Changes[0].Budget == another && history.Changes[0].By != "" && !history.Changes[0].Day.Amount.IsZero(), "who set the budgets", history, err)
	history, err = r.BudgetHistory(ctx, query.BudgetHistoryAsk{Source: "shop-italia"})
	is(err == nil && len(history.Changes) == 1 && history.Changes[0].Budget == "shop-italia", "who set a budget", history, err)
	_, err = r.BudgetHistory(ctx, query.BudgetHistoryAsk{Source: "nobody"})
	refuses("no budget has a history", err, query.NotFound, "source")

	budgets, err := r.Budget(ctx, query.BudgetAsk{})
	is(err == nil && len(budgets.Budgets) == 2 && budgets.Budgets[0].Budget == another && !budgets.Budgets[0].Limit.Amount.IsZero(), "all budgets", budgets, err)
	budgets, err = r.Budget(ctx, query.BudgetAsk{Source: "shop-italia", On: "2026-11-27"})
	is(err == nil && len(budgets.Budgets) == 1 && budgets.Budgets[0].Period == "2026-11-27", "a budget on a day", budgets, err)
	_, err = r.Budget(ctx, query.BudgetAsk{Source: "nobody"})
	refuses("no budget", err, query.NotFound, "source")
	_, err = r.Budget(ctx, query.BudgetAsk{On: "yesterday"})
	refuses("no day", err, query.BadQuestion, "on")

	schedules, err := r.Schedules(ctx, query.SchedulesAsk{})
	is(err == nil && len(schedules.Schedules) == 2, "all schedules", schedules, err)
	schedules, err = r.Schedules(ctx, query.SchedulesAsk{Key: "shop-italia.monday"})
	is(err == nil && len(schedules.Schedules) == 1 && schedules.Schedules[0].ChangedBy == "anna", "a schedule", schedules, err)
	_, err = r.Schedules(ctx, query.SchedulesAsk{Key: "shop-italia.tuesday"})
	refuses("no schedule", err, query.NotFound, "key")
	_, err = r.Schedules(ctx, query.SchedulesAsk{Key: "shop-italia"})
	refuses("no key of a schedule", err, query.BadQuestion, "key")

	// A page says where the next one begins, and the last that it is the last.
	for what, page := range map[string]func(query.Page) (string, string, error){
		"campaigns": func(p query.Page) (string, string, error) {
			got, err := r.List(ctx, query.ListAsk{Page: p})
			return strings.Join(keys(got), " "), got.Next, err
		},
		"letters": func(p query.Page) (string, string, error) {
			got, err := r.DLQ(ctx, query.DLQAsk{Page: p})
			return fmt.Sprint(len(got.Letters), got.Letters[0].Key), got.Next, err
		},
		"events": func(p query.Page) (string, string, error) {
			got, err := r.Events(ctx, query.EventsAsk{Key: "shop-italia.bf-2026", Page: p})
			if p.After != "" { // there may be more than two
				got.Next = ""
			}
			return strings.Join(ids(got), " "), got.Next, err
		},
		"changes of budgets": func(p query.Page) (string, string, error) {
			got, err := r.BudgetHistory(ctx, query.BudgetHistoryAsk{Page: p})
			return fmt.Sprint(len(got.Changes), got.Changes[0].Budget), got.Next, err
		},
		"budgets": func(p query.Page) (string, string, error) {
			got, err := r.Budget(ctx, query.BudgetAsk{Page: p})
			return fmt.Sprint(len(got.Budgets), got.Budgets[0].Budget), got.Next, err
		},
		"schedules": func(p query.Page) (string, string, error) {
			got, err := r.Schedules(ctx, query.SchedulesAsk{Page: p})
			return fmt.Sprint(len(got.Schedules), got.Schedules[0].Key), got.Next, err
		},
	} {
		one, next, err := page(query.Page{Limit: 1})
		is(err == nil && next != "", "first page of "+what, one, err)
		two, last, err := page(query.Page{Limit: 1, After: next})
		is(err == nil && last == "" && one != two && two != "", "second page of "+what, two, err)
	}
}

// A thousand campaigns of each of two sources: the pages of one hold each of its own
// once, and nothing else; whether they are asked for one by one or all at once.
func TestAThousandCampaigns(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.key.Source = "shop-italia"
	h.state("bf-2026", campaign.Completed) // what moves meanwhile may come twice
	js, err := jetstream.New(h.raw("operator"), jetstream.WithPublishAsyncMaxPending(4000))
	if err != nil {
		t.Fatal(err)
	}
	const many = 1000
	for i := range many {
		for _, source := range []string{"shop-italia", another} {
			m := nats.NewMsg(fmt.Sprintf("$KV.campaigns.%s.c%04d", source, i))
			m.Header.Set("Staffetta-State", "completed")
			if i%100 == 0 {
				m.Header.Set("Staffetta-State", "unresolved")
			}
			m.Data = []byte(`{}`)
			if _, err := js.PublishMsgAsync(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(time.Minute):
		t.Fatal("they are not stored")
	}
	for user, r := range map[string]query.Reader{"shop": h.as("shop").Reader(), "operator": h.as("operator").FromStreams(query.InMemory)} {
		for _, limit := range []int{0, 7, 100} {
			seen, pages := map[string]int{}, 0
			for c, err := range query.Each(func(after string) ([]query.Campaign, string, error) {
				pages++
				all, err := r.List(t.Context(), query.ListAsk{Source: "shop-italia", Page: query.Page{After: after, Limit: limit}})
				return all.Campaigns, all.Next, err
			}) {
				if err != nil {
					t.Fatal(err)
				}
				seen[c.Key]++
			}
			for key, n := range seen {
				if n != 1 || !strings.HasPrefix(key, "shop-italia.") {
					t.Errorf("%s sees %s %d times", user, key, n)
				}
			}
			if len(seen) != many+1 || limit > 0 && pages != (many+1+limit-1)/limit {
				t.Errorf("%s sees %d campaigns on %d pages of %d", user, len(seen), pages, limit)
			}
		}
		all, err := r.List(t.Context(), query.ListAsk{Source: "shop-italia", States: []string{"unresolved"}})
		if err != nil || len(all.Campaigns) != many/100 || all.Next != "" {
			t.Errorf("%s: %d unresolved, next %q, %v", user, len(all.Campaigns), all.Next, err)
		}
	}
}
