package client_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Where nothing can be read, whoever asks is told what to look at.
func TestReadingWhereThereIsNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		s    *server.Server
		want string
	}{
		{"NoServiceHasEverRun", startServer(t, &server.Options{JetStream: true}), "has the service ever run here?"},
		{"NoJetStream", startServer(t, &server.Options{}), "is JetStream enabled, on the server and for this account?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := client.New(connect(t, test.s))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]error{}
			for _, err := range c.Entries(t.Context(), "", 0) {
				got["entries"] = err
			}
			for _, err := range c.Letters(t.Context(), client.LetterFilter{}) {
				got["letters"] = err
			}
			for _, err := range c.Watch(t.Context(), client.WatchOptions{Key: campaign.Key{Source: "shop"}}) {
				got["watch"] = err
			}
			_, got["letter"] = c.Letter(t.Context(), 1)
			_, _, got["record"] = c.Get(t.Context(), key)
			_, got["requests"] = c.Requests(t.Context(), key)
			_, got["timer"] = c.Armed(t.Context(), key)
			_, got["turn"] = c.QueuePlace(t.Context(), "shop-italia", 1)
			for what, err := range got {
				if err == nil || !strings.HasSuffix(err.Error(), test.want) {
					t.Errorf("%s: %v, want …%s", what, err, test.want)
				}
			}
			if len(got) != 8 {
				t.Errorf("%d answers, want 8", len(got))
			}
		})
	}
}

// Whoever lacks a permission is told which, in place of a deadline.
func TestReadingWithoutTheRight(t *testing.T) {
	t.Parallel()
	allowed := &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{"campaign.v1.request.shop-italia.*"}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.shop-italia.>"}},
	}
	s := startServer(t, &server.Options{JetStream: true,
		Users: []*server.User{{Username: "operator", Password: "x"}, {Username: "shop", Password: "x", Permissions: allowed}}})
	open(t, login(t, s, "operator", "_INBOX"), journal.Options{})
	other := campaign.Key{Source: "acqua-luce", RequestID: "x"}
	for _, test := range []struct {
		name, inbox, want string
		do                func(context.Context, *client.Client) error
	}{
		{"Watch", "_INBOX.shop-italia", "this user may not publish to $JS.API.CONSUMER.CREATE.CAMPAIGN_EVENTS.", func(ctx context.Context, c *client.Client) error {
			for _, err := range c.Watch(ctx, client.WatchOptions{Key: key, Follow: true}) {
				return err
			}
			return nil
		}},
		{"Entries", "_INBOX.shop-italia", "this user may not publish to $JS.API.CONSUMER.CREATE.KV_campaigns.", func(ctx context.Context, c *client.Client) error {
			for _, err := range c.Entries(ctx, "", 0) {
				return err
			}
			return nil
		}},
		{"Letter", "_INBOX.shop-italia", "this user may not publish to $JS.API.CONSUMER.CREATE.CAMPAIGN_DEAD_LETTERS.", func(ctx context.Context, c *client.Client) error {
			_, err := c.AwaitLetter(ctx, key, client.Placed{})
			return err
		}},
		{"Record", "_INBOX.shop-italia", "this user may not publish to $JS.API.STREAM.INFO.KV_campaigns: ", func(ctx context.Context, c *client.Client) error {
			_, _, err := c.Get(ctx, key)
			return err
		}},
		{"Letters", "_INBOX.shop-italia", "this user may not publish to $JS.API.CONSUMER.CREATE.CAMPAIGN_DEAD_LETTERS.", func(ctx context.Context, c *client.Client) error {
			for _, err := range c.Letters(ctx, client.LetterFilter{}) {
				return err
			}
			return nil
		}},
		{"OneLetter", "_INBOX.shop-italia", "this user may not publish to $JS.API.STREAM.INFO.CAMPAIGN_DEAD_LETTERS: ", func(ctx context.Context, c *client.Client) error {
			_, err := c.Letter(ctx, 1)
			return err
		}},
		{"Turn", "_INBOX.shop-italia", "this user may not publish to $JS.API.CONSUMER.INFO.CAMPAIGN_REQUESTS.requests: ", func(ctx context.Context, c *client.Client) error {
			_, err := c.QueuePlace(ctx, "shop-italia", 1)
			return err
		}},
		{"Schedules", "_INBOX.shop-italia", "this user may not publish to $JS.API.CONSUMER.CREATE.KV_schedules.", func(ctx context.Context, c *client.Client) error {
			for _, err := range c.Schedules(ctx, "", 0) {
				return err
			}
			return nil
		}},
		{"Schedule", "_INBOX.shop-italia", "this user may not publish to campaign.v1.command.acqua-luce.@standing.remove-schedule: ", func(ctx context.Context, c *client.Client) error {
			_, err := c.Lay(ctx, "acqua-luce", contract.VerbRemoveSchedule, &campaignv1.RemoveSchedule{By: "anna", Id: "x"})
			return err
		}},
		{"Cancel", "_INBOX.shop-italia", "this user may not publish to campaign.v1.command.acqua-luce.x.cancel: ", func(ctx context.Context, c *client.Client) error {
			_, err := c.Cancel(ctx, other, "anna", "")
			return err
		}},
		{"Inbox", "_INBOX.else", "set the inbox prefix that its permissions name", func(ctx context.Context, c *client.Client) error {
			_, err := c.Request(ctx, request("bf-2026"), "")
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := client.New(login(t, s, "shop", test.inbox))
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := test.do(ctx, c); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want …%s…", err, test.want)
			}
			if took := time.Since(began); took > 4*time.Second { // a client's own patience is five
				t.Errorf("it took %s to say so", took)
			}
		})
	}
}
