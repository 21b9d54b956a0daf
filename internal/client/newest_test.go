package client_test

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/query"
)

// saved are the records of a test: acqualuce's are many, and shop-italia's lie far apart
// between them.
type saved struct {
	t  *testing.T
	js jetstream.JetStream
}

func (s saved) save(source, id string, state campaign.State) {
	s.t.Helper()
	if _, err := s.js.PublishMsgAsync(&nats.Msg{Subject: "$KV.campaigns." + source + "." + id, Data: []byte("{}"), Header: nats.Header{
		"Staffetta-State": {string(state)}, "Staffetta-Since": {time.Now().Format(time.RFC3339Nano)},
	}}, jetstream.WithStallWait(time.Minute)); err != nil {
		s.t.Fatal(err)
	}
}

func (s saved) remove(source, id string) {
	s.t.Helper()
	if _, err := s.js.PublishMsgAsync(&nats.Msg{Subject: "$KV.campaigns." + source + "." + id, Header: nats.Header{"KV-Operation": {"DEL"}}}, jetstream.WithStallWait(time.Minute)); err != nil {
		s.t.Fatal(err)
	}
}

func (s saved) flush() {
	select {
	case <-s.js.PublishAsyncComplete():
	case <-s.t.Context().Done():
	}
}

// far stores twelve campaigns of shop-italia, c-00 first, and 5,000 others between them.
func (s saved) far() {
	for i := range 12 {
		s.save("shop-italia", fmt.Sprintf("c-%02d", i), []campaign.State{campaign.Completed, campaign.Rejected}[i%2])
		for n := range 416 {
			s.save("acqualuce", fmt.Sprintf("bill-%02d-%03d", i, n), campaign.Completed)
		}
	}
	s.flush()
}

func newestOf(t *testing.T, r query.Reader, a query.ListAsk) (ids []string) {
	t.Helper()
	a.Newest = true
	all, err := r.List(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if all.Cut || all.Next != "" {
		t.Errorf("it is cut, or goes on at %q", all.Next)
	}
	for _, c := range all.Campaigns {
		_, id, _ := strings.Cut(c.Key, ".")
		ids = append(ids, id)
	}
	return ids
}

// The newest are those that a whole list ends with, however far apart they lie.
func TestTheNewestAreTheEndOfTheList(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	s := saved{t, b.js}
	s.far()
	s.save("shop-italia", "c-05", campaign.Rejected) // once more
	s.remove("shop-italia", "c-10")
	s.flush()
	reader := b.client.FromStreams(query.OneMessage)
	for name, ask := range map[string]query.ListAsk{
		"OfAll":              {Page: query.Page{Limit: 7}},
		"OfASource":          {Source: "shop-italia", Page: query.Page{Limit: 3}},
		"MoreThanThereAre":   {Source: "shop-italia", Page: query.Page{Limit: 100}},
		"InOneState":         {Source: "shop-italia", States: []string{"rejected"}, Page: query.Page{Limit: 4}},
		"OfASourceWithout":   {Source: "studio-bianchi", Page: query.Page{Limit: 4}},
		"InAStateThatNoneIs": {Source: "shop-italia", States: []string{"failed"}, Page: query.Page{Limit: 4}},
	} {
		whole := ask
		whole.Limit = 0
		var want []string
		for c, err := range query.Each(func(after string) ([]query.Campaign, string, error) {
			whole.After = after
			all, err := reader.List(t.Context(), whole)
			return all.Campaigns, all.Next, err
		}) {
			if err != nil {
				t.Fatal(err)
			}
			_, id, _ := strings.Cut(c.Key, ".")
			want = append(want, id)
		}
		slices.Reverse(want)
		want = want[:min(len(want), ask.Limit)]
		if diff := cmp.Diff(want, newestOf(t, reader, ask)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	if got := newestOf(t, reader, query.ListAsk{Source: "shop-italia", Page: query.Page{Limit: 3}}); !slices.Equal(got, []string{"c-05", "c-11", "c-09"}) {
		t.Errorf("the newest are %q", got)
	}
}

// More than may be looked at for one answer is said, and not left out in silence.
func TestTheNewestSayThatTheyAreCut(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	s := saved{t, b.js}
	for n := range query.OneMessage.Looks() + 2000 {
		s.save("acqualuce", fmt.Sprintf("bill-%05d", n), campaign.Completed)
	}
	s.flush()
	all, err := b.client.FromStreams(query.OneMessage).List(t.Context(), query.ListAsk{States: []string{"failed"}, Newest: true, Page: query.Page{Limit: 1}})
	if err != nil || !all.Cut || len(all.Campaigns) != 0 {
		t.Errorf("got %+v, %v, want that it is cut", all, err)
	}
}

// line is a connection that tells of each request that goes out on it, before it does.
type line struct {
	net.Conn
	request string
	asked   int
	before  func(nth int)
}

func (l *line) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(l.request)) {
		l.asked++
		l.before(l.asked)
	}
	return l.Conn.Write(p)
}

type dialer func(network, address string) (net.Conn, error)

func (d dialer) Dial(network, address string) (net.Conn, error) { return d(network, address) }

// A record that is saved before the look back has come to it lies behind the place where
// that began. It is among the newest then, and never left out.
func TestTheNewestHaveWhatMovesMeanwhile(t *testing.T) {
	t.Parallel()
	srv := startServer(t, &server.Options{JetStream: true})
	nc := connect(t, srv)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	open(t, nc, journal.Options{})
	s := saved{t, js}
	s.far()
	l := &line{request: "CONSUMER.CREATE.KV_campaigns", before: func(nth int) {
		if nth == 2 { // the first stretch has been looked at
			s.save("shop-italia", "c-00", campaign.Rejected)
			s.remove("shop-italia", "c-02")
			s.flush()
		}
	}}
	watched, err := nats.Connect(srv.ClientURL(), nats.SetCustomDialer(dialer(func(network, address string) (_ net.Conn, err error) {
		l.Conn, err = net.Dial(network, address)
		return l, err
	})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watched.Close)
	c, err := client.New(watched)
	if err != nil {
		t.Fatal(err)
	}
	got := newestOf(t, c.FromStreams(query.OneMessage), query.ListAsk{Source: "shop-italia", Page: query.Page{Limit: 20}})
	want := []string{"c-00", "c-11", "c-10", "c-09", "c-08", "c-07", "c-06", "c-05", "c-04", "c-03", "c-01"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the newest (-want +got):\n%s", diff)
	}
	if l.asked < 2 {
		t.Errorf("it looked at %d stretches, so nothing moved meanwhile", l.asked)
	}
}
