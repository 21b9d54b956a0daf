package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// PublishAudience publishes a list under a name, once its chunks are laid down (see
// [Client.LayDown]). To publish the list of the same instant again is harmless.
func (c *Client) PublishAudience(ctx context.Context, source, name string, a *campaignv1.Audience, asOf time.Time) (Placed, error) {
	m := &campaignv1.AudienceVersion{Source: source, Name: name, Audience: a, AsOf: timestamppb.New(asOf)}
	what := fmt.Sprintf("audience %s.%s", source, name)
	if err := c.rules.Validate(m); err != nil {
		return Placed{}, fmt.Errorf("%s: %w", what, err)
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return Placed{}, fmt.Errorf("%s: %w", what, err)
	}
	msg := nats.NewMsg(contract.VersionSubject(source, name, contract.VersionToken(m)))
	msg.Data = data
	msg.Header.Set("content-type", contract.ContentProtobuf)
	placed, err := c.publish(ctx, msg, what, jetstream.WithExpectStream(streams.Audiences), jetstream.WithExpectLastSequencePerSubject(0))
	if err != nil && streams.SortWrite(err) == streams.Exists {
		return Placed{Subject: msg.Subject, Stream: streams.Audiences}, nil
	}
	return placed, err
}

// Audiences are the lists that were published last under the names of a source, and how
// much of each is there; empty: of all sources. Of what is in the chunks nothing is read.
func (c *Client) Audiences(ctx context.Context, source string) (all []query.Audience, err error) {
	if source == "" {
		source = "*"
	}
	ctx, done := c.rights.Watch(ctx, streams.Audiences)
	defer done()
	there, err := streams.Laid(ctx, c.js, streams.Audiences, contract.AudiencePattern(source))
	if err != nil {
		return nil, fmt.Errorf("list audiences: %w", streams.ExplainReadError(ctx, c.js, streams.Audiences, err))
	}
	kept := map[campaign.Key]int{} // a source and a name
	for subject := range there {
		if owner, name, is := contract.SplitVersion(subject); is {
			kept[campaign.Key{Source: owner, RequestID: name}]++
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(kept), func(a, b campaign.Key) int { return strings.Compare(a.String(), b.String()) }) {
		m, err := streams.Last(ctx, c.js, streams.Audiences, contract.VersionSubjects(key.Source, key.RequestID))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // its age is over
		}
		if err != nil {
			return nil, fmt.Errorf("audience %s: %w", key, streams.ExplainReadError(ctx, c.js, streams.Audiences, err))
		}
		one := query.Audience{Key: key.String(), Published: m.Time.UTC(), Kept: kept[key]}
		if v, err := contract.ReadVersion(c.rules, m.Subject, m.Header, m.Data, m.Time); err != nil {
			one.Wrong = err.Error()
		} else {
			one.SHA256, one.Size, one.Chunks, one.Format, one.AsOf = v.Digest, v.Size, v.Chunks, v.Format, v.AsOf
			for n := range v.Chunks {
				if there[contract.ChunkSubject(key.Source, v.Digest, n+1)] == 0 {
					one.Missing++
				}
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// Audiences answers from the streams.
func (s streamReader) Audiences(ctx context.Context, a query.AudiencesAsk) (page query.Audiences, err error) {
	if err := a.Check(); err != nil {
		return page, err
	}
	source, one := a.Source, campaign.Key{}
	if a.Key != "" {
		one, _ = campaign.ParseKey(a.Key)
		source = one.Source
	}
	all, err := s.Client.Audiences(ctx, source)
	if err != nil {
		return page, err
	}
	pager := query.NewPager[query.Audience](a.Page, s.bounds)
	for _, audience := range all {
		if a.Key != "" && audience.Key != a.Key || audience.Key <= a.After {
			continue
		}
		if !pager.Take(audience, audience.Key) {
			break
		}
	}
	if a.Key != "" && len(pager.Items) == 0 {
		return page, notFound("key", fmt.Errorf("%s: nothing is published under that name", a.Key))
	}
	return query.Audiences{Audiences: pager.Items, Next: pager.Next}, nil
}
