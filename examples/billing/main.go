// Command billing is AcquaLuce's billing system asking for one campaign: a notice
// to the customers in a contact list that their bill is due. It knows NATS and the
// client, nothing of the gateway or of Staffetta's inside.
//
//	go run ./examples/billing 87 2026-12-15
package main

import (
	"context"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: billing <contact list id> <due date, as 2026-12-15>")
	}
	list, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
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
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	placed, err := client.Request(ctx, notice(list, due))
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("%s: %s", placed.Key, placed.Known)
}

// notice may be asked for as often as one likes: the source and the request id name the
// campaign, and a campaign is sent once.
func notice(list int64, due time.Time) *campaignv1.CampaignRequested {
	return &campaignv1.CampaignRequested{
		Source:        "acqualuce-billing",
		RequestId:     "due-" + due.Format(time.DateOnly),
		Name:          "Bills due on " + due.Format(time.DateOnly),
		Sender:        "AcquaLuce",
		Text:          "AcquaLuce: la bolletta {{invoice}} scade il " + due.Format("02/01") + ". Paga qui: https://acqualuce.example/{{code}}",
		ContactListId: list,
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
