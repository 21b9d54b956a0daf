package journal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Several requests may name the same chunks. Each campaign that reads them leaves its name
// beside them before it reads, and takes it away before it removes them. Who finds another
// name leaves the chunks to that one. A name that a crash left behind keeps the chunks no
// longer than their own age.

// reads leaves the campaign's name with the chunks. To leave it twice is the same as once.
func (p people) reads(ctx context.Context, key campaign.Key, digest string) error {
	return p.putReader(ctx, key, digest, nats.Header{}, streams.ChunkLife+streams.Day)
}

// doesNotRead takes it away.
func (p people) doesNotRead(ctx context.Context, key campaign.Key, digest string) error {
	return p.putReader(ctx, key, digest, nats.Header{streams.HeaderKV: {"DEL"}}, time.Second)
}

func (p people) putReader(ctx context.Context, key campaign.Key, digest string, h nats.Header, life time.Duration) error {
	ctx, done := p.rights().Watch(ctx, streams.ReadersPrefix, streams.People)
	defer done()
	err := p.ensurePeople(ctx)
	if err == nil {
		_, err = p.js.PublishMsg(ctx, &nats.Msg{Subject: streams.ReadersPrefix + key.Source + "." + digest + "." + key.RequestID, Header: h}, jetstream.WithMsgTTL(life))
	}
	if err != nil {
		return fmt.Errorf("note who reads the chunks of %s: %w", key, streams.OrDenied(ctx, err))
	}
	return nil
}

// readByOthers says whether another campaign reads the chunks: one that is not over, or
// whose own people are still kept.
func (p people) readByOthers(ctx context.Context, key campaign.Key, digest string) (bool, error) {
	s, err := p.js.Stream(ctx, streams.People)
	if err != nil {
		return false, err
	}
	prefix := streams.ReadersPrefix + key.Source + "." + digest + "."
	info, err := streams.LeaderInfo(ctx, s, jetstream.WithSubjectFilter(prefix+"*"))
	if err != nil {
		return false, err
	}
	for subject := range info.State.Subjects {
		other := campaign.Key{Source: key.Source, RequestID: strings.TrimPrefix(subject, prefix)}
		if other == key {
			continue
		}
		m, err := streams.AskLeader(ctx, p.nc, streams.People, subject)
		if err != nil {
			return false, err
		}
		if m.Header.Get(streams.HeaderKV) != "" {
			continue
		}
		c, _, err := p.Load(ctx, other)
		if err != nil {
			return false, err
		}
		if c.State == "" || c.Cleared.IsZero() {
			return true, nil
		}
	}
	return false, nil
}
