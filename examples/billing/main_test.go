package main

import (
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

func TestNoticeIsInTheStreamUnderItsOwnSubject(t *testing.T) {
	t.Parallel()
	nc := connect(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "CAMPAIGN_REQUESTS", Subjects: []string{"campaign.v1.request.*.*"},
	})
	if err != nil {
		t.Fatal(err)
	}

	due := time.Now().UTC().AddDate(0, 0, 10).Truncate(24 * time.Hour)
	client, err := staffetta.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Request(t.Context(), notice(87, due)); err != nil {
		t.Fatal(err)
	}

	msg, err := stream.GetLastMsgForSubject(t.Context(), "campaign.v1.request.acqualuce-billing.due-"+due.Format(time.DateOnly))
	if err != nil {
		t.Fatal(err)
	}
	var got campaignv1.CampaignRequested
	if err := proto.Unmarshal(msg.Data, &got); err != nil {
		t.Fatal(err)
	}
	if got.ContactListId != 87 || !got.ExpiresAt.AsTime().Equal(due) {
		t.Errorf("the stream has %v", &got)
	}
}

// To ask again, as after a crash, changes nothing.
func TestANoticeIsAskedForOnce(t *testing.T) {
	t.Parallel()
	client, due := staffettatest.New().Client(), time.Now().Add(240*time.Hour)
	for _, want := range []staffetta.Known{staffetta.FirstAsked, staffetta.AskedBefore} {
		if placed, err := client.Request(t.Context(), notice(87, due)); err != nil || placed.Known != want {
			t.Errorf("%+v, %v; want %s", placed, err, want)
		}
	}
}

func TestNoticeWithoutAListIsNotPublished(t *testing.T) {
	t.Parallel()
	if placed, err := staffettatest.New().Client().Request(t.Context(), notice(0, time.Now())); err == nil {
		t.Errorf("a notice to contact list 0 was published: %+v", placed)
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
