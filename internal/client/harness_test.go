package client_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

var key = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}

// testBundle is a client on a server of its own, and the journal of the service there.
type testBundle struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	j      *journal.Journal
	client *client.Client
}

func setup(t testing.TB, o journal.Options) *testBundle {
	t.Helper()
	nc := connect(t, startServer(t, &server.Options{JetStream: true}))
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return &testBundle{nc: nc, js: js, j: open(t, nc, o), client: c}
}

// startServer starts a server in this process, with JetStream if the options say so.
func startServer(t testing.TB, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.Port, o.NoLog, o.NoSigs, o.StoreDir = "127.0.0.1", -1, true, true, t.TempDir()
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

func connect(t testing.TB, s *server.Server) *nats.Conn {
	t.Helper()
	nc, err := streams.Connect(streams.Server{URL: s.ClientURL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// login is the connection of a user, who hears answers under an inbox.
func login(t testing.TB, s *server.Server, user, inbox string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(user, "x"), nats.CustomInboxPrefix(inbox), nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // or it is printed
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func open(t testing.TB, nc *nats.Conn, o journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), nc, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	return j
}

func (b *testBundle) publish(t testing.TB, m *nats.Msg) uint64 {
	t.Helper()
	ack, err := b.js.PublishMsg(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return ack.Sequence
}

func request(id string) *campaignv1.CampaignRequested {
	return &campaignv1.CampaignRequested{
		Source: "shop-italia", RequestId: id, Name: "Black Friday 2026", Sender: "ShopItalia",
		Text: "Solo per te: {{code}}", ContactListId: 87,
		Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
}
