package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Orphan is a request that the service has had and that has no record.
type Orphan struct {
	Key      campaign.Key
	Sequence uint64
	Stored   time.Time
	Told     []Told // what its events tell, of the statistics the last one; none: it was never quoted, so it was not sent
}

// Orphans lists them, the oldest first. It changes nothing. A request that waits for
// its turn, or lies in the dead letters, is none.
func (c *Client) Orphans(ctx context.Context) ([]Orphan, error) {
	var floor uint64
	cons, err := c.js.Consumer(ctx, StreamRequests, consumers[0].name)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrStreamNotFound):
	case err != nil:
		return nil, unread(ctx, c.js, StreamRequests, err)
	default:
		floor = cons.CachedInfo().AckFloor.Stream
	}
	records, err := c.js.Stream(ctx, StreamRecords)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		records = nil // none has one
	} else if err != nil {
		return nil, unread(ctx, c.js, StreamRecords, err)
	}
	events, err := c.js.Stream(ctx, StreamEvents)
	if err != nil {
		return nil, unread(ctx, c.js, StreamEvents, err)
	}
	buried, err := c.buried(ctx)
	if err != nil {
		return nil, err
	}
	var all []Orphan
	seen := map[campaign.Key]bool{}
	for m, err := range walk(ctx, c.js, StreamRequests, jetstream.ConsumerConfig{HeadersOnly: true}) {
		if err != nil {
			return nil, err
		}
		meta, err := m.Metadata()
		if err != nil {
			return nil, err
		}
		key, rest, err := splitSubject(m.Subject(), requestPrefix)
		if err != nil || rest != "" || seen[key] || buried[meta.Sequence.Stream].Equal(meta.Timestamp) {
			continue
		}
		if records != nil {
			_, err := records.GetLastMsgForSubject(ctx, recordSubject(key))
			if err == nil {
				continue
			}
			if !errors.Is(err, jetstream.ErrMsgNotFound) {
				return nil, unread(ctx, c.js, StreamRecords, err)
			}
		}
		o := Orphan{Key: key, Sequence: meta.Sequence.Stream, Stored: meta.Timestamp.UTC()}
		if o.Told, err = (witness{c.js.Conn(), events}).of(ctx, key); err != nil {
			return nil, fmt.Errorf("read the events of %s: %w", key, err)
		}
		if len(o.Told) == 0 && o.Sequence > floor {
			continue // it waits for its turn
		}
		seen[key] = true
		all = append(all, o)
	}
	return all, nil
}

// Recover says that somebody has looked at the orphans: services go on, and handle
// them again by their rules, which ask the events first. Where the records' stream is
// missing or empty beside events, it says in that stream, which it makes if need be,
// that they are lost; that needs the right to change streams.
func (c *Client) Recover(ctx context.Context, by string) error {
	in, err := survey(ctx, c.js)
	if err != nil {
		return unread(ctx, c.js, StreamRecords, err)
	}
	id, err := in.identity()
	if err != nil {
		return err
	}
	if in.lost() != nil {
		meta := id.metadata()
		if meta == nil {
			meta = map[string]string{}
		}
		meta[metaRecovered] = time.Now().UTC().Format(time.RFC3339)
		if in.have[StreamRecords] != nil {
			err = c.mark(ctx, StreamRecords, meta)
		} else {
			replicas := 1
			if events := in.have[StreamEvents]; events != nil {
				replicas = events.Config.Replicas
			}
			cfg := streams(replicas)[0]
			cfg.Metadata = meta
			_, err = c.js.CreateStream(ctx, cfg)
		}
		if err != nil {
			return fmt.Errorf("say in %s that the records are lost: %w", StreamRecords, err)
		}
	}
	data, err := json.Marshal(Recovery{Schema: 1, By: by})
	if err != nil {
		return err
	}
	_, err = c.js.Publish(ctx, recoveryMark, data)
	if missing := denied(ctx, c.js.Conn(), err); missing != "" {
		return fmt.Errorf("say that somebody has looked: %s", missing)
	}
	if err != nil {
		return fmt.Errorf("say that somebody has looked: %w", err)
	}
	return nil
}
