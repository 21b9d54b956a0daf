package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// verb is what a client can do.
type verb func(context.Context, *client.Client) error

var recurring = schedule.Key{Source: "shop-italia", ID: "daily"}

// verbs are all of them, each with something to do.
var verbs = map[string]verb{
	"Request": placed(func(ctx context.Context, c *client.Client) (client.Placed, error) {
		return c.Request(ctx, request("bf-2026"), "")
	}),
	"Approve": placed(func(ctx context.Context, c *client.Client) (client.Placed, error) {
		return c.Approve(ctx, key, "0123456789abcdef", "anna")
	}),
	"Prove": placed(func(ctx context.Context, c *client.Client) (client.Placed, error) {
		return c.Prove(ctx, key, contract.ProofBody{QuoteID: "0123456789abcdef", N: 1, By: "anna", People: strings.Repeat("ab", 32), Size: 10, Phones: 1})
	}),
	"Decline": placed(func(ctx context.Context, c *client.Client) (client.Placed, error) {
		return c.Decline(ctx, key, "0123456789abcdef", "anna", "wrong list")
	}),
	"Cancel": placed(func(ctx context.Context, c *client.Client) (client.Placed, error) {
		return c.Cancel(ctx, key, "anna", "")
	}),
	"Resolve": placed(func(ctx context.Context, c *client.Client) (client.Placed, error) {
		return c.Resolve(ctx, key, "anna", true, "")
	}),
	"FollowAgain": placed(func(ctx context.Context, c *client.Client) (client.Placed, error) {
		return c.FollowAgain(ctx, key, "anna")
	}),
	"Forget": placed(func(ctx context.Context, c *client.Client) (client.Placed, error) { return c.Forget(ctx, key, "anna") }),
	"Command": placed(func(ctx context.Context, c *client.Client) (client.Placed, error) {
		return c.Command(ctx, key, contract.VerbCancel, contract.CancelBody{By: "anna"})
	}),
	"Lay": placed(func(ctx context.Context, c *client.Client) (client.Placed, error) {
		return c.Lay(ctx, "shop-italia", contract.VerbHold, &campaignv1.HoldCampaigns{By: "anna", Why: "wrong prices"})
	}),
	"Replay": placed(func(ctx context.Context, c *client.Client) (client.Placed, error) {
		r, err := c.PlanReplay(ctx, 1, nil)
		if err != nil {
			return client.Placed{}, err
		}
		return c.Replay(ctx, r)
	}),
	"PlanReplay": func(ctx context.Context, c *client.Client) error { _, err := c.PlanReplay(ctx, 1, nil); return err },
	"Get":        func(ctx context.Context, c *client.Client) error { _, _, err := c.Get(ctx, key); return err },
	"Raw":        func(ctx context.Context, c *client.Client) error { _, _, err := c.Raw(ctx, key); return err },
	"Requests":   func(ctx context.Context, c *client.Client) error { _, err := c.Requests(ctx, key); return err },
	"Commands":   func(ctx context.Context, c *client.Client) error { _, err := c.Commands(ctx, key); return err },
	"Armed":      func(ctx context.Context, c *client.Client) error { _, err := c.Armed(ctx, key); return err },
	"QueuePlace": func(ctx context.Context, c *client.Client) error {
		_, err := c.QueuePlace(ctx, "shop-italia", 1)
		return err
	},
	"Letter": func(ctx context.Context, c *client.Client) error { _, err := c.Letter(ctx, 1); return err },
	"AwaitLetter": func(ctx context.Context, c *client.Client) error {
		_, err := c.AwaitLetter(ctx, key, client.Placed{Stream: streams.Requests, Sequence: 1})
		return err
	},
	"Outcome":     func(ctx context.Context, c *client.Client) error { _, err := c.Outcome(ctx, 1); return err },
	"Orphans":     func(ctx context.Context, c *client.Client) error { _, err := c.Orphans(ctx); return err },
	"Doubts":      func(ctx context.Context, c *client.Client) error { _, err := c.Doubts(ctx); return err },
	"Doubt":       func(ctx context.Context, c *client.Client) error { return c.Doubt(ctx, client.Doubt{Key: key}) },
	"Recover":     func(ctx context.Context, c *client.Client) error { return c.Recover(ctx, "anna") },
	"Streams":     func(ctx context.Context, c *client.Client) error { _, err := c.Streams(ctx); return err },
	"PlanUpgrade": func(ctx context.Context, c *client.Client) error { _, err := c.PlanUpgrade(ctx); return err },
	"Upgrade": func(ctx context.Context, c *client.Client) error {
		return c.Upgrade(ctx, client.Upgrade{Installation: "x", Steps: []client.Step{{Stream: streams.Records}}})
	},
	"Erase": func(ctx context.Context, c *client.Client) error { _, err := c.Erase(ctx, key); return err },
	"MakeConsumer": func(ctx context.Context, c *client.Client) error {
		_, err := c.MakeConsumer(ctx, "analytics", "campaign.v1.event.>")
		return err
	},
	"Schedule":    func(ctx context.Context, c *client.Client) error { _, _, err := c.Schedule(ctx, recurring); return err },
	"FindBudgets": func(ctx context.Context, c *client.Client) error { _, err := c.FindBudgets(ctx); return err },
	"OpenButton":  func(ctx context.Context, c *client.Client) error { _, err := c.OpenButton(ctx); return err },
	"Ask": func(ctx context.Context, c *client.Client) error {
		_, err := c.Ask(ctx, "staffetta.query.list", nil)
		return err
	},
	"Me":       func(_ context.Context, c *client.Client) error { _, err := c.Me(); return err },
	"Evidence": func(ctx context.Context, c *client.Client) error { _, err := c.Evidence(ctx, key); return err },
	"Look":     func(ctx context.Context, c *client.Client) error { _, err := c.Look(ctx, key); return err },
	"Known": func(ctx context.Context, c *client.Client) error {
		_, _, err := c.Known(ctx, request("bf-2026"))
		return err
	},
	"LetterOf": func(ctx context.Context, c *client.Client) error {
		_, _, err := c.LetterOf(ctx, key, client.Placed{Stream: streams.Requests, Sequence: 1})
		return err
	},
	"Past": func(ctx context.Context, c *client.Client) error {
		for _, err := range c.Past(ctx, key) {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"AskEnforcement": func(ctx context.Context, c *client.Client) error { _, err := c.AskEnforcement(ctx); return err },
	"Follow": func(ctx context.Context, c *client.Client) error {
		f, err := c.Follow(ctx, client.WatchOptions{Key: key})
		if err == nil {
			f.Stop()
		}
		return err
	},
	"Watch": func(ctx context.Context, c *client.Client) error {
		for _, err := range c.Watch(ctx, client.WatchOptions{Key: key}) {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"List": func(ctx context.Context, c *client.Client) error {
		for _, err := range c.List(ctx, "shop-italia") {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"Entries": func(ctx context.Context, c *client.Client) error {
		for _, err := range c.Entries(ctx, "shop-italia", 0) {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"LayDown": func(ctx context.Context, c *client.Client) error {
		list := "phoneNumber\n+393331234567\n"
		chunks, err := client.Audience(strings.NewReader(list), campaignv1.Audience_FORMAT_CSV)
		if err != nil {
			return err
		}
		return c.LayDown(ctx, "shop-italia", chunks, strings.NewReader(list), nil)
	},
	"PublishAudience": placed(func(ctx context.Context, c *client.Client) (client.Placed, error) {
		chunks, err := client.Audience(strings.NewReader("x"), campaignv1.Audience_FORMAT_CSV)
		if err != nil {
			return client.Placed{}, err
		}
		return c.PublishAudience(ctx, "shop-italia", "customers", chunks, time.Now())
	}),
	"Audiences": func(ctx context.Context, c *client.Client) error {
		_, err := c.Audiences(ctx, "shop-italia")
		return err
	},
	"Archive": func(ctx context.Context, c *client.Client) error {
		_, err := c.Archive(ctx, filepath.Join(os.TempDir(), "nothing is written there"), time.Now())
		return err
	},
	"OpenEntries": func(ctx context.Context, c *client.Client) error {
		for _, err := range c.OpenEntries(ctx, "shop-italia", 0) {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"Letters": func(ctx context.Context, c *client.Client) error {
		for _, err := range c.Letters(ctx, client.LetterFilter{Source: "shop-italia"}) {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"Schedules": func(ctx context.Context, c *client.Client) error {
		for _, err := range c.Schedules(ctx, "shop-italia", 0) {
			if err != nil {
				return err
			}
		}
		return nil
	},
}

// placed is a verb that stores something: without an error it says where.
func placed(do func(context.Context, *client.Client) (client.Placed, error)) verb {
	return func(ctx context.Context, c *client.Client) error {
		p, err := do(ctx, c)
		if err == nil && (p.Subject == "" || p.Stream == "" || p.Sequence == 0) {
			return fmt.Errorf("it does not say where it is stored: %+v", p)
		}
		return err
	}
}

func TestEveryVerbIsTried(t *testing.T) {
	t.Parallel()
	// These ask nothing by themselves.
	mute := []string{"Close", "FromService", "FromStreams", "Reader"}
	of := reflect.TypeFor[*client.Client]()
	for m := range of.Methods() {
		if name := m.Name; verbs[name] == nil && !slices.Contains(mute, name) {
			t.Errorf("%s is not among the verbs that are tried", name)
		}
	}
	if n := of.NumMethod(); n != len(verbs)+len(mute) {
		t.Errorf("%d verbs are tried, and a client has %d", len(verbs), n-len(mute))
	}
}

// each does all verbs with a client of its own each, and hands over what came of it.
func each(t *testing.T, connect func(t *testing.T) *nats.Conn, see func(t *testing.T, name string, err error)) {
	t.Helper()
	for name, do := range verbs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := client.New(connect(t))
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			see(t, name, do(ctx, c))
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("it took %s to say so", took)
			}
		})
	}
}

// wanted says that an error has one of some texts.
func wanted(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil || !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(err.Error(), text) }) {
		t.Errorf("%v, want one of %q", err, texts)
	}
}

// Where no service has ever run, whoever asks is told so.
func TestVerbsWithoutStreams(t *testing.T) {
	t.Parallel()
	s := startServer(t, &server.Options{JetStream: true})
	each(t, func(t *testing.T) *nats.Conn { return connect(t, s) }, func(t *testing.T, name string, err error) {
		switch name {
		case "Me", "Streams", "AskEnforcement": // that nobody and nothing is there is an answer
			if err != nil {
				t.Error(err)
			}
		case "FindBudgets":
			wanted(t, err, "no budget")
		case "PlanUpgrade":
			wanted(t, err, "there are no streams")
		case "Recover":
			wanted(t, err, "no response from stream")
		case "Ask":
			if !errors.Is(err, nats.ErrNoResponders) {
				t.Errorf("%v, want that nobody is there", err)
			}
		case "Erase":
			wanted(t, err, "stream not found")
		default:
			wanted(t, err, "has the service ever run here?")
		}
	})
}

// Whoever may do nothing is told which right is missing, in place of a deadline.
func TestVerbsWithoutRights(t *testing.T) {
	t.Parallel()
	nothing := &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{"nothing"}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.shop-italia.>"}},
	}
	s := startServer(t, &server.Options{JetStream: true,
		Users: []*server.User{{Username: "operator", Password: "x"}, {Username: "shop", Password: "x", Permissions: nothing}}})
	open(t, login(t, s, "operator", "_INBOX"), journal.Options{})
	each(t, func(t *testing.T) *nats.Conn { return login(t, s, "shop", "_INBOX.shop-italia") }, func(t *testing.T, name string, err error) {
		wanted(t, err, "this user may not publish to ")
	})
}

// What no version can have written is an error that says which message it is, and is
// neither nothing nor half of something.
func TestVerbsThatAreLiedTo(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	if _, err := b.j.Schedules(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*nats.Msg{
		{Subject: "$KV.campaigns.shop-italia.bf-2026", Data: []byte("{\"schema\":1,"), Header: nats.Header{journal.HeaderWake: {"tomorrow"}}},
		{Subject: "$KV.schedules.shop-italia.daily", Data: []byte("{\"schema\":1,")},
		{Subject: "campaign.v1.event.shop-italia.bf-2026.confirmed.1", Data: []byte("\xff"), Header: nats.Header{"ce-type": {"staffetta.campaign.v1.CampaignConfirmed"}}},
		{Subject: "campaign.v1.event.shop-italia.@standing.held.1", Data: []byte("\xff")},
		{Subject: "campaign.v1.request.shop-italia.bf-2026", Data: []byte("\xff")},
		{Subject: "campaign.v1.command.shop-italia.bf-2026.approve", Data: []byte("\xff")},
		{Subject: "campaign.v1.dead.shop-italia.bf-2026", Data: []byte("\xff"), Header: nats.Header{"Staffetta-Sequence": {"many"}}},
	} {
		b.publish(t, m)
	}
	refused := map[string]string{
		"Get": "shop-italia.bf-2026: the record is not readable", "List": "$KV.campaigns.shop-italia.bf-2026: the record is not readable", "Doubts": "$KV.campaigns.shop-italia.bf-2026: the record is not readable",
		"Archive":     "$KV.campaigns.shop-italia.bf-2026",
		"OpenEntries": "$KV.campaigns.shop-italia.bf-2026: header Staffetta-Wake",
		"Entries":     "$KV.campaigns.shop-italia.bf-2026: header Staffetta-Wake",
		"Schedule":    "schedule shop-italia.daily: the record is not readable", "Schedules": "$KV.schedules.shop-italia.daily: the record is not readable",
		"Look": "shop-italia.bf-2026: the record is not readable", "Known": "shop-italia.bf-2026: the record is not readable", "Evidence": "shop-italia.bf-2026: the record is not readable",
		"Past": "confirmed.1", "Watch": "confirmed.1", "Doubt": "confirmed.1",
		"PlanReplay": "dead letter 1", "Replay": "dead letter 1",
		"Outcome": "there is no such standing order",
	}
	for name, want := range refused {
		t.Run(name, func(t *testing.T) {
			wanted(t, verbs[name](t.Context(), b.client), want)
		})
	}
	// These show what is there, whatever it is, and say what they make nothing of.
	if raw, _, err := b.client.Raw(t.Context(), key); err != nil || string(raw) != "{\"schema\":1," {
		t.Errorf("as it is stored: %s, %v", raw, err)
	}
	if all, err := b.client.Requests(t.Context(), key); err != nil || len(all) != 1 || all[0].Err == "" {
		t.Errorf("requests: %+v, %v; want one, and why it is none", all, err)
	}
	if all, err := b.client.Commands(t.Context(), key); err != nil || len(all) != 1 || all[0].Input != nil {
		t.Errorf("commands: %+v, %v; want one, and why it is none", all, err)
	}
	if l, err := b.client.Letter(t.Context(), 1); err != nil || l.Sequence != 0 || string(l.Data) != "\xff" {
		t.Errorf("the letter is %+v, %v", l, err)
	}
}
