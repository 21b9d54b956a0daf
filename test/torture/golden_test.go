package torture

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

var golden = flag.String("golden", "", "the commit that is checked out: what it stores and tells is kept in internal/journal/testdata, under that name")

// TestKeepWhatThisVersionStores writes down records and events as they are written
// to the streams, for internal/journal to read in every later version. It takes more
// than two minutes: no pace is measured before.
func TestKeepWhatThisVersionStores(t *testing.T) {
	if *golden == "" {
		t.Skip("skipped: no commit is named; run go test ./test/torture -run TestKeepWhatThisVersionStores -golden=COMMIT")
	}
	l := newLocal(t, sandbox.Options{Speed: 1, Every: 300 * time.Millisecond})
	saved, told := l.recordEvents("$KV.campaigns.>"), l.recordEvents("campaign.v1.event.>")
	o := l.options()
	o.Budgets, o.Rules.GiveUp, o.Windows = app.BudgetsOn, time.Hour, anotherDay(t)
	l.serve(o)

	unanswered := func(op sandbox.Operation, times int) sandbox.Fault {
		return sandbox.Fault{Operation: op, Status: 503, Times: times}
	}
	launch := func(id string, wishes []requestEdit, rules ...sandbox.Fault) {
		l.fault(id, rules...)
		m := l.request(id, append(wishes, func(m *campaignv1.CampaignRequested) { m.Description = "Solo per te" })...)
		l.eventually("ask for "+id, func(ctx context.Context) error {
			_, err := l.client.Request(ctx, m, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
			return err
		})
	}
	l.control("POST", "credit", object{"credit": 0}, nil)
	launch("credit", []requestEdit{func(m *campaignv1.CampaignRequested) { m.OnInsufficientCredit = campaignv1.OnLimit_ON_LIMIT_WAIT }})
	l.waitForState("credit", campaign.Quoted)
	l.control("POST", "credit", object{"credit": 1000}, nil)
	launch("long", []requestEdit{func(m *campaignv1.CampaignRequested) { m.ContactListId = l.listOfMany(450) }})
	launch("people", []requestEdit{func(m *campaignv1.CampaignRequested) {
		m.ContactListId, m.Recipients = 0, []*campaignv1.Recipient{{PhoneNumber: "+393331234501"}, {PhoneNumber: "+393331234501"}, {PhoneNumber: "none"}}
	}})
	launch("plain", nil, unanswered(sandbox.Create, 1))
	launch("approved", []requestEdit{asks, func(m *campaignv1.CampaignRequested) { m.MaxPartsPerMessage = 2 }})
	launch("declined", []requestEdit{func(m *campaignv1.CampaignRequested) { cheap(m); m.OnOverMax = campaignv1.OnLimit_ON_LIMIT_ASK }})
	launch("window", []requestEdit{func(m *campaignv1.CampaignRequested) { m.SendWindow = "another-day" }})
	launch("scheduled", []requestEdit{inAnHour}, unanswered(sandbox.Delete, 2))
	launch("again", nil, sandbox.Fault{Operation: sandbox.Calculate, Cut: true}, unanswered(sandbox.Delete, 2))
	launch("rejected", []requestEdit{cheap}, unanswered(sandbox.Delete, 2))
	launch("failed", nil, sandbox.Fault{Operation: sandbox.Confirm, Fail: true, FailAfter: 1})
	launch("not-sent", nil, cutAfter, paused(sandbox.Status), noDelete) // the person is mistaken
	launch("sent", nil, cutAfter, paused(sandbox.Status), noDelete)

	for _, x := range []struct {
		id    string
		state campaign.State // in which something is said of it
		say   func(context.Context, campaign.Campaign) error
	}{
		{"approved", campaign.Quoted, func(ctx context.Context, c campaign.Campaign) error {
			_, err := l.client.Approve(ctx, c.Key, campaign.QuoteID(c.Request, *c.Quote), "anna")
			return err
		}},
		{"declined", campaign.Quoted, func(ctx context.Context, c campaign.Campaign) error {
			_, err := l.client.Decline(ctx, c.Key, campaign.QuoteID(c.Request, *c.Quote), "anna", "too dear")
			return err
		}},
		{"window", campaign.Requested, func(ctx context.Context, c campaign.Campaign) error {
			_, err := l.client.Cancel(ctx, c.Key, "anna", "wrong price")
			return err
		}},
		{"scheduled", campaign.Confirmed, func(ctx context.Context, c campaign.Campaign) error {
			_, err := l.client.Cancel(ctx, c.Key, "anna", "wrong price")
			return err
		}},
		{"not-sent", campaign.Unresolved, func(ctx context.Context, c campaign.Campaign) error {
			_, err := l.client.Resolve(ctx, c.Key, "anna", false, "a draft; deleted there")
			return err
		}},
		{"sent", campaign.Unresolved, func(ctx context.Context, c campaign.Campaign) error {
			_, err := l.client.Resolve(ctx, c.Key, "anna", true, "")
			return err
		}},
	} {
		c := l.waitForState(x.id, x.state)
		l.eventually("something is said of "+x.id, func(ctx context.Context) error { return x.say(ctx, c) })
	}
	l.waitForState("long", campaign.Completed)
	records, events := givenUp(t)
	l.keep(*golden, append(saved(), records...), append(told(), events...))
}

// givenUp is what is stored and told of a campaign whose statistics cannot be read.
func givenUp(t *testing.T) (records, events []*nats.Msg) {
	l := newLocal(t, sandbox.Options{})
	saved, told := l.recordEvents("$KV.campaigns.>"), l.recordEvents("campaign.v1.event.>")
	o := l.options()
	o.Rules.GiveUp = time.Second
	l.serve(o)
	l.fault("uncounted", sandbox.Fault{Operation: sandbox.Stats, Status: 503, Times: always})
	l.ask(l.request("uncounted"))
	l.waitForState("uncounted", campaign.Unreconciled)
	return saved(), told()
}

// recordEvents takes down what is published from now on.
func (w *testbed) recordEvents(subject string) (all func() []*nats.Msg) {
	w.Helper()
	messages := make(chan *nats.Msg, 100_000)
	sub, err := w.nc.ChanSubscribe(subject, messages)
	if err == nil {
		err = w.nc.Flush()
	}
	if err != nil {
		w.Fatal(err)
	}
	return func() (list []*nats.Msg) {
		if err := sub.Unsubscribe(); err != nil {
			w.Fatal(err)
		}
		for len(messages) > 0 {
			list = append(list, <-messages)
		}
		return list
	}
}

// listOfMany is a list of so many people.
func (w *testbed) listOfMany(n int) int64 {
	w.Helper()
	var contacts []object
	for range n {
		contacts = append(contacts, object{"phoneNumber": fmt.Sprintf("+39333%07d", w.people.Add(1))})
	}
	var made struct{ ListID int64 }
	w.control("POST", "contacts", object{"name": "many", "contacts": contacts}, &made)
	return made.ListID
}

// waitForState waits until a campaign's record has a state.
func (w *testbed) waitForState(id string, state campaign.State) (c campaign.Campaign) {
	w.Helper()
	w.eventually(fmt.Sprintf("%s is %s", id, state), func(ctx context.Context) (err error) {
		c, _, err = w.client.Get(ctx, campaign.Key{Source: w.source, RequestID: id})
		if err == nil && c.State != state {
			err = fmt.Errorf("it is %s: %s", c.State, c.Waiting)
		}
		return err
	})
	return c
}

// anotherDay is a file with a send window that is shut today and tomorrow.
func anotherDay(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "another-day.json")
	text := fmt.Sprintf(`{"schema":1,"name":"another-day","about":"of a test","zone":"Europe/Rome","versions":[
		{"effective":"2025-01-01","open":{%q:["08:00-22:00"]},"sources":[{"url":"https://shop-italia.example","says":"so","read":"2026-11-23"}]}]}`,
		strings.ToLower(time.Now().AddDate(0, 0, 3).Weekday().String()))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// keep writes each record that has something no record before it has: a state, a
// field, an event that is owed, a reason; and each event that such a record owes.
func (w *testbed) keep(commit string, saved, told []*nats.Msg) {
	w.Helper()
	folder := func(what string) string {
		dir := filepath.Join(root, "internal", "journal", "testdata", what, commit)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			w.Fatal(err)
		}
		return dir
	}
	records, events := folder("records"), folder("events")
	seen, names := map[string]bool{}, map[string]int{}
	var owed []string
	for _, m := range saved {
		if strings.HasPrefix(m.Subject, "$KV.campaigns.sweep") {
			continue // the checkpoint and the roster: no records
		}
		var c campaign.Campaign
		if err := json.Unmarshal(m.Data, &c); err != nil {
			w.Fatalf("%s: %v", m.Subject, err)
		}
		if c.State == "" {
			continue // no record
		}
		has := append(paths("", decode(w.T, m.Data)), "state "+string(c.State))
		var owes []string
		for _, e := range c.Outbox {
			has = append(has, "owes "+string(e.Type))
			owes = append(owes, fmt.Sprintf("campaign.v1.event.%s.%s.%d", c.Key, e.Type, e.N))
		}
		if c.Reason != nil {
			has = append(has, "reason "+string(c.Reason.Code))
		}
		if c.Need != nil {
			has = append(has, "hold "+string(c.Need.For))
		}
		if !slices.ContainsFunc(has, func(s string) bool { return !seen[s] }) {
			continue
		}
		for _, s := range has {
			seen[s] = true
		}
		owed = append(owed, owes...)
		name := c.Key.RequestID + "-" + string(c.State)
		if names[name]++; names[name] > 1 {
			name += fmt.Sprint("-", names[name])
		}
		w.write(filepath.Join(records, name+".json"), m.Data)
	}
	for _, m := range told {
		if !slices.Contains(owed, m.Subject) {
			continue
		}
		m.Header.Del(nats.ExpectedLastSubjSeqHdr)
		data, err := json.MarshalIndent(struct {
			Subject string      `json:"subject"`
			Header  nats.Header `json:"header"`
			Data    []byte      `json:"data"` // base64
		}{m.Subject, m.Header, m.Data}, "", "  ")
		if err != nil {
			w.Fatal(err)
		}
		w.write(filepath.Join(events, strings.TrimPrefix(m.Subject, "campaign.v1.event."+w.source+".")+".json"), append(data, '\n'))
	}
}

func (w *testbed) write(file string, data []byte) {
	w.Helper()
	if err := os.WriteFile(file, data, 0o644); err != nil {
		w.Fatal(err)
	}
}

func decode(t *testing.T, data []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// paths are the fields that a record has, down to the last one; elements of a list
// are taken together.
func paths(path string, v any) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for name, v := range v {
			all = append(all, paths(path+"."+name, v)...)
		}
	case []any:
		for _, v := range v {
			all = append(all, paths(path+"[]", v)...)
		}
	default:
		all = append(all, path)
	}
	return all
}
