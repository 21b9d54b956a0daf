package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

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

// Prepare reads them. Of a named audience of which no list was taken, it takes the newest.
// Of chunks it notes first who reads them.
func (p people) Prepare(ctx context.Context, key campaign.Key, r campaign.Request) (campaign.Prepared, error) {
	var taken campaign.Version
	if a := r.Audience; a.Name != "" && a.Digest == "" {
		var err error
		if taken, err = p.take(ctx, key.Source, *a); err != nil {
			return campaign.Prepared{}, err
		}
		r.Audience = taken.Of(*a)
	}
	if err := p.withinQuota(ctx, key.Source, *r.Audience); err != nil {
		return campaign.Prepared{}, err
	}
	if !r.Audience.InRequest() {
		if err := p.reads(ctx, key, r.Audience.Digest); err != nil {
			return campaign.Prepared{}, err
		}
	}
	prepared, err := p.prepare(ctx, key, r, io.Discard)
	prepared.Version = taken
	return prepared, err
}

// withinQuota says that a source has laid down no more than it may. It is counted in whole
// chunks, which the stream tells without reading one. The stream has taken them all the
// same: a campaign waits, and nothing is removed.
func (p people) withinQuota(ctx context.Context, source string, a campaign.Audience) error {
	if p.options.RecipientsQuota == nil || a.InRequest() {
		return nil
	}
	most := p.options.RecipientsQuota(source)
	if most == 0 {
		return nil
	}
	there, err := streams.Laid(ctx, p.js, streams.Audiences, contract.AudiencePattern(source))
	if err != nil {
		return fmt.Errorf("count the recipients of %s: %w", source, err)
	}
	if n := len(there); n > most {
		const perMiB = 1 << 20 / streams.ChunkSize
		return &runner.Unusable{Field: a.Field(), Full: true, Words: fmt.Sprintf(
			"%s has laid down %d chunks of recipients, which count as %d MiB, and recipients.quota allows %d MiB", source, n, (n+perMiB-1)/perMiB, most/perMiB)}
	}
	return nil
}

// take is the newest list of a named audience, if it is young enough.
func (p people) take(ctx context.Context, source string, a campaign.Audience) (campaign.Version, error) {
	v, err := p.NewestVersion(ctx, source, a.Name)
	if no, is := errors.AsType[*contract.Unreadable](err); is {
		return v, &runner.Unusable{Field: "named_audience", Words: fmt.Sprintf("the newest list under the name %s cannot be read: %s", a.Name, no), Missing: true}
	}
	if err != nil {
		return v, err
	}
	if why := a.TooOld(v, time.Now()); why != "" {
		return v, &runner.Unusable{Field: "named_audience", Words: why, Stale: true}
	}
	return v, nil
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

// Discard erases what holds them, but for chunks that another campaign of the source reads
// too: the last one erases them. A crash on the way leaves a name less, and is repeated. The
// newest list under a name stays: others may take it, and the next one takes its place.
func (p people) Discard(ctx context.Context, key campaign.Key, r campaign.Request) error {
	switch a := r.Audience; {
	case a.InRequest():
		return p.Erase(ctx, key)
	case a.Digest == "":
		return nil // of a named audience it took none
	}
	switch newest, err := p.isNewest(ctx, key.Source, r.Audience.Digest); {
	case err != nil:
		return err
	case newest:
		return runner.ErrNewest
	}
	if err := p.doesNotRead(ctx, key, r.Audience.Digest); err != nil {
		return err
	}
	return p.eraseUnread(ctx, key, r.Audience.Digest)
}

// eraseUnread erases chunks unless a campaign other than this one reads them.
func (p people) eraseUnread(ctx context.Context, key campaign.Key, digest string) error {
	shared, err := p.readByOthers(ctx, key, digest)
	if err == nil && !shared {
		_, err = p.EraseRecipients(ctx, key.Source, digest)
	}
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
	return p.prepareEach(ctx, key, r, to, nil)
}

// fieldsOf are the fields that the recipients of a request are given.
func fieldsOf(r campaign.Request) []string { return audience.Fields(sms.Placeholders(r.Text)) }

// prepareEach is the same; each hears of everybody who is sent to, if it is not nil.
func (p people) prepareEach(ctx context.Context, key campaign.Key, r campaign.Request, to io.Writer, each func(e164 string, values []string)) (campaign.Prepared, error) {
	w := audience.Wish{Region: r.Region, Fields: fieldsOf(r), Lacks: r.Lacking, Each: each}
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
	field := a.Field()
	if gap, is := errors.AsType[*audience.Gap](err); is {
		return &runner.Unusable{Field: field, Words: gap.Error(), Missing: true}
	}
	if fault, is := errors.AsType[*audience.Fault](err); is {
		return &runner.Unusable{Field: field, Words: fault.Error()}
	}
	return err
}
