package staffetta_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/proto/staffetta/staffettatest"
)

// A list is laid down before the request, once, and only for a campaign that is not known.
func TestRequestToLaysTheListDownOnce(t *testing.T) {
	t.Parallel()
	client := staffettatest.New().Client()
	list := strings.NewReader("phoneNumber;code\n" + strings.Repeat("+393331230001;BF-7H2K\n", 30_000))
	chunks := uint64(list.Size()+(256<<10)-1) / (256 << 10)
	m := blackFriday()
	m.ContactListId = 0
	ask := func() staffetta.Placed {
		t.Helper()
		placed, err := client.RequestTo(t.Context(), m, list, campaignv1.Audience_FORMAT_CSV)
		if err != nil {
			t.Fatal(err)
		}
		return placed
	}
	if placed := ask(); placed.Known != staffetta.FirstAsked || chunks < 3 || placed.Sequence != chunks+1 {
		t.Errorf("%+v, want the request behind %d chunks", placed, chunks)
	}
	if placed := ask(); placed.Known != staffetta.AskedBefore || placed.Sequence != 0 {
		t.Errorf("the same again: %+v", placed)
	}
	m.RequestId = "another"
	if placed := ask(); placed.Known != staffetta.FirstAsked || placed.Sequence != chunks+2 {
		t.Errorf("another campaign to the same people: %+v, want no more chunks", placed)
	}
	if m.Audience != nil {
		t.Error("the request was changed")
	}
	m.ContactListId = 87
	if _, err := client.RequestTo(t.Context(), m, list, campaignv1.Audience_FORMAT_CSV); !errors.As(err, new(*staffetta.Invalid)) {
		t.Errorf("to a list and to people: %v", err)
	}
	m.ContactListId, m.Audience = 0, &campaignv1.Audience{}
	if _, err := client.RequestTo(t.Context(), m, list, campaignv1.Audience_FORMAT_CSV); !errors.As(err, new(*staffetta.Invalid)) {
		t.Errorf("to two lists: %v", err)
	}
	m.Audience = nil
	if _, err := client.RequestTo(t.Context(), m, strings.NewReader(""), campaignv1.Audience_FORMAT_CSV); !errors.As(err, new(*staffetta.Invalid)) {
		t.Errorf("to nobody: %v", err)
	}
}

// A list is published under a name once for each instant: again it is harmless, and of a
// later instant it is another version, whose chunks are there.
func TestPublishAudience(t *testing.T) {
	t.Parallel()
	client := staffettatest.New().Client()
	list := strings.NewReader("phoneNumber;day\n+393331230001;lunedi\n")
	monday := time.Date(2026, 11, 30, 6, 0, 0, 0, time.UTC)
	publish := func(name string, asOf time.Time) staffetta.Published {
		t.Helper()
		done, err := client.PublishAudience(t.Context(), "studio-bianchi", name, list, campaignv1.Audience_FORMAT_CSV, asOf)
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	if first := publish("this-week", monday); first.Key != "studio-bianchi.this-week" || len(first.SHA256) != 64 || first.Sequence != 2 {
		t.Errorf("%+v, want the version behind its chunk", first)
	}
	if again := publish("this-week", monday); again.Sequence != 0 {
		t.Errorf("the same again: %+v", again)
	}
	if later := publish("this-week", monday.Add(7*24*time.Hour)); later.Sequence != 3 {
		t.Errorf("a week later: %+v, want a version and no more chunks", later)
	}
	var no *staffetta.Invalid
	if _, err := client.PublishAudience(t.Context(), "studio-bianchi", "this week", list, campaignv1.Audience_FORMAT_CSV, monday); !errors.As(err, &no) || no.Faults[0].Field != "name" {
		t.Errorf("under a name with a space: %v", err)
	}
	if _, err := client.PublishAudience(t.Context(), "studio-bianchi", "this-week", strings.NewReader(""), campaignv1.Audience_FORMAT_CSV, monday); !errors.As(err, &no) {
		t.Errorf("of nobody: %v", err)
	}
}
