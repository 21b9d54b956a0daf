package campaignv1_test

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// A request is published to its own subject, in the stream CAMPAIGN_REQUESTS.
func ExampleCampaignRequested() {
	request := &campaignv1.CampaignRequested{
		Source:        "shop-italia",
		RequestId:     "black-friday-2026",
		Name:          "Black Friday 2026",
		Sender:        "ShopItalia",
		Text:          "Black Friday! -30% con il codice BF2026",
		ContactListId: 87,
		Start:         &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
	payload, err := proto.Marshal(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("campaign.v1.request.%s.%s\n", request.GetSource(), request.GetRequestId())
	fmt.Println(len(payload), "bytes")
	// Output:
	// campaign.v1.request.shop-italia.black-friday-2026
	// 108 bytes
}
