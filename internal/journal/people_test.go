package journal_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// The reader of recipients keeps its word for both places in which they come: in the
// request itself, and in chunks beside it.
func TestPeople(t *testing.T) {
	t.Parallel()
	t.Run("InTheRequest", func(t *testing.T) {
		runnertest.TestPeople(t, func(t *testing.T) runnertest.PeopleHarness {
			b := setup(t, journal.Options{})
			b.consume(t, journal.ConsumeOptions{}, func(context.Context, runner.Wakeup) loop.Verdict { return loop.Verdict{Do: loop.Ack} })
			return runnertest.PeopleHarness{
				People: b.j.People(),
				Bring: func(t *testing.T, key campaign.Key, phones ...string) campaign.Request {
					stored := b.publishPeople(t, key, phones...)
					waitFor(t, func() bool { // what nobody has handled is not discarded
						c, err := b.js.Consumer(t.Context(), "CAMPAIGN_REQUESTS", "requests")
						return err == nil && c.CachedInfo().AckFloor.Stream >= stored
					})
					return inRequest(stored, phones...)
				},
			}
		})
	})
	t.Run("InChunks", func(t *testing.T) {
		runnertest.TestPeople(t, func(t *testing.T) runnertest.PeopleHarness {
			b := setup(t, journal.Options{})
			late := func(t *testing.T, key campaign.Key, phones ...string) (campaign.Request, func()) {
				file := []byte("phoneNumber\n" + strings.Join(phones, "\n") + "\n")
				half := len(file) / 2
				sum := sha256.Sum256(file)
				a := campaign.Audience{Digest: hex.EncodeToString(sum[:]), Size: int64(len(file)), Chunks: 2, Format: campaign.CSV}
				chunk := func(n int, data []byte) {
					t.Helper()
					if _, err := b.js.Publish(t.Context(), contract.ChunkSubject(key.Source, a.Digest, n), data); err != nil {
						t.Fatal(err)
					}
				}
				chunk(1, file[:half])
				return campaign.Request{Text: "Ciao", Audience: &a}, func() { chunk(2, file[half:]) }
			}
			return runnertest.PeopleHarness{
				People: b.j.People(), Late: late,
				Bring: func(t *testing.T, key campaign.Key, phones ...string) campaign.Request {
					r, arrive := late(t, key, phones...)
					arrive()
					return r
				},
			}
		})
	})
}

// publishPeople publishes a request with these people, and says where it lies.
func (b *testBundle) publishPeople(t *testing.T, key campaign.Key, phones ...string) (stored uint64) {
	t.Helper()
	data, err := proto.Marshal(&campaignv1.CampaignRequested{Source: key.Source, RequestId: key.RequestID, Recipients: recipients(phones)})
	if err != nil {
		t.Fatal(err)
	}
	ack, err := b.js.Publish(t.Context(), contract.RequestSubject(key), data)
	if err != nil {
		t.Fatal(err)
	}
	return ack.Sequence
}

func recipients(phones []string) (all []*campaignv1.Recipient) {
	for _, phone := range phones {
		all = append(all, &campaignv1.Recipient{PhoneNumber: phone})
	}
	return all
}

// inRequest is a request that was taken with these people.
func inRequest(stored uint64, phones ...string) campaign.Request {
	return campaign.Request{Text: "Ciao", Audience: &campaign.Audience{Digest: contract.RecipientsDigest(recipients(phones)), Stored: stored}}
}

// Recipients in a request are read again out of its message, and believed only if they are
// those that were taken: the message may be gone, and another one be in its place.
func TestRecipientsInARequestAreThoseThatWereTaken(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	publish := func(numbers ...string) (stored uint64) { return b.publishPeople(t, key, numbers...) }
	const anna, bruno = "+393331234501", "+393331234502"
	taken := inRequest(publish(anna), anna)
	remove := func() {
		t.Helper()
		s, err := b.js.Stream(t.Context(), "CAMPAIGN_REQUESTS")
		if err == nil {
			err = s.DeleteMsg(t.Context(), taken.Audience.Stored)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	read := func() (campaign.Prepared, error) { return b.j.People().Prepare(t.Context(), key, taken) }
	unusable := func(want string) {
		t.Helper()
		_, err := read()
		why, is := errors.AsType[*runner.Unusable](err)
		if !is || why.Missing || why.Field != "recipients" || !strings.Contains(why.Words, want) || strings.Contains(err.Error(), "+39") {
			t.Errorf("%v, want that %s", err, want)
		}
	}

	first, err := read()
	if err != nil || first.Sent != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, err := b.j.People().Open(t.Context(), key, taken, strings.Repeat("0", 64)); !errors.Is(err, runner.ErrChanged) {
		t.Errorf("an upload of other people than were told: %v", err)
	}
	remove()
	unusable("is not in its stream any more")
	publish(bruno)
	unusable("holds other recipients")
	publish(anna) // the same request again
	if again, err := read(); err != nil || again != first {
		t.Errorf("%+v, %v, want %+v", again, err, first)
	}
}

// Two requests name the same chunks. They are there until the last of the two campaigns is
// done with them, whichever that is.
func TestSharedChunksAreKeptForTheOther(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	file := []byte("phoneNumber\n+393331234501\n")
	sum := sha256.Sum256(file)
	r := campaign.Request{Text: "Ciao", Audience: &campaign.Audience{Digest: hex.EncodeToString(sum[:]), Size: int64(len(file)), Chunks: 1, Format: campaign.CSV}}
	if _, err := b.js.Publish(t.Context(), contract.ChunkSubject(key.Source, r.Audience.Digest, 1), file); err != nil {
		t.Fatal(err)
	}
	other := campaign.Key{Source: key.Source, RequestID: "another"}
	p := b.j.People()
	for _, k := range []campaign.Key{key, other, key} {
		if _, err := p.Prepare(t.Context(), k, r); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the first time may have crashed before it was noted
		if err := p.Discard(t.Context(), key, r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Open(t.Context(), other, r, ""); !errors.Is(err, runner.ErrChanged) {
		t.Fatalf("the other one reads them: %v, want that they are there, and of another digest", err)
	}
	if err := p.Discard(t.Context(), other, r); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Open(t.Context(), other, r, ""); err == nil || errors.Is(err, runner.ErrChanged) {
		t.Errorf("after the last one: %v, want that they are gone", err)
	}
}
