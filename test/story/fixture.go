package story

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/shopspring/decimal"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// A fixture is what one story needs: a source of its own, so that stories do not
// touch each other, and the events and dead letters of that source.
type fixture struct {
	*testing.T
	Stack
	js     jetstream.JetStream
	source string
	box    sandbox
}

func newFixture(t *testing.T, s Stack) *fixture {
	t.Helper()
	js, err := jetstream.New(s.NATS)
	if err != nil {
		t.Fatal(err)
	}
	name := t.Name()[strings.LastIndex(t.Name(), "/")+1:]
	source := fmt.Sprintf("%.40s-%d", name, time.Now().UnixNano())
	return &fixture{T: t, Stack: s, js: js, source: source, box: sandbox{t, s.Sandbox}}
}

// newRequest is a valid request for one list.
func (s *fixture) newRequest(id string, list int64) *campaignv1.CampaignRequested {
	return &campaignv1.CampaignRequested{
		Source: s.source, RequestId: id, Name: "Black Friday 2026", Sender: "ShopItalia", Text: "Solo per te: -30%",
		ContactListId: list, Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
}

// request publishes a request as a backend does: bare protobuf, no header.
func (s *fixture) request(m *campaignv1.CampaignRequested) *campaign {
	s.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		s.Fatal(err)
	}
	return s.publish(m.RequestId, nats.Header{}, data)
}

// publish publishes any payload as the request of that id, and listens to the
// events of its campaign.
func (s *fixture) publish(id string, h nats.Header, data []byte) *campaign {
	s.Helper()
	msg := nats.NewMsg("campaign.v1.request." + s.source + "." + id)
	msg.Header, msg.Data = h, data
	if _, err := s.js.PublishMsg(s.Context(), msg); err != nil {
		s.Fatalf("publish %s.%s: %v", s.source, id, err)
	}
	return s.listen(id)
}

// listen listens to the events of a campaign that is requested in another way.
func (s *fixture) listen(id string) *campaign {
	s.Helper()
	c := &campaign{fixture: s, key: s.source + "." + id, patience: patience}
	c.events = s.follow("CAMPAIGN_EVENTS", "campaign.v1.event."+c.key+".>")
	return c
}

// command runs a `staffetta` command that has to succeed, and returns what it
// printed.
func (s *fixture) command(args ...string) string {
	s.Helper()
	said, code := s.Type(s, args...)
	if code != 0 {
		s.Fatalf("staffetta %s ended with %d:\n%s", strings.Join(args, " "), code, said)
	}
	return said
}

// file is a file for a command to read.
func (s *fixture) file(content object) string {
	s.Helper()
	data, err := json.Marshal(content)
	if err != nil {
		s.Fatal(err)
	}
	name := filepath.Join(s.TempDir(), "file.json")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		s.Fatal(err)
	}
	return name
}

// follow reads a part of a stream from its beginning.
func (s *fixture) follow(stream, filter string) jetstream.MessagesContext {
	s.Helper()
	cons, err := s.js.OrderedConsumer(s.Context(), stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	if err != nil {
		s.Fatalf("follow %s: %v", filter, err)
	}
	messages, err := cons.Messages()
	if err != nil {
		s.Fatalf("follow %s: %v", filter, err)
	}
	s.Cleanup(messages.Stop)
	return messages
}

// next waits for the next message of what is followed.
func (s *fixture) next(messages jetstream.MessagesContext, what string, patience time.Duration) jetstream.Msg {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	m, err := messages.Next(jetstream.NextContext(ctx))
	if errors.Is(err, context.DeadlineExceeded) {
		s.Fatalf("%s: nothing within %s", what, patience)
	}
	if err != nil {
		s.Fatalf("%s: %v", what, err)
	}
	return m
}

// deadLetter waits for the dead letter of a campaign.
func (s *fixture) deadLetter(c *campaign) jetstream.Msg {
	s.Helper()
	return s.next(s.follow("CAMPAIGN_DEAD_LETTERS", "campaign.v1.dead."+c.key), "dead letter of "+c.key, patience)
}

// A campaign is one key, and the events about it.
type campaign struct {
	*fixture
	key      string
	events   jetstream.MessagesContext
	patience time.Duration // for each event
	received []string      // types of the events so far, without versions
	header   nats.Header
}

// event waits for the next event about the campaign.
func (c *campaign) event() proto.Message {
	c.Helper()
	m := c.next(c.events, fmt.Sprintf("next event of %s after %v", c.key, c.received), c.patience)
	c.header = m.Headers()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(m.Headers().Get("ce-type")))
	if err != nil {
		c.Fatalf("event %s: ce-type: %v", m.Subject(), err)
	}
	event := kind.New().Interface()
	if err := proto.Unmarshal(m.Data(), event); err != nil {
		c.Fatalf("event %s: %v", m.Subject(), err)
	}
	c.received = append(c.received, string(event.ProtoReflect().Descriptor().Name()))
	return event
}

// until waits for an event of one type, and fails on one after which it cannot
// come.
func until[E proto.Message](c *campaign) E {
	c.Helper()
	for {
		event := c.event()
		if e, ok := event.(E); ok {
			return e
		}
		switch e := event.(type) {
		case *campaignv1.CampaignRejected, *campaignv1.CampaignFailed, *campaignv1.CampaignCancelled, *campaignv1.CampaignUnresolved:
			var want E
			c.Fatalf("%s: got %T %v, want %T", c.key, e, e, want)
		}
	}
}

// last waits for the last statistics.
func (c *campaign) last() *campaignv1.CampaignStats {
	c.Helper()
	for {
		if s := until[*campaignv1.CampaignStats](c); s.Last {
			return s
		}
	}
}

// wantEvents fails if the events so far are not of these types. Statistics that
// are not the last do not count.
func (c *campaign) wantEvents(want ...string) {
	c.Helper()
	var got []string
	for i, name := range c.received {
		if name == "CampaignStats" && i+1 < len(c.received) {
			continue
		}
		got = append(got, name)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		c.Errorf("%s: events %v, want %v", c.key, got, want)
	}
}

// atGateway is what the gateway knows of the campaign: all drafts with its key.
func (c *campaign) atGateway() seen {
	c.Helper()
	return c.box.seen("[staffetta " + c.key + "]")
}

// wantSentOnce fails if the campaign was not confirmed exactly once, or if a
// phone got a message twice.
func (c *campaign) wantSentOnce() {
	c.Helper()
	if s := c.atGateway(); s.confirms() != 1 {
		c.Errorf("%s: %d confirms took effect, want 1: %+v", c.key, s.confirms(), s.Campaigns)
	}
}

// euro is an amount as the contract compares it: 1500 and 1500.00 are the same.
func euro(t testing.TB, m *campaignv1.Money) string {
	t.Helper()
	d, err := decimal.NewFromString(m.GetAmount())
	if err != nil {
		t.Fatalf("amount %q: %v", m.GetAmount(), err)
	}
	return d.String() + " " + m.GetCurrency()
}

func check[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
