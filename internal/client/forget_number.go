package client

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// NumberForgotten is what became of a number.
type NumberForgotten struct {
	Requests, Lists, Letters int // erased, because they held it
	// Kept are what holds it still, each in words that say why, and no number.
	Kept []string
}

// ForgetNumber erases whatever of requests, lists of recipients and dead letters holds a
// phone number, in international form. It finds it by reading all of them. What a campaign
// that is not over needs is kept. Only the operator may.
//
// It may be done again after it broke off: what is erased is not found any more.
func (c *Client) ForgetNumber(ctx context.Context, e164 string) (NumberForgotten, error) {
	ctx, done := c.rights.Watch(ctx, streams.Requests, streams.Audiences, streams.DeadLetters, streams.Schedules)
	defer done()
	f := &forgetting{c: c, wanted: audience.NewWanted(e164), put: map[uint64]bool{}, named: map[string][]naming{}}
	for _, step := range []func(context.Context) error{f.letters, f.requests, f.lists, f.schedules} {
		if err := step(ctx); err != nil {
			return f.NumberForgotten, fmt.Errorf("forget a number: %w", streams.OrDenied(ctx, err))
		}
	}
	slices.Sort(f.Kept)
	f.Kept = slices.Compact(f.Kept)
	return f.NumberForgotten, nil
}

// forgetting is one under way.
type forgetting struct {
	c *Client
	NumberForgotten
	wanted audience.Wanted
	put    map[uint64]bool     // the requests that were put aside, by their sequence
	named  map[string][]naming // the requests that name a list, by its subjects
}

// naming is a request that names a list.
type naming struct {
	key    campaign.Key
	format campaignv1.Audience_Format
	region string
}

// letters erases the dead letters that hold it: nothing comes of them any more.
func (f *forgetting) letters(ctx context.Context) error {
	for m, err := range f.c.walk(ctx, streams.DeadLetters, jetstream.ConsumerConfig{}) {
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		l := contract.LetterOf(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream, meta.Timestamp)
		if l.Stream == streams.Requests {
			f.put[l.Sequence] = true
		}
		if request, err := contract.RequestIn(l.Header, l.Data); err == nil && !f.holds(request) || err != nil && !f.wanted.Within(l.Data) {
			continue
		}
		if err := streams.EraseMessage(ctx, f.c.js, streams.DeadLetters, l.ID); err != nil {
			return err
		}
		f.Letters++
	}
	return nil
}

// holds says that one of a request's recipients is the number, or that a field of theirs has
// it.
func (f *forgetting) holds(m *campaignv1.CampaignRequested) bool {
	for _, r := range m.GetRecipients() {
		if f.wanted.Is(r.GetPhoneNumber(), m.GetDefaultRegion()) {
			return true
		}
		for _, value := range r.GetFields() {
			if f.wanted.Within([]byte(value)) {
				return true
			}
		}
	}
	return false
}

// requests erases the requests that hold it and whose campaigns are over, and learns which
// lists are named.
func (f *forgetting) requests(ctx context.Context) error {
	for m, err := range f.c.walk(ctx, streams.Requests, jetstream.ConsumerConfig{}) {
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		request, unread := contract.RequestIn(m.Headers(), m.Data())
		key, _, wrong := contract.SplitSubject(m.Subject(), streams.RequestPrefix)
		if a := request.GetAudience(); a != nil && wrong == nil {
			list := contract.ChunkSubjects(key.Source, a.GetSha256())
			f.named[list] = append(f.named[list], naming{key, a.GetFormat(), request.GetDefaultRegion()})
		}
		if unread == nil && !f.holds(request) || unread != nil && !f.wanted.Within(m.Data()) {
			continue
		}
		if !f.put[meta.Sequence.Stream] && wrong == nil {
			if why, err := f.needed(ctx, key); err != nil {
				return err
			} else if why != "" {
				f.Kept = append(f.Kept, why)
				continue
			}
		}
		if err := streams.EraseMessage(ctx, f.c.js, streams.Requests, meta.Sequence.Stream); err != nil {
			return err
		}
		f.Requests++
	}
	return nil
}

// needed says why a campaign keeps its recipients; empty: it is over.
func (f *forgetting) needed(ctx context.Context, key campaign.Key) (string, error) {
	rec, _, err := f.c.Get(ctx, key)
	switch {
	case errors.Is(err, ErrNoRecord):
		return fmt.Sprintf("the request of %s, which no service has taken yet", key), nil
	case err != nil:
		return "", err
	case !rec.State.Forgettable():
		return fmt.Sprintf("the recipients of %s, which is %s", key, rec.State), nil
	}
	return "", nil
}

// lists erases the lists that hold it and that no campaign needs.
func (f *forgetting) lists(ctx context.Context) error {
	lists, published := map[string]*laidDown{}, map[string]string{}
	for m, err := range f.c.walk(ctx, streams.Audiences, jetstream.ConsumerConfig{HeadersOnly: true}) {
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if source, name, is := contract.SplitVersion(m.Subject()); is {
			list, err := f.published(ctx, source, m.Subject(), meta.Sequence.Stream)
			if err != nil {
				return err
			}
			published[list] = fmt.Sprintf("a list that is published as %s.%s: publish one without the number; this one goes once no campaign needs it", source, name)
			continue
		}
		at := strings.LastIndex(m.Subject(), ".")
		name := m.Subject()[:at] + ".*"
		if lists[name] == nil {
			lists[name] = &laidDown{}
		}
		n, err := strconv.Atoi(m.Subject()[at+1:])
		if err != nil {
			continue // nothing that anybody reads
		}
		l := lists[name]
		l.chunks = append(l.chunks, chunk{n, meta.Sequence.Stream})
		l.newest = later(l.newest, meta.Timestamp)
	}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		if err := f.list(ctx, name, lists[name], published[name]); err != nil {
			return err
		}
	}
	return nil
}

