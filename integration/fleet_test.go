package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// A fleet is many campaigns under way at once while something breaks. Each has
// people of its own, so that nobody may get more than one message.
type fleet struct {
	*testing.T
	js      jetstream.JetStream
	sandbox string // base URL of its control API
	source  string
	people  int // of each campaign
	keys    []string
	events  map[string][]event // by key, in the order of the stream
	seen    uint64             // sequence of the last event read
}

// An event as it stands in the stream.
type event struct {
	name string // "confirmed.1": the end of its subject
	last bool   // no other follows
}

const peopleOfOne = 3

func newFleet(t *testing.T, s *stack) *fleet {
	t.Helper()
	return &fleet{
		T: t, js: streamClient(t, s.nats.connect(t, userOperator)), sandbox: s.sandbox.url(t, "http", "8090/tcp"),
		source: "fleet", people: peopleOfOne, events: map[string][]event{},
	}
}

// slow makes every call of some kinds take a while, so that something is under way.
func (f *fleet) slow(by time.Duration, operations ...string) {
	f.Helper()
	for _, op := range operations {
		f.control(http.MethodPost, "/sandbox/faults", map[string]any{"operation": op, "times": -1, "delay": by.String()}, nil)
	}
}

// launch publishes the requests of n campaigns and returns when the last is in
// the stream.
func (f *fleet) launch(n int) {
	f.Helper()
	for i := range n {
		m := &campaignv1.CampaignRequested{
			Source: f.source, RequestId: fmt.Sprintf("c%d", i), Name: "Black Friday", Sender: "ShopItalia", Text: "-30%",
			ContactListId: f.list(i), Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
		}
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		key := f.source + "." + m.RequestId
		f.keys = append(f.keys, key)
		// Asking twice is harmless, so whoever gets no answer asks again.
		eventually(f, "publish "+key, func(ctx context.Context) error {
			_, err := f.js.Publish(ctx, "campaign.v1.request."+key, data)
			return err
		})
	}
}

// list makes a list of people that no other campaign has.
func (f *fleet) list(campaign int) int64 {
	f.Helper()
	var contacts []map[string]string
	for i := range f.people {
		contacts = append(contacts, map[string]string{"phoneNumber": fmt.Sprintf("+39333%07d", campaign*f.people+i)})
	}
	var made struct{ ListID int64 }
	f.control(http.MethodPost, "/sandbox/contacts", map[string]any{"name": "fleet", "contacts": contacts}, &made)
	return made.ListID
}

// control asks something of the sandbox.
func (f *fleet) control(method, path string, body, answer any) {
	f.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		f.Fatal(err)
	}
	req, err := http.NewRequestWithContext(f.Context(), method, f.sandbox+path, bytes.NewReader(data))
	if err != nil {
		f.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		f.Fatalf("%s %s: %s %v: %s", method, path, res.Status, err, said)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(said, answer); err != nil {
		f.Fatalf("%s %s: %v: %s", method, path, err, said)
	}
}

// hear waits for the next event of the fleet, and says of which campaign.
func (f *fleet) hear() (string, event) {
	f.Helper()
	m := f.next()
	parts := strings.SplitN(strings.TrimPrefix(m.Subject, "campaign.v1.event."), ".", 3)
	key, e := parts[0]+"."+parts[1], event{name: parts[2]}
	kind, _, _ := strings.Cut(e.name, ".")
	switch kind {
	case "rejected", "cancelled", "failed", "unresolved":
		e.last = true
	case "stats":
		var stats campaignv1.CampaignStats
		if err := proto.Unmarshal(m.Data, &stats); err != nil {
			f.Fatalf("%s: %v", m.Subject, err)
		}
		e.last = stats.Last
	}
	f.events[key] = append(f.events[key], e)
	return key, e
}

