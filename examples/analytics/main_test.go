package main

import (
	"bufio"
	"context"
	"io"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func TestFollowGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	nc := start(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "CAMPAIGN_EVENTS", Subjects: []string{"campaign.v1.event.*.*.*.*"},
	}); err != nil {
		t.Fatal(err)
	}
	publish := func(subject string, m proto.Message) {
		if _, err := js.PublishMsg(t.Context(), eventOf(t, "shop-italia.bf."+subject, m)); err != nil {
			t.Fatal(err)
		}
	}

	sending := &campaignv1.CampaignStats{
		Source: "shop-italia", RequestId: "bf", Version: 1, Status: campaignv1.CampaignStats_STATUS_SENDING,
		Total: 9831, Delivered: 12,
	}
	completed := &campaignv1.CampaignStats{
		Source: "shop-italia", RequestId: "bf", Version: 2, Status: campaignv1.CampaignStats_STATUS_COMPLETED,
		Total: 9831, Delivered: 9542, DeliveryRate: "97.06", Last: true, Reconciled: true,
		Cost: &campaignv1.Money{Amount: "344.09", Currency: "EUR"},
	}
	publish("confirmed.1", &campaignv1.CampaignConfirmed{})
	publish("stats.1", sending)
	if got, want := firstLine(t, nc, "analytics"), "shop-italia/bf #1 STATUS_SENDING: 12 of 9831 delivered\n"; got != want {
		t.Errorf("first run prints %q, want %q", got, want)
	}
	publish("stats.2", completed)
	if got, want := firstLine(t, nc, "analytics"), "shop-italia/bf #2 STATUS_COMPLETED: 9542 of 9831 delivered, 97.06 %, 344.09 EUR (final)\n"; got != want {
		t.Errorf("second run prints %q, want %q", got, want)
	}
}

// eventOf is an event as the service tells it.
func eventOf(t *testing.T, id string, m proto.Message) *nats.Msg {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return &nats.Msg{Subject: "campaign.v1.event." + id, Data: data, Header: nats.Header{
		"ce-id": {id}, "ce-type": {string(m.ProtoReflect().Descriptor().FullName())},
	}}
}

// firstLine runs follow until it has printed a line.
func firstLine(t *testing.T, nc *nats.Conn, made string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	stopped := make(chan error, 1)
	go func() {
		err := follow(ctx, nc, made, w)
		w.CloseWithError(err)
		stopped <- err
	}()
	text, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	return text
}

// start starts a NATS server of this test's own.
func start(t *testing.T) *nats.Conn {
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
