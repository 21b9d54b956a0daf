package torture

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

var duplicates = flag.Int("duplicates", 5000, "how often one request is published")

// largest is what the requests stream takes, headers included.
const largest = 256 << 10

// A badMessage is a message that cannot become a campaign.
type badMessage struct {
	name   string
	header nats.Header
	data   []byte
	reason string
	fields []string
}

// wrong is a request with one thing wrong.
func (w *testbed) wrong(name, reason string, fields []string, change requestEdit) badMessage {
	w.Helper()
	return badMessage{name: name, data: marshal(w.T, w.request(name, change)), reason: reason, fields: fields}
}

func marshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// padded is a request made as long as one likes by a field that no version knows.
func padded(data []byte, size int) []byte {
	data = protowire.AppendTag(data, 1023, protowire.BytesType)
	return protowire.AppendBytes(data, bytes.Repeat([]byte("x"), size-len(data)-3)) // 3: of the length
}

func (w *testbed) badMessages() []badMessage {
	w.Helper()
	type m = *campaignv1.CampaignRequested
	list := []badMessage{
		{name: "empty", reason: "invalid", fields: []string{"start", "source", "request_id", "name", "sender", "text", "contact_list_id"}},
		{name: "not-protobuf", data: []byte("hello"), reason: "not_protobuf"},
		{name: "largest-garbage", data: bytes.Repeat([]byte{0xff}, largest-200), reason: "not_protobuf"},
		{name: "json", header: nats.Header{"content-type": {"application/json"}}, data: []byte(`{"sorce":"torture"}`), reason: "not_json", fields: []string{"sorce"}},
		{name: "deep-json", header: nats.Header{"content-type": {"application/json"}}, data: bytes.Repeat([]byte(`{"start":`), 20_000), reason: "not_json"},
		{name: "xml", header: nats.Header{"content-type": {"text/xml"}}, data: []byte("<a/>"), reason: "unknown_content_type", fields: []string{"content-type"}},
		{name: "other-type", header: nats.Header{"ce-type": {"com.example.Other"}}, reason: "unknown_event_type", fields: []string{"ce-type"}},
		{name: "structured", header: nats.Header{"content-type": {"application/cloudevents+json"}}, data: []byte("{}"), reason: "structured_cloudevent"},
		{name: "bad$subject", reason: "bad_subject"},

		w.wrong("control-characters-in-the-name", "invalid", []string{"name"}, func(r m) { r.Name = "Black\x00\r\nStaffetta-Reason: none" }),
		w.wrong("control-characters-in-the-sender", "invalid", []string{"sender"}, func(r m) { r.Sender = "Shop\r\nItal" }),
		w.wrong("no-start", "invalid", []string{"start"}, func(r m) { r.Start = nil }),
		w.wrong("a-start-that-is-none", "invalid", []string{"immediately"}, func(r m) { r.Start = &campaignv1.CampaignRequested_Immediately{} }),
		w.wrong("future-choice", "invalid", []string{"on_over_max"}, func(r m) { r.OnOverMax = 99 }),
		w.wrong("negative-choice", "invalid", []string{"on_late"}, func(r m) { r.OnLate = -7 }),
		w.wrong("not-an-amount", "invalid", []string{"max_total.amount"}, func(r m) { r.MaxTotal = &campaignv1.Money{Amount: "1e999999999", Currency: "EUR"} }),
		w.wrong("before-the-beginning", "invalid", []string{"expires_at"}, func(r m) { r.ExpiresAt = &timestamppb.Timestamp{Seconds: -1 << 63, Nanos: -1} }),
		w.wrong("much-too-long", "invalid", []string{"text"}, func(r m) { r.Text = strings.Repeat("è", 120_000) }),
		w.wrong("everything-wrong", "invalid", []string{"source", "request_id", "name", "description", "sender", "text", "contact_list_id", "max_parts_per_message", "send_window"}, func(r m) {
			r.Source, r.RequestId, r.Name, r.Description, r.Sender, r.Text = "a b", "", "", strings.Repeat("d", 1001), "!", ""
			r.ContactListId, r.MaxPartsPerMessage, r.SendWindow = -1, 99, "?"
		}),
		w.wrong("somebody-else", "subject_mismatch", []string{"source"}, func(r m) { r.Source = "shop-italia" }),
		w.wrong("another-campaign", "subject_mismatch", []string{"request_id"}, func(r m) { r.RequestId = "bf-2026" }),
	}
	// As many headers as a stream takes, each of which grows in the letter; and one
	// that leaves no room for a word of ours.
	many := nats.Header{}
	for n := range 2500 {
		many.Set(fmt.Sprintf("Nats-%04d", n), "some value")
	}
	list = append(list,
		badMessage{name: "many-headers", header: many, data: []byte("hello"), reason: "not_protobuf"},
		badMessage{name: "one-header", header: nats.Header{"x-team": {strings.Repeat("x", 65_500)}}, data: []byte("hello"), reason: "not_protobuf"},
		badMessage{name: "our-headers", header: nats.Header{"Staffetta-Field": {"text"}, "Staffetta-Reason": {"invalid"}, "staffetta-note": {"x"}}, data: []byte("hello"), reason: "not_protobuf"},
	)
	// A request that breaks off, wherever it does. Without its last field it lacks a start.
	whole := marshal(w.T, w.request("broken-off"))
	for n := range whole {
		if n > 0 {
			list = append(list, badMessage{name: fmt.Sprintf("broken-off-%d", n), data: whole[:n]})
		}
	}
	random := rand.New(rand.NewPCG(1, 1))
	for n := range 300 {
		noise := slices.Clone(whole)
		for range 1 + random.IntN(8) {
			noise[random.IntN(len(noise))] = byte(random.Int())
		}
		// Its key is another one than that of the subject, whatever else it says.
		list = append(list, badMessage{name: fmt.Sprintf("noise-%d", n), data: noise})
	}
	return list
}

