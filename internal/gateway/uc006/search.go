package uc006

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

const pageSize = 100

// Search shows a page. The search is not in UC-006: a gateway without it answers 404
// or 405.
func (c *caller) Search(ctx context.Context, text string, page int) (gateway.Page, campaign.Outcome) {
	var in results
	query := url.Values{"search": {text}, "page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(pageSize)}, "direction": {"ASC"}}
	out := c.exchange(ctx, request{op: gateway.OpSearch, method: http.MethodGet, path: "/campaigns", query: query.Encode()}, &in)
	p := gateway.Page{Found: in.found, Last: in.last}
	if in.total.given {
		p.Total = &in.total.n
	}
	return p, out
}

// results is a page of campaigns.
type results struct {
	found []gateway.Found
	last  bool
	total wholeNumber
}

func (a *results) decode(body []byte, _ int64) error {
	type item struct {
		ID          wholeNumber   `json:"id"`
		Name        maybe[string] `json:"name"`
		Description maybe[string] `json:"description"`
		Status      maybe[status] `json:"status"`
	}
	items, last, total, err := readPage[item](body, "campaigns")
	if err != nil {
		return err
	}
	for _, i := range items {
		if i.ID.n <= 0 {
			return errors.New("it lists a campaign without an id")
		}
		a.found = append(a.found, gateway.Found{ID: i.ID.n, Name: i.Name.value, Description: i.Description.value, Status: i.Status.value.Status})
	}
	a.last, a.total = last, total
	return nil
}

// readPage reads a page of what is searched for: an array, or an object around one, named
// content or by what is in it, with more words about the paging or without.
func readPage[T any](body []byte, name string) (items []T, last bool, total wholeNumber, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		err = json.Unmarshal(body, &items)
		return items, false, total, err
	}
	var around struct {
		Last  maybe[bool]        `json:"last"`
		Total maybe[wholeNumber] `json:"totalElements"`
	}
	var members map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(body, &members), json.Unmarshal(body, &around)); err != nil {
		return nil, false, total, err
	}
	for _, member := range []string{"content", name} {
		if items == nil && members[member] != nil {
			if err := json.Unmarshal(members[member], &items); err != nil {
				return nil, false, total, err
			}
		}
	}
	if items == nil {
		return nil, false, total, errors.New("it lacks content or " + name)
	}
	return items, around.Last.value, around.Total.value, nil
}
