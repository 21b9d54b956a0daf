// Command analytics follows the statistics of all campaigns, through restarts of
// itself and of NATS, and prints a line for each. It knows NATS and the contract,
// nothing of the gateway or of Staffetta's inside.
//
//	go run ./examples/analytics
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	url := os.Getenv("NATS_URL")
	if url == "" {
		url = nats.DefaultURL
	}
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	if err := follow(ctx, nc, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// follow prints statistics until the context ends. The server remembers, under
// the durable name, what has been acknowledged: the next run goes on from there,
// and several runs at once share the work.
func follow(ctx context.Context, nc *nats.Conn, out io.Writer) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	consumer, err := js.CreateOrUpdateConsumer(ctx, "CAMPAIGN_EVENTS", jetstream.ConsumerConfig{
		Durable:       "analytics",
		FilterSubject: "campaign.v1.event.*.*.stats.>",
		AckPolicy:     jetstream.AckExplicitPolicy,
	})
	if err != nil {
		return err
	}
	pulling, err := consumer.Consume(func(msg jetstream.Msg) {
		var stats campaignv1.CampaignStats
		if err := proto.Unmarshal(msg.Data(), &stats); err != nil {
			log.Printf("%s: %v", msg.Subject(), err)
			_ = msg.TermWithReason(err.Error()) // it will not be readable the next time either
			return
		}
		fmt.Fprintln(out, line(&stats))
		// After the work, not before: a crash in between shows the line twice, which
		// does no harm, as a later version of the same campaign replaces an earlier.
		if err := msg.Ack(); err != nil {
			log.Printf("%s: %v", msg.Subject(), err)
		}
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	pulling.Drain()
	<-pulling.Closed()
	return nil
}

// line tells one statistic to people. Rate and money are decimal text: to
// calculate with them, parse them with a decimal type.
func line(s *campaignv1.CampaignStats) string {
	text := fmt.Sprintf("%s/%s #%d %s: %d of %d delivered", s.Source, s.RequestId, s.Version, s.Status, s.Delivered, s.Total)
	if s.Uncounted {
		text = fmt.Sprintf("%s/%s #%d %s: not counted", s.Source, s.RequestId, s.Version, s.Status)
	}
	if s.DeliveryRate != "" {
		text += ", " + s.DeliveryRate + " %"
	}
	if s.Cost != nil {
		text += ", " + s.Cost.Amount + " " + s.Cost.Currency
	}
	switch {
	case s.Last && s.Reconciled:
		text += " (final)"
	case s.Last && s.Differs != "":
		text += " (final; " + s.Differs + ")"
	case s.Last && s.Uncounted:
		text += " (final)"
	case s.Last:
		text += fmt.Sprintf(" (final, %d unaccounted for)", s.Total-s.Delivered-s.Undelivered)
	}
	return text
}
