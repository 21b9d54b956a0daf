package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/ops"
)

func newServe(t Terminal) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the service",
		Long: `Run the service until SIGTERM. Then it takes no new messages, finishes those in
flight within the grace period, and ends. Nothing is lost if it ends in another way.

Each setting comes from a flag; otherwise from the environment, from the file, or
from the default, in this order: --nats-url, STAFFETTA_NATS_URL (or NATS_URL as the
nats command line has it), "nats: {url: …}", nats://127.0.0.1:4222. With --check it
prints the settings with which it would run, and where each value came from, and
ends.`,
		Example: `  staffetta serve --nats-url nats://nats:4222 \
    --gateway-url https://gateway.example/api/partner-gateway/v1 \
    --gateway-key-file /run/secrets/gateway-key
  staffetta serve --config staffetta.yaml --check`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := resolve(cmd.Flags(), t.Env, settings)
			if err != nil {
				return err
			}
			o, err := r.options(t.Err)
			if err != nil {
				return err
			}
			if check {
				r.print(t.Out, settings)
				if err := o.Validate(); err != nil {
					return err
				}
				_, err := fmt.Fprintln(t.Out, "\nthe settings are in order")
				return err
			}
			return serve(cmd.Context(), o)
		},
	}
	addSettings(cmd.Flags(), settings)
	cmd.Flags().BoolVar(&check, "check", false, "print the settings and where each value came from, and end")
	return cmd
}

// serve runs the service until ctx ends.
func serve(ctx context.Context, o app.Options) error {
	a, err := app.New(ctx, o)
	if err != nil {
		return elsewhere(err, "--http-listen")
	}
	return errors.Join(a.Run(ctx), a.Stop())
}

// print shows the settings as they are, with what is secret in them masked.
func (r *resolved) print(w io.Writer, rows []setting) {
	keys, values := 0, 0
	shown := make([]string, len(rows))
	for i, s := range rows {
		shown[i] = text(s.field(&r.config))
		if s.Userinfo {
			shown[i] = maskUserinfo(shown[i])
		}
		if shown[i] == "" {
			shown[i] = "-"
		}
		keys, values = max(keys, len(s.Key)), max(values, len(shown[i]))
	}
	values = min(values, 48)
	fmt.Fprintf(w, "%-*s  %-*s  %s\n", keys, "SETTING", values, "VALUE", "FROM")
	for i, s := range rows {
		fmt.Fprintf(w, "%-*s  %-*s  %s\n", keys, s.Key, values, shown[i], r.origin[s.Key])
	}
	if len(r.notes) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(r.notes, "\n"))
	}
}

// options are the service's, with a logger that writes to w.
func (r *resolved) options(w io.Writer) (app.Options, error) {
	log, err := ops.NewLogger(w, r.LogLevel, r.LogFormat)
	if err != nil {
		return app.Options{}, usageError{err}
	}
	o := r.Options
	o.Log, o.Version = log, version()
	return o, nil
}
