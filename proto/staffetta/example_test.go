package staffetta_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/proto/staffetta/staffettatest"
)

func blackFriday() *campaignv1.CampaignRequested {
	return &campaignv1.CampaignRequested{
		Source:        "shop-italia",
		RequestId:     "black-friday-2026",
		Name:          "Black Friday 2026",
		Sender:        "ShopItalia",
		Text:          "Black Friday! -30% con il codice BF2026",
		ContactListId: 87,
		Start:         &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
}

// In a program: nc, err := nats.Connect(url), and client, err := staffetta.New(nc).
var client = staffettatest.New().Client()

// To ask twice is harmless; to ask for something else under the same name is an error.
func ExampleClient_Request() {
	ctx := context.Background()
	client := staffettatest.New().Client()

	for range 2 {
		placed, err := client.Request(ctx, blackFriday())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(placed.Key, "is", placed.Known)
	}

	another := blackFriday()
	another.Text = "Black Friday! -40%"
	_, err := client.Request(ctx, another)
	if conflict, is := errors.AsType[*staffetta.Conflict](err); is {
		fmt.Println("it differs in", conflict.Differs)
	}
	// Output:
	// shop-italia.black-friday-2026 is new
	// shop-italia.black-friday-2026 is known
	// it differs in [text]
}

// What is wrong with a request is known before anything leaves.
func ExampleClient_Request_invalid() {
	request := blackFriday()
	request.Sender = "Shop Italia!"
	request.Text = "L’offerta finisce stasera"

	_, err := client.Request(context.Background(), request)
	if invalid, is := errors.AsType[*staffetta.Invalid](err); is {
		for _, fault := range invalid.Faults {
			fmt.Println(fault.Field)
		}
	}
	request.Sender = "ShopItalia"
	_, err = client.Request(context.Background(), request)
	if invalid, is := errors.AsType[*staffetta.Invalid](err); is {
		fmt.Println(invalid)
	}
	// Output:
	// sender
	// text: character '’' (U+2019) at position 2 is not in GSM-7: write another one, or set unicode, with which a part holds 67 characters
}

func ExampleClient_Watch() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := client.Request(ctx, blackFriday()); err != nil {
		fmt.Println(err)
		return
	}
	for event, err := range client.Watch(ctx, "shop-italia", "black-friday-2026") {
		if err != nil {
			fmt.Println(err)
			return
		}
		switch m := event.Message.(type) {
		case *campaignv1.CampaignCostCalculated:
			fmt.Println("it costs", m.GetTotal().GetAmount(), m.GetTotal().GetCurrency())
		case *campaignv1.CampaignConfirmed:
			fmt.Println("confirmed for", m.GetRecipients(), "recipients")
		case *campaignv1.CampaignStats:
			fmt.Println(m.GetDelivered(), "delivered, the last figures:", m.GetLast())
		}
	}
	// Output:
	// it costs 344.09 EUR
	// confirmed for 9831 recipients
	// 5725 delivered, the last figures: false
	// 9542 delivered, the last figures: true
}

func ExampleClient_Consume() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	client := staffettatest.New().Client()
	if _, err := client.Request(ctx, blackFriday()); err != nil {
		fmt.Println(err)
		return
	}
	err := client.Consume(ctx, staffetta.Consumer{Name: "analytics"}, staffetta.Handlers{
		Confirmed: func(_ context.Context, e staffetta.Event, m *campaignv1.CampaignConfirmed) error {
			fmt.Println(e.Key(), "is confirmed:", m.GetTotal().GetAmount(), m.GetTotal().GetCurrency())
			return nil
		},
		Stats: func(_ context.Context, e staffetta.Event, m *campaignv1.CampaignStats) error {
			if m.GetLast() {
				fmt.Println(e.Key(), "has ended:", m.GetDelivered(), "delivered")
				stop() // a real program goes on
			}
			return nil
		},
	})
	fmt.Println(err)
	// Output:
	// shop-italia.black-friday-2026 is confirmed: 344.09 EUR
	// shop-italia.black-friday-2026 has ended: 9542 delivered
	// <nil>
}

func ExampleClient_Query() {
	service := staffettatest.New()
	service.Answer("why", map[string]string{"summary": "It is being sent."})

	var why struct{ Summary string }
	if err := service.Client().Query(context.Background(), "why", map[string]string{"key": "shop-italia.black-friday-2026"}, &why); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(why.Summary)
	// Output: It is being sent.
}

// What would become of a request is known before its request id is used.
func ExampleClient_Check() {
	service := staffettatest.New()
	service.Answer("check", staffetta.Checked{Known: "new", Problems: []staffetta.Problem{{
		Field: "text", Reason: "text_not_gsm7", Text: "“’” (U+2019) at position 2 is not in GSM-7", Remedy: "write '; or set unicode to true",
	}}})

	checked, err := service.Client().Check(context.Background(), blackFriday())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range checked.Problems {
		fmt.Printf("%s: %s: %s\n", p.Field, p.Text, p.Remedy)
	}
	// Output: text: “’” (U+2019) at position 2 is not in GSM-7: write '; or set unicode to true
}

// A dead letter says why nobody could act on a request.
func ExampleClient_Letters() {
	ctx := context.Background()
	service := staffettatest.New()
	service.Ends(staffettatest.DeadLetter)
	client := service.Client()
	if _, err := client.Request(ctx, blackFriday()); err != nil {
		fmt.Println(err)
		return
	}
	letters, err := client.Letters(ctx, "shop-italia", "black-friday-2026")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range letters {
		fmt.Println(l.Reason, l.Fields)
	}
	// Output: invalid [text]
}

// What a program does when its campaign is not sent, tested in no time.
func Example_test() {
	ctx := context.Background()
	service := staffettatest.New()
	service.Ends(staffettatest.OverBudget)
	client := service.Client()
	if _, err := client.Request(ctx, blackFriday()); err != nil {
		fmt.Println(err)
		return
	}
	for event, err := range client.Watch(ctx, "shop-italia", "black-friday-2026") {
		if err != nil {
			fmt.Println(err)
			return
		}
		if rejected, ok := event.Message.(*campaignv1.CampaignRejected); ok {
			fmt.Println(rejected.GetReason())
		}
	}
	// Output: REASON_OVER_BUDGET
}
