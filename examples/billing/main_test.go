package main

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/proto/staffetta/staffettatest"
)

const unpaid = "phoneNumber;invoice;code\n333 1234501;2026-117;a7k2\n333 1234502;2026-118;b3m9\n"

// What billing publishes: the list in a chunk, and the request that names it.
func TestNoticeAndItsListAreInTheirStreams(t *testing.T) {
	t.Parallel()
	nc := connect(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream := func(name string, subject string) jetstream.Stream {
		t.Helper()
		s, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{subject}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	requests, lists := stream("CAMPAIGN_REQUESTS", "campaign.v1.request.*.*"), stream("CAMPAIGN_AUDIENCES", "campaign.v1.audience.*.*.*")

	due := time.Now().UTC().AddDate(0, 0, 10).Truncate(24 * time.Hour)
	client, err := staffetta.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remind(t.Context(), client, strings.NewReader(unpaid), due); err != nil {
		t.Fatal(err)
	}

	msg, err := requests.GetLastMsgForSubject(t.Context(), "campaign.v1.request.acqualuce-billing.due-"+due.Format(time.DateOnly))
	if err != nil {
		t.Fatal(err)
	}
	var got campaignv1.CampaignRequested
	if err := proto.Unmarshal(msg.Data, &got); err != nil {
		t.Fatal(err)
	}
	if got.Audience.GetSize() != int64(len(unpaid)) || !got.ExpiresAt.AsTime().Equal(due) {
		t.Errorf("the stream has %v", &got)
	}
	chunk, err := lists.GetLastMsgForSubject(t.Context(), "campaign.v1.audience.acqualuce-billing."+got.Audience.GetSha256()+".1")
	if err != nil || string(chunk.Data) != unpaid {
		t.Errorf("the list is %v, %v", chunk, err)
	}
}

// To ask again, as after a crash, changes nothing.
func TestANoticeIsAskedForOnce(t *testing.T) {
	t.Parallel()
	client, due := staffettatest.New().Client(), time.Now().Add(240*time.Hour)
	for _, want := range []staffetta.Known{staffetta.FirstAsked, staffetta.AskedBefore} {
		if placed, err := remind(t.Context(), client, strings.NewReader(unpaid), due); err != nil || placed.Known != want {
			t.Errorf("%+v, %v; want %s", placed, err, want)
		}
	}
}

func TestNoticeToNobodyIsNotPublished(t *testing.T) {
	t.Parallel()
	if placed, err := remind(t.Context(), staffettatest.New().Client(), strings.NewReader(""), time.Now().Add(240*time.Hour)); err == nil {
		t.Errorf("a notice to nobody was published: %+v", placed)
	}
}

// connect starts a NATS server of this test's own.
func connect(t *testing.T) *nats.Conn {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server did not start")
	}
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}
