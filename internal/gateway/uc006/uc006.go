// Package uc006 speaks the API of the vendor's specification UC-006: what goes over the
// wire, which shapes the answers have, and which kind and cause each answer is. Only
// this package reads status codes.
//
// It refuses to know when a call may be made, and what is done about its outcome.
package uc006

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// Production is the base URL of the vendor's own gateway.
const Production = "https://lora-api.agiletelecom.com/api/partner-gateway/v1"

// Options are what differs between accounts of the vendor.
type Options struct {
	// Envelope are the members that make a refusal's JSON object this gateway's
	// own, beside the known envelopes; see [ParseEnvelope]. Default none.
	Envelope []string
	// NoRead says that it was measured: the read by id does not work here. Then the
	// statistics are asked at once.
	NoRead bool
	// TwoSteps says that it is known: an upload is a preview, and a second call commits
	// it. Default: the answer to an upload shows which it is.
	TwoSteps bool
}

// New returns the vendor.
func New(o Options) gateway.Vendor {
	return gateway.Vendor{
		Header: func(key gateway.Secret) http.Header {
			return http.Header{"X-Api-Key": {string(key)}, "Accept": {"application/json"}}
		},
		Caller: func(line *gateway.Line) gateway.Caller {
			return &caller{line: line, envelope: o.Envelope, noRead: o.NoRead, twoSteps: o.TwoSteps}
		},
	}
}

// caller makes the calls of UC-006, one request each but for status, witness, find and
// upload.
type caller struct {
	line     *gateway.Line
	envelope []string
	noRead   bool
	twoSteps bool
}

// Call makes the call that the value describes.
func (c *caller) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
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
	case campaign.OpList:
		return c.List(ctx, call.Name)
	case campaign.OpFind:
		return c.Find(ctx, call.Name, call.Upto)
	case campaign.OpUpload:
		return c.Upload(ctx, call.List, call.File)
	case campaign.OpCount:
		return c.Count(ctx, call.List)
	case campaign.OpUnlist:
		return c.Unlist(ctx, call.Lists)
	case campaign.OpQuota:
		return c.Quota(ctx)
	}
	return c.line.NoSuchCall(call.Op)
}

// Create makes a draft. A success without an id is no success: there may be a draft,
// but no call can name it.
func (c *caller) Create(ctx context.Context, d campaign.Draft, simulation bool) campaign.Outcome {
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
func (c *caller) Configure(ctx context.Context, id int64, content campaign.Content, simulation bool) campaign.Outcome {
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

// Calculate counts the recipients and the parts.
func (c *caller) Calculate(ctx context.Context, id int64) campaign.Outcome {
	var in goal
	out := c.exchange(ctx, request{op: campaign.OpCalculate, method: http.MethodPost, id: id, path: path(id, "/calculateGoal")}, &in)
	if out.Kind == campaign.OK {
		out.Goal = campaign.Goal{Total: in.Total.n, Valid: in.Valid.n, Invalid: in.Invalid.n, Parts: in.Parts.n}
	}
	return out
}

// Price asks what it would cost.
func (c *caller) Price(ctx context.Context, id int64) campaign.Outcome {
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
func (c *caller) Confirm(ctx context.Context, id int64, at time.Time, simulation bool) campaign.Outcome {
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

// Status reads where the campaign stands. The read by id is not in UC-006. So if it
// finds nothing, or a proxy answers it, the statistics are asked: they may show the
// campaign. If neither shows it, that proves nothing (rule 25).
//
// The answer is then the by-id 404 if it is the gateway's own, or otherwise what the
// statistics said. If the statistics had no usable answer (none, 401, 429), that comes
// first.
func (c *caller) Status(ctx context.Context, id int64) campaign.Outcome {
	var in standing
	stats := request{op: campaign.OpStatus, method: http.MethodGet, id: id, path: "/campaigns/stats", query: statsQuery(id)}
	var out campaign.Outcome
	if c.noRead {
		out = c.exchange(ctx, stats, &in)
	} else if out = c.exchange(ctx, request{op: campaign.OpStatus, method: http.MethodGet, id: id, path: path(id, "")}, &in); out.Cause == campaign.NotFound || out.Cause == campaign.Unsupported || out.Unshaped {
		read := out
		if no, ok := c.line.Admit(ctx, campaign.OpStatus); !ok {
			return no
		}
		out = c.exchange(ctx, stats, &in)
		took := out.Took + out.Started.Sub(read.Started)
		// A 403 may be about the key, which is found out first.
		silent := out.Kind == campaign.Refused && out.Cause != campaign.Forbidden ||
			out.Kind == campaign.Unavailable && (out.Unshaped || in.read)
		if silent && read.Kind == campaign.Refused && read.Cause == campaign.NotFound {
			out = read
			out.ByID = true
		}
		out.Started, out.Took = read.Started, took
	} else {
		out.ByID = out.Kind == campaign.OK || out.Kind == campaign.Refused && out.Cause != campaign.Forbidden
	}
	out.Status, out.Name, out.Description = in.Status.Status, in.Name.value, in.Description.value
	return out
}

// Stats reads how far the sending has come.
func (c *caller) Stats(ctx context.Context, id int64) campaign.Outcome {
	var in statistics
	out := c.exchange(ctx, request{op: campaign.OpStats, method: http.MethodGet, id: id, path: "/campaigns/stats", query: statsQuery(id)}, &in)
	if out.Kind == campaign.OK {
		out.Stats, out.Name = in.stats(), in.Name.value
	}
	return out
}

// Delete removes a draft, or a scheduled campaign before its instant. Nothing in the
// answer proves that the campaign is gone.
func (c *caller) Delete(ctx context.Context, id int64) campaign.Outcome {
	return c.exchange(ctx, request{op: campaign.OpDelete, method: http.MethodDelete, id: id, path: path(id, "")}, &accepted{})
}

// Witness checks whether the read by id shows a campaign of ours at all. It makes one
// for this and deletes it: any other may be gone by now.
func (c *caller) Witness(ctx context.Context, call campaign.Call) campaign.Outcome {
	started := time.Now().UTC()
	made := c.Create(ctx, call.Draft, call.Simulation)
	out := made
	if made.Kind == campaign.OK {
		id := made.CampaignID
		no, ok := c.line.Admit(ctx, campaign.OpStatus)
		if out = no; ok {
			var in standing
			out = c.exchange(ctx, request{op: campaign.OpStatus, method: http.MethodGet, id: id, path: path(id, "")}, &in)
			out.Status, out.ByID = in.Status.Status, out.Kind == campaign.OK || out.Kind == campaign.Refused && out.Cause != campaign.Forbidden
		}
		if _, ok := c.line.Admit(ctx, campaign.OpDelete); ok {
			c.Delete(ctx, id) // a draft that stays costs nothing, and bears our mark
		}
	}
	out.Op, out.Started, out.Took = campaign.OpWitness, started, time.Since(started)
	return out
}

// Probe asks for one campaign, any one. That call is not in UC-006.
func (c *caller) Probe(ctx context.Context) campaign.Outcome {
	return c.exchange(ctx, request{op: gateway.OpProbe, method: http.MethodGet, path: "/campaigns", query: "page=0&limit=1"}, anyAnswer{})
}

func path(id int64, rest string) string {
	var buf [64]byte
	b := strconv.AppendInt(append(buf[:0], "/campaigns/"...), id, 10)
	return string(append(b, rest...))
}

func statsQuery(id int64) string { return "campaignId=" + strconv.FormatInt(id, 10) }
