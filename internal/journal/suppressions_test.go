package journal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
	"github.com/staffetta-io/staffetta/internal/suppression/suppressiontest"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func TestTheStreamKeepsTheContractOfSuppressions(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	suppressiontest.Contract(t, b.j.SuppressionStore())
}

// suppress lays numbers down, and publishes the order that names them.
func (b *testBundle) suppress(t testing.TB, source string, numbers ...string) contract.Order {
	t.Helper()
	list := []byte("phoneNumber;" + rand.Text() + "\n" + strings.Join(numbers, "\n") + "\n")
	sum := sha256.Sum256(list)
	a := &campaignv1.Audience{Sha256: hex.EncodeToString(sum[:]), Size: int64(len(list)), Chunks: 1}
	if _, err := b.js.Publish(t.Context(), contract.ChunkSubject(contract.Scope(source), a.Sha256, 1), list); err != nil {
		t.Fatal(err)
	}
	body := &campaignv1.SuppressNumbers{By: "anna", Numbers: a, DefaultRegion: "IT", Note: "complaints"}
	p, err := b.client.Lay(t.Context(), source, contract.VerbSuppress, body)
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.js.Stream(t.Context(), p.Stream)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.GetMsg(t.Context(), p.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	return contract.Order{Source: source, Verb: contract.VerbSuppress, Body: body, By: "anna", Stream: p.Stream, Sequence: p.Sequence, Stored: m.Time.UTC()}
}

// chunks is how many messages of numbers are in the stream.
func (b *testBundle) chunks(t testing.TB) uint64 {
	t.Helper()
	s, err := b.js.Stream(t.Context(), streams.Audiences)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.Msgs
}

// asked is a request to some people, which lies in its stream.
func (b *testBundle) asked(t testing.TB, numbers ...string) campaign.Request {
	t.Helper()
	m := &campaignv1.CampaignRequested{Source: key.Source, RequestId: key.RequestID}
	for _, n := range numbers {
		m.Recipients = append(m.Recipients, &campaignv1.Recipient{PhoneNumber: n})
	}
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	ack, err := b.js.Publish(t.Context(), contract.RequestSubject(key), data)
	if err != nil {
		t.Fatal(err)
	}
	return campaign.Request{Text: "Ciao", Region: "IT", Audience: &campaign.Audience{Digest: contract.RecipientsDigest(m.Recipients), Stored: ack.Sequence}}
}

// suppressed says for each number whether it gets nothing from shop-italia.
func suppressed(t testing.TB, j *journal.Journal, numbers ...string) (all []bool) {
	t.Helper()
	screen, err := j.Suppressions().For(t.Context(), "shop-italia")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range numbers {
		all = append(all, screen.Suppresses(n))
	}
	return all
}

const first, second, third = "+393331234501", "+393331234502", "+393331234503"

// A number that somebody has suppressed is left out of every audience, by every service, and
// its number is nowhere but among the recipients. An order that names nobody is refused.
func TestSuppressedNumbersAreLeftOut(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{PowerCut: time.Nanosecond})
	nc, err := streams.Connect(streams.Server{URL: b.nc.ConnectedUrl()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	other := open(t, nc, journal.Options{})
	request := b.asked(t, "+393331234501", "333 1234502", "+393331234503")
	prepared := func(j *journal.Journal, sent, out int64) {
		t.Helper()
		p, err := j.People().Prepare(t.Context(), key, request)
		if err != nil || p.Sent != sent || p.Suppressed != out {
			t.Errorf("prepared: %+v, %v; want %d sent, %d suppressed", p, err, sent, out)
		}
	}
	prepared(b.j, 3, 0)
	if _, err := b.js.Stream(t.Context(), streams.People); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("a stream was made, and nobody was ever suppressed: %v", err)
	}
	before, err := b.j.People().Prepare(t.Context(), key, request)
	if err != nil {
		t.Fatal(err)
	}
	o := b.suppress(t, "", "333 1234502", "ask Anna", "0039 333 1234502")
	told, err := b.j.ObeySuppression(t.Context(), o)
	if err != nil || told.GetNumbers() != 1 || told.GetMalformed() != 1 || told.GetBy() != "anna" || told.GetChange() != campaignv1.SuppressionChanged_CHANGE_SUPPRESSED {
		t.Fatalf("told: %v, %v", told, err)
	}
	prepared(b.j, 2, 1)
	prepared(other, 2, 1)
	if _, err := b.j.People().Open(t.Context(), key, request, before.Digest); !errors.Is(err, runner.ErrChanged) {
		t.Errorf("an upload of somebody who was suppressed since: %v", err)
	}
	// The order again tells the same, also after its numbers are gone.
	if n := b.chunks(t); n != 1 {
		t.Errorf("%d chunks, want that of the numbers", n)
	}
	if err := b.j.SweepSuppressionsOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := b.chunks(t); n != 0 {
		t.Errorf("%d chunks are left after the sweep", n)
	}
	if again, err := other.ObeySuppression(t.Context(), o); err != nil || !proto.Equal(again, told) {
		t.Errorf("told again: %v, %v; want %v", again, err, told)
	}
	s, err := b.js.Stream(t.Context(), streams.People)
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= s.CachedInfo().State.LastSeq; seq++ {
		if m, err := s.GetMsg(t.Context(), seq); err == nil && strings.Contains(fmt.Sprint(m.Header, string(m.Data)), "1234502") {
			t.Errorf("%s holds a number", m.Subject)
		}
	}

	for name, tt := range map[string]struct {
		order contract.Order
		note  string
	}{
		"OfNobody":       {b.suppress(t, "", "ask Anna"), "there is no phone number in it"},
		"OfARoundedOne":  {b.suppress(t, "", "3.93331E+11"), "a spreadsheet has rounded the number"},
		"OfMissingOnes":  {contract.Order{Verb: contract.VerbSuppress, Stored: time.Unix(7, 0), Body: &campaignv1.SuppressNumbers{Numbers: &campaignv1.Audience{Sha256: strings.Repeat("0", 64), Size: 9, Chunks: 1}}}, "chunk 1 of 1 is missing"},
		"OfAnotherTable": {b.suppress(t, "", "3331234501;x;y"), "it has 3 columns"},
	} {
		_, err := b.j.ObeySuppression(t.Context(), tt.order)
		no, is := errors.AsType[*loop.Refusal](err)
		if !is || no.Field != "numbers" || !strings.Contains(no.Note, tt.note) || strings.Contains(no.Note, "1234501") {
			t.Errorf("%s: %v, want it refused: …%s…", name, err, tt.note)
		}
	}
	if n := b.chunks(t); n != 0 {
		t.Errorf("%d chunks of orders that were refused are left", n)
	}
}

// An order may name what a campaign is to be sent to, by mistake or on purpose. Nothing of
// that is erased with it, whether the order is carried out or refused.
func TestAnOrderAboutNumbersErasesNoListOfACampaign(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{PowerCut: time.Nanosecond})
	for name, file := range map[string]string{"CarriedOut": "phoneNumber\n" + first + "\n", "Refused": "phoneNumber;code\n" + first + ";x\n3.93331E+11;y\n"} {
		sum := sha256.Sum256([]byte(file))
		a := &campaignv1.Audience{Sha256: hex.EncodeToString(sum[:]), Size: int64(len(file)), Chunks: 1}
		if _, err := b.js.Publish(t.Context(), contract.ChunkSubject(key.Source, a.Sha256, 1), []byte(file)); err != nil {
			t.Fatal(err)
		}
		request := campaign.Request{Text: "Ciao", Audience: &campaign.Audience{Digest: a.Sha256, Size: a.Size, Chunks: 1, Format: campaign.CSV}}
		if _, err := b.j.People().Prepare(t.Context(), campaign.Key{Source: key.Source, RequestID: name}, request); (err != nil) != (name == "Refused") {
			t.Fatalf("%s: prepared: %v", name, err)
		}
		before := b.chunks(t)
		o := contract.Order{Source: key.Source, Verb: contract.VerbSuppress, Body: &campaignv1.SuppressNumbers{By: "anna", Numbers: a}, By: "anna",
			Stream: streams.Commands, Sequence: before, Stored: time.Unix(int64(before), 0)}
		_, err := b.j.ObeySuppression(t.Context(), o)
		if no, is := errors.AsType[*loop.Refusal](err); is != (name == "Refused") || err != nil && no == nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := b.j.SweepSuppressionsOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := b.chunks(t); n != before {
			t.Errorf("%s: %d chunks are left of %d", name, n, before)
		}
	}
}

