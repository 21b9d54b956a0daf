// Command billing is AcquaLuce's billing system asking for one campaign: a notice to the
// customers with an unpaid invoice that it is due. Unpaid invoices go in, as the file that
// the accounts department exports: CSV with the columns phoneNumber, invoice and code. It
// knows NATS and the client, nothing of the gateway or of Staffetta's inside.
//
//	go run ./examples/billing unpaid.csv 2026-12-15
package main

import (
	"context"
	"io"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: billing <unpaid invoices, as unpaid.csv> <due date, as 2026-12-15>")
	}
	unpaid, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer unpaid.Close()
	due, err := time.Parse(time.DateOnly, os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	nc, err := nats.Connect(url())
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	client, err := staffetta.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	placed, err := remind(ctx, client, unpaid, due)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("%s: %s", placed.Key, placed.Known)
}

// remind may be called as often as one likes: the source and the request id name the
// campaign, and a campaign is sent once. The first list stands: with another one, because
// somebody has paid meanwhile, the same name is a [staffetta.Conflict].
func remind(ctx context.Context, client *staffetta.Client, unpaid io.ReadSeeker, due time.Time) (staffetta.Placed, error) {
	return client.RequestTo(ctx, notice(due), unpaid, campaignv1.Audience_FORMAT_CSV)
}

func notice(due time.Time) *campaignv1.CampaignRequested {
	return &campaignv1.CampaignRequested{
		Source:        "acqualuce-billing",
		RequestId:     "due-" + due.Format(time.DateOnly),
		Name:          "Bills due on " + due.Format(time.DateOnly),
		Sender:        "AcquaLuce",
		Text:          "AcquaLuce: la bolletta {{invoice}} scade il " + due.Format("02/01") + ". Paga qui: https://acqualuce.example/{{code}}",
		DefaultRegion: "IT",
		Start:         &campaignv1.CampaignRequested_Immediately{Immediately: true},
		ExpiresAt:     timestamppb.New(due), // a notice that comes after the date helps nobody
	}
}

func url() string {
	if url := os.Getenv("NATS_URL"); url != "" {
		return url
	}
	return nats.DefaultURL
}
