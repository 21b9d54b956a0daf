package app_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/query"
)

// BenchmarkPage is what a page among 100,000 campaigns takes to begin: a page of one has
// nothing to fill. Between two of them lies a long one, so that they begin at many places.
func BenchmarkPage(b *testing.B) {
	client := newListed(b)
	page := func(p query.Page) query.Campaigns {
		all, err := client.FromService().List(b.Context(), query.ListAsk{Page: p})
		if err != nil {
			b.Fatal(err)
		}
		return all
	}
	after := ""
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if one := page(query.Page{After: after, Limit: 1}); len(one.Campaigns) != 1 {
			b.Fatalf("%d campaigns after %q, want one", len(one.Campaigns), after)
		}
		took = append(took, time.Since(began))
		b.StopTimer()
		after = page(query.Page{After: after}).Next // after the last page: from the start again
		b.StartTimer()
	}
	slices.Sort(took)
	for name, share := range map[string]int{"ms/fastest": 0, "ms/median": 50, "ms/slowest": 100} {
		b.ReportMetric(took[(len(took)-1)*share/100].Seconds()*1000, name)
	}
}

// listed is how many campaigns there are to list.
const listed = 100_000

// BenchmarkList is what `staffetta ls` of 100,000 campaigns takes: from the streams, from
// the service, and how many times as long the second is. In turn, so that whatever else
// the machine does falls on both.
func BenchmarkList(b *testing.B) {
	client := newListed(b)
	var took [2]time.Duration
	for b.Loop() {
		for i, r := range []query.Reader{client.FromStreams(query.InMemory), client.FromService()} {
			began, n := time.Now(), 0
			for _, err := range query.Each(func(after string) ([]query.Campaign, string, error) {
				all, err := r.List(b.Context(), query.ListAsk{Page: query.Page{After: after}})
				return all.Campaigns, all.Next, err
			}) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != listed {
				b.Fatalf("%d campaigns, want %d", n, listed)
			}
			took[i] += time.Since(began)
		}
	}
	b.ReportMetric(took[0].Seconds()/float64(b.N), "s/streams")
	b.ReportMetric(took[1].Seconds()/float64(b.N), "s/service")
	b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "service/streams")
}

// newListed is a client of a service that has so many campaigns.
func newListed(b *testing.B) *client.Client {
	b.Helper()
	local, err := app.StartLocal(app.LocalOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { local.Stop() })
	service, err := app.New(b.Context(), local.Service())
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		<-ended
		service.Stop()
	})
	fillRecords(b, local.NATSURL, listed)
	client, err := app.NATS{URL: local.NATSURL}.Client()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	return client
}

// fillRecords stores so many campaigns that have ended.
func fillRecords(tb testing.TB, url string, many int) {
	tb.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		tb.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(500))
	if err != nil {
		tb.Fatal(err)
	}
	// Each is saved four times while others are: what is left lies far apart.
	for n := range 4 * many {
		i := n
		if n = n / many; n > 0 {
			i = (i*7919 + n) % many
		}
		m := nats.NewMsg(fmt.Sprintf("$KV.campaigns.shop-italia.black-friday-%06d", i))
		m.Header.Set("Staffetta-State", "completed")
		m.Header.Set("Staffetta-Since", time.Now().UTC().Format(time.RFC3339Nano))
		m.Header.Set("Staffetta-Summary", "asked=2026-11-27T08:00:00.123456789Z when=2026-11-27T08:00:01.123456789Z recipients=9831 cost=344.09EUR sent=9831 total=9831 delivered=9542 name=Black Friday 2026")
		m.Data = make([]byte, 1900) // as long as they are
		if _, err := js.PublishMsgAsync(m, jetstream.WithStallWait(time.Minute)); err != nil {
			tb.Fatal(err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(5 * time.Minute):
		tb.Fatal("they are not stored")
	}
}
