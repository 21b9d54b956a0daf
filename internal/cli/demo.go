//go:build !production

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	"github.com/staffetta-io/staffetta/internal/web"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// demoPace is how long one message takes: UC-006 sends 9,831 in 42 minutes.
// demoSpeed makes those pass in two and a half seconds.
const (
	demoPace  = 42 * time.Minute / 9831
	demoSpeed = 1000
)

func newDemo(t Terminal) *cobra.Command {
	list := sandbox.ShopItalia()
	var page string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See one campaign from its request to its end",
		Long: `Start a NATS server and a gateway inside this process, fill a contact list, publish
ShopItalia's CampaignRequested, and watch what the service does with it. Nothing
outside this process is touched, and nothing is left behind.

The contact list is that of UC-006, unless flags change it. All figures on the
screen follow from the list.`,
		Example: `  staffetta demo
  staffetta demo --web
  staffetta demo --contacts 500 --duplicates 20 --unreachable 7`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return demo(cmd.Context(), t, list, page) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.IntVar(&list.Contacts, "contacts", list.Contacts, "entries in the contact list")
	f.IntVar(&list.Duplicates, "duplicates", list.Duplicates, "of these: numbers that are there already")
	f.IntVar(&list.Malformed, "malformed", list.Malformed, "of these: no numbers in international format")
	f.IntVar(&list.OptedOut, "opted-out", list.OptedOut, "of these: people who want no messages")
	f.IntVar(&list.Unreachable, "unreachable", list.Unreachable, "of these: valid numbers that no message reaches")
	f.StringVar(&page, "web", "", "show it on the page for people, on this address, until it is interrupted")
	f.Lookup("web").NoOptDefVal = webDefaults.Listen
	return cmd
}

// blackFriday is ShopItalia's request, as UC-006 has it.
func blackFriday(listID int64) *campaignv1.CampaignRequested {
	return &campaignv1.CampaignRequested{
		Source: "shop-italia", RequestId: "black-friday-2026",
		Name:        "Black Friday 2026",
		Description: "Promozione Black Friday - sconto 30% su tutto il catalogo",
		Sender:      "ShopItalia",
		Text:        "Black Friday! Solo per te: -30% su tutto con il codice BF2026. Valido fino al 30/11. Scopri di più: https://shop.example.it/bf",

		ContactListId: listID,
		Start:         &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
}

// demo runs the whole story in this process.
func demo(ctx context.Context, t Terminal, list sandbox.DemoList, page string) (err error) {
	began := time.Now()
	local, err := app.StartLocal(app.LocalOptions{Sandbox: sandbox.Options{Every: demoPace, Speed: demoSpeed}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, local.Stop()) }()
	listID, err := local.Sandbox.FillDemo(list)
	if err != nil {
		return usageError{err}
	}

	o := local.Service()
	// Statistics are read often enough for the bar to move.
	o.Rules = campaign.Rules{PollMin: 200 * time.Millisecond}
	service, err := app.New(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Stop()) }()
	running, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- service.Run(running) }()

	c, err := o.NATS.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	if page != "" {
		pages, err := web.Listen(page, nil)
		if err != nil {
			return elsewhere(err, "--web")
		}
		shown := make(chan error, 1)
		go func() {
			shown <- serveWeb(running, t, resolved{config: config{LogLevel: "warn", LogFormat: "text"}}, pages, o.NATS, nil)
		}()
		defer func() { stop(); err = errors.Join(err, <-shown) }()
		if _, err := fmt.Fprintf(t.Out, "the page is on http://%s; Ctrl-C ends it\n\n", pages.Addr()); err != nil {
			return err
		}
	}
	request := blackFriday(int64(listID))
	s := newScreen(t)
	s.opening(local, list, listID)
	placed, err := c.Request(ctx, request, "")
	if err != nil {
		return err
	}
	s.request(request, placed.Subject)
	feed, err := c.Follow(ctx, client.WatchOptions{Key: campaign.Key{Source: request.Source, RequestID: request.RequestId}})
	if err != nil {
		return err
	}
	if err := follow(ctx, feed, campaign.Key{Source: request.Source, RequestID: request.RequestId}, s.event); err != nil {
		return err
	}
	if page == "" {
		stop()
		if err := <-done; err != nil {
			return err
		}
		return s.summary(time.Since(began))
	}
	if err := s.summary(time.Since(began)); err != nil {
		return err
	}
	return <-done
}
