package journal_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// numbered is one of many campaigns.
func numbered(i int) campaign.Key {
	return campaign.Key{Source: "shop-italia", RequestID: fmt.Sprint("r-", i)}
}

// BenchmarkWrites is what each of the journal's calls costs, 64 at a time, on
// a server in the same process.
func BenchmarkWrites(b *testing.B) {
	for _, call := range []struct {
		name string
		do   func(ctx context.Context, j *journal.Journal, key campaign.Key) error
	}{
		{"LoadNone", func(ctx context.Context, j *journal.Journal, key campaign.Key) error {
			_, _, err := j.Load(ctx, key)
			return err
		}},
		{"Load", func(ctx context.Context, j *journal.Journal, _ campaign.Key) error {
			_, _, err := j.Load(ctx, sample.Key)
			return err
		}},
		{"Save", func(ctx context.Context, j *journal.Journal, key campaign.Key) error {
			c := sample
			c.Key = key
			_, err := j.Save(ctx, c, loop.Revision{Epoch: 1})
			return err
		}},
		{"SaveOwing", func(ctx context.Context, j *journal.Journal, key campaign.Key) error {
			c := owing(key)
			_, err := j.Save(ctx, c, loop.Revision{Epoch: 1})
			return err
		}},
		{"ToldNothing", func(ctx context.Context, j *journal.Journal, key campaign.Key) error {
			_, err := j.Published(ctx, key)
			return err
		}},
		{"Publish", func(ctx context.Context, j *journal.Journal, key campaign.Key) error {
			c := sample
			c.Key, c.Outbox = key, []campaign.Event{{Type: campaign.EventCostCalculated, N: 1, CampaignID: 1, Quote: sample.Quote}}
			return j.Publish(ctx, c)
		}},
		{"Arm", func(ctx context.Context, j *journal.Journal, key campaign.Key) error {
			return j.Arm(ctx, key, time.Now().Add(time.Hour))
		}},
	} {
		b.Run(call.name, func(b *testing.B) {
			h := setup(b, journal.Options{})
			if _, err := h.j.Save(b.Context(), sample, loop.Revision{Epoch: 1}); err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(32)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := call.do(b.Context(), h.j, numbered(int(n.Add(1)))); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// owing is a record that owes what most records owe: one event.
func owing(key campaign.Key) campaign.Campaign {
	c := sample
	c.Key, c.Outbox = key, []campaign.Event{{Type: campaign.EventCostCalculated, N: 1, At: sample.Since, CampaignID: 1542, Quote: sample.Quote, QuoteID: "0123456789abcdef"}}
	return c
}

// BenchmarkConsume is requests taken, read, validated and acknowledged: all
// there at the start, or published meanwhile.
func BenchmarkConsume(b *testing.B) {
	for _, workers := range []int{16, 64, 512} {
		for _, feed := range []string{"backlog", "live"} {
			b.Run(fmt.Sprintf("%s/%d", feed, workers), func(b *testing.B) {
				benchConsume(b, workers, feed == "live", func(context.Context, *journal.Journal, runner.Wakeup) {})
			})
		}
	}
}

// BenchmarkCampaign is everything that the journal does for one campaign up to
// its confirmation, without the gateway: the request, three saves, two events,
// one timer.
func BenchmarkCampaign(b *testing.B) {
	for _, feed := range []string{"backlog", "live"} {
		b.Run(feed, func(b *testing.B) {
			benchConsume(b, 64, feed == "live", func(ctx context.Context, j *journal.Journal, w runner.Wakeup) {
				c, rev, err := j.Load(ctx, w.Key)
				for i := range 3 {
					if err != nil {
						b.Error(err)
						return
					}
					c = runnertest.Sample(w.Key)
					c.Wake = time.Now().Add(time.Hour)
					if i > 0 {
						c.Outbox = []campaign.Event{{Type: campaign.EventCostCalculated, N: i, CampaignID: 1, Quote: c.Quote}}
					}
					if rev, err = j.Save(ctx, c, rev); err == nil {
						err = j.Publish(ctx, c)
					}
				}
				if err := j.Arm(ctx, w.Key, c.Wake); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

func benchConsume(b *testing.B, workers int, live bool, work func(context.Context, *journal.Journal, runner.Wakeup)) {
	h := setup(b, journal.Options{})
	js, err := jetstream.New(h.connect(b), jetstream.WithPublishAsyncMaxPending(1000))
	if err != nil {
		b.Fatal(err)
	}
	publish := func() {
		for i := range b.N {
			m := request(numbered(i).RequestID)
			data, err := proto.Marshal(m)
			if err == nil {
				_, err = js.PublishAsync("campaign.v1.request.shop-italia."+m.RequestId, data)
			}
			if err != nil {
				b.Error(err)
			}
		}
		<-js.PublishAsyncComplete()
	}
	if !live {
		publish()
	}
	ctx, cancel := context.WithCancel(b.Context())
	var n atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	if live {
		go publish()
	}
	err = h.j.Consume(ctx, journal.ConsumeOptions{Requests: workers}, journal.Handlers{Campaign: func(ctx context.Context, w runner.Wakeup) loop.Verdict {
		work(ctx, h.j, w)
		if n.Add(1) == int64(b.N) {
			cancel()
		}
		return loop.Verdict{Do: loop.Ack}
	}})
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "campaigns/s")
}
