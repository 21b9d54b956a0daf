package app

import (
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/drafts"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// Drafts opens the drafts at this gateway, for whoever looks beside the service: a tenth
// of the rate is enough. Close it; the client stays the caller's.
func (g Gateway) Drafts(c *client.Client, version string) (*drafts.Finder, error) {
	g = Options{Gateway: g}.WithDefaults().Gateway
	vendor, err := g.vendor()
	if err != nil {
		return nil, err
	}
	tenth := func(rate int) int {
		if rate <= 0 {
			return 0
		}
		return max(rate/10, 1)
	}
	at, err := gateway.New(gateway.Options{
		Vendor: vendor, BaseURL: g.URL, Insecure: g.Insecure, KeyFile: g.KeyFile, Version: version, Timeout: g.Timeout,
		PerMinute: tenth(g.RatePerMinute), PerSecond: tenth(g.RatePerSecond),
	})
	if err != nil {
		return nil, err
	}
	return drafts.New(c, at), nil
}
