package journal_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// Where nothing can be read, whoever asks is told what to look at.
func TestReadingWhereThereIsNothing(t *testing.T) {
	t.Parallel()
	bare, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	go bare.Start()
	if !bare.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { bare.Shutdown(); bare.WaitForShutdown() })
	for _, test := range []struct {
		name string
		s    *server.Server
		want string
	}{
		{"NoServiceHasEverRun", startServer(t, -1, t.TempDir()), "has the service ever run here?"},
		{"NoJetStream", bare, "is JetStream enabled, on the server and for this account?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := journal.NewClient(connect(t, test.s))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]error{}
			for _, err := range c.Entries(t.Context(), "", 0) {
				got["entries"] = err
			}
			for _, err := range c.Letters(t.Context(), journal.LetterFilter{}) {
				got["letters"] = err
			}
			for _, err := range c.Watch(t.Context(), journal.WatchOptions{Key: campaign.Key{Source: "shop"}}) {
				got["watch"] = err
			}
			_, got["letter"] = c.Letter(t.Context(), 1)
			_, _, got["record"] = c.Get(t.Context(), key)
			_, got["requests"] = c.Requests(t.Context(), key)
			_, got["timer"] = c.Armed(t.Context(), key)
			_, got["turn"] = c.Turn(t.Context(), 1)
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
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(),
		Users: []*server.User{{Username: "operator", Password: "x"}, {Username: "shop", Password: "x", Permissions: allowed}},
	})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	login := func(name, inbox string) *nats.Conn {
		nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(name, "x"), nats.CustomInboxPrefix(inbox), nats.ReconnectBufSize(-1),
			nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // or it is printed
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	open(t, login("operator", "_INBOX"), journal.Options{})
	other := campaign.Key{Source: "acqua-luce", RequestID: "x"}
	for _, test := range []struct {
		name, inbox, want string
		do                func(context.Context, *journal.Client) error
	}{
		{"Watch", "_INBOX.shop-italia", "this user may not publish to $JS.API.CONSUMER.CREATE.CAMPAIGN_EVENTS.", func(ctx context.Context, c *journal.Client) error {
			for _, err := range c.Watch(ctx, journal.WatchOptions{Key: key, Follow: true}) {
				return err
			}
			return nil
		}},
		{"Entries", "_INBOX.shop-italia", "this user may not publish to $JS.API.CONSUMER.CREATE.KV_campaigns.", func(ctx context.Context, c *journal.Client) error {
			for _, err := range c.Entries(ctx, "", 0) {
				return err
			}
			return nil
		}},
		{"Letter", "_INBOX.shop-italia", "this user may not publish to $JS.API.CONSUMER.CREATE.CAMPAIGN_DEAD_LETTERS.", func(ctx context.Context, c *journal.Client) error {
			_, err := c.AwaitLetter(ctx, key, journal.Placed{})
			return err
		}},
		{"Record", "_INBOX.shop-italia", "this user may not publish to $JS.API.STREAM.INFO.KV_campaigns: ", func(ctx context.Context, c *journal.Client) error {
			_, _, err := c.Get(ctx, key)
			return err
		}},
		{"Letters", "_INBOX.shop-italia", "this user may not publish to $JS.API.CONSUMER.CREATE.CAMPAIGN_DEAD_LETTERS.", func(ctx context.Context, c *journal.Client) error {
			for _, err := range c.Letters(ctx, journal.LetterFilter{}) {
				return err
			}
			return nil
		}},
		{"OneLetter", "_INBOX.shop-italia", "this user may not publish to $JS.API.STREAM.INFO.CAMPAIGN_DEAD_LETTERS: ", func(ctx context.Context, c *journal.Client) error {
			_, err := c.Letter(ctx, 1)
			return err
		}},
		{"Turn", "_INBOX.shop-italia", "this user may not publish to $JS.API.CONSUMER.INFO.CAMPAIGN_REQUESTS.requests: ", func(ctx context.Context, c *journal.Client) error {
			_, err := c.Turn(ctx, 1)
			return err
		}},
		{"Schedules", "_INBOX.shop-italia", "this user may not publish to $JS.API.CONSUMER.CREATE.KV_schedules.", func(ctx context.Context, c *journal.Client) error {
			for _, err := range c.Schedules(ctx, "", 0) {
				return err
			}
			return nil
		}},
		{"Schedule", "_INBOX.shop-italia", "this user may not publish to $KV.schedules.acqua-luce.x: ", func(ctx context.Context, c *journal.Client) error {
			return c.RemoveSchedule(ctx, schedule.Key{Source: "acqua-luce", ID: "x"}, runner.Revision{}, "anna")
		}},
		{"Cancel", "_INBOX.shop-italia", "this user may not publish to campaign.v1.command.acqua-luce.x.cancel: ", func(ctx context.Context, c *journal.Client) error {
			_, err := c.Cancel(ctx, other, "anna", "")
			return err
		}},
		{"Inbox", "_INBOX.else", "set the inbox prefix that its permissions name", func(ctx context.Context, c *journal.Client) error {
			_, err := c.Request(ctx, request("bf-2026"), "")
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := journal.NewClient(login("shop", test.inbox))
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
