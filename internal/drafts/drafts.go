package drafts

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/check"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// Draft is a campaign at the gateway that bears our mark, beside what is known of it
// here.
type Draft struct {
	ID     int64
	Key    campaign.Key
	Status campaign.Status // as the search shows it; may be old
	// Record is the key's state; empty: it has no record.
	Record campaign.State
	// Keep says why it is not to be deleted; empty: nobody needs it.
	Keep string
}

// Finder finds campaigns by their mark and deletes those that nobody needs.
type Finder struct {
	client  *client.Client
	gateway *gateway.Gateway
}

// New finds drafts with a client, which stays the caller's, at a gateway, which Close
// closes.
func New(c *client.Client, g *gateway.Gateway) *Finder { return &Finder{c, g} }

// Close closes the gateway.
func (d *Finder) Close() { d.gateway.Close() }

// marks finds our mark and the key in it.
var marks = regexp.MustCompile(`\[staffetta ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)\]`)

// marked is the key in a description; false: it is not ours.
func marked(description string) (key campaign.Key, ours bool) {
	m := marks.FindStringSubmatch(description)
	if m == nil {
		return key, false
	}
	key, err := campaign.ParseKey(m[1])
	return key, err == nil
}

// Find lists all that bear our mark.
func (d *Finder) Find(ctx context.Context) ([]Draft, error) {
	found, out := d.gateway.Search(ctx, "[staffetta ")
	switch {
	case out.Kind == campaign.OK:
	case out.Cause == campaign.NotFound, out.Cause == campaign.Unsupported:
		return nil, fmt.Errorf("the gateway has no search (it answered %d): drafts are found by nothing else; look for [staffetta …] on its own page", out.HTTP)
	default:
		return nil, fmt.Errorf("the gateway cannot be searched: %s", words(out))
	}
	var all []Draft
	for _, f := range found {
		key, ours := marked(f.Description)
		if !ours {
			continue
		}
		draft := Draft{ID: f.ID, Key: key, Status: f.Status}
		if err := d.judge(ctx, &draft); err != nil {
			return all, err
		}
		all = append(all, draft)
	}
	return all, nil
}

// judge says what is known of a draft here, and why it is to be kept.
func (d *Finder) judge(ctx context.Context, draft *Draft) error {
	rec, _, err := d.client.Get(ctx, draft.Key)
	switch {
	case errors.Is(err, client.ErrNoRecord):
		draft.Keep, err = d.orphaned(ctx, *draft)
	case err == nil:
		draft.Record, draft.Keep = rec.State, named(rec, draft.ID)
	}
	if err != nil {
		return fmt.Errorf("campaign %d of %s: %w", draft.ID, draft.Key, err)
	}
	if draft.Keep == "" && draft.Status != campaign.StatusUnconfirmed {
		draft.Keep = "it is no draft"
	}
	return nil
}

// named says how a record names a draft; empty: it does not.
func named(rec campaign.Campaign, id int64) string {
	switch {
	case rec.Draft != nil && rec.Draft.ID == id:
		return "it is the record's own"
	case slices.ContainsFunc(rec.Named, func(b campaign.Bound) bool { return b.ID == id }):
		return "the record names it: it may have been sent"
	}
	return ""
}

// orphaned says why a draft without a record is kept. Only a request that is here
// shows that this installation made it, and only events without it that it was never
// to be confirmed. That of a check is never confirmed by anybody, whoever made it.
func (d *Finder) orphaned(ctx context.Context, draft Draft) (keep string, err error) {
	for told, err := range d.client.Watch(ctx, client.WatchOptions{Key: draft.Key}) {
		if err != nil {
			return "", err
		}
		if e, known := told.Event(); !known || e.CampaignID == draft.ID {
			return "its record is lost, and its events tell of it: staffetta recover", nil
		}
	}
	asked, err := d.client.Requests(ctx, draft.Key)
	if err == nil && len(asked) == 0 && !check.IsKey(draft.Key) {
		keep = "nobody here asked for it: another installation may have made it"
	}
	return keep, err
}

// Delete deletes a draft if the gateway shows by id that it is one, and ours, and
// nothing that is known here speaks against it by now. Else it says why it was kept.
func (d *Finder) Delete(ctx context.Context, draft Draft) (kept string, err error) {
	if err := d.judge(ctx, &draft); err != nil || draft.Keep != "" {
		return draft.Keep, err
	}
	out := d.call(ctx, campaign.OpStatus, draft.ID)
	key, ours := marked(out.Description)
	switch {
	case out.Kind == campaign.Refused && out.Cause == campaign.NotFound && out.ByID:
		return "it is not there any more", nil
	case out.Kind != campaign.OK:
		return "it cannot be read: " + words(out), nil
	case !out.ByID:
		return "nothing reads it by its id", nil
	case !ours || key != draft.Key:
		return "the read does not show its mark", nil
	case out.Status != campaign.StatusUnconfirmed:
		return "it is " + strings.ToLower(string(out.Status)), nil
	}
	if out := d.call(ctx, campaign.OpDelete, draft.ID); out.Kind != campaign.OK {
		return "its delete was not accepted: " + words(out), nil
	}
	return "", nil
}

func (d *Finder) call(ctx context.Context, op campaign.Op, id int64) campaign.Outcome {
	permit, no := d.gateway.Admit(ctx, op)
	if permit == nil {
		return no
	}
	return permit.Call(ctx, campaign.Call{Op: op, CampaignID: id})
}

// words are what an outcome says for people.
func words(o campaign.Outcome) string {
	said := o.Words
	if said == "" {
		said = o.Err
	}
	if o.HTTP != 0 {
		said = strings.TrimSpace(fmt.Sprintf("%d %s", o.HTTP, said))
	}
	if said == "" {
		said = string(o.Kind)
	}
	return said
}

// Again finds the drafts of a list that are still there, and still needed by nobody,
// after a while: what a service has made in this moment is in no record yet.
func (d *Finder) Again(ctx context.Context, before []Draft, while time.Duration) ([]Draft, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(while):
	}
	now, err := d.Find(ctx)
	return slices.DeleteFunc(now, func(n Draft) bool {
		return n.Keep != "" || !slices.ContainsFunc(before, func(b Draft) bool { return b.ID == n.ID && b.Key == n.Key })
	}), err
}
