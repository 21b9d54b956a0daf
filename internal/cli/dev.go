//go:build !production

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	"github.com/staffetta-io/staffetta/internal/web"
	"github.com/staffetta-io/staffetta/policies"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func newDev(t Terminal) *cobra.Command {
	o := app.LocalOptions{NATS: "127.0.0.1:4222", Gateway: "127.0.0.1:8090", Sandbox: sandbox.Options{
		// A minute of sending a second, and credit for more than the four
		// campaigns that 1,500.00 EUR would pay for.
		Speed: 60, Credit: decimal.NewFromInt(100_000),
	}}
	var policy, page string
	rows := slices.DeleteFunc(slices.Clone(settings), func(s setting) bool {
		return strings.HasPrefix(s.Key, "nats.") || s.Key == "gateway.url" || s.Key == "gateway.key_file"
	})
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything on this machine: NATS, the gateway, the service",
		Long: `Run a NATS server with JetStream, the sandbox gateway with a filled contact list,
and the service, in one process, on loopback addresses. It prints what to type next.
With --data, what NATS stores is kept in that folder; otherwise it is not kept. The
sandbox forgets everything when it ends: campaigns that it was still sending end
because the gateway does not find them, and new ones get new numbers.

It takes every setting of serve, except those that say where NATS and the gateway
are: try your own file with --config. With --policy demo it runs under rules: sendings
above 300 EUR need an approval, shop-italia may spend 1,000 EUR in a day and 5,000 in a
month, and a request may name the send window example-it.`,
		Example: `  staffetta dev
  staffetta dev --policy demo
  staffetta dev --data ./data --speed 600 --approval-above '*=100 EUR'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if policy != "" && policy != "demo" {
				return usageError{fmt.Errorf("--policy %q: there is one policy, demo", policy)}
			}
			r, err := resolve(cmd.Flags(), t.Env, rows)
			if err != nil {
				return err
			}
			if r.origin["log.format"] == "default" {
				r.LogFormat = "text"
			}
			if r.origin["poll.min"] == "default" {
				r.Rules.PollMin = time.Second
			}
			return dev(cmd.Context(), t, o, r, policy == "demo", page)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.Dir, "data", "", "folder for what NATS stores (default a temporary one)")
	f.StringVar(&o.NATS, "nats-listen", o.NATS, "address of the NATS server; port 0 is any free one")
	f.StringVar(&o.Gateway, "sandbox-listen", o.Gateway, "address of the sandbox gateway")
	f.Float64Var(&o.Sandbox.Speed, "speed", o.Sandbox.Speed, "how many simulated seconds of sending pass in one second")
	f.StringVar(&policy, "policy", "", "demo: an approval limit, a budget and a send window to try")
	f.StringVar(&page, "web", "127.0.0.1:8091", "address of the page for people; off: none")
	addSettings(f, rows)
	must(cmd.RegisterFlagCompletionFunc("policy", oneOf([]string{"demo"})))
	return cmd
}

// dev runs everything until ctx ends.
func dev(ctx context.Context, t Terminal, lo app.LocalOptions, r resolved, demo bool, page string) (err error) {
	o, err := r.options(t.Err)
	if err != nil {
		return err
	}
	local, err := app.StartLocal(lo)
	if err != nil {
		return elsewhere(err, "--nats-listen", "--sandbox-listen")
	}
	defer func() { err = errors.Join(err, local.Stop()) }()
	list := sandbox.ShopItalia()
	listID, err := local.Sandbox.FillDemo(list)
	if err != nil {
		return err
	}
	here := local.Service()
	o.NATS, o.Gateway.URL, o.Gateway.KeyFile = here.NATS, here.Gateway.URL, here.Gateway.KeyFile
	if demo {
		windows := filepath.Join(filepath.Dir(local.KeyFile), "example-it.json")
		if err := os.WriteFile(windows, policies.ExampleIT, 0o600); err != nil {
			return err
		}
		o.Windows = strings.TrimPrefix(o.Windows+","+windows, ",")
		o.ApproveAbove = cmp.Or(o.ApproveAbove, "*=300 EUR")
	}
	service, err := app.New(ctx, o)
	if err != nil {
		return elsewhere(err, "--http-listen")
	}
	defer func() { err = errors.Join(err, service.Stop()) }()
	if demo {
		if err := layDemoBudget(ctx, o.NATS); err != nil {
			return err
		}
	}

	var pages net.Listener
	if page != "off" {
		if pages, err = web.Listen(page, nil); err != nil {
			return elsewhere(err, "--web")
		}
	}

	p := paint{t.Colour}
	say := func(format string, args ...any) { fmt.Fprintf(t.Out, format+"\n", args...) }
	kept := "gone when this ends"
	if lo.Dir != "" {
		kept = "kept in " + local.Dir
	}
	say("%s\n", p.bold("Staffetta on this machine; Ctrl-C ends it"))
	say("  NATS       %s  %s", local.NATSURL, p.dim(kept))
	say("  gateway    %s", local.Sandbox.GatewayURL)
	say("             key %s, what it saw: %s/sandbox/seen", local.Sandbox.Key, local.Sandbox.URL)
	if n := local.Remembered; n > 0 {
		say("             has forgotten the campaigns up to %d; new ones begin at %d", n, n+1)
	}
	if addr := service.Addr(); addr != "" {
		say("  service    http://%s/readyz, /metrics", addr)
	}
	if pages != nil {
		say("  page       http://%s  %s", pages.Addr(), p.dim("what waits, what is sent, what is left"))
	}
	say("  list %-4d  %s, %s contacts", listID, list.Name, thousands(int64(list.Contacts)))
	if demo {
		say("  policy     above 300 EUR somebody has to approve; shop-italia may spend 1,000 EUR in a day;")
		say("             a request may say sendWindow: example-it")
	}
	say("\nIn another terminal, ask for a campaign and follow it:\n")
	if !strings.HasSuffix(local.NATSURL, ":4222") {
		say("  export NATS_URL=%s", local.NATSURL)
	}
	say("  %s request --example > campaign.json", t.Name)
	say("  %s request -f campaign.json", t.Name)
	say("  %s watch", t.Name)
	if demo {
		say("  %s approve shop-italia.black-friday-2026 --by YOUR-NAME", t.Name)
	}
	say("\nor with the nats command line alone:\n")
	say("  nats pub campaign.v1.request.shop-italia.black-friday-2026 \\")
	say("    --jetstream --no-templates -H content-type:application/json < campaign.json")
	say("  nats sub 'campaign.v1.event.>' --headers-only")
	say("  nats kv get campaigns shop-italia.black-friday-2026 --raw\n")
	if pages == nil {
		return service.Run(ctx)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	shown := make(chan error, 1)
	go func() { defer stop(); shown <- serveWeb(ctx, t, r, pages, o.NATS, nil) }()
	err = service.Run(ctx)
	stop()
	return errors.Join(err, <-shown)
}

// layDemoBudget orders the budget of the demo's policy; the service carries it out as
// soon as it runs.
func layDemoBudget(ctx context.Context, n app.NATS) error {
	c, err := n.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	order := &campaignv1.SetBudget{By: "dev", Zone: "Europe/Rome"}
	if order.Day, err = limitOf("day", "1000 EUR"); err != nil {
		return err
	}
	if order.Month, err = limitOf("month", "5000 EUR"); err != nil {
		return err
	}
	_, err = c.Lay(ctx, "shop-italia", contract.VerbSetBudget, order)
	return err
}
