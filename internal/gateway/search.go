package gateway

import (
	"context"

	"github.com/sony/gobreaker/v2"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Search finds the campaigns whose name or description holds the text, on all pages,
// each once. All other calls go before it, except polling.
//
// An outcome that is not OK says why not; what was found until then is returned with
// it. On a gateway without a search it is NotFound or Unsupported.
func (g *Gateway) Search(ctx context.Context, text string) ([]Found, campaign.Outcome) {
	if g.gate.shut.Load() {
		return nil, g.gate.answerShut(OpSearch)
	}
	if g.breaker.State() == "open" {
		return nil, g.breaker.answerOpen(OpSearch, gobreaker.StateOpen)
	}
	found, out := g.client.search(ctx, text)
	g.gate.observe(&out)
	return found, out
}