// laidDown is a list as it lies in its stream.
type laidDown struct {
	chunks []chunk
	newest time.Time
}

type chunk struct {
	n        int
	sequence uint64
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// unnamedFor is how long a list may wait for its request.
const unnamedFor = streams.Day

// published is the list that a version of a named audience names; empty: it cannot be read.
func (f *forgetting) published(ctx context.Context, source, subject string, sequence uint64) (string, error) {
	s, err := f.c.js.Stream(ctx, streams.Audiences)
	if err != nil {
		return "", err
	}
	m, err := s.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return "", nil // it was replaced meanwhile
	}
	if err != nil {
		return "", err
	}
	v, err := contract.ReadVersion(f.c.rules, subject, m.Header, m.Data, m.Time)
	if err != nil {
		return "", nil
	}
	return contract.ChunkSubjects(source, v.Digest), nil
}

// list erases one list, unless it is published under a name or a campaign needs it.
func (f *forgetting) list(ctx context.Context, name string, l *laidDown, published string) error {
	slices.SortFunc(l.chunks, func(a, b chunk) int { return cmp.Compare(a.n, b.n) })
	holds, err := f.listHolds(ctx, f.named[name], l)
	if err != nil || !holds {
		return err
	}
	if published != "" {
		f.Kept = append(f.Kept, published)
		return nil
	}
	for _, request := range f.named[name] {
		if why, err := f.needed(ctx, request.key); err != nil {
			return err
		} else if why != "" {
			f.Kept = append(f.Kept, why)
			return nil
		}
	}
	if len(f.named[name]) == 0 && time.Since(l.newest) < unnamedFor {
		f.Kept = append(f.Kept, fmt.Sprintf("a list that was laid down at %s under %s, for a request or a suppression that may still come", l.newest.UTC().Format(time.RFC3339), strings.TrimSuffix(name, ".*")))
		return nil
	}
	for _, one := range l.chunks {
		if err := streams.EraseMessage(ctx, f.c.js, streams.Audiences, one.sequence); err != nil {
			return err
		}
	}
	f.Lists++
	return nil
}

// listHolds reads a list as the requests that name it say, and otherwise as it looks.
func (f *forgetting) listHolds(ctx context.Context, named []naming, l *laidDown) (bool, error) {
	regions := []string{""}
	protobuf := false
	for _, n := range named {
		regions, protobuf = append(regions, n.region), protobuf || n.format == campaignv1.Audience_FORMAT_PROTOBUF
	}
	in := &listReader{forgetting: f, ctx: ctx, chunks: l.chunks}
	contacts := audience.FromList(in)
	if protobuf {
		contacts = audience.FromProtobuf(in, nil)
	}
	for contact, err := range contacts {
		switch {
		case in.err != nil:
			return false, in.err
		case err != nil: // nobody can read it, so it is looked through as it is
			return f.listHasWithin(ctx, l)
		case slices.ContainsFunc(regions, func(region string) bool { return f.wanted.Is(contact.Number, region) }):
			return true, nil
		}
	}
	return false, in.err
}

// listHasWithin looks for the number in what is no list. It may lie across two chunks.
func (f *forgetting) listHasWithin(ctx context.Context, l *laidDown) (bool, error) {
	const longest = 20 // digits, and more than any number has
	in := &listReader{forgetting: f, ctx: ctx, chunks: l.chunks}
	buffer, kept := make([]byte, streams.ChunkSize), 0
	for {
		n, err := io.ReadFull(in, buffer[kept:])
		if f.wanted.Within(buffer[:kept+n]) {
			return true, nil
		}
		if err != nil {
			return false, in.err
		}
		kept = copy(buffer, buffer[len(buffer)-longest:])
	}
}

// listReader reads the chunks of a list that are there.
type listReader struct {
	*forgetting
	ctx    context.Context
	chunks []chunk
	rest   bytes.Reader
	err    error // that is no end
}

// Read implements io.Reader.
func (r *listReader) Read(p []byte) (int, error) {
	for r.rest.Len() == 0 {
		if len(r.chunks) == 0 {
			return 0, io.EOF
		}
		s, err := r.c.js.Stream(r.ctx, streams.Audiences)
		if err == nil {
			var m *jetstream.RawStreamMsg
			if m, err = s.GetMsg(r.ctx, r.chunks[0].sequence); err == nil {
				r.rest.Reset(m.Data)
			}
		}
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			r.err = err
			return 0, err
		}
		r.chunks = r.chunks[1:]
	}
	return r.rest.Read(p)
}

// schedules says which schedules hold it: their requests are people's own, and they go on.
func (f *forgetting) schedules(ctx context.Context) error {
	for m, err := range f.c.walk(ctx, streams.Schedules, jetstream.ConsumerConfig{}) {
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if m.Headers().Get(streams.HeaderKV) == "" && f.wanted.Within(m.Data()) {
			f.Kept = append(f.Kept, fmt.Sprintf("schedule %s, whose request holds it: change it with staffetta schedule add --replace", strings.TrimPrefix(m.Subject(), streams.SchedulePrefix)))
		}
	}
	return nil
}
