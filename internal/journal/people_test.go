package journal_test

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Recipients in a request are read again out of its message, and believed only if they are
// those that were taken: the message may be gone, and another one be in its place.
func TestRecipientsInARequestAreThoseThatWereTaken(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	publish := func(numbers ...string) (stored uint64) {
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
		return ack.Sequence
	}
	digest := func(numbers ...string) string {
		var all []*campaignv1.Recipient
		for _, n := range numbers {
			all = append(all, &campaignv1.Recipient{PhoneNumber: n})
		}
		return contract.RecipientsDigest(all)
	}
	const anna, bruno = "+393331234501", "+393331234502"
	taken := campaign.Request{Text: "Ciao", Audience: &campaign.Audience{Digest: digest(anna), Stored: publish(anna)}}
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
