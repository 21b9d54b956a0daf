package gateway

import (
	"context"
	"strconv"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// client makes the calls. If an answer alone is not clear, it makes another call to
// find out. It is safe for concurrent use. Its only state is what the gateway has
// answered.
type client struct {
	caller   Caller
	limit    *limiter
	answered *answeredCalls
}

// Call makes the call that the value describes. A Forbidden is the campaign's refusal
// only if it is in the gateway's own shape and the key is accepted elsewhere. A create that finds nothing is refused only if
// there is a gateway.
func (c *client) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	out := c.caller.Call(ctx, call)
	switch {
	case out.Cause == campaign.Forbidden:
		out = c.forbidden(ctx, out)
	case out.Op == campaign.OpCreate && nothingThere(out):
		out = c.elsewhere(ctx, out)
	case nothingThere(out) && c.answered.nothingFound():
		// The gateway itself may answer so, in its own shape, below a wrong base path.
		out.Kind, out.Unshaped, out.ByID = campaign.Unavailable, true, false
		out.Field, out.Words, out.Err = "", "", "nothing has answered yet where gateway.url leads; is it correct?"
	}
	c.answered.note(out, call.CampaignID)
	if out.Unshaped || out.Cause == campaign.Failing {
		out.Answered = c.answered.elsewhere(call.Op, call.CampaignID)
	}
	return out
}

// Probe asks for one campaign, any one. Only what the answer shows of the key counts.
func (c *client) Probe(ctx context.Context) campaign.Outcome {
	if no, ok := c.limit.admit(ctx, OpProbe); !ok {
		return no
	}
	out := c.caller.Probe(ctx)
	if out.Cause == campaign.Forbidden {
		out.Kind, out.Unshaped = campaign.Unauthorised, false
	}
	c.answered.note(out, 0)
	return out
}

// forbidden finds out whether a refusal is about the campaign or about the key. As long
// as that is not known, it is taken to be the key: then no requests are consumed until
// a probe succeeds, and no campaign is failed for it.
func (c *client) forbidden(ctx context.Context, out campaign.Outcome) campaign.Outcome {
	switch {
	case !accepts(c.Probe(ctx)):
		out.Kind, out.Unshaped = campaign.Unauthorised, false
	case out.Unshaped:
		out.Kind = campaign.Unavailable // of a firewall on the way, perhaps
	}
	return out
}

// elsewhere finds out whether a create reached the gateway at all. A wrong base URL is
// not the campaign's fault, and a rejection would be final. So as long as that is not
// known, no requests are consumed until a probe is answered. If the gateway has
// answered before, the URL is right and the gateway is away: then the answer is no
// answer, whatever its shape.
func (c *client) elsewhere(ctx context.Context, out campaign.Outcome) campaign.Outcome {
	switch probe := c.Probe(ctx); {
	case accepts(probe) && !nothingThere(probe):
	case c.answered.there.Load():
		out.Kind, out.Unshaped = campaign.Unavailable, true
	default:
		out.Kind, out.Unshaped = campaign.Unauthorised, false
	}
	return out
}

// accepts says that a probe's outcome does not show that the key is wrong. A vendor may
// lack what the probe asks for, so a "not found" proves nothing.
func accepts(probe campaign.Outcome) bool {
	return probe.Kind == campaign.OK || probe.Kind == campaign.Refused || probe.Unshaped
}

// nothingThere says that the path, or the method on it, is unknown.
func nothingThere(out campaign.Outcome) bool {
	return out.Cause == campaign.NotFound || out.Cause == campaign.Unsupported
}

// maxPages ends the search of a gateway whose pages never end.
const maxPages = 1000

// search reads all pages.
func (c *client) search(ctx context.Context, text string) ([]Found, campaign.Outcome) {
	var found []Found
	seen := map[int64]bool{}
	for page := range maxPages {
		if no, ok := c.limit.admit(ctx, OpSearch); !ok {
			return found, no
		}
		in, out := c.caller.Search(ctx, text, page)
		if out.Cause == campaign.Forbidden {
			out = c.forbidden(ctx, out)
		}
		c.answered.note(out, 0)
		if out.Kind != campaign.OK {
			return found, out
		}
		more := false
		for _, f := range in.Found {
			if !seen[f.ID] {
				seen[f.ID], more = true, true
				found = append(found, f)
			}
		}
		// A page that is not full need not be the last: the gateway's limit may be
		// lower than ours. A page without anything new is the last, also on a gateway
		// without pages.
		if !more || in.Last || in.Total != nil && int64(len(found)) >= *in.Total {
			return found, out
		}
	}
	return found, campaign.Outcome{Op: OpSearch, Kind: campaign.Unavailable, Err: "the search does not end: " + strconv.Itoa(maxPages) + " pages were read"}
}
