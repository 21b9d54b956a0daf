package cli_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/natscontext"

	"github.com/staffetta-io/staffetta/internal/sandbox"
	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// client is the Go client of a user, with what it may do and nothing else.
func (c *company) client(user string) *staffetta.Client {
	c.t.Helper()
	nc, _, err := natscontext.Connect(c.contexts[user], nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(nc.Close)
	client, err := staffetta.New(nc)
	if err != nil {
		c.t.Fatal(err)
	}
	return client
}

func blackFriday(id string) *campaignv1.CampaignRequested {
	return &campaignv1.CampaignRequested{
		Source: "shop-italia", RequestId: id, Name: "Black Friday 2026", Sender: "ShopItalia",
		Text: "Black Friday! -30% con il codice BF2026", ContactListId: 87,
		Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
}

// told are the types of events in order, each once though there are many statistics.
func told(types []string) string { return strings.Join(slices.Compact(slices.Clone(types)), " ") }

// A source's program asks, follows and reads with the Go client, and with no more
// permissions than the table gives it.
func TestTheGoClientNeedsNoMoreThanItsRow(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if id, err := c.sandbox.FillDemo(sandbox.DemoList{Name: "customers", Contacts: 20, Malformed: 2}); err != nil || id != 87 {
		t.Fatalf("list %d, %v", id, err)
	}
	shop := c.client("shop-italia")

	var watched []string
	watching := make(chan error, 1)
	go func() { // from before there is anything
		for e, err := range shop.Watch(ctx, "shop-italia", "bf") {
			if err != nil {
				watching <- err
				return
			}
			watched = append(watched, e.Type)
		}
		watching <- nil
	}()

	checked, err := shop.Check(ctx, blackFriday("bf"), staffetta.WithPrice())
	if err != nil || !checked.Accepted || checked.Known != "new" || checked.Quote == nil || checked.Left != nil || checked.QuoteID == "" ||
		checked.Quote.Goal.Valid != 18 || checked.Quote.Price.Total != (staffetta.Amount{Amount: "0.63", Currency: "EUR"}) {
		t.Errorf("before it is asked for: %+v, %v", checked, err)
	}
	odd := blackFriday("")
	odd.Text = "C’è lo sconto"
	if checked, err := shop.Check(ctx, odd); err != nil || checked.Accepted || len(checked.Problems) != 1 || checked.Problems[0].Reason != "text_not_gsm7" {
		t.Errorf("a text that would be refused: %+v, %v", checked, err)
	}

	placed, err := shop.Request(ctx, blackFriday("bf"))
	if err != nil || placed.Known != staffetta.FirstAsked || placed.Sequence == 0 {
		t.Fatalf("the first time: %+v, %v", placed, err)
	}
	if err := <-watching; err != nil {
		t.Fatal(err)
	}
	const whole = "cost_calculated confirmed stats"
	if told(watched) != whole {
		t.Errorf("watched from before: %q", watched)
	}
	var past []string
	for e, err := range shop.Watch(ctx, "shop-italia", "bf") {
		if err != nil {
			t.Fatal(err)
		}
		past = append(past, e.Type)
	}
	if !slices.Equal(past, watched) {
		t.Errorf("watched afterwards: %q, and live: %q", past, watched)
	}

	placed, err = shop.Request(ctx, blackFriday("bf"))
	if err != nil || placed.Known != staffetta.AskedBefore || placed.State != "completed" || placed.Sequence != 0 {
		t.Errorf("asked again: %+v, %v", placed, err)
	}
	other := blackFriday("bf")
	other.Text, other.MaxPartsPerMessage = "Something else", 1
	var conflict *staffetta.Conflict
	if _, err = shop.Request(ctx, other); !errors.As(err, &conflict) || !slices.Equal(conflict.Differs, []string{"text", "max_parts_per_message"}) || conflict.State != "completed" {
		t.Errorf("another one of the same name: %v", err)
	}
	wrong := blackFriday("wrong")
	wrong.Sender, wrong.ContactListId = "Shop Italia!", 0
	var invalid *staffetta.Invalid
	if _, err := shop.Request(ctx, wrong); !errors.As(err, &invalid) || len(invalid.Faults) != 2 || invalid.Faults[0].Field != "sender" || invalid.Faults[1].Field != "contact_list_id" {
		t.Errorf("an invalid one: %v", err)
	}
	theirs := blackFriday("bf")
	theirs.Source = "acqualuce-billing"
	if _, err := shop.Check(ctx, theirs); !staffetta.IsCode(err, staffetta.NotYours) {
		t.Errorf("another source's, checked: %v", err)
	}
	if _, err := shop.Request(ctx, theirs); err == nil || !strings.Contains(err.Error(), "another source's") {
		t.Errorf("another source's: %v", err)
	}
	if letters, err := shop.Letters(ctx, "shop-italia", "bf"); err != nil || len(letters) != 0 {
		t.Errorf("dead letters: %v, %v", letters, err)
	}
	if _, err := shop.Letters(ctx, "acqualuce-billing", "bf"); !staffetta.IsCode(err, staffetta.NotYours) {
		t.Errorf("another source's dead letters: %v", err)
	}
	var why struct{ Summary string }
	if err := shop.Query(ctx, "why", map[string]string{"key": "shop-italia.bf"}, &why); err != nil || why.Summary == "" {
		t.Errorf("why: %+v, %v", why, err)
	}
	if err := shop.Query(ctx, "get", map[string]string{"key": "shop-italia.nothing"}, nil); !staffetta.IsCode(err, staffetta.NotFound) {
		t.Errorf("a campaign that there is not: %v", err)
	}

	// Its consumer begins with what was told before there was one who reads.
	read := func(client *staffetta.Client, name string, until string, handle func(staffetta.Event) error) error {
		ctx, done := context.WithCancel(ctx)
		defer done()
		return client.Consume(ctx, staffetta.Consumer{Name: name, Log: slog.New(slog.DiscardHandler)}, staffetta.Handlers{Other: func(_ context.Context, e staffetta.Event) error {
			if err := handle(e); err != nil {
				return err
			}
			if e.RequestID == until && e.Ends() {
				done()
			}
			return nil
		}})
	}
	var handled []string
	failed := false
	err = read(shop, "shop-italia", "bf", func(e staffetta.Event) error {
		if e.Type == "confirmed" && !failed {
			failed = true
			return errors.New("the database is away")
		}
		handled = append(handled, e.Type)
		return nil
	})
	if err != nil || !slices.Equal(handled, watched) || !failed {
		t.Errorf("handled %q, %v; want %q", handled, err, watched)
	}
	if _, err := shop.Request(ctx, blackFriday("bf-2")); err != nil {
		t.Fatal(err)
	}
	var again []string
	if err := read(shop, "shop-italia", "bf-2", func(e staffetta.Event) error { again = append(again, e.RequestID+" "+e.Type); return nil }); err != nil || len(again) == 0 || again[0] != "bf-2 cost_calculated" {
		t.Errorf("the next run reads %q, %v: want what was not acknowledged", again, err)
	}

	// Somebody else's consumer, and one that nobody has made.
	for _, name := range []string{"analytics", "mine"} {
		if err := read(shop, name, "", nil); err == nil || !strings.Contains(err.Error(), "staffetta access consumers") {
			t.Errorf("it reads as %s: %v", name, err)
		}
	}
	var all []string
	if err := read(c.client("analytics"), "analytics", "bf", func(e staffetta.Event) error {
		if e.RequestID == "bf" {
			all = append(all, e.Type)
		}
		return nil
	}); err != nil || told(all) != whole {
		t.Errorf("analytics reads %q, %v", all, err)
	}
}
