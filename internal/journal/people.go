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
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/sms"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// People reads the recipients that came with requests: out of the request's own message, or
// out of the chunks that were published before it. See [runner.People].
func (j *Journal) People() runner.People { return people{j} }

type people struct{ *Journal }

// Prepare reads them, and writes nothing.
func (p people) Prepare(ctx context.Context, key campaign.Key, r campaign.Request) (campaign.Prepared, error) {
	return p.prepare(ctx, key, r, io.Discard)
}

// Open reads them once to see that they are those of the digest, and once more to write them.
// If they changed between the two, the writing fails before its end, so that an upload is
// never taken for whole.
func (p people) Open(ctx context.Context, key campaign.Key, r campaign.Request, digest string) (campaign.File, error) {
	now, err := p.prepare(ctx, key, r, io.Discard)
	switch {
	case err != nil:
		return nil, err
	case now.Digest != digest:
		return nil, runner.ErrChanged
	}
	return func(write func([]byte) error) error {
		written, err := p.prepare(ctx, key, r, pieces(write))
		if err == nil && written.Digest != digest {
			err = runner.ErrChanged
		}
		return err
	}, nil
}

// Screen compares places, and prepares them again only where somebody has been suppressed or
// allowed since.
func (p people) Screen(ctx context.Context, key campaign.Key, r campaign.Request, was campaign.Prepared) (uint64, error) {
	screen, err := p.suppressed.For(ctx, key.Source)
	if err != nil || screen.Last == was.Screened {
		return screen.Last, err
	}
	now, err := p.prepare(ctx, key, r, io.Discard)
	if err == nil && now.Digest != was.Digest {
		err = runner.ErrChanged
	}
	return now.Screened, err
}

// Discard erases what holds them. Chunks that another request of the source names too are
// gone for it as well.
func (p people) Discard(ctx context.Context, key campaign.Key, r campaign.Request) error {
	if r.Audience.InRequest() {
		return p.Erase(ctx, key)
	}
	_, err := p.EraseRecipients(ctx, key.Source, r.Audience.Digest)
	return err
}

// pieces is a writer of pieces.
type pieces func([]byte) error

func (p pieces) Write(piece []byte) (int, error) {
	if err := p(piece); err != nil {
		return 0, err
	}
	return len(piece), nil
}

func (p people) prepare(ctx context.Context, key campaign.Key, r campaign.Request, to io.Writer) (campaign.Prepared, error) {
	w := audience.Wish{Region: r.Region, Fields: audience.Fields(sms.Placeholders(r.Text)), Lacks: r.Lacking}
	contacts, err := p.contacts(ctx, key, *r.Audience, w.Fields)
	if err != nil {
		return campaign.Prepared{}, err
	}
	screen, err := p.suppressed.For(ctx, key.Source)
	if err != nil {
		return campaign.Prepared{}, err // who gets nothing is unknown: so nobody gets anything
	}
	if !screen.Empty() {
		w.Suppressed = screen.Suppresses
	}
	found, err := audience.Prepare(contacts, w, to, nil)
	if err != nil {
		return campaign.Prepared{}, unusable(*r.Audience, err)
	}
	out := campaign.Prepared{Screened: screen.Last, Digest: found.Digest, Given: found.Given, Sent: found.Valid,
		Malformed: found.Out[audience.Malformed], Duplicate: found.Out[audience.Duplicate],
		Suppressed: found.Out[audience.Suppressed], Lacking: found.Out[audience.Lacking]}
	return out, nil
}

// contacts are the people of a campaign, wherever they are.
func (p people) contacts(ctx context.Context, key campaign.Key, a campaign.Audience, fields []string) (audience.Contacts, error) {
	if a.InRequest() {
		return p.contactsInRequest(ctx, key, a, fields)
	}
	in := p.Recipients(ctx, key.Source, audience.Sum{Digest: a.Digest, Size: a.Size, Chunks: a.Chunks})
	if a.Format == campaign.Protobuf {
		return audience.FromProtobuf(in, fields), nil
	}
	return audience.FromCSV(in, fields), nil
}

// contactsInRequest reads the request's message again. It is not believed for its place: it
// has to hold the people that the record knows by their digest.
func (p people) contactsInRequest(ctx context.Context, key campaign.Key, a campaign.Audience, fields []string) (audience.Contacts, error) {
	subject := contract.RequestSubject(key)
	m, err := p.loadRequest(ctx, a.Stored)
	if a.Stored == 0 || errors.Is(err, jetstream.ErrMsgNotFound) {
		m, err = streams.AskLeader(ctx, p.nc, streams.Requests, subject) // the same request, published again
	}
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil, &runner.Unusable{Field: "recipients", Words: "the request that holds the recipients is not in its stream any more"}
	case err != nil:
		return nil, fmt.Errorf("read the recipients of %s: %w", key, err)
	}
	all, err := contract.RecipientsIn(m.Header, m.Data)
	if err != nil || m.Subject != subject || contract.RecipientsDigest(all) != a.Digest {
		return nil, &runner.Unusable{Field: "recipients", Words: "the request that is in the stream now holds other recipients than the one that was taken"}
	}
	return audience.FromRecipients(all, fields), nil
}

// unusable sorts what is wrong with an audience: a part that may still come, or something
// that a person has to correct. Anything else says nothing of it.
func unusable(a campaign.Audience, err error) error {
	field := "audience"
	if a.InRequest() {
		field = "recipients"
	}
	if gap, is := errors.AsType[*audience.Gap](err); is {
		return &runner.Unusable{Field: field, Words: gap.Error(), Missing: true}
	}
	if fault, is := errors.AsType[*audience.Fault](err); is {
		return &runner.Unusable{Field: field, Words: fault.Error()}
	}
	return err
}
