package journal_test

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// slowLine is a connection on which the first request for messages takes
// its time, as the server's look for the first of a million subjects does.
type slowLine struct {
	net.Conn
	slow  time.Duration
	asked atomic.Bool
}

func (l *slowLine) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("CONSUMER.MSG.NEXT")) && !l.asked.Swap(true) {
		time.Sleep(l.slow)
	}
	return l.Conn.Write(b)
}

type dialer func(network, address string) (net.Conn, error)

func (d dialer) Dial(network, address string) (net.Conn, error) { return d(network, address) }

// A list that leaves out what came too late would be a lie: the sweep would
// find nothing forgotten, and nobody would know.
func TestWalkIsWholeWhenTheServerIsSlow(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	const n = 1500 // more than a batch
	for i := range n {
		if err := b.nc.PublishMsg(&nats.Msg{Subject: fmt.Sprintf("$KV.campaigns.shop.c-%d", i), Header: nats.Header{"Staffetta-State": {"completed"}}}); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool {
		s, err := b.js.Stream(t.Context(), streams.Records)
		return err == nil && s.CachedInfo().State.Msgs == n
	})
	line := &slowLine{slow: 1500 * time.Millisecond}
	nc, err := nats.Connect(b.nc.ConnectedUrl(), nats.SetCustomDialer(dialer(func(network, address string) (_ net.Conn, err error) {
		line.Conn, err = net.Dial(network, address)
		return line, err
	})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	c, err := client.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for _, err := range c.Entries(t.Context(), "", 0) {
		if got++; err != nil {
			t.Fatal(err)
		}
	}
	if !line.asked.Load() {
		t.Error("the line was not slow: the test does not test what it says")
	}
	if got != n {
		t.Errorf("%d campaigns were listed, want all %d", got, n)
	}
}

// watchedLine is a connection on which something happens before each request of a kind
// leaves.
type watchedLine struct {
	net.Conn
	request string
	before  func(nth int)
	asked   int
}

func (l *watchedLine) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(l.request)) {
		l.asked++
		l.before(l.asked)
	}
	return l.Conn.Write(b)
}

// A record that is saved while it is listed lies at the end of its stream, behind those
// that were there when the walk began. A list without it would be a lie.
func TestWalkHasWhatMovesMeanwhile(t *testing.T) {
	t.Parallel()
	const n, moving = streams.WalkBatch + 10, 10 // ten are left after the first batch
	for name, by := range map[string]struct {
		user, request string
		nth           int // the request before which the ten have not been listed
	}{
		"ThroughAConsumer": {"operator", "CONSUMER.MSG.NEXT", 2},
		"MessageByMessage": {"reader", "STREAM.MSG.GET." + streams.Records, n - moving + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, -1, t.TempDir(), &server.User{Username: "operator", Password: "x"}, &server.User{Username: "reader", Password: "x", Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Deny: []string{"$JS.API.CONSUMER.>"}}, Subscribe: &server.SubjectPermission{Allow: []string{">"}},
			}})
			operator, err := streams.Connect(streams.Server{URL: strings.Replace(s.ClientURL(), "nats://", "nats://operator:x@", 1)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(operator.Close)
			js, err := jetstream.New(operator)
			if err != nil {
				t.Fatal(err)
			}
			open(t, operator, journal.Options{})
			save := func(i int, state string) {
				if _, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: fmt.Sprintf("$KV.campaigns.shop.c-%d", i), Header: nats.Header{"Staffetta-State": {state}}}); err != nil {
					t.Error(err)
				}
			}
			for i := range n {
				save(i, "sending")
			}
			line := &watchedLine{request: by.request, before: func(nth int) {
				if nth != by.nth {
					return
				}
				for i := range moving {
					save(i, "completed") // they were listed already, and take the place of
				}
				for i := n - moving; i < n; i++ {
					save(i, "completed") // those that were not
				}
			}}
			nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(by.user, "x"), nats.SetCustomDialer(dialer(func(network, address string) (_ net.Conn, err error) {
				line.Conn, err = net.Dial(network, address)
				return line, err
			})))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(nc.Close)
			c, err := client.New(nc)
			if err != nil {
				t.Fatal(err)
			}
			listed := map[string]campaign.State{}
			for e, err := range c.Entries(t.Context(), "", 0) {
				if err != nil {
					t.Fatal(err)
				}
				listed[e.Key.String()] = e.State
			}
			if line.asked < by.nth {
				t.Errorf("%d requests were enough: the test does not test what it says", line.asked)
			}
			for i := range n {
				want := campaign.Sending
				if i < moving || i >= n-moving {
					want = campaign.Completed
				}
				if got := listed[fmt.Sprintf("shop.c-%d", i)]; got != want {
					t.Errorf("c-%d is listed as %q, want %q", i, got, want)
				}
			}
		})
	}
}

// The only campaign of a source is on every list of it, however often it is saved.
func TestWalkHasTheOneThatMovesAllTheTime(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	save := func() {
		if _, err := b.js.PublishMsg(t.Context(), &nats.Msg{Subject: "$KV.campaigns.shop.c", Header: nats.Header{"Staffetta-State": {"sending"}}}); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	}
	save()
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			default:
				save()
			}
		}
	}()
	defer func() { close(done); <-stopped }()
	c, err := client.New(b.nc)
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		listed := 0
		for _, err := range c.Entries(t.Context(), "shop", 0) {
			if err != nil {
				t.Fatal(err)
			}
			listed++
		}
		if listed == 0 {
			t.Fatal("a source has a campaign, and its list is empty")
		}
	}
}
