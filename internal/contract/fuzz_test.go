package contract

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// FuzzRequest: whatever a sender publishes is a request that can be sent to the
// gateway, or a dead letter that says why not, from a closed set; never a message
// that is tried again for ever, and never a panic. The seeds run with every test;
// go test -fuzz FuzzRequest ./internal/contract looks for more.
func FuzzRequest(f *testing.F) {
	whole := &campaignv1.CampaignRequested{
		Source: "shop-italia", RequestId: "bf-2026", Name: "Black Friday", Description: "d", Sender: "ShopItalia", Text: "Ciao {{firstName}}",
		ContactListId: 87, Unicode: true, Start: &campaignv1.CampaignRequested_At{At: timestamppb.New(time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC))},
		ExpiresAt: timestamppb.New(time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)), MaxTotal: &campaignv1.Money{Amount: "344.09", Currency: "EUR"},
		OnOverMax: campaignv1.OnLimit_ON_LIMIT_ASK, MaxPartsPerMessage: 2, ApprovalWithin: durationpb.New(time.Hour), SendWindow: "office-hours",
	}
	const tail = "shop-italia.bf-2026"
	add := func(m *campaignv1.CampaignRequested, rest ...byte) {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(tail, "", "", append(data, rest...))
	}
	add(whole)
	for _, change := range []func(*campaignv1.CampaignRequested){
		func(m *campaignv1.CampaignRequested) { m.Name = "Black\x00Friday\r\nStaffetta-Reason: none" },
		func(m *campaignv1.CampaignRequested) { m.Text = strings.Repeat("\u2028\x1b[2J", 200) },
		func(m *campaignv1.CampaignRequested) { m.OnOverMax = 99 },
		func(m *campaignv1.CampaignRequested) { m.OnLate = -1 },
		func(m *campaignv1.CampaignRequested) { m.MaxTotal.Amount = "1e999999999" },
		func(m *campaignv1.CampaignRequested) { m.MaxTotal.Amount = "-0" },
		func(m *campaignv1.CampaignRequested) {
			m.MaxLateness = &durationpb.Duration{Seconds: 1 << 62, Nanos: -1}
		},
		func(m *campaignv1.CampaignRequested) {
			m.ApprovalWithin = &durationpb.Duration{Seconds: 1, Nanos: 1 << 30}
		},
		func(m *campaignv1.CampaignRequested) {
			m.ExpiresAt = &timestamppb.Timestamp{Seconds: -1 << 63, Nanos: 1 << 30}
		},
		func(m *campaignv1.CampaignRequested) {
			m.ExpiresAt = &timestamppb.Timestamp{Seconds: 1700000000, Nanos: -5}
		},
		func(m *campaignv1.CampaignRequested) { m.Source = "" },
		func(m *campaignv1.CampaignRequested) { m.Start = nil },
		func(m *campaignv1.CampaignRequested) { *m = campaignv1.CampaignRequested{} },
	} {
		m := proto.Clone(whole).(*campaignv1.CampaignRequested)
		change(m)
		add(m)
	}
	add(whole, 0xfa, 0x3f, 3, 'n', 'e', 'w')       // field 1023, which a later version may have
	add(whole, 0x9a, 0x01, 0x00)                   // max_lateness again, empty
	add(whole, 0x53, 0x53, 0x54, 0x54)             // groups, which proto3 has not
	add(whole, 0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f) // a source of 4 GiB that is not there
	f.Add(tail, "application/json", "", []byte(`{"source":"shop-italia","requestId":"bf-2026","text":"\ud800","contactListId":"9223372036854775808"}`))
	f.Add(tail, "application/json", "", []byte(strings.Repeat(`{"start":`, 20_000)))
	f.Add(tail, "application/cloudevents+json; charset=\xff", "x\r\ny", []byte{})
	f.Add("a.b.c", "text/xml", "staffetta.campaign.v1.CampaignRequested", []byte("hello"))
	f.Add("..", "", "", []byte(nil))

	v, err := NewValidator()
	if err != nil {
		f.Fatal(err)
	}
	in := &Reader{Rules: v}
	from := Origin{Stream: streams.Requests, Sequence: 7}
	stored := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, tail, contentType, eventType string, data []byte) {
		h := nats.Header{}
		for name, value := range map[string]string{"content-type": contentType, "ce-type": eventType} {
			if value != "" {
				h.Set(name, value)
			}
		}
		subject := streams.RequestPrefix + tail
		w, err := in.ReadRequest(subject, h, data, stored)
		var u *Unreadable
		switch {
		case err == nil:
			if err := w.Key.Validate(); err != nil || RequestSubject(w.Key) != subject {
				t.Errorf("%q became a request of %v: %v", subject, w.Key, err)
			}
			again, err := in.ReadRequest(subject, h, data, stored)
			if err != nil || len(w.Request.Diff(again.Request)) > 0 {
				t.Errorf("read twice it differs: %v %v", w.Request.Diff(again.Request), err)
			}
			return
		case !errors.As(err, &u):
			t.Fatalf("it would be tried again for ever: %v", err)
		}
		if !slices.Contains([]deadletter.Reason{deadletter.BadSubject, deadletter.Structured, deadletter.ContentType, deadletter.EventType, deadletter.NotProtobuf, deadletter.NotJSON, deadletter.Invalid, deadletter.Mismatch}, u.Reason) {
			t.Errorf("reason %q is none that is documented", u.Reason)
		}
		if u.Reason == deadletter.Invalid && (len(u.fields) == 0 || slices.Contains(u.fields, "") || u.Note == "") {
			t.Errorf("it does not name the field at fault: %q: %s", u.fields, u.Note)
		}
		letter := DeadLetter(subject, h, data, from, u.Verdict())
		if string(letter.Data) != string(data) {
			t.Error("the letter is no full copy")
		}
		for _, name := range []string{headerReason, headerNote, headerField} {
			for _, value := range letter.Header[name] {
				if strings.ContainsFunc(value, unicode.IsControl) || len(value) > 4000 {
					t.Errorf("%s is %q, which fits neither a header nor a terminal", name, value)
				}
			}
		}
	})
}
