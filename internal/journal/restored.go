package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
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
	buried, err := c.buried(ctx)
	if err != nil {
		return nil, err
	}
	for m, err := range walk(ctx, c.js, StreamRequests, jetstream.ConsumerConfig{HeadersOnly: true}) {
		if err != nil {
			return nil, err
		}
		meta, err := m.Metadata()
		if err != nil {
			return nil, err
		}
		key, rest, err := splitSubject(m.Subject(), requestPrefix)
		if err != nil || rest != "" || known[key] || buried[meta.Sequence.Stream].Equal(meta.Timestamp) {
			continue
		}
		known[key] = true
		all = append(all, Doubt{Key: key})
	}
	return all, nil
}

// Doubt tells the world that whether a campaign was sent is not known: the events of
// a campaign are looked at before any draft is made, so it is not sent before a person
// has said so. One of which an end is told already is left as it is.
func (c *Client) Doubt(ctx context.Context, d Doubt) error {
	events, err := c.js.Stream(ctx, StreamEvents)
	if err != nil {
		return unread(ctx, c.js, StreamEvents, err)
	}
	told, err := witness{c.js.Conn(), events}.of(ctx, d.Key)
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
	m, err := eventMessage(campaign.Campaign{Key: d.Key}, campaign.Event{
		Type: campaign.EventUnresolved, N: d.ordinal + 1, At: now, CampaignID: d.CampaignID,
		Reason: &campaign.Reason{Code: campaign.ReasonUnverifiable,
			Message: "the streams were restored from a backup in which it was under way: whether it was sent since then cannot be established"},
	})
	if err != nil {
		return fmt.Errorf("say of %s that it is in doubt: %w", d.Key, err)
	}
	_, err = c.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(0))
	if sortWrite(err) == exists {
		return nil
	}
	if missing := denied(ctx, c.js.Conn(), err); missing != "" {
		err = errors.New(missing)
	}
	if err != nil {
		return fmt.Errorf("say of %s that it is in doubt: %w", d.Key, err)
	}
	return nil
}

// buried are the requests that lie in the dead letters, by sequence, each with when it
// was stored.
func (c *Client) buried(ctx context.Context) (map[uint64]time.Time, error) {
	all := map[uint64]time.Time{}
	for l, err := range walkLetters(ctx, c.js, jetstream.ConsumerConfig{}) {
		if err != nil {
			return nil, err
		}
		if l.Stream == StreamRequests {
			all[l.Sequence] = l.Stored
		}
	}
	return all, nil
}
