package staffetta

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/proto/staffetta/internal/wire"
)

// chunkSize is how much of a list is in one message.
const chunkSize = 256 << 10

// RequestTo asks for a campaign to the people of a list, which is laid down in chunks before
// the request: a file of CSV with a header, or messages Recipient each behind its length
// (protodelim.MarshalTo). For up to 1,000 people, recipients in the request and
// [Client.Request] will do.
//
// It is as harmless to repeat as Request is: a campaign that is known lays nothing down, and
// chunks that are there stay. The list is read twice, from its beginning. The request itself
// is not changed, and must name no one. Errors are those of Request.
func (c *Client) RequestTo(ctx context.Context, m *campaignv1.CampaignRequested, list io.ReadSeeker, format campaignv1.Audience_Format, options ...RequestOption) (Placed, error) {
	key := m.GetSource() + "." + m.GetRequestId()
	audience, err := audienceOf(list, format)
	if err != nil {
		return Placed{Key: key}, fmt.Errorf("request %s: recipients: %w", key, err)
	}
	m = proto.CloneOf(m)
	if m.Audience != nil {
		return Placed{Key: key}, &Invalid{[]Fault{{"audience", "is named by the request already: leave it out, the list says it"}}}
	}
	m.Audience = audience
	return c.request(ctx, m, func() error { return c.layDown(ctx, m.GetSource(), audience, list) }, options)
}

// Published is what became of a list that was published under a name.
type Published struct {
	Key      string // <source>.<name>
	SHA256   string // of the list
	Sequence uint64 // of its version in the stream; 0: it was published before
}

// PublishAudience publishes a list under a name of a source, in the place of the one before:
// requests and schedules whose named_audience says this name take it from now on. The list
// is read twice, as in [Client.RequestTo].
//
// Its age counts from asOf, the instant at which the list was true: when it was drawn from a
// database, say. To publish the same list of the same instant again is harmless, and does
// not make it younger. Errors: [*Invalid], with the fields; anything else if it is not known
// whether it was stored: publish it again, with the same instant.
func (c *Client) PublishAudience(ctx context.Context, source, name string, list io.ReadSeeker, format campaignv1.Audience_Format, asOf time.Time) (Published, error) {
	key := source + "." + name
	audience, err := audienceOf(list, format)
	if err != nil {
		return Published{Key: key}, fmt.Errorf("audience %s: %w", key, err)
	}
	done := Published{Key: key, SHA256: audience.GetSha256()}
	m := &campaignv1.AudienceVersion{Source: source, Name: name, Audience: audience, AsOf: timestamppb.New(asOf)}
	if err := validVersion(m); err != nil {
		return done, fmt.Errorf("audience %s: %w", key, err)
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return done, fmt.Errorf("audience %s: %w", key, err)
	}
	if err := c.layDown(ctx, source, audience, list); err != nil {
		return done, fmt.Errorf("audience %s: %w", key, err)
	}
	// A crash before this leaves chunks that nobody names: their age ends them.
	version := strconv.FormatInt(asOf.Unix(), 10) + "-" + audience.GetSha256()[:16]
	done.Sequence, err = c.conn.Store(ctx, audiencePrefix+source+".@"+name+"."+version, wire.Header{
		"content-type":                        {"application/protobuf"},
		"Nats-Expected-Last-Subject-Sequence": {"0"},
	}, data)
	if err != nil && !errors.Is(err, wire.ErrExists) {
		return done, fmt.Errorf("audience %s: %w", key, err)
	}
	return done, nil
}

// audienceOf is what a request says of a list.
func audienceOf(list io.ReadSeeker, format campaignv1.Audience_Format) (*campaignv1.Audience, error) {
	if _, err := list.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	sum := sha256.New()
	size, err := io.Copy(sum, list)
	return &campaignv1.Audience{
		Sha256: hex.EncodeToString(sum.Sum(nil)), Size: size, Format: format,
		Chunks: int32((size + chunkSize - 1) / chunkSize),
	}, err
}

// layDown publishes the chunks of a list.
func (c *Client) layDown(ctx context.Context, source string, a *campaignv1.Audience, list io.ReadSeeker) error {
	if _, err := list.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := sha256.New()
	for n := 1; n <= int(a.GetChunks()); n++ {
		chunk := make([]byte, chunkSize)
		size, err := io.ReadFull(list, chunk)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("recipients: chunk %d of %d: %w", n, a.GetChunks(), err)
		}
		chunk = chunk[:size]
		sum.Write(chunk)
		its := sha256.Sum256(chunk)
		h := wire.Header{
			"content-digest":                      {"sha-256=:" + base64.StdEncoding.EncodeToString(its[:]) + ":"},
			"Nats-Expected-Last-Subject-Sequence": {"0"},
		}
		_, err = c.conn.Store(ctx, audiencePrefix+source+"."+a.GetSha256()+"."+strconv.Itoa(n), h, chunk)
		if err != nil && !errors.Is(err, wire.ErrExists) {
			return fmt.Errorf("recipients: chunk %d of %d: %w", n, a.GetChunks(), err)
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) != a.GetSha256() {
		return errors.New("recipients: the list has changed while it was read: ask again")
	}
	return nil
}
