// Command analytics follows the statistics of all campaigns, through restarts of
// itself and of NATS, and prints a line for each. It knows NATS and the client,
// nothing of the gateway or of Staffetta's inside.
//
//	go run ./examples/analytics
//
// On a bare server it makes its own consumer. Where accounts keep people apart nobody
// makes one: it reads with the one that the operator has made (staffetta access
// consumers). The context is one of the nats command line, and says who it is:
//
//	NATS_CONTEXT=analytics go run ./examples/analytics
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/natscontext"

	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	nc, err := connect(os.Getenv("NATS_CONTEXT"), os.Getenv("NATS_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	if err := follow(ctx, nc, cmp.Or(os.Getenv("CONSUMER"), "analytics"), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// connect connects as a context of the nats command line says, or else to a URL.
func connect(name, url string) (*nats.Conn, error) {
	if name != "" {
		nc, _, err := natscontext.Connect(name, nats.MaxReconnects(-1))
		return nc, err
	}
	if url == "" {
		url = nats.DefaultURL
	}
	return nats.Connect(url, nats.MaxReconnects(-1))
}

// follow prints statistics until the context ends. The server remembers, under the
// consumer's name, what has been handled: the next run goes on from there, and several
// runs at once share the work.
func follow(ctx context.Context, nc *nats.Conn, name string, out io.Writer) error {
	client, err := staffetta.New(nc)
	if err != nil {
		return err
	}
	// A crash behind the print shows the line twice, which does no harm, as a later
	// version of the same campaign replaces an earlier.
	return client.Consume(ctx, staffetta.Consumer{Name: name}, staffetta.Handlers{
		Stats: func(_ context.Context, _ staffetta.Event, s *campaignv1.CampaignStats) error {
			_, err := fmt.Fprintln(out, line(s))
			return err
		},
	})
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
