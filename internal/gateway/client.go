package gateway

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// client makes the calls of UC-006, one request each. It is safe for
// concurrent use, and remembers only what it has heard. Every request uses up one
// token of the rate limit, taken beforehand.
type client struct {
	base      url.URL
	key       *key
	limit     *limiter
	transport http.RoundTripper
	template  *http.Request // what all requests have in common: nothing but their type

	timeout    time.Duration
	envelope   []string
	noRead     bool
	retryAfter time.Duration
	onRequest  func(campaign.Outcome)

	heard *heard
}

func newClient(base url.URL, key *key, limit *limiter, o Options) *client {
	return &client{
		base: base, key: key, limit: limit, transport: o.Transport,
		template: &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: base.Host},
		timeout:  o.Timeout, envelope: o.Envelope, noRead: o.NoRead, retryAfter: o.RetryAfter, onRequest: o.OnRequest,
		heard: newHeard(),
	}
}

// Call makes the call that the value describes. A 403 is the campaign's
// refusal only if the key is good for something else, and a create that finds
// nothing only if there is a gateway.
func (c *client) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	out := c.dispatch(ctx, call)
	switch {
	case out.HTTP == http.StatusForbidden:
		out = c.forbidden(ctx, out)
	case out.Op == campaign.OpCreate && nothingThere(out):
		out = c.elsewhere(ctx, out)
	case nothingThere(out) && c.heard.nobody():
		// The gateway itself may answer so, in its own shape, below a wrong base path.
		out.Kind, out.Unshaped, out.ByID = campaign.Unavailable, true, false
		out.Field, out.Words, out.Err = "", "", "nothing has answered yet where gateway.url leads; is it correct?"
	}
	c.heard.note(out, call.CampaignID)
	if out.Unshaped || out.Kind == campaign.Unavailable && out.HTTP >= 500 {
		out.Answered = c.heard.elsewhere(call.Op, call.CampaignID)
	}
	return out
}

func (c *client) dispatch(ctx context.Context, call campaign.Call) campaign.Outcome {
	switch id := call.CampaignID; call.Op {
	case campaign.OpCreate:
		return c.Create(ctx, call.Draft, call.Simulation)
	case campaign.OpConfigure:
		return c.Configure(ctx, id, call.Content, call.Simulation)
	case campaign.OpCalculate:
		return c.Calculate(ctx, id)
	case campaign.OpPrice:
		return c.Price(ctx, id)
	case campaign.OpConfirm:
		return c.Confirm(ctx, id, call.At, call.Simulation)
	case campaign.OpStatus:
		return c.Status(ctx, id)
	case campaign.OpStats:
		return c.Stats(ctx, id)
	case campaign.OpDelete:
		return c.Delete(ctx, id)
	case campaign.OpWitness:
		return c.Witness(ctx, call)
	}
	c.limit.giveBack()
	return campaign.Outcome{Op: call.Op, Kind: campaign.NotAttempted, Err: "there is no such call"}
}

// Create makes a draft. A success without an id is no success: there is a
// draft, perhaps, that nobody can name.
func (c *client) Create(ctx context.Context, d campaign.Draft, simulation bool) campaign.Outcome {
	var in created
	out := c.exchange(ctx, request{
		op: campaign.OpCreate, method: http.MethodPost, path: "/campaigns",
		body: createBody{Name: d.Name, Channel: "SMS", Description: d.Description, Simulation: simulation},
	}, &in)
	out.CampaignID = in.ID.n
	return out
}

// Configure sets sender, text and list. What the answer says of them, and of where
// the campaign stands, is handed on.
func (c *client) Configure(ctx context.Context, id int64, content campaign.Content, simulation bool) campaign.Outcome {
	var in accepted
	out := c.exchange(ctx, request{
		op: campaign.OpConfigure, method: http.MethodPut, id: id, path: path(id, ""),
		body: configureBody{Sender: content.Sender, Text: content.Text, ListID: content.ListID, Unicode: content.Unicode, Simulation: simulation},
	}, &in)
	if out.Kind == campaign.OK {
		out.Status, out.Echo = in.stands, in.echo()
	}
	return out
}

