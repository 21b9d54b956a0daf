package journal_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

const subject = "campaign.v1.request.shop-italia.bf-2026"

func TestIntake(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	got := make(chan runner.Wakeup, 10)
	b.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
		got <- w
		return loop.Verdict{Do: loop.Ack}
	})
	letters, err := b.nc.SubscribeSync("campaign.v1.dead.>")
	if err != nil {
		t.Fatal(err)
	}

	whole := request("bf-2026")
	whole.Description, whole.Unicode, whole.Simulation = "Black Friday", true, true
	at := time.Date(2026, 11, 29, 8, 0, 0, 500, time.UTC)
	whole.Start = &campaignv1.CampaignRequested_At{At: timestamppb.New(at)}
	whole.ExpiresAt = timestamppb.New(at.Add(time.Hour))
	asJSON, err := protojson.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	asked := campaign.Request{
		Name: "Black Friday 2026", Description: "Black Friday", Sender: "ShopItalia", Text: "Solo per te: {{code}}",
		ListID: 87, Unicode: true, Simulation: true, At: at, ExpiresAt: at.Add(time.Hour),
	}
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	const eventType = "staffetta.campaign.v1.CampaignRequested"

	for _, test := range []struct {
		name string
		msg  *nats.Msg
		want runner.Wakeup
	}{
		{"TakesBareProtobuf", message(subject, whole), runner.Wakeup{Kind: runner.WakeRequest, Request: asked}},
		{"TakesCloudEventHeaders", message(subject, whole,
			"ce-specversion", "1.0", "ce-id", "1", "ce-source", "shop", "ce-type", eventType, "content-type", "application/protobuf", "traceparent", trace),
			runner.Wakeup{Kind: runner.WakeRequest, Request: asked, Trace: trace}},
		{"TakesHeadersInAnyCase", message(subject, whole,
			"Ce-Type", eventType, "CE-SpecVersion", "1.0", "Content-Type", "application/x-protobuf", "TraceParent", trace),
			runner.Wakeup{Kind: runner.WakeRequest, Request: asked, Trace: trace}},
		{"TakesProtobufJSON", &nats.Msg{Subject: subject, Data: asJSON, Header: nats.Header{"Content-Type": {"application/json; charset=utf-8"}}},
			runner.Wakeup{Kind: runner.WakeRequest, Request: asked}},
		{"TakesJSONWithAByteOrderMark", &nats.Msg{Subject: subject, Data: append([]byte("\ufeff"), asJSON...), Header: nats.Header{"Content-Type": {"application/json"}}},
			runner.Wakeup{Kind: runner.WakeRequest, Request: asked}},
		{"LeavesOutATraceOfZeros", message(subject, whole, "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"),
			runner.Wakeup{Kind: runner.WakeRequest, Request: asked}},
		{"LeavesOutATraceThatIsNone", message(subject, whole, "traceparent", "<script>"),
			runner.Wakeup{Kind: runner.WakeRequest, Request: asked}},
		{"TakesACancel", &nats.Msg{Subject: "campaign.v1.command.shop-italia.bf-2026.cancel", Data: []byte(`{"by":"anna","why":"typo"}`)},
			runner.Wakeup{Kind: runner.WakeCommand, Command: campaign.Cancel{By: "anna", Why: "typo"}}},
		{"TakesACancelWithoutABody", &nats.Msg{Subject: "campaign.v1.command.shop-italia.bf-2026.cancel"},
			runner.Wakeup{Kind: runner.WakeCommand, Command: campaign.Cancel{By: "unknown"}}},
		{"TakesWhatSomebodySawAtTheGateway", &nats.Msg{Subject: "campaign.v1.command.shop-italia.bf-2026.resolve", Data: []byte(`{"by":"anna","sent":false,"why":"gone"}`)},
			runner.Wakeup{Kind: runner.WakeCommand, Command: campaign.Resolved{By: "anna", Why: "gone"}}},
		{"TakesAWakeUp", &nats.Msg{Subject: "campaign.v1.wakeup.shop-italia.bf-2026"}, runner.Wakeup{Kind: runner.WakeTimer}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b.publish(t, test.msg)
			w := receive(t, got, "wake-up")
			if w.Stored.IsZero() {
				t.Error("it does not say when it was stored")
			}
			if asks := w.Kind == runner.WakeRequest; asks != w.RequestedAt.Equal(w.Stored) {
				t.Errorf("it was asked for at %s and stored at %s", w.RequestedAt, w.Stored)
			}
			w.Stored, w.RequestedAt = time.Time{}, time.Time{}
			test.want.Key = key
			if diff := cmp.Diff(test.want, w); diff != "" {
				t.Errorf("wake-up (-want +got):\n%s", diff)
			}
		})
	}

	for _, test := range []struct {
		name, says string
		want       time.Time // zero: when it was stored
	}{
		{"ReplayWaitsSinceItsOriginal", "2026-01-02T03:04:05.000000006+01:00", time.Date(2026, 1, 2, 2, 4, 5, 6, time.UTC)},
		{"NobodyAsksInTheFuture", "2126-01-02T03:04:05Z", time.Time{}},
		{"NobodyAsksBeforeTimeBegan", "0001-01-01T00:00:00Z", time.Time{}},
		{"NobodyAsksTheDayBeforeYesterday", "the day before yesterday", time.Time{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b.publish(t, message(subject, whole, "Staffetta-Asked", test.says))
			w := receive(t, got, "wake-up")
			if test.want.IsZero() {
				test.want = w.Stored
			}
			if !w.RequestedAt.Equal(test.want) {
				t.Errorf("%q: it was asked for at %s, want %s", test.says, w.RequestedAt, test.want)
			}
		})
	}

	inJSON := func(text string) *nats.Msg {
		return &nats.Msg{Subject: subject, Data: []byte(text), Header: nats.Header{"content-type": {"application/json"}}}
	}
	broken := func(change func(*campaignv1.CampaignRequested)) proto.Message {
		m := request("bf-2026")
		change(m)
		return m
	}
	bare, err := proto.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		msg    *nats.Msg
		reason string
		fields []string
		note   string
		dead   string
	}{
		{"BuriesWhatIsNotProtobuf", &nats.Msg{Subject: subject, Data: []byte("hello")}, "not_protobuf", nil, "not a " + eventType, ""},
		{"TellsJSONWithoutAHeaderWhatIsMissing", &nats.Msg{Subject: subject, Data: asJSON}, "not_protobuf", nil, "add the header content-type: application/json", ""},
		{"BuriesAMisspeltJSONField", &nats.Msg{Subject: subject, Data: []byte(`{"sorce":"x"}`), Header: nats.Header{"content-type": {"application/json"}}}, "not_json", []string{"sorce"}, "there is no such field, did you mean \"source\"? There are source, requestId, name", ""},
		{"NamesAJSONFieldOfAnotherType", inJSON("{\"source\": \"città\", \"name\": \"x\",\n \"contactListId\": \"many\"}"), "not_json", []string{"contactListId"}, `want a whole number that is not too large, got "many"`, ""},
		{"NamesAJSONFieldWithinAnother", inJSON(`{"maxTotal": {"currency": "EUR", "amount": 12}, "name": "x"}`), "not_json", []string{"maxTotal.amount"}, `want text in quotes, got 12: write "12"`, ""},
		{"NamesAJSONFieldThatIsNoInstant", inJSON(`{"name": "x", "at": "tomorrow"}`), "not_json", []string{"at"}, `want a date and a time with an offset, such as "2027-01-15T08:00:00+01:00", got "tomorrow"`, ""},
		{"NamesAJSONFieldThatIsThereTwice", inJSON(`{"name": "x", "text": "a", "name": "y"}`), "not_json", []string{"name"}, "it is there twice", ""},
		{"NamesNoFieldOfJSONThatBreaksOff", inJSON(`{"name": "x", "at`), "not_json", nil, "it is no JSON: it breaks off at line 1, column", ""},
		{"SaysWhereJSONGoesWrong", inJSON("{\"name\": \"x\",\n \"at\": 1,}"), "not_json", nil, "it is no JSON: it goes wrong at line 2, column 10", ""},
		{"NamesAJSONFieldThatIsNotUTF8", inJSON("{\"name\": \"x\", \"text\": \"perch\xe9\"}"), "not_json", []string{"text"}, "it is not UTF-8", ""},
		{"NamesTwoJSONFieldsThatExcludeEachOther", inJSON(`{"immediately": true, "at": "2027-01-15T08:00:00Z"}`), "not_json", []string{"at"}, "give only one of immediately and at", ""},
		{"PointsAtTheColonOfAnOffset", inJSON(`{"at": "2027-01-15T08:00:00.000+0000"}`), "not_json", []string{"at"}, `write "2027-01-15T08:00:00Z", with a colon in the offset`, ""},
		{"PointsAtTheSpaceInAnInstant", inJSON(`{"at": "2027-01-15 08:00:00+01:00"}`), "not_json", []string{"at"}, `write "2027-01-15T08:00:00+01:00"`, ""},
		{"PointsAtAMissingOffset", inJSON(`{"at": "2027-01-15T08:00:00"}`), "not_json", []string{"at"}, "its offset is missing", ""},
		{"TakesNoSecondsForAnInstant", inJSON(`{"at": 1795762800}`), "not_json", []string{"at"}, `got 1795762800: write "2026-11-27T07:00:00Z"`, ""},
		{"TakesNoLeapSecond", inJSON(`{"at": "2026-12-31T23:59:60Z"}`), "not_json", []string{"at"}, "write :59", ""},
		{"TakesNoHoursForADuration", inJSON(`{"maxLateness": "1h"}`), "not_json", []string{"maxLateness"}, `got "1h": write "3600s"`, ""},
		{"TakesNoNumberForMoney", inJSON(`{"maxTotal": 300}`), "not_json", []string{"maxTotal"}, `such as {"amount":"300.00","currency":"EUR"}, got 300`, ""},
		{"NamesAFieldThatIsNotUTF8", &nats.Msg{Subject: subject, Data: []byte("\x0a\x0bshop-italia\x32\x07perch\xe9!")}, "not_protobuf", []string{"text"}, "it is not UTF-8", ""},
		{"NamesAFieldInsideAnotherThatIsNotUTF8", &nats.Msg{Subject: subject, Data: []byte("\x0a\x0bshop-italia\x6a\x03\x12\x01\x80")}, "not_protobuf", []string{"max_total.currency"}, "it is not UTF-8", ""},
		{"RecognisesBase64", &nats.Msg{Subject: subject, Data: []byte(base64.StdEncoding.EncodeToString(bare))}, "not_protobuf", nil, "it is base64: send the bytes themselves", ""},
		{"RecognisesALengthInFront", &nats.Msg{Subject: subject, Data: protowire.AppendBytes(nil, bare)}, "not_protobuf", nil, "its length stands before it", ""},
		{"RecognisesASchemaRegistry", &nats.Msg{Subject: subject, Data: append([]byte{0, 0, 0, 0, 1, 0}, bare...)}, "not_protobuf", nil, "the frame of a schema registry stands before it", ""},
		{"TakesNoNegativeNanoseconds", message(subject, broken(func(m *campaignv1.CampaignRequested) {
			m.Start = &campaignv1.CampaignRequested_At{At: &timestamppb.Timestamp{Seconds: at.Unix(), Nanos: -5}}
		})), "invalid", []string{"at"}, "at: nanos must be 0 to 999999999, not -5", ""},
		{"TakesNoTwoSecondsOfNanoseconds", message(subject, broken(func(m *campaignv1.CampaignRequested) {
			m.ExpiresAt = &timestamppb.Timestamp{Seconds: at.Unix(), Nanos: 2_000_000_000}
			m.MaxLateness = &durationpb.Duration{Seconds: 60, Nanos: 2_000_000_000}
		})), "invalid", []string{"expires_at", "max_lateness"}, "expires_at: nanos must be 0 to 999999999, not 2000000000", ""},
		{"BuriesAStructuredEvent", message(subject, whole, "content-type", "application/cloudevents+json"), "structured_cloudevent", nil, "binary mode", ""},
		{"BuriesAnUnknownContentType", message(subject, whole, "content-type", "text/xml"), "unknown_content_type", []string{"content-type"}, "text/xml", ""},
		{"BuriesAnotherEventType", message(subject, whole, "ce-type", "com.example.Other"), "unknown_event_type", []string{"ce-type"}, "com.example.Other", ""},
		{"NamesEveryFieldAtFault", message(subject, broken(func(m *campaignv1.CampaignRequested) { m.ContactListId, m.Sender = 0, "much too long a name" })), "invalid", []string{"sender", "contact_list_id"}, "sender: must be a name of at most 11", ""},
		{"NamesAMissingStart", message(subject, broken(func(m *campaignv1.CampaignRequested) { m.Start = nil })), "invalid", []string{"start"}, "start: exactly one of immediately and at must be given", ""},
		{"BuriesAnotherSource", message("campaign.v1.request.acqualuce.bf-2026", whole), "subject_mismatch", []string{"source"}, `the subject says "acqualuce", the message "shop-italia": publish it on campaign.v1.request.shop-italia.bf-2026, or correct source in the message`, "campaign.v1.dead.acqualuce.bf-2026"},
		{"BuriesAnotherRequestID", message("campaign.v1.request.shop-italia.other", whole), "subject_mismatch", []string{"request_id"}, `"other"`, "campaign.v1.dead.shop-italia.other"},
		{"FilesABadSubjectAsUnreadable", message("campaign.v1.request.shop-italia.bf$2026", whole), "bad_subject", nil, "letters, digits", "campaign.v1.dead.unreadable"},
		{"BuriesAnUnknownVerb", &nats.Msg{Subject: "campaign.v1.command.shop-italia.bf-2026.launch"}, "bad_command", nil, `unknown verb "launch", want one of approve, cancel`, ""},
		{"BuriesAResolveThatDoesNotSayWhetherItWasSent", &nats.Msg{Subject: "campaign.v1.command.shop-italia.bf-2026.resolve", Data: []byte(`{"by":"anna"}`)}, "bad_command", []string{"sent"}, "sent: true or false", ""},
		{"BuriesAResolveThatNobodySigned", &nats.Msg{Subject: "campaign.v1.command.shop-italia.bf-2026.resolve", Data: []byte(`{"sent":true}`)}, "bad_command", []string{"by"}, "who looked", ""},
		{"BuriesAResolveThatSaysItInWords", &nats.Msg{Subject: "campaign.v1.command.shop-italia.bf-2026.resolve", Data: []byte(`{"by":"anna","sent":"no"}`)}, "bad_command", []string{"sent"}, `want {"by":"…","sent":true or false,"why":"…"}, got a string`, ""},
		{"BuriesAnUnreadableCommand", &nats.Msg{Subject: "campaign.v1.command.shop-italia.bf-2026.cancel", Data: []byte("{")}, "bad_command", nil, `want {"by":"…","why":"…"}: it is no JSON: it breaks off`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			seq := b.publish(t, test.msg)
			l, err := letters.NextMsg(20 * time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if test.dead == "" {
				test.dead = "campaign.v1.dead.shop-italia.bf-2026"
			}
			if l.Subject != test.dead || l.Header.Get("Staffetta-Reason") != test.reason || !strings.Contains(l.Header.Get("Staffetta-Note"), test.note) {
				t.Errorf("letter %s: %s: %s\nwant %s: %s: …%s…", l.Subject, l.Header.Get("Staffetta-Reason"), l.Header.Get("Staffetta-Note"), test.dead, test.reason, test.note)
			}
			if diff := cmp.Diff(test.fields, l.Header["Staffetta-Field"]); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if string(l.Data) != string(test.msg.Data) {
				t.Error("the letter does not have the payload")
			}
			for name, values := range test.msg.Header {
				if diff := cmp.Diff(values, l.Header[name]); diff != "" {
					t.Errorf("header %s (-want +got):\n%s", name, diff)
				}
			}
			if l.Header.Get("Staffetta-Subject") != test.msg.Subject {
				t.Errorf("the letter says it was on %s", l.Header.Get("Staffetta-Subject"))
			}
			if got := l.Header.Get("Staffetta-Sequence"); got != itoa(seq) {
				t.Errorf("the letter says sequence %s, want %d", got, seq)
			}
		})
	}
	select {
	case w := <-got:
		t.Errorf("a dead letter woke %+v", w)
	default:
	}
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()

	t.Run("TakeTheLargestRequest", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		letters, err := b.nc.SubscribeSync("campaign.v1.dead.>")
		if err != nil {
			t.Fatal(err)
		}
		b.consume(t, journal.ConsumeOptions{}, nil)
		m := nats.NewMsg(subject)
		m.Header.Set("x-padding", strings.Repeat("h", 60<<10))
		m.Data = []byte(strings.Repeat("x", 195<<10))
		b.publish(t, m)
		l, err := letters.NextMsg(20 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if string(l.Data) != string(m.Data) || l.Header.Get("x-padding") != m.Header.Get("x-padding") {
			t.Error("the copy is not whole")
		}
	})

	t.Run("AreWrittenBeforeTheMessageIsTerminated", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{AckWait: 500 * time.Millisecond, Patience: 100 * time.Millisecond})
		seen := b.answers(t, streams.Requests, "requests")
		if err := b.js.DeleteStream(t.Context(), streams.DeadLetters); err != nil {
			t.Fatal(err)
		}
		b.consume(t, journal.ConsumeOptions{}, nil)
		b.publish(t, &nats.Msg{Subject: subject, Data: []byte("hello")})
		got := "+WPI"
		for got == "+WPI" {
			got = receive(t, seen, "answer")
		}
		if !strings.HasPrefix(got, "-NAK") {
			t.Fatalf("without a dead letter it was answered %q", got)
		}
		open(t, b.nc, journal.Options{}) // makes the stream again
		for !strings.HasPrefix(got, "+TERM") {
			got = receive(t, seen, "answer")
		}
	})

	// A service that dies when it has written the letter, and before the server has
	// heard that the message is done with; another comes so much later that the
	// stream has forgotten the letter's id.
	t.Run("AreWrittenOnceHoweverLateSomebodyComesBack", func(t *testing.T) {
		t.Parallel()
		unheard := &server.User{Username: "unheard", Password: "x", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Deny: []string{"$JS.ACK.>"}}, Subscribe: &server.SubjectPermission{Allow: []string{">"}},
		}}
		s := startServer(t, -1, t.TempDir(), unheard, &server.User{Username: "heard", Password: "x"})
		as := func(user string) *testService {
			nc, err := streams.Connect(streams.Server{URL: fmt.Sprintf("nats://%s:x@127.0.0.1:%d", user, port(t, s))})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(nc.Close)
			js, err := jetstream.New(nc)
			if err != nil {
				t.Fatal(err)
			}
			client, err := client.New(nc)
			if err != nil {
				t.Fatal(err)
			}
			return &testService{testBundle: &testBundle{nc: nc, js: js, j: open(t, nc, journal.Options{AckWait: 500 * time.Millisecond}), client: client}}
		}
		first, second := as("unheard"), as("heard")
		second.forgetIDs(t)
		stop := first.consume(t, journal.ConsumeOptions{}, nil)
		for range 2 { // so that the letter looked for is not the last of its campaign
			first.publish(t, &nats.Msg{Subject: subject, Data: []byte("hello")})
		}
		waitFor(t, func() bool { return len(second.letters(t)) == 2 })
		stop()
		second.idsAreForgotten(t)
		second.consume(t, journal.ConsumeOptions{}, nil)
		waitFor(t, func() bool {
			c, err := second.js.Consumer(t.Context(), streams.Requests, "requests")
			return err == nil && c.CachedInfo().AckFloor.Stream == 2
		})
		if all := second.letters(t); len(all) != 2 {
			t.Errorf("two messages have %d letters: %+v", len(all), all)
		}
	})

	// The requests' stream was lost, or deleted, and counts anew.
	t.Run("AreNotMistakenForThoseOfAnEarlierStream", func(t *testing.T) {
		t.Parallel()
		b := openTestService(t, journal.Options{})
		b.bury(t, &nats.Msg{Subject: subject, Data: []byte("hello")})
		if err := b.js.DeleteStream(t.Context(), streams.Requests); err != nil {
			t.Fatal(err)
		}
		open(t, b.nc, journal.Options{})
		if l := b.bury(t, &nats.Msg{Subject: subject, Data: []byte("hello again")}); l.Sequence != 1 || string(l.Data) != "hello again" {
			t.Errorf("letter %+v", l)
		}
	})

	t.Run("KeepOrdersToAStreamAside", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		letters, err := b.nc.SubscribeSync("campaign.v1.dead.>")
		if err != nil {
			t.Fatal(err)
		}
		b.consume(t, journal.ConsumeOptions{}, nil)
		m := &nats.Msg{Subject: subject, Data: []byte("hello"), Header: nats.Header{"Nats-Expected-Last-Subject-Sequence": {"0"}}}
		b.publish(t, m)
		l, err := letters.NextMsg(20 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if l.Header.Get("Staffetta-Original-Nats-Expected-Last-Subject-Sequence") != "0" {
			t.Errorf("headers %v", l.Header)
		}
	})
}
