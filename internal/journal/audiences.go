package journal

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Recipients reads what a source has laid down beside a request, one chunk at a time. It
// ends with an [audience.Gap] where a chunk is missing, or is not what was asked for; any
// other error says nothing of the chunks.
func (j *Journal) Recipients(ctx context.Context, source string, s audience.Sum) io.Reader {
	return audience.Join(s, func(n int) ([]byte, error) {
		m, err := streams.Last(ctx, j.js, streams.Audiences, contract.ChunkSubject(source, s.Digest, n))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			return nil, audience.ErrNoChunk
		case err != nil:
			return nil, err
		}
		if said := m.Header.Get(contract.HeaderDigest); said != "" && said != contract.ChunkDigest(m.Data) {
			return nil, &audience.Gap{Chunk: n, Of: s.Chunks, What: "is not what its digest says: it was changed on its way"}
		}
		return m.Data, nil
	})
}

// NewestVersion is the list that a source has published last under a name; the zero one:
// none. An [*contract.Unreadable] says that it cannot be read.
func (j *Journal) NewestVersion(ctx context.Context, source, name string) (campaign.Version, error) {
	m, err := streams.Last(ctx, j.js, streams.Audiences, contract.VersionSubjects(source, name))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return campaign.Version{}, nil
	}
	if err != nil {
		return campaign.Version{}, fmt.Errorf("newest list under %s of %s: %w", name, source, err)
	}
	return contract.ReadVersion(j.intake.Rules, m.Subject, m.Header, m.Data, m.Time)
}

// isNewest says that a list is the newest one under some name of its source, whoever asks:
// the same chunks may be named by a request as well.
func (j *Journal) isNewest(ctx context.Context, source, digest string) (bool, error) {
	there, err := streams.Laid(ctx, j.js, streams.Audiences, contract.AudiencePattern(source))
	if err != nil {
		return false, fmt.Errorf("names of %s: %w", source, err)
	}
	looked := map[string]bool{}
	for subject := range there {
		_, name, is := contract.SplitVersion(subject)
		if !is || looked[name] {
			continue
		}
		looked[name] = true
		v, err := j.NewestVersion(ctx, source, name)
		if no := (*contract.Unreadable)(nil); err != nil && !errors.As(err, &no) {
			return false, err
		}
		if v.Digest == digest {
			return true, nil
		}
	}
	return false, nil
}

// EraseRecipients erases what was laid down under a digest, and says how many chunks it
// were. Erased twice is erased once: a crash in between leaves the rest for the next time.
func (j *Journal) EraseRecipients(ctx context.Context, source, digest string) (int, error) {
	n, err := streams.Erase(ctx, j.js, streams.Audiences, contract.ChunkSubjects(source, digest), 0)
	if err != nil {
		return n, fmt.Errorf("erase recipients %s of %s: %w", digest, source, err)
	}
	return n, nil
}
