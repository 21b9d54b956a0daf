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

// A scene is one story being told: a source of its own, so that stories do not
// meet, and everything that source is told.
type scene struct {
	*testing.T
	Stack
	js     jetstream.JetStream
	source string
	box    sandbox
}

func newScene(t *testing.T, s Stack) *scene {
	t.Helper()
	js, err := jetstream.New(s.NATS)
	if err != nil {
		t.Fatal(err)
	}
	name := t.Name()[strings.LastIndex(t.Name(), "/")+1:]
	source := fmt.Sprintf("%.40s-%d", name, time.Now().UnixNano())
	return &scene{T: t, Stack: s, js: js, source: source, box: sandbox{t, s.Sandbox}}
}

// request is a request that would be sent, for one list.
func (s *scene) request(id string, list int64) *campaignv1.CampaignRequested {
	return &campaignv1.CampaignRequested{
		Source: s.source, RequestId: id, Name: "Black Friday 2026", Sender: "ShopItalia", Text: "Solo per te: -30%",
		ContactListId: list, Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
}

// ask publishes a request as a backend does: bare protobuf, no header.
func (s *scene) ask(m *campaignv1.CampaignRequested) *campaign {
	s.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		s.Fatal(err)
	}
	return s.publish(m.RequestId, nats.Header{}, data)
}

// publish publishes any payload as the request of that id, and listens to what
// becomes of it.
func (s *scene) publish(id string, h nats.Header, data []byte) *campaign {
	s.Helper()
	msg := nats.NewMsg("campaign.v1.request." + s.source + "." + id)
	msg.Header, msg.Data = h, data
	if _, err := s.js.PublishMsg(s.Context(), msg); err != nil {
		s.Fatalf("publish %s.%s: %v", s.source, id, err)
	}
	return s.hear(id)
}

// hear listens to a campaign that is asked for otherwise.
func (s *scene) hear(id string) *campaign {
	s.Helper()
	c := &campaign{scene: s, key: s.source + "." + id, patience: patience}
	c.events = s.follow("CAMPAIGN_EVENTS", "campaign.v1.event."+c.key+".>")
	return c
}

// types types a `staffetta` command that has to go well, and returns what it
// printed.
func (s *scene) types(args ...string) string {
	s.Helper()
	said, code := s.Type(s, args...)
	if code != 0 {
		s.Fatalf("staffetta %s ended with %d:\n%s", strings.Join(args, " "), code, said)
	}
	return said
}

// file is a file for a command to read.
func (s *scene) file(content object) string {
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
func (s *scene) follow(stream, filter string) jetstream.MessagesContext {
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
func (s *scene) next(messages jetstream.MessagesContext, what string, patience time.Duration) jetstream.Msg {
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
func (s *scene) deadLetter(c *campaign) jetstream.Msg {
	s.Helper()
	return s.next(s.follow("CAMPAIGN_DEAD_LETTERS", "campaign.v1.dead."+c.key), "dead letter of "+c.key, patience)
}

// A campaign is one key, and the events about it.
type campaign struct {
	*scene
	key      string
	events   jetstream.MessagesContext
	patience time.Duration // for each event
	heard    []string      // types of the events so far, without versions
	header   nats.Header
}

// event waits for the next event about the campaign.
func (c *campaign) event() proto.Message {
	c.Helper()
	m := c.next(c.events, fmt.Sprintf("next event of %s after %v", c.key, c.heard), c.patience)
	c.header = m.Headers()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(m.Headers().Get("ce-type")))
	if err != nil {
		c.Fatalf("event %s: ce-type: %v", m.Subject(), err)
	}
	event := kind.New().Interface()
	if err := proto.Unmarshal(m.Data(), event); err != nil {
		c.Fatalf("event %s: %v", m.Subject(), err)
	}
	c.heard = append(c.heard, string(event.ProtoReflect().Descriptor().Name()))
	return event
}

// until waits for an event of one type, and fails on one that says that it
// will never come.
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

// told fails if the events so far are not of these types, statistics that are
// not the last left out.
func (c *campaign) told(want ...string) {
	c.Helper()
	var got []string
	for i, name := range c.heard {
		if name == "CampaignStats" && i+1 < len(c.heard) {
			continue
		}
		got = append(got, name)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		c.Errorf("%s: events %v, want %v", c.key, got, want)
	}
}

// seen is what the gateway knows of the campaign: all drafts with its key.
func (c *campaign) seen() seen {
	c.Helper()
	return c.box.seen("[staffetta " + c.key + "]")
}

// sentOnce fails if the campaign was not confirmed exactly once, or if anybody
// got a message twice.
func (c *campaign) sentOnce() {
	c.Helper()
	if s := c.seen(); s.confirms() != 1 {
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
