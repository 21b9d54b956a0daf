package cli

import (
	"context"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/ops"
	"github.com/staffetta-io/staffetta/internal/web"
)

// webConfig is what can be set of the page that people look at.
type webConfig struct {
	Listen string
}

// webSettings are those of the page alone: the service knows none of them.
var webSettings = []setting{
	{Setting: app.Setting{Key: "web.listen", Help: "address of the page of `staffetta web`; beyond this machine only with a sign-in, see docs/page.md"},
		field: func(c *config) any { return &c.Web.Listen }},
}

func newWeb(t Terminal) *cobra.Command {
	rows := append(settingsOf("nats.", "log."), webSettings...)
	cmd := &cobra.Command{
		Use:   "web",
		Short: "The page on which people see campaigns, approve and cancel",
		Long: `Serve a page for the people who decide about campaigns and money: what waits for
them, what campaigns are doing, what is left of budgets. It asks the service and tells
it, like any other person's client: it needs no key of the gateway and no right to
write what the service keeps. It stores nothing, so any number of them may run.

Without a sign-in it listens on this machine alone, and the form asks for a name.
docs/page.md says how people sign in, and which rights its user needs at NATS.`,
		Example: `  staffetta web
  staffetta web --nats-context page --web-listen 127.0.0.1:8091`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := resolve(cmd.Flags(), t.Env, rows)
			if err != nil {
				return err
			}
			if r.origin["log.format"] == "default" && t.Width > 0 {
				r.LogFormat = "text"
			}
			l, err := web.Listen(r.Web.Listen, nil)
			if err != nil {
				return elsewhere(err, "--web-listen")
			}
			if _, err := fmt.Fprintf(t.Out, "the page is on http://%s\n", l.Addr()); err != nil {
				return err
			}
			return serveWeb(cmd.Context(), t, r, l, r.NATS)
		},
	}
	cmd.Flags().SortFlags = false
	addSettings(cmd.Flags(), rows)
	return cmd
}

// serveWeb serves the page until ctx ends.
func serveWeb(ctx context.Context, t Terminal, r resolved, l net.Listener, server app.NATS) error {
	log, err := ops.NewLogger(t.Err, r.LogLevel, r.LogFormat)
	if err != nil {
		l.Close()
		return usageError{err}
	}
	c, err := server.Client()
	if err != nil {
		l.Close()
		return err
	}
	defer c.Close()
	return web.Serve(ctx, l, web.Options{Client: c, Log: log})
}