// A power cut may take the segment back and leave its answer: the sweep does it again, of the
// numbers, which lie there for as long. If they are gone too, it says whose they were.
func TestASegmentThatAPowerCutTookBackComesAgain(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	b := setup(t, journal.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	stop := b.consumeFor(t, journal.ConsumeOptions{}, journal.Handlers{
		Campaign: func(context.Context, runner.Wakeup) loop.Verdict { return loop.Verdict{Do: loop.Ack} },
		Standing: func(ctx context.Context, o contract.Order) (proto.Message, error) {
			return b.j.ObeySuppression(ctx, o)
		},
	})
	defer stop()
	b.suppress(t, "", first)
	b.suppress(t, "shop-italia", second)
	waitFor(t, func() bool { return slices.Equal(suppressed(t, b.j, first, second, third), []bool{true, true, false}) })
	answers := func() uint64 {
		s, err := b.js.Stream(t.Context(), streams.Events)
		if err != nil {
			t.Fatal(err)
		}
		return s.CachedInfo().State.Msgs
	}
	waitFor(t, func() bool { return answers() == 2 })
	sweep := func() {
		t.Helper()
		if err := b.j.SweepSuppressionsOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	if n := b.chunks(t); n != 2 {
		t.Fatalf("%d chunks are left, want both: a power cut may still come", n)
	}
	takeBack := func() {
		t.Helper()
		s, err := b.js.Stream(t.Context(), streams.People)
		if err == nil {
			err = s.Purge(t.Context(), jetstream.WithPurgeSubject(streams.SuppressedPrefix+">"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	takeBack()
	if got := suppressed(t, b.j, first, second); !slices.Equal(got, []bool{false, false}) {
		t.Errorf("what was taken back still counts: %v", got)
	}
	sweep()
	if got := suppressed(t, b.j, first, second, third); !slices.Equal(got, []bool{true, true, false}) {
		t.Errorf("after the sweep: %v, want both suppressed again", got)
	}
	takeBack()
	chunks, err := b.js.Stream(t.Context(), streams.Audiences)
	if err == nil {
		err = chunks.DeleteMsg(t.Context(), 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	sweep()
	if got := suppressed(t, b.j, first, second, third); !slices.Equal(got, []bool{false, true, false}) {
		t.Errorf("after the second one: %v", got)
	}
	if said := log.String(); !strings.Contains(said, "say it once more with staffetta suppress") || !strings.Contains(said, "source=@all") || strings.Contains(said, "1234501") {
		t.Errorf("the log says %s", said)
	}
}

// While the secret is lost nothing is prepared, and it is said why: a campaign waits for it.
func TestALostSecretPreparesNobody(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	request := b.asked(t, first, second)
	if _, err := b.j.ObeySuppression(t.Context(), b.suppress(t, "", first)); err != nil {
		t.Fatal(err)
	}
	s, err := b.js.Stream(t.Context(), streams.People)
	if err == nil {
		err = s.Purge(t.Context(), jetstream.WithPurgeSubject(streams.HashKey))
	}
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string) {
		t.Helper()
		p, err := b.j.People().Prepare(t.Context(), key, request)
		if no, is := errors.AsType[*loop.Refusal](err); !is || !strings.Contains(no.Note, "restore") || p.Sent != 0 {
			t.Errorf("%s: %+v, %v", what, p, err)
		}
	}
	refused("the secret is lost")
	// An operator who says that it is lost for good does not allow whom it had suppressed.
	m := nats.NewMsg(streams.HashMark)
	m.Header.Set(streams.HeaderKV, "DEL")
	if _, err := b.js.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	refused("it is lost for good")
	if _, err := b.j.HashKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused("there is another one")
	if err := s.Purge(t.Context(), jetstream.WithPurgeSubject(streams.SuppressedPrefix+">")); err != nil {
		t.Fatal(err)
	}
	if p, err := b.j.People().Prepare(t.Context(), key, request); err != nil || p.Sent != 2 {
		t.Errorf("after what was hashed under it is gone: %+v, %v", p, err)
	}
}