// Calculate counts who would get how many parts.
func (c *client) Calculate(ctx context.Context, id int64) campaign.Outcome {
	var in goal
	out := c.exchange(ctx, request{op: campaign.OpCalculate, method: http.MethodPost, id: id, path: path(id, "/calculateGoal")}, &in)
	if out.Kind == campaign.OK {
		out.Goal = campaign.Goal{Total: in.Total.n, Valid: in.Valid.n, Invalid: in.Invalid.n, Parts: in.Parts.n}
	}
	return out
}

// Price asks what it would cost.
func (c *client) Price(ctx context.Context, id int64) campaign.Outcome {
	var in price
	out := c.exchange(ctx, request{op: campaign.OpPrice, method: http.MethodGet, id: id, path: path(id, "/price")}, &in)
	if out.Kind == campaign.OK {
		out.Price = in.offer
		if in.Recipients.value.given {
			out.Recipients = &in.Recipients.value.n
		}
	}
	return out
}

// Confirm is the call that spends money: at once if at is zero, else at that
// instant. A 2xx without a status in its body is a success that does not say what
// it did.
func (c *client) Confirm(ctx context.Context, id int64, at time.Time, simulation bool) campaign.Outcome {
	body := confirmBody{Immediately: at.IsZero(), Simulation: simulation}
	if !at.IsZero() {
		body.Scheduled = at.UTC().Format(scheduledForm)
	}
	var in accepted
	out := c.exchange(ctx, request{op: campaign.OpConfirm, method: http.MethodPut, id: id, path: path(id, "/confirm"), body: body}, &in)
	if out.Kind == campaign.OK {
		out.Status, out.ConfirmedAt = in.stands, in.ConfirmedAt.Time
	}
	return out
}

// Status reads where the campaign stands. The read by id is not in UC-006, so where
// it finds nothing, or somebody else answers it, the statistics are asked: they may
// show the campaign. That neither shows it proves nothing (rule 25).
//
// The answer is then the by-id 404 if it is the gateway's own, or else what the
// statistics said. One that they owe still (no answer, 401, 429) comes first.
func (c *client) Status(ctx context.Context, id int64) campaign.Outcome {
	var in standing
	stats := request{op: campaign.OpStatus, method: http.MethodGet, id: id, path: "/campaigns/stats", query: statsQuery(id)}
	var out campaign.Outcome
	if c.noRead {
		out = c.exchange(ctx, stats, &in)
	} else if out = c.exchange(ctx, request{op: campaign.OpStatus, method: http.MethodGet, id: id, path: path(id, "")}, &in); nothingThere(out) || out.Unshaped {
		read := out
		if no, ok := c.limit.admit(ctx, campaign.OpStatus); !ok {
			return no
		}
		out = c.exchange(ctx, stats, &in)
		took := out.Took + out.Started.Sub(read.Started)
		// A 403 may be about the key, which is found out first.
		silent := out.Kind == campaign.Refused && out.HTTP != http.StatusForbidden ||
			out.Kind == campaign.Unavailable && (out.Unshaped || in.read)
		if silent && read.Kind == campaign.Refused && read.HTTP == http.StatusNotFound {
			out = read
			out.ByID = true
		}
		out.Started, out.Took = read.Started, took
	} else {
		out.ByID = out.Kind == campaign.OK || out.Kind == campaign.Refused && out.HTTP != http.StatusForbidden
	}
	out.Status, out.Name, out.Description = in.Status.Status, in.Name.value, in.Description.value
	return out
}

// Stats reads how far the sending has come.
func (c *client) Stats(ctx context.Context, id int64) campaign.Outcome {
	var in statistics
	out := c.exchange(ctx, request{op: campaign.OpStats, method: http.MethodGet, id: id, path: "/campaigns/stats", query: statsQuery(id)}, &in)
	if out.Kind == campaign.OK {
		out.Stats, out.Name = in.stats(), in.Name.value
	}
	return out
}

