package uc006

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Contact lists. The gateway's contacts are its customer's: no call here deletes one.

type listBody struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// madeForCampaign is what people read beside a list that we made.
const madeForCampaign = "The recipients of one campaign. Staffetta removes it when the campaign is over."

// List makes an empty list. A success without a number is no success: there may be a
// list, but no call can name it.
func (c *caller) List(ctx context.Context, name string) campaign.Outcome {
	var in created
	out := c.exchange(ctx, request{
		op: campaign.OpList, method: http.MethodPost, path: "/contacts/list",
		body: listBody{Name: name, Description: madeForCampaign},
	}, &in)
	out.ListID = in.ID.n
	return out
}

// Find finds the lists whose names are a mark and an ordinal behind it, on all pages. A
// gateway's search may find others too, or show all that there are.
func (c *caller) Find(ctx context.Context, mark string, upto int) campaign.Outcome {
	var found []int64
	out := c.eachList(ctx, campaign.OpFind, "search", strings.TrimSpace(mark), func(l foundList) (enough bool) {
		if campaign.NamedBy(mark, l.Name.value, upto) {
			found = append(found, l.ID.n)
		}
		return false
	})
	out.Lists = found
	return out
}

// Count reads how many contacts a list has. A gateway that does not heed the number shows
// all lists that there are; one that shows the list on none of its pages has none.
func (c *caller) Count(ctx context.Context, list int64) campaign.Outcome {
	var shown *foundList
	out := c.eachList(ctx, campaign.OpCount, "id", strconv.FormatInt(list, 10), func(l foundList) (enough bool) {
		if l.ID.n == list {
			shown = &l
		}
		return shown != nil
	})
	switch {
	case out.Kind != campaign.OK:
	case shown == nil:
		out.Kind, out.Cause, out.Words = campaign.Refused, campaign.NotFound, fmt.Sprintf("there is no contact list %d", list)
	case !shown.Contacts.given || shown.Contacts.n < 0:
		out.Kind, out.Cause, out.Err = campaign.Unavailable, campaign.Unusable, "the answer to count cannot be used: it lacks contactCount"
	default:
		out.Contacts = shown.Contacts.n
	}
	return out
}

// eachList hands out the lists that the gateway shows, each once, on all pages or until it
// is enough.
func (c *caller) eachList(ctx context.Context, op campaign.Op, by, value string, see func(foundList) (enough bool)) campaign.Outcome {
	seen := map[int64]bool{}
	for page := range maxListPages {
		if page > 0 {
			if no, ok := c.line.Admit(ctx, op); !ok {
				return no
			}
		}
		var in lists
		query := url.Values{by: {value}, "page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(pageSize)}}
		out := c.exchange(ctx, request{op: op, method: http.MethodGet, path: "/contacts/list", query: query.Encode()}, &in)
		if out.Kind != campaign.OK {
			return out
		}
		more := false
		for _, l := range in.found {
			if seen[l.ID.n] {
				continue
			}
			seen[l.ID.n], more = true, true
			if see(l) {
				return out
			}
		}
		if !more || in.last || in.total.given && int64(len(seen)) >= in.total.n {
			return out
		}
	}
	return campaign.Outcome{Op: op, Kind: campaign.Unavailable, Err: fmt.Sprintf("the lists do not end: %d pages were read", maxListPages)}
}

// maxListPages ends the search of a gateway whose pages never end.
const maxListPages = 1000

// Unlist removes lists, and not their contacts. Without a number it would be another call,
// of which nobody says what it removes, so it is not made.
func (c *caller) Unlist(ctx context.Context, ids []int64) campaign.Outcome {
	if len(ids) == 0 {
		return c.line.NoSuchCall(campaign.OpUnlist)
	}
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.FormatInt(id, 10)
	}
	return c.exchange(ctx, request{op: campaign.OpUnlist, method: http.MethodDelete, path: "/contacts/list", query: "ids=" + strings.Join(words, ",")}, &accepted{})
}

// Quota asks for how many contacts more the account has room. The two halves of the path
// are the other way round there, as published.
func (c *caller) Quota(ctx context.Context) campaign.Outcome {
	path := c.line.BasePath()
	if before, ours := strings.CutSuffix(path, "/partner-gateway/v1"); ours {
		path = before + "/v1/partner-gateway"
	}
	var in quota
	out := c.exchange(ctx, request{op: campaign.OpQuota, method: http.MethodGet, path: path + "/subscription/contacts", root: true}, &in)
	out.Contacts = in.Remaining.n
	return out
}

// quota is the answer to quota.
type quota struct {
	Remaining wholeNumber `json:"remaining"`
}

func (a *quota) decode(body []byte, _ int64) error {
	if err := json.Unmarshal(body, a); err != nil {
		*a = quota{}
		return err
	}
	if !a.Remaining.given {
		return errors.New("it lacks remaining")
	}
	return nil
}

// lists is a page of lists.
type lists struct {
	found []foundList
	last  bool
	total wholeNumber
}

type foundList struct {
	ID       wholeNumber   `json:"id"`
	Name     maybe[string] `json:"name"`
	Contacts wholeNumber   `json:"contactCount"`
}

func (a *lists) decode(body []byte, _ int64) error {
	found, last, total, err := readPage[foundList](body, "lists")
	if err != nil {
		return err
	}
	for _, l := range found {
		if l.ID.n <= 0 {
			return errors.New("it shows a list without an id")
		}
	}
	a.found, a.last, a.total = found, last, total
	return nil
}
