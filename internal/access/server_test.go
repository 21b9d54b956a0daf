package access_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/staffetta-io/staffetta/internal/access"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
	"github.com/staffetta-io/staffetta/test/natsserver"
)

const example = "../../deploy/nats/access.yaml"

// guarded is a NATS server with the printed accounts of the example, and two more rows
// in its table: a second source, and a person of finance.
type guarded struct {
	t         *testing.T
	s         *server.Server
	keys      map[string]nkeys.KeyPair // by name
	table     access.Table
	file, dir string // its configuration, and what it stores
}

const another = "acqualuce-billing"

func table(t *testing.T) access.Table {
	t.Helper()
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	tab, err := access.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func guard(t *testing.T, changes ...func(*access.Table)) *guarded {
	t.Helper()
	tab := table(t)
	for _, change := range changes {
		change(&tab)
	}
	tab.Sources = append(tab.Sources, access.User{Name: another})
	tab.People = append(tab.People, access.User{Name: "finance", Role: "finance"})
	g := &guarded{t: t, keys: map[string]nkeys.KeyPair{}}
	key := func(name string) access.Key {
		pair, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		public, err := pair.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		g.keys[name] = pair
		return access.Key(public)
	}
	tab.Service = key("staffetta")
	for _, users := range [][]access.User{tab.Operators, tab.Sources, tab.People} {
		for i := range users {
			users[i].Key = key(users[i].Name)
		}
	}
	g.table, g.file, g.dir = tab, filepath.Join(t.TempDir(), "nats.conf"), t.TempDir()
	g.print()
	g.s = natsserver.FromFile(t, g.file)
	nc := g.connect("staffetta")
	j, err := journal.Open(t.Context(), nc, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	if _, err := j.Schedules(t.Context()); err != nil {
		t.Fatal(err)
	}
	own, err := streams.OwnAccess(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.OpenBudgets(t.Context(), own, 1); err != nil {
		t.Fatal(err)
	}
	answer(t, nc)
	c, err := client.New(g.connect("operator"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range tab.Consumers() {
		if _, err := c.MakeConsumer(t.Context(), d.Name, d.Filter); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// bare is a server without accounts or users.
func bare(t *testing.T) *guarded {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return &guarded{t: t, s: s}
}

// connect is a connection of a user, with an inbox that it may listen to.
func (g *guarded) connect(name string) *nats.Conn {
	g.t.Helper()
	nc, err := nats.Connect(g.s.ClientURL(), g.options(name)...)
	if err != nil {
		g.t.Fatalf("connect as %s: %v", name, err)
	}
	g.t.Cleanup(nc.Close)
	return nc
}

func (g *guarded) options(name string) []nats.Option {
	g.t.Helper()
	o := []nats.Option{nats.ReconnectBufSize(-1), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})}
	if pair := g.keys[name]; pair != nil {
		public, err := pair.PublicKey()
		if err != nil {
			g.t.Fatal(err)
		}
		o = append(o, nats.Nkey(public, pair.Sign))
	}
	if slices.ContainsFunc(g.table.People, func(u access.User) bool { return u.Name == name }) {
		o = append(o, nats.CustomInboxPrefix("_INBOX."+name))
	}
	return o
}

func (g *guarded) js(name string) jetstream.JetStream {
	g.t.Helper()
	js, err := jetstream.New(g.connect(name))
	if err != nil {
		g.t.Fatal(err)
	}
	return js
}

// state is everything that the streams and their consumers hold, except for what users
// may add: messages by subject, the last sequence of each stream, and the consumers.
func (g *guarded) state(mine ...string) map[string]uint64 {
	g.t.Helper()
	js, all := g.js("operator"), map[string]uint64{}
	for info := range js.ListStreams(g.t.Context()).Info() {
		s, err := js.Stream(g.t.Context(), info.Config.Name)
		if err != nil {
			g.t.Fatal(err)
		}
		full, err := s.Info(g.t.Context(), jetstream.WithSubjectFilter(">"))
		if err != nil {
			g.t.Fatal(err)
		}
		maps.Copy(all, full.State.Subjects)
		if name := full.Config.Name; name != streams.Requests && name != streams.Commands && name != streams.Audiences {
			all[name] = full.State.LastSeq
		}
		for c := range s.ListConsumers(g.t.Context()).Info() {
			all[c.Stream+"/"+c.Name] = 1
		}
	}
	for _, subject := range mine {
		delete(all, subject)
	}
	return all
}

// says is the outcome of a publish or a request: "" if it was answered without an
// error, otherwise the error.
func (g *guarded) says(nc *nats.Conn, m *nats.Msg) string {
	g.t.Helper()
	refused := make(chan error, 16)
	nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err })
	answer := make(chan *nats.Msg, 16)
	if m.Reply == "" {
		m.Reply = nc.NewRespInbox()
		sub, err := nc.Subscribe(m.Reply, func(m *nats.Msg) { answer <- m })
		if err != nil {
			g.t.Fatal(err)
		}
		defer sub.Unsubscribe()
	}
	if err := nc.PublishMsg(m); err != nil {
		g.t.Fatal(err)
	}
	// The server refuses before it answers the flush; the client reports it a little
	// later.
	if err := nc.Flush(); err != nil {
		g.t.Fatal(err)
	}
	select {
	case err := <-refused:
		return err.Error()
	case a := <-answer:
		if a.Header.Get("Status") == "503" {
			return "no responders"
		}
		if strings.Contains(string(a.Data), `"error"`) {
			return string(a.Data)
		}
		return ""
	case <-time.After(5 * time.Second):
		return "no answer"
	}
}

// listens says whether a user may listen to a subject.
func (g *guarded) listens(name, subject string) bool {
	g.t.Helper()
	nc := g.connect(name)
	refused := make(chan error, 16)
	nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err })
	sub, err := nc.SubscribeSync(subject)
	if err != nil {
		g.t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		g.t.Fatal(err)
	}
	_, err = sub.NextMsg(time.Millisecond)
	return !errors.Is(err, nats.ErrPermissionViolation) && nc.LastError() == nil
}

func names(g *guarded) []string { return slices.Sorted(maps.Keys(g.keys)) }
