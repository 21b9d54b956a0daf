package main

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
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

	due := time.Date(2026, 12, 15, 0, 0, 0, 0, time.UTC)
	if err := requestNotice(t.Context(), nc, 87, due); err != nil {
		t.Fatal(err)
	}

	msg, err := stream.GetLastMsgForSubject(t.Context(), "campaign.v1.request.acqualuce-billing.due-2026-12-15")
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

func TestNoticeWithoutAListIsNotPublished(t *testing.T) {
	t.Parallel()
	if err := requestNotice(t.Context(), nil, 0, time.Now()); err == nil {
		t.Error("a notice to contact list 0 was published")
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
