package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Audience is what a request says of a list of recipients: its digest, and in how many
// chunks it is laid down. It reads the list once, from where it stands.
func Audience(list io.Reader, format campaignv1.Audience_Format) (*campaignv1.Audience, error) {
	sum := sha256.New()
	size, err := io.Copy(sum, list)
	if err != nil {
		return nil, err
	}
	return &campaignv1.Audience{
		Sha256: hex.EncodeToString(sum.Sum(nil)), Size: size, Format: format,
		Chunks: int32((size + streams.ChunkSize - 1) / streams.ChunkSize),
	}, nil
}

// LayDown publishes the chunks of a list of recipients, before the request that names them.
// It may be done again after it broke off: what is there stays, and the server takes no
// second chunk in the place of the first. shown, if it is not nil, hears how much is done.
func (c *Client) LayDown(ctx context.Context, source string, a *campaignv1.Audience, list io.Reader, shown func(done, whole int64)) error {
	sum, chunk, done := sha256.New(), make([]byte, streams.ChunkSize), int64(0)
	for n := 1; n <= int(a.GetChunks()); n++ {
		size, err := io.ReadFull(list, chunk)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("recipients: chunk %d of %d: %w", n, a.GetChunks(), err)
		}
		sum.Write(chunk[:size])
		m := nats.NewMsg(contract.ChunkSubject(source, a.GetSha256(), n))
		m.Data = chunk[:size]
		m.Header.Set(contract.HeaderDigest, contract.ChunkDigest(m.Data))
		_, err = c.publish(ctx, m, fmt.Sprintf("recipients: chunk %d of %d", n, a.GetChunks()),
			jetstream.WithExpectStream(streams.Audiences), jetstream.WithExpectLastSequencePerSubject(0))
		if err != nil && streams.SortWrite(err) != streams.Exists {
			return err
		}
		if done += int64(size); shown != nil {
			shown(done, a.GetSize())
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != a.GetSha256() || done != a.GetSize() {
		return errors.New("recipients: the list has changed while it was read: ask again")
	}
	return nil
}
