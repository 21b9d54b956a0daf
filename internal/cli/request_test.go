package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/cli"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// A user that may publish requests but not read the records can ask as usual. If
// something is wrong with the request, its dead letter says so.
func TestRequestOfSomebodyWhoMayNotReadTheRecords(t *testing.T) {
	t.Parallel()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(),
		Users: []*server.User{{Username: "service", Password: "x"}, {Username: "shop", Password: "x", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.INFO.KV_campaigns", "$JS.API.STREAM.MSG.GET.KV_campaigns", "$JS.API.DIRECT.GET.KV_campaigns.>", "staffetta.query.>"}},
		}}, {Username: "own", Password: "x", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{"campaign.v1.request.shop-italia.*", "campaign.v1.command.shop-italia.*.cancel"}},
			Subscribe: &server.SubjectPermission{Allow: []string{"campaign.v1.event.shop-italia.>", "_INBOX.shop-italia.>"}},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	as := func(user string) string { return strings.Replace(s.ClientURL(), "nats://", "nats://"+user+":x@", 1) }

	box, err := app.StartSandbox("127.0.0.1:0", sandbox.Options{Speed: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Stop() })
	if _, err := box.FillDemo(sandbox.DemoList{Contacts: 20}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	service, err := app.New(t.Context(), app.Options{
		NATS: app.NATS{URL: as("service")}, Gateway: app.Gateway{URL: box.GatewayURL, KeyFile: write("key", box.Key)},
		Listen: "off", Rules: campaign.Rules{PollMin: 50 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended; service.Stop() })

	ask := func(text string) (code int, out string) {
		var b strings.Builder
		file := write("campaign.json", `{"source": "shop-italia", "requestId": "bf", "name": "Black Friday", "sender": "ShopItalia", "text": "`+text+`", "contactListId": 87, "immediately": true}`)
		code = cli.Run(t.Context(), cli.Terminal{Out: &b, Err: &b, Env: []string{"NATS_URL=" + as("shop")}}, []string{"request", "-f", file, "--wait"})
		return code, b.String()
	}
	// A source's own user, as deploy/nats/accounts.conf has it: it reads no stream, and
	// listens to its events.
	own := write("own.json", `{"url": "`+as("own")+`", "inbox_prefix": "_INBOX.shop-italia"}`)
	var said, told strings.Builder
	began := time.Now()
	code := cli.Run(t.Context(), cli.Terminal{Out: &said, Err: &told, Env: []string{"NATS_CONTEXT=" + own}},
		[]string{"request", "-f", write("own-campaign.json", `{"source": "shop-italia", "requestId": "own", "name": "Black Friday", "sender": "ShopItalia", "text": "Ciao", "contactListId": 87, "immediately": true}`), "--wait"})
	if code != 0 || !strings.Contains(said.String(), "cost_calculated") || !strings.Contains(said.String(), "the last one") || strings.Count(said.String(), "confirmed") != 1 ||
		!strings.Contains(told.String(), "this user may only listen to what happens from now on") {
		t.Errorf("exit code %d:\n%s%s", code, &said, &told)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	// If it has no right at all, it is told at once which right is missing.
	for _, args := range [][]string{
		{"why", "shop-italia.own"}, {"show", "shop-italia.own"}, {"ls"}, {"dlq", "ls"}, {"dlq", "show", "1"}, {"watch", "acqua-luce"}, {"watch", "--now"},
		{"cancel", "shop-italia.own", "--by", "anna"}, {"cancel", "acqua-luce.x", "--by", "anna", "--wait", "0"}, {"budget", "show"},
		{"budget", "set", "shop-italia", "--day", "5", "--zone", "Europe/Rome", "--by", "anna"}, {"schedule", "ls"}, {"promote", "shop-italia.own"},
	} {
		var out strings.Builder
		began := time.Now()
		code := cli.Run(t.Context(), cli.Terminal{Out: &out, Err: &out, Env: []string{"NATS_CONTEXT=" + own}}, args)
		if code != 1 || !strings.Contains(out.String(), "this user may not ") || strings.Contains(out.String(), "deadline") {
			t.Errorf("%q: exit code %d: %s", args, code, &out)
		}
		if took := time.Since(began); took > 4*time.Second { // the client's own patience is five
			t.Errorf("%q took %s", args, took)
		}
	}

	if code, out := ask("Ciao"); code != 0 || !strings.Contains(out, "published campaign.v1.request.shop-italia.bf\n") || !strings.Contains(out, "the last one") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	code, out := ask("Addio")
	if code != 4 || !strings.Contains(out, "published ") || !strings.Contains(out, "put aside as dead letter 1: conflicting_duplicate (text): ") ||
		!strings.Contains(out, "look at it with: staffetta dlq show 1\n") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
