package streams

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// Audiences holds the recipients that come with requests, in chunks, and which of them are
// published under a name.
const Audiences = "CAMPAIGN_AUDIENCES"

// AudiencePrefix begins the subjects of chunks; source, digest and number follow. Of a list
// under a name, it is the source, the name and a version.
const AudiencePrefix = "campaign.v1.audience."

// ChunkSize is how much of an audience is in one message.
const ChunkSize = 256 << 10

// ChunkLife is how long a chunk is kept at most, whatever becomes of its campaign: as long
// as the request that names it.
const ChunkLife = 30 * Day

// OfAudiences is a stream that others publish to, of what may be read by nobody else than
// the service: the only way to its messages is the leader's. A chunk is there once. A second
// one on its subject is refused by the server, so that what a request has named cannot
// become something else.
func OfAudiences(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:                 Audiences,
		Description:          "Staffetta: recipients that come with requests, in chunks",
		Subjects:             []string{AudiencePrefix + "*.*.*"},
		MaxMsgsPerSubject:    1,
		Discard:              jetstream.DiscardNew,
		DiscardNewPerSubject: true,
		MaxAge:               ChunkLife,
		MaxMsgSize:           ChunkSize + 4<<10, // and its headers
		Duplicates:           shortestWindow,
		DenyPurge:            true,
		Replicas:             replicas,
	}
}

// Laid are the subjects of a stream that a filter lets through, each with how many messages
// it has. Of no message more is read.
func Laid(ctx context.Context, js jetstream.JetStream, name, filter string) (map[string]uint64, error) {
	s, err := Ask(ctx, func(ctx context.Context) (jetstream.Stream, error) { return js.Stream(ctx, name) })
	if err != nil {
		return nil, err
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, err
	}
	return info.State.Subjects, nil
}
