package app

import (
	"context"

	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/query"
)

// openQuery answers people who ask, from now until the service is torn down. It reads
// the streams as the command line does, on the service's own connection.
func (a *App) openQuery(checks *checks) error {
	reader, err := client.New(a.nc)
	if err != nil {
		return err
	}
	s, err := query.Serve(a.nc, query.Options{
		Reader: reader.FromStreams(query.OneMessage), Check: checks.Check, Suppressions: a.suppressions, Health: a.health, Version: a.opts.Version, Log: a.opts.Log,
	})
	if err != nil {
		return err
	}
	a.onStop("questions", func(context.Context) error { return s.Stop() })
	return nil
}

// health is what /readyz says.
func (a *App) health() query.Health {
	r := a.ops.Ready()
	h := query.Health{Ready: r.Ready, Version: a.opts.Version}
	for _, c := range r.Checks {
		h.Checks = append(h.Checks, query.Check{Name: c.Name, OK: c.OK, How: c.How, Optional: c.Optional})
	}
	return h
}
