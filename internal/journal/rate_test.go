package journal_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/rate"
	"github.com/staffetta-io/staffetta/internal/streams"
)

func openRate(t *testing.T, nc *nats.Conn, replicas int) *journal.Rate {
	t.Helper()
	r, err := journal.OpenRate(t.Context(), nc, "default", replicas)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRateOnOneServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServer(t, -1, dir)
	nc := connect(t, s)
	open(t, nc, journal.Options{})
	first, second := openRate(t, nc, 1), openRate(t, connect(t, s), 1)
	keepsRate(t, first, second)
	share(t, first, second)

	// A server that is restarted has what it had, and everybody hears of the restart.
	had := read(t, first)
	port := s.Addr().(*net.TCPAddr).Port
	s.Shutdown()
	s.WaitForShutdown()
	startServer(t, port, dir)
	waitFor(t, func() bool { return nc.Stats().Reconnects > 0 && nc.IsConnected() })
	if _, err := first.Write(t.Context(), rate.First(), had.Revision); !errors.Is(err, rate.ErrConflict) {
		t.Errorf("a write over what was read before the restart: %v", err)
	}
	if got := read(t, first); string(got.Data) != string(had.Data) || got.Revision != had.Revision || got.Connection == had.Connection {
		t.Errorf("after a restart: %q, number %d, on connection %d, want what was there, on another", got.Data, got.Revision, got.Connection)
	}
	// A stream that is gone is missed, and made anew with numbers that were never used.
	if _, err := nc.Request("$JS.API.STREAM.DELETE."+streams.Rate, nil, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if got := read(t, first); got.Data != nil {
		t.Errorf("after its stream was deleted: %q, want none", got.Data)
	}
	written, err := first.Write(t.Context(), rate.First(), 0)
	if err != nil || written <= had.Revision {
		t.Errorf("the first of another bucket has number %d, want above %d: %v", written, had.Revision, err)
	}
	// Whoever opens it now does not take it for the first of all.
	if _, err := nc.Request("$JS.API.STREAM.DELETE."+streams.Rate, nil, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if got := read(t, openRate(t, nc, 1)); got.Data != nil {
		t.Errorf("a record that was lost is made anew by whoever opens it: %q", got.Data)
	}
}

func TestRateOnThreeServers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: it starts a cluster of three servers; run go test ./internal/journal -run TestRateOnThreeServers, without -short")
	}
	all := startCluster(t)
	nc, other := connect(t, all[0]), connect(t, all[1])
	open(t, nc, journal.Options{Replicas: 3})
	first, second := openRate(t, nc, 3), openRate(t, other, 3)
	keepsRate(t, first, second)
	share(t, first, second)

	// Whichever of the three is lost, the record is not.
	js, err := streams.JetStream(other)
	if err != nil {
		t.Fatal(err)
	}
	had := read(t, second)
	leader := leaderOf(t, js, all, streams.Rate)
	leader.Shutdown()
	leader.WaitForShutdown()
	waitFor(t, func() bool {
		got, err := second.Read(t.Context())
		return err == nil && got.Revision >= had.Revision && got.Data != nil
	})
}

// keepsRate holds the store against what a share believes of it.
func keepsRate(t *testing.T, first, second *journal.Rate) {
	t.Helper()
	began := read(t, first)
	if string(began.Data) != string(rate.First()) || began.Revision == 0 || time.Since(began.At).Abs() > time.Minute {
		t.Errorf("the first record is %q, number %d, of %s", began.Data, began.Revision, began.At)
	}
	read(t, second)
	one := []byte(`{"schema":1,"limit":100}`)
	revision, err := first.Write(t.Context(), one, began.Revision)
	if err != nil || revision <= began.Revision {
		t.Fatalf("written as %d: %v", revision, err)
	}
	if _, err := second.Write(t.Context(), rate.First(), began.Revision); !errors.Is(err, rate.ErrConflict) {
		t.Errorf("a second write over the same revision: %v", err)
	}
	if _, err := second.Write(t.Context(), rate.First(), 0); !errors.Is(err, rate.ErrConflict) {
		t.Errorf("a write as if there were none: %v", err)
	}
	if got := read(t, second); string(got.Data) != string(one) || got.Revision != revision {
		t.Errorf("the other reads %q, number %d, want %q, number %d", got.Data, got.Revision, one, revision)
	}
}

// share has two processes take tokens of one account.
func share(t *testing.T, stores ...*journal.Rate) {
	t.Helper()
	for i, store := range stores {
		s := rate.NewShare(rate.Options{Store: store, Name: t.Name() + string(rune('a'+i)), Limits: rate.Limits{Minute: 60, Second: 10}, Timeout: time.Second})
		go s.Run(t.Context())
		var waiting [rate.Classes]int
		waiting[rate.Confirming] = 1
		s.Want(waiting)
		waitFor(t, s.Take)
		s.Want([rate.Classes]int{})
		s.Leave()
		s.Answered()
	}
	var held string
	waitFor(t, func() bool {
		held = string(read(t, stores[0]).Data)
		return strings.Contains(held, t.Name()+"a") && strings.Contains(held, t.Name()+"b") && strings.Contains(held, `"spent":[`)
	})
}

// An earlier version has printed accounts in which the service may not write the record:
// it says which right is missing.
func TestRateWithoutTheRight(t *testing.T) {
	t.Parallel()
	s := startServer(t, -1, t.TempDir(), &server.User{Username: "staffetta", Password: "x", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Deny: []string{"$KV.rate.>"}},
	}})
	nc, err := streams.Connect(streams.Server{URL: strings.Replace(s.ClientURL(), "nats://", "nats://staffetta:x@", 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	open(t, nc, journal.Options{})
	_, err = journal.OpenRate(t.Context(), nc, "default", 1)
	if missing := (*streams.Right)(nil); !errors.As(err, &missing) || missing.Subject != "$KV.rate.default" {
		t.Errorf("got error %v, want the missing right", err)
	}
}

func read(t *testing.T, r *journal.Rate) rate.Stored {
	t.Helper()
	got, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}
