package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/access"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/test/natsserver"
)

// With the accounts of deploy/nats it reads with the consumer that the operator has made
// for it, and goes on where it stopped; it may make none.
func TestFollowWithTheConsumerOfTheOperator(t *testing.T) {
	t.Parallel()
	contexts := guarded(t)
	as := func(user string) *nats.Conn {
		nc, err := connect(contexts[user], "")
		if err != nil {
			t.Fatalf("connect as %s: %v", user, err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	service, err := streams.Connect(streams.Server{Context: contexts["staffetta"]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.Close)
	j, err := journal.Open(t.Context(), service, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	if err := follow(t.Context(), as("analytics"), "analytics", os.Stderr); err == nil || !strings.Contains(err.Error(), "staffetta access consumers") {
		t.Errorf("without a consumer: %v", err)
	}
	// As staffetta access consumers does.
	table, err := os.ReadFile("../../deploy/nats/access.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tab, err := access.Parse(table)
	if err != nil {
		t.Fatal(err)
	}
	operator, err := client.New(as("operator"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range tab.Consumers() {
		if _, err := operator.MakeConsumer(t.Context(), c.Name, c.Filter); err != nil {
			t.Fatal(err)
		}
	}

	publish := func(subject string, m proto.Message) {
		if _, err := service.RequestMsg(eventOf(t, "shop-italia.bf."+subject, m), 10*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	js, err := jetstream.New(as("operator"))
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(t.Context(), streams.Events, "analytics")
	if err != nil {
		t.Fatal(err)
	}
	publish("confirmed.1", &campaignv1.CampaignConfirmed{Source: "shop-italia", RequestId: "bf"}) // which it leaves out
	for n, want := range []string{"shop-italia/bf #1 STATUS_SENDING: 12 of 20 delivered\n", "shop-italia/bf #2 STATUS_SENDING: 12 of 20 delivered\n"} {
		version := []string{"stats.1", "stats.2"}[n]
		publish(version, &campaignv1.CampaignStats{Source: "shop-italia", RequestId: "bf", Version: int32(n + 1), Status: campaignv1.CampaignStats_STATUS_SENDING, Total: 20, Delivered: 12})
		if got := firstLine(t, as("analytics"), "analytics"); got != want {
			t.Errorf("run %d prints %q, want %q", n+1, got, want)
		}
		// What is told before its last pull is over goes to who has gone.
		for {
			info, err := consumer.Info(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if info.NumWaiting == 0 {
				break
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-t.Context().Done():
				t.Fatal("its pulls are never over")
			}
		}
	}
	if err := follow(t.Context(), as("analytics"), "mine", os.Stderr); err == nil {
		t.Error("it makes a consumer of its own")
	}
}

// guarded is a server with the accounts of deploy/nats, and a context of the nats command
// line for each of its users.
func guarded(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	accounts, err := os.ReadFile("../../deploy/nats/accounts.conf")
	if err != nil {
		t.Fatal(err)
	}
	conf, seeds := "listen: 127.0.0.1:-1\njetstream { store_dir: \""+dir+"\" }\n"+string(accounts), map[string]string{}
	for _, user := range []string{"staffetta", "operator", "support", "shop-italia", "analytics"} {
		pair, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		public, err := pair.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		seed, err := pair.Seed()
		if err != nil {
			t.Fatal(err)
		}
		seeds[user] = write(user+".nk", seed)
		conf = strings.ReplaceAll(conf, "$NKEY_"+strings.ToUpper(strings.ReplaceAll(user, "-", "_"))+"\n", public+"\n")
	}
	s := natsserver.FromFile(t, write("nats.conf", []byte(conf)))
	contexts := map[string]string{}
	for user, seed := range seeds {
		data, err := json.Marshal(map[string]string{"url": s.ClientURL(), "nkey": seed, "inbox_prefix": "_INBOX." + user})
		if err != nil {
			t.Fatal(err)
		}
		contexts[user] = write(user+".json", data)
	}
	return contexts
}
