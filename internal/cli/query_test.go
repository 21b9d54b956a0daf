package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/cli"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/test/natsserver"
	"github.com/staffetta-io/staffetta/test/story"
)

// A source without rights to the streams gets its own campaigns from the usual
// commands, as long as a service runs. Without a service it is told which way is
// missing.
func TestCommandsOfASource(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "accounts.conf")
	if err := os.WriteFile(file, []byte(`
		listen: 127.0.0.1:-1
		jetstream { store_dir: "`+dir+`" }
		accounts {
		  STAFFETTA {
		    jetstream: enabled, users: [ { user: staffetta, password: x } ]
		    exports: [ { service: "staffetta.query.*.shop-italia", accounts: [SHOP] } ]
		  }
		  SHOP {
		    users: [ { user: shop, password: x } ]
		    imports: [ { service: { account: STAFFETTA, subject: "staffetta.query.*.shop-italia" }, to: "staffetta.query.*", share: true } ]
		  }
		}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := natsserver.FromFile(t, file)
	url := func(user string) string {
		return "nats://" + user + ":x@" + strings.TrimPrefix(s.ClientURL(), "nats://")
	}

	local, err := app.StartLocal(app.LocalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { local.Stop() })
	local.NATSURL = url("staffetta")
	service := startService(t, local, story.Settings())
	c, err := app.NATS{URL: local.NATSURL}.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	for _, source := range []string{"shop-italia", "acqualuce-billing"} {
		request := &campaignv1.CampaignRequested{Source: source, RequestId: "bf", Name: "Black Friday", Sender: "Shop", Text: "Ciao", ContactListId: 4711,
			Start: &campaignv1.CampaignRequested_Immediately{Immediately: true}}
		if _, err := c.Request(t.Context(), request, ""); err != nil {
			t.Fatal(err)
		}
	}
	typed := func(user string, args ...string) (string, int) {
		var said bytes.Buffer
		code := cli.Run(t.Context(), cli.Terminal{Out: &said, Err: &said, Env: []string{"NATS_URL=" + url(user)}}, args)
		return said.String(), code
	}
	for until := time.Now().Add(30 * time.Second); ; { // there is no such list
		said, code := typed("staffetta", "ls", "--json", "--state", "rejected")
		if strings.Count(said, "\n") == 2 && code == 0 {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("the campaigns do not end: %s", said)
		}
	}

	said, code := typed("shop", "ls", "--json")
	var one struct{ Key, State string }
	if err := json.Unmarshal([]byte(said), &one); err != nil || code != 0 || one.Key != "shop-italia.bf" || one.State != "rejected" {
		t.Errorf("ls: exit code %d: %s", code, said)
	}
	for _, args := range [][]string{{"why", "shop-italia.bf"}, {"why", "shop-italia.bf", "--json"}, {"show", "shop-italia.bf"}} {
		mine, code := typed("shop", args...)
		if whole, _ := typed("staffetta", args...); code != 0 || mine != whole {
			t.Errorf("%v: exit code %d: %s\nwithin the service's account:\n%s", args, code, mine, whole)
		}
	}
	for _, args := range [][]string{{"why", "acqualuce-billing.bf"}, {"show", "acqualuce-billing.bf"}, {"ls", "--source", "acqualuce-billing"}, {"schedule", "show", "acqualuce-billing.monday"}} {
		if said, code := typed("shop", args...); code != 1 || !strings.Contains(said, "shop-italia may ask about its own") {
			t.Errorf("%v: exit code %d: %s", args, code, said)
		}
	}
	for _, args := range [][]string{{"dlq", "ls"}, {"schedule", "ls"}} {
		if said, code := typed("shop", args...); code != 0 || !strings.HasPrefix(said, "no ") {
			t.Errorf("%v: exit code %d: %s", args, code, said)
		}
	}
	// What a command reads before it publishes comes in the same way.
	for key, want := range map[string]string{"shop-italia.bf": "it is rejected: there is nothing left to cancel", "shop-italia.nothing": "nobody has asked for shop-italia.nothing"} {
		if said, code := typed("shop", "cancel", key, "--by", "anna"); code != 1 || !strings.Contains(said, want) {
			t.Errorf("cancel %s: exit code %d: %s", key, code, said)
		}
	}
	if said, code := typed("shop", "budget", "show"); code != 0 || !strings.Contains(said, "nobody has set a budget") {
		t.Errorf("budget show: exit code %d: %s", code, said)
	}

	service.stop()
	service.done <- <-service.done
	if said, code := typed("shop", "why", "shop-italia.bf"); code != 1 || !strings.Contains(said, "no service answers staffetta.query.why: is it running?") {
		t.Errorf("without a service: exit code %d: %s", code, said)
	}
	if said, code := typed("staffetta", "why", "shop-italia.bf"); code != 0 || !strings.Contains(said, "shop-italia.bf") {
		t.Errorf("without a service, by whoever reads the streams: exit code %d: %s", code, said)
	}
}