// next is the fleet's next event, read by its sequence: a consumer would live on
// one server, and that may be the one that is lost.
func (f *fleet) next() *jetstream.RawStreamMsg {
	f.Helper()
	var m *jetstream.RawStreamMsg
	eventually(f, "the next event", func(ctx context.Context) error {
		for {
			stream, err := f.js.Stream(ctx, "CAMPAIGN_EVENTS")
			if err != nil {
				return err
			}
			got, err := stream.GetMsg(ctx, f.seen+1)
			if err != nil {
				return fmt.Errorf("%w; not over yet: %v", err, f.unfinished())
			}
			f.seen++
			if strings.HasPrefix(got.Subject, "campaign.v1.event."+f.source+".") {
				m = got
				return nil
			}
		}
	})
	return m
}

// await waits until so many campaigns have an event of this type.
func (f *fleet) await(kind string, n int) {
	f.Helper()
	for {
		have := 0
		for _, events := range f.events {
			if slices.ContainsFunc(events, func(e event) bool { return strings.HasPrefix(e.name, kind+".") }) {
				have++
			}
		}
		if have >= n {
			return
		}
		f.hear()
	}
}

func (f *fleet) unfinished() []string {
	var keys []string
	for _, key := range f.keys {
		if !slices.ContainsFunc(f.events[key], func(e event) bool { return e.last }) {
			keys = append(keys, fmt.Sprint(key, f.events[key]))
		}
	}
	return keys
}

// land waits until every campaign is over, and judges: each was confirmed once and
// told so once, in an order that makes sense; everybody got one message; nothing
// is among the dead letters.
func (f *fleet) land() {
	f.Helper()
	for len(f.unfinished()) > 0 {
		f.hear()
	}
	var drafts int
	for _, key := range f.keys {
		var order []string
		count := map[string]int{}
		for _, e := range f.events[key] {
			kind, _, _ := strings.Cut(e.name, ".")
			count[kind]++
			count[e.name]++
			order = append(order, e.name)
		}
		drafts += count["cost_calculated"]
		for _, name := range order {
			if strings.Contains(name, ".") && count[name] != 1 {
				f.Errorf("%s: event %s is in the stream %d times", key, name, count[name])
			}
		}
		confirmed, priced, stats := slices.Index(order, "confirmed.1"), slices.Index(order, "cost_calculated.1"), slices.Index(order, "stats.1")
		if count["confirmed"] != 1 || priced < 0 || priced > confirmed || stats < confirmed || !f.events[key][len(order)-1].last {
			f.Errorf("%s: events %v, want cost_calculated, confirmed once, then stats to the last", key, order)
		}
	}
	var seen struct {
		Campaigns                                            []struct{ Confirms, Messages int }
		Confirms, MaxConfirms, Messages, Phones, MaxPerPhone int
	}
	f.control(http.MethodGet, "/sandbox/seen", nil, &seen)
	people := len(f.keys) * f.people
	if seen.Confirms != len(f.keys) || seen.MaxConfirms != 1 {
		f.Errorf("%d confirms took effect, at most %d for one draft; want %d and 1", seen.Confirms, seen.MaxConfirms, len(f.keys))
	}
	if seen.Messages != people || seen.Phones != people || seen.MaxPerPhone != 1 {
		f.Errorf("%d messages to %d phones, at most %d to one; want %d, %d and 1", seen.Messages, seen.Phones, seen.MaxPerPhone, people, people)
	}
	eventually(f, "look at the dead letters", func(ctx context.Context) error {
		letters, err := f.js.Stream(ctx, "CAMPAIGN_DEAD_LETTERS")
		if err == nil && letters.CachedInfo().State.Msgs > 0 {
			f.Errorf("%d dead letters", letters.CachedInfo().State.Msgs)
		}
		return err
	})
	f.Logf("%d campaigns, %d quotes announced, %d drafts at the gateway, %d confirms", len(f.keys), drafts, len(seen.Campaigns), seen.Confirms)
}
