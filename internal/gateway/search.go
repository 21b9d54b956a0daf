package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/sony/gobreaker/v2"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// OpSearch names the search in outcomes; it is no call of a campaign.
const OpSearch campaign.Op = "search"

// Found is a campaign as a search shows it. What it does not say is empty.
type Found struct {
	ID          int64
	Name        string
	Description string
	Status      campaign.Status
}

const (
	pageSize = 100
	maxPages = 1000 // of a gateway whose pages never end
)

// Search finds the campaigns whose name or description holds the text, on all
// pages, each once. It gives way to everything else, as polling does.
//
// An outcome that is not OK says why not; what was found until then is returned
// with it. The search is not in UC-006: a gateway without it answers 404 or 405.
func (g *Gateway) Search(ctx context.Context, text string) ([]Found, campaign.Outcome) {
	if g.gate.shut.Load() {
		return nil, g.gate.refuse(OpSearch)
	}
	if g.breaker.State() == "open" {
		return nil, g.breaker.refuse(OpSearch, gobreaker.StateOpen)
	}
	found, out := g.client.search(ctx, text)
	g.gate.saw(&out)
	return found, out
}

func (c *client) search(ctx context.Context, text string) ([]Found, campaign.Outcome) {
	var found []Found
	seen := map[int64]bool{}
	for page := range maxPages {
		if no, ok := c.limit.admit(ctx, OpSearch); !ok {
			return found, no
		}
		var in results
		query := url.Values{"search": {text}, "page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(pageSize)}, "direction": {"ASC"}}
		out := c.exchange(ctx, request{op: OpSearch, method: http.MethodGet, path: "/campaigns", query: query.Encode()}, &in)
		if out.HTTP == http.StatusForbidden {
			out = c.forbidden(ctx, out)
		}
		c.heard.note(out, 0)
		if out.Kind != campaign.OK {
			return found, out
		}
		more := false
		for _, f := range in.found {
			if !seen[f.ID] {
				seen[f.ID], more = true, true
				found = append(found, f)
			}
		}
		// A page that is not full may still not be the last: the gateway's limit may be
		// lower than ours. One that says nothing new is, also of a gateway without pages.
		if !more || in.last || in.total.given && int64(len(found)) >= in.total.n {
			return found, out
		}
	}
	return found, campaign.Outcome{Op: OpSearch, Kind: campaign.Unavailable, Err: "the search does not end: " + strconv.Itoa(maxPages) + " pages were read"}
}

// results is a page of campaigns: an array, or an object around one, with more
// words about the paging or without.
type results struct {
	found []Found
	last  bool
	total whole
}

func (a *results) decode(body []byte, _ int64) error {
	type item struct {
		ID          whole         `json:"id"`
		Name        maybe[string] `json:"name"`
		Description maybe[string] `json:"description"`
		Status      maybe[status] `json:"status"`
	}
	var page struct {
		Content   []item       `json:"content"`
		Campaigns []item       `json:"campaigns"`
		Last      maybe[bool]  `json:"last"`
		Total     maybe[whole] `json:"totalElements"`
	}
	var into any = &page
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		into = &page.Content
	}
	if err := json.Unmarshal(body, into); err != nil {
		return err
	}
	items := page.Content
	if items == nil {
		items = page.Campaigns
	}
	if items == nil {
		return errors.New("it lacks content or campaigns")
	}
	for _, i := range items {
		if i.ID.n <= 0 {
			return errors.New("it lists a campaign without an id")
		}
		a.found = append(a.found, Found{i.ID.n, i.Name.value, i.Description.value, i.Status.value.Status})
	}
	a.last, a.total = page.Last.value, page.Total.value
	return nil
}
