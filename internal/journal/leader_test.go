package journal_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Where it is evidence that nothing is there, no replica is asked that may not have heard
// of it yet: the one who looks here may ask none.
func TestAbsenceIsAskedOfTheLeader(t *testing.T) {
	t.Parallel()
	leaderOnly := &server.User{Username: "leader", Password: "x", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Deny: []string{"$JS.API.DIRECT.>"}},
	}}
	s := startServer(t, -1, t.TempDir(), leaderOnly)
	nc, err := streams.Connect(streams.Server{URL: "nats://leader:x@" + s.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	j := open(t, nc, journal.Options{})
	all, err := j.Schedules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waits, buried := campaign.Key{Source: "shop-italia", RequestID: "waits"}, campaign.Key{Source: "shop-italia", RequestID: "buried"}
	for _, key := range []campaign.Key{waits, buried} {
		if _, err := js.Publish(t.Context(), "campaign.v1.request."+key.String(), nil); err != nil {
			t.Fatal(err)
		}
	}
	letter := &nats.Msg{Subject: "campaign.v1.dead." + buried.String(), Header: nats.Header{"Staffetta-Stream": {streams.Requests}}}
	if _, err := js.PublishMsg(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for key, want := range map[campaign.Key]bool{waits: false, buried: true} {
		if ended, err := all.Ended(ctx, key); err != nil || ended != want {
			t.Errorf("%s has ended: %t, %v; want %t", key, ended, err, want)
		}
	}
	for name, subject := range map[string]string{streams.Requests: "campaign.v1.request." + buried.String(), streams.DeadLetters: letter.Subject} {
		if n, err := streams.Erase(ctx, js, name, subject, 0); err != nil || n != 1 {
			t.Errorf("%d messages of %s are erased, %v; want the one of it", n, name, err)
		}
	}
	// The journal's own looks once more whether a request is left.
	if err := j.Erase(ctx, buried); err != nil {
		t.Error(err)
	}
	if err := j.Erase(ctx, waits); err == nil {
		t.Error("it is called erased, and a request of it waits")
	}
}
