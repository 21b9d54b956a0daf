package client

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Doubt is a campaign of which restored streams cannot say whether it was sent after
// they were backed up.
type Doubt struct {
	Key        campaign.Key
	State      campaign.State // in the backup; empty: it had no record yet
	CampaignID int64          // at the gateway, as far as the backup knows; 0: not known
	ordinal    int            // of the event that says so
}

// Doubts lists what was under way in streams that come from a backup: requests without
// a record, and records that neither are over nor say that they were confirmed. It
// changes nothing. The service must not run.
func (c *Client) Doubts(ctx context.Context) ([]Doubt, error) {
	var all []Doubt
	known := map[campaign.Key]bool{}
	for rec, err := range c.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		known[rec.Key] = true
		if rec.State.Final() || rec.State == campaign.Confirmed || rec.State == campaign.Sending {
			continue
		}
		d := Doubt{Key: rec.Key, State: rec.State, ordinal: rec.UnresolvedN}
		if rec.Draft != nil {
			d.CampaignID = rec.Draft.ID
		}
		all = append(all, d)
	}
	for r, err := range c.unburied(ctx) {
		if err != nil {
			return nil, err
		}
		if !known[r.Key] {
			known[r.Key] = true
			all = append(all, Doubt{Key: r.Key})
		}
	}
	return all, nil
}

// Doubt tells the world that whether a campaign was sent is not known: the events of
// a campaign are looked at before any draft is made, so it is not sent before a person
// has said so. One of which an end is told already is left as it is.
func (c *Client) Doubt(ctx context.Context, d Doubt) error {
	ctx, done := c.rights.Watch(ctx, streams.Events, streams.EventPrefix)
	defer done()
	events, err := c.js.Stream(ctx, streams.Events)
	if err != nil {
		return streams.ExplainReadError(ctx, c.js, streams.Events, err)
	}
	told, err := journal.EventsOf(ctx, c.js.Conn(), events, d.Key)
	if err != nil {
		return fmt.Errorf("read the events of %s: %w", d.Key, err)
	}
	for _, t := range told {
		e, _ := t.Event()
		switch e.Type {
		case campaign.EventRejected, campaign.EventCancelled, campaign.EventFailed, campaign.EventConfirmed, campaign.EventUnresolved:
			return nil
		}
		if d.CampaignID == 0 {
			d.CampaignID = e.CampaignID
		}
	}
	now := time.Now().UTC()
	out, err := contract.EventEnvelope(campaign.Campaign{Key: d.Key}, campaign.Event{
		Type: campaign.EventUnresolved, N: d.ordinal + 1, At: now, CampaignID: d.CampaignID,
		Reason: &campaign.Reason{Code: campaign.ReasonUnverifiable,
			Message: "the streams were restored from a backup in which it was under way: whether it was sent since then cannot be established"},
	})
	if err != nil {
		return fmt.Errorf("say of %s that it is in doubt: %w", d.Key, err)
	}
	_, err = c.js.PublishMsg(ctx, streams.NewMsg(out.Subject, out.Header, out.Data), jetstream.WithExpectLastSequencePerSubject(0))
	if streams.SortWrite(err) == streams.Exists {
		return nil
	}
	if missing := streams.Denied(ctx, c.js.Conn(), err); missing != nil {
		err = missing
	}
	if err != nil {
		return fmt.Errorf("say of %s that it is in doubt: %w", d.Key, err)
	}
	return nil
}
