// Command importer is somebody's backend: it imports the contract and its client, and
// nothing else of this repository. It asks for a campaign, of a service in process, and
// writes the request.
package main

import (
	"context"
	"log"
	"os"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/proto/staffetta/staffettatest"
)

func main() {
	request := &campaignv1.CampaignRequested{
		Source: "shop-italia", RequestId: "black-friday-2026", Name: "Black Friday", Sender: "ShopItalia", Text: "-30%", ContactListId: 87,
		Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
	placed, err := staffettatest.New().Client().Request(context.Background(), request)
	if err != nil || placed.Known != staffetta.FirstAsked {
		log.Fatal(placed, err)
	}
	payload, err := proto.Marshal(request)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := os.Stdout.Write(payload); err != nil {
		log.Fatal(err)
	}
}