// TestSenderAtItsWorst: each nuisance becomes one dead letter with a full copy, a
// typed reason and the fields at fault, and the consumer goes on.
func TestSenderAtItsWorst(t *testing.T) {
	t.Parallel()
	l := newLocal(t, sandbox.Options{})
	l.serve(l.options())
	list := l.badMessages()
	sent := map[string]badMessage{}
	for _, n := range list {
		m := nats.NewMsg("campaign.v1.request." + l.source + "." + n.name)
		m.Data = n.data
		if n.header != nil {
			m.Header = n.header
		}
		if _, err := l.js.PublishMsg(t.Context(), m); err != nil {
			t.Fatalf("%s: %v", n.name, err)
		}
		sent[m.Subject] = n
	}

	// A longer note is not meant to be read.
	m := nats.NewMsg("campaign.v1.request." + l.source + ".too-long")
	m.Data = padded(marshal(t, l.request("too-long")), largest+1)
	if _, err := l.js.PublishMsg(t.Context(), m); err == nil {
		t.Error("a request above the limit was taken")
	}

	// In between: good requests, of which one is as long as may be. Unknown fields
	// are no reason not to send it, and not to send it twice.
	ids := []string{"after-all-that", "largest"}
	l.ask(l.request(ids[0]))
	good := l.request(ids[1])
	m = nats.NewMsg("campaign.v1.request." + l.source + "." + ids[1])
	for _, m.Data = range [][]byte{padded(marshal(t, good), largest-len(m.Subject)-100), marshal(t, good)} {
		if _, err := l.js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	l.waitUntilCompleted(ids)
	l.consumed()
	t.Logf("%d bad messages; %s", len(list), l.judge(ids))

	letters := 0
	for brief, err := range l.client.Letters(t.Context(), client.LetterFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		letters++
		letter, err := l.client.Letter(t.Context(), brief.ID)
		if err != nil {
			t.Fatal(err)
		}
		n, known := sent[letter.Subject]
		delete(sent, letter.Subject)
		if !known {
			t.Errorf("%s has more than one dead letter", letter.Subject)
			continue
		}
		n.judge(t, letter)
	}
	for subject := range sent {
		t.Errorf("%s has no dead letter", subject)
	}
}

func (n badMessage) judge(t *testing.T, letter contract.Letter) {
	t.Helper()
	if !bytes.Equal(letter.Data, n.data) {
		t.Errorf("%s: the dead letter is no full copy: %d bytes of %d", n.name, len(letter.Data), len(n.data))
	}
	leftOut := 0
	for name, values := range n.header {
		if _, kept := letter.Header[name]; !kept {
			leftOut += len(values)
		} else if !slices.Equal(letter.Header[name], values) {
			t.Errorf("%s: header %s is %q, want %q", n.name, name, letter.Header[name], values)
		}
	}
	if leftOut != letter.LeftOut || leftOut == len(n.header) && n.name != "one-header" && leftOut > 0 {
		t.Errorf("%s: %d of %d headers are not in the dead letter, which speaks of %d", n.name, leftOut, len(n.header), letter.LeftOut)
	}
	if letter.Reason == "invalid" && len(letter.Fields) == 0 || letter.Reason == "" || letter.Note == "" {
		t.Errorf("%s: reason %q, fields %v, note %q: it does not say what is wrong", n.name, letter.Reason, letter.Fields, letter.Note)
	}
	if n.reason != "" && (letter.Reason != n.reason || !slices.Equal(letter.Fields, n.fields)) {
		t.Errorf("%s: reason %s %v, want %s %v; %s", n.name, letter.Reason, letter.Fields, n.reason, n.fields, letter.Note)
	}
}

// consumed waits until no request is waiting, or in hand.
func (w *testbed) consumed() {
	w.Helper()
	w.eventually("every request is dealt with", func(ctx context.Context) error {
		c, err := w.js.Consumer(ctx, "CAMPAIGN_REQUESTS", "requests")
		if err == nil && c.CachedInfo().NumPending+uint64(c.CachedInfo().NumAckPending) > 0 {
			err = fmt.Errorf("%d wait, %d are in hand", c.CachedInfo().NumPending, c.CachedInfo().NumAckPending)
		}
		return err
	})
}
