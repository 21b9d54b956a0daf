package journal_test

import (
	"bytes"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/journal"
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
		s, err := b.js.Stream(t.Context(), journal.StreamRecords)
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
	c, err := journal.NewClient(nc)
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