// Delete removes a draft, or a scheduled campaign before its instant. That it is
// gone nothing in the answer proves.
func (c *client) Delete(ctx context.Context, id int64) campaign.Outcome {
	return c.exchange(ctx, request{op: campaign.OpDelete, method: http.MethodDelete, id: id, path: path(id, "")}, &accepted{})
}

// Witness looks whether the read by id shows a campaign of ours at all. One is made
// for it and deleted: whatever was read before may be gone by now.
func (c *client) Witness(ctx context.Context, call campaign.Call) campaign.Outcome {
	started := time.Now().UTC()
	made := c.Create(ctx, call.Draft, call.Simulation)
	out := made
	if made.Kind == campaign.OK {
		id := made.CampaignID
		no, ok := c.limit.admit(ctx, campaign.OpStatus)
		if out = no; ok {
			var in standing
			out = c.exchange(ctx, request{op: campaign.OpStatus, method: http.MethodGet, id: id, path: path(id, "")}, &in)
			out.Status, out.ByID = in.Status.Status, out.Kind == campaign.OK || out.Kind == campaign.Refused && out.HTTP != http.StatusForbidden
		}
		if _, ok := c.limit.admit(ctx, campaign.OpDelete); ok {
			c.Delete(ctx, id) // a draft that stays costs nothing, and bears our mark
		}
	}
	out.Op, out.Started, out.Took = campaign.OpWitness, started, time.Since(started)
	return out
}

// OpProbe names the harmless GET in outcomes; it is no call of a campaign.
const OpProbe campaign.Op = "probe"

// Probe asks for one campaign, whichever. Only 401 and 403 say something about
// the key.
func (c *client) Probe(ctx context.Context) campaign.Outcome {
	if no, ok := c.limit.admit(ctx, OpProbe); !ok {
		return no
	}
	out := c.exchange(ctx, request{op: OpProbe, method: http.MethodGet, path: "/campaigns", query: "page=0&limit=1"}, anybody{})
	if out.HTTP == http.StatusForbidden {
		out.Kind = campaign.Unauthorised
	}
	c.heard.note(out, 0)
	return out
}

// forbidden finds out whether a 403 is about the campaign or about the key.
// While that cannot be told it is taken to be the key: then nothing is
// consumed until a probe succeeds, and no campaign is failed for it.
func (c *client) forbidden(ctx context.Context, out campaign.Outcome) campaign.Outcome {
	if !accepts(c.Probe(ctx)) {
		out.Kind = campaign.Unauthorised
	}
	return out
}

// elsewhere finds out whether a create met the gateway at all. A base URL that
// leads elsewhere is no campaign's fault, and a rejection would be final: so
// while it cannot be told nothing is consumed, until a probe is answered. Where
// the gateway has answered before, the URL is right and the gateway is away: then
// it is no answer, whatever its shape.
func (c *client) elsewhere(ctx context.Context, out campaign.Outcome) campaign.Outcome {
	switch probe := c.Probe(ctx); {
	case accepts(probe) && !nothingThere(probe):
	case c.heard.there.Load():
		out.Kind, out.Unshaped = campaign.Unavailable, true
	default:
		out.Kind, out.Unshaped = campaign.Unauthorised, false
	}
	return out
}

// accepts says that a probe's outcome does not speak against the key. The
// probe's own route is not in UC-006, so that it is missing proves nothing.
func accepts(probe campaign.Outcome) bool {
	return probe.Kind == campaign.OK || probe.Kind == campaign.Refused || probe.Unshaped
}

// nothingThere says that the path, or the method on it, is unknown.
func nothingThere(out campaign.Outcome) bool {
	return out.HTTP == http.StatusNotFound || out.HTTP == http.StatusMethodNotAllowed
}

func (c *client) close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func path(id int64, rest string) string {
	var buf [64]byte
	b := strconv.AppendInt(append(buf[:0], "/campaigns/"...), id, 10)
	return string(append(b, rest...))
}

func statsQuery(id int64) string { return "campaignId=" + strconv.FormatInt(id, 10) }
