package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
)

func newDev(t Terminal) *cobra.Command {
	o := app.LocalOptions{NATS: "127.0.0.1:4222", Gateway: "127.0.0.1:8090", Sandbox: app.SandboxOptions{
		// A minute of sending a second, and credit for more than the four
		// campaigns that 1,500.00 EUR would pay for.
		Speed: 60, Credit: decimal.NewFromInt(100_000),
	}}
	listen, level := "127.0.0.1:8080", "info"
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything on this machine: NATS, the gateway, the service",
		Long: `Run a NATS server with JetStream, the sandbox gateway with a filled contact list,
and the service, in one process, on loopback addresses. It prints what to type
next. What NATS stores is kept in the folder given with --data, or nowhere. The
sandbox forgets everything when it ends: campaigns that it was still sending end
because the gateway does not find them, and new ones get new numbers.`,
		Example: `  staffetta dev
  staffetta dev --data ./data --speed 600`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return dev(cmd.Context(), t, o, listen, level) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.Dir, "data", "", "folder for what NATS stores (default a temporary one)")
	f.StringVar(&o.NATS, "nats-listen", o.NATS, "address of the NATS server; port 0 is any free one")
	f.StringVar(&o.Gateway, "sandbox-listen", o.Gateway, "address of the sandbox gateway")
	f.StringVar(&listen, "http-listen", listen, "address of the service's /readyz and /metrics, or off")
	f.Float64Var(&o.Sandbox.Speed, "speed", o.Sandbox.Speed, "how many simulated seconds of sending pass in one second")
	f.StringVar(&level, "log-level", level, "debug, info, warn or error")
	return cmd
}

// dev runs everything until ctx ends.
func dev(ctx context.Context, t Terminal, lo app.LocalOptions, listen, level string) (err error) {
	log, err := app.NewLogger(t.Err, level, "text")
	if err != nil {
		return usageError{err}
	}
	local, err := app.StartLocal(lo)
	if err != nil {
		return elsewhere(err, "--nats-listen", "--sandbox-listen")
	}
	defer func() { err = errors.Join(err, local.Stop()) }()
	list := app.ShopItalia()
	listID, err := local.Sandbox.FillDemo(list)
	if err != nil {
		return err
	}
	o := local.Service()
	o.Listen, o.Log, o.Version = listen, log, version()
	o.Rules = campaign.Rules{PollMin: time.Second}
	service, err := app.New(ctx, o)
	if err != nil {
		return elsewhere(err, "--http-listen")
	}
	defer func() { err = errors.Join(err, service.Stop()) }()

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
	say("  list %-4d  %s, %s contacts", listID, list.Name, thousands(int64(list.Contacts)))
	say("\nIn another terminal, ask for a campaign and follow it:\n")
	if !strings.HasSuffix(local.NATSURL, ":4222") {
		say("  export NATS_URL=%s", local.NATSURL)
	}
	say("  %s request --example > campaign.json", t.Name)
	say("  %s request -f campaign.json", t.Name)
	say("  %s watch", t.Name)
	say("\nor with the nats command line alone:\n")
	say("  nats pub campaign.v1.request.shop-italia.black-friday-2026 \\")
	say("    --jetstream --no-templates -H content-type:application/json < campaign.json")
	say("  nats sub 'campaign.v1.event.>' --headers-only")
	say("  nats kv get campaigns shop-italia.black-friday-2026 --raw\n")
	return service.Run(ctx)
}
