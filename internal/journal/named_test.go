package journal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// publish publishes a list under a name, as the Go client does it.
func publish(t *testing.T, nc *nats.Conn, name, list string, asOf time.Time) (sha256 string) {
	t.Helper()
	client, err := staffetta.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	done, err := client.PublishAudience(t.Context(), key.Source, name, strings.NewReader(list), campaignv1.Audience_FORMAT_CSV, asOf)
	if err != nil {
		t.Fatal(err)
	}
	return done.SHA256
}

const oneWeek, nextWeek = "phone\n+393331234501\n", "phone\n+393331234502\n+393331234503\n"

// A campaign takes the list that was published last, and keeps to it while others are
// published. Those that nobody may take any more are erased with the campaign.
func TestACampaignKeepsToTheListThatItTook(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	now := time.Now().UTC()
	asks := campaign.Campaign{Key: key, Request: campaign.Request{Text: "Ciao", Audience: &campaign.Audience{Name: "customers", MaxAge: 48 * time.Hour}}}
	read := func() (campaign.Prepared, error) { return b.j.People().Prepare(t.Context(), key, asks.Taken()) }
	stale := func(want string) {
		t.Helper()
		_, err := read()
		why, is := errors.AsType[*runner.Unusable](err)
		if !is || !why.Stale || why.Field != "named_audience" || !strings.Contains(why.Words, want) {
			t.Errorf("%v, want that %s", err, want)
		}
	}
	stale("no list is published under the name customers")
	publish(t, b.nc, "customers", oneWeek, now.Add(-7*24*time.Hour))
	stale("which is 7 days ago, and may be 2 days old")

	first := publish(t, b.nc, "customers", oneWeek, now.Add(-time.Hour))
	prepared, err := read()
	if err != nil || prepared.Sent != 1 || prepared.Version.Digest != first || prepared.Version.Name != "customers" || prepared.Version.AsOf.Sub(now.Add(-time.Hour)).Abs() > time.Second {
		t.Fatalf("%+v, %v, want the list of an hour ago", prepared, err)
	}
	asks.Prepared = &prepared

	// Of tomorrow is what a clock says that is fast: it counts as of now.
	second := publish(t, b.nc, "customers", nextWeek, now.Add(24*time.Hour))
	if again, err := read(); err != nil || again.Digest != prepared.Digest {
		t.Errorf("%+v, %v, want the list that it took", again, err)
	}
	if v, err := b.j.NewestVersion(t.Context(), key.Source, "customers"); err != nil || v.Digest != second || v.AsOf.After(time.Now().Add(time.Second)) {
		t.Errorf("the newest is %+v, %v", v, err)
	}
	if _, err := b.j.People().Open(t.Context(), key, asks.Taken(), prepared.Digest); err != nil {
		t.Errorf("the list that it took cannot be uploaded: %v", err)
	}

	discard := func(r campaign.Request) {
		t.Helper()
		if err := b.j.People().Discard(t.Context(), key, r); err != nil {
			t.Fatal(err)
		}
	}
	discard(asks.Request) // it took none: there is nothing of its own
	newest := asks
	newest.Prepared = &campaign.Prepared{Version: campaign.Version{Name: "customers", Digest: second, Chunks: 1}}
	if err := b.j.People().Discard(t.Context(), key, newest.Taken()); !errors.Is(err, runner.ErrNewest) {
		t.Errorf("the newest list is discarded: %v", err)
	}
	other := campaign.Request{Audience: newest.Prepared.Version.Alone()} // the same chunks, by their digest
	if err := b.j.People().Discard(t.Context(), key, other); !errors.Is(err, runner.ErrNewest) {
		t.Errorf("the newest list is discarded by a request that names its chunks: %v", err)
	}
	discard(asks.Taken())
	if _, err := read(); !errors.As(err, new(*runner.Unusable)) {
		t.Errorf("the list that was replaced is still read: %v", err)
	}
	asks.Prepared = nil
	if taken, err := read(); err != nil || taken.Sent != 2 {
		t.Errorf("the newest list is gone: %+v, %v", taken, err)
	}
}

// What somebody publishes in the place of a list is named, and never sent to.
func TestAListThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	asks := campaign.Request{Text: "Ciao", Audience: &campaign.Audience{Name: "customers", MaxAge: time.Hour}}
	good := &campaignv1.AudienceVersion{Source: key.Source, Name: "customers", Audience: &campaignv1.Audience{Sha256: strings.Repeat("0f", 32), Size: 1, Chunks: 1}}
	for i, tt := range []struct {
		change func(*campaignv1.AudienceVersion)
		want   string
	}{
		{func(m *campaignv1.AudienceVersion) { m.Name = "others" }, `the subject says "customers", the message "others"`},
		{func(m *campaignv1.AudienceVersion) { m.Audience.Size = 1 << 40 }, "audience.size"},
		{func(m *campaignv1.AudienceVersion) { m.Audience = nil }, "audience"},
		{func(m *campaignv1.AudienceVersion) { m.Source = "" }, "source"},
	} {
		m := proto.CloneOf(good)
		tt.change(m)
		data, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		b.publish(t, &nats.Msg{Subject: contract.VersionSubject(key.Source, "customers", fmt.Sprint(i)), Header: nats.Header{"content-type": {contract.ContentProtobuf}}, Data: data})
		_, err = b.j.People().Prepare(t.Context(), key, asks)
		if why, is := errors.AsType[*runner.Unusable](err); !is || !why.Missing || !strings.Contains(why.Words, "cannot be read") || !strings.Contains(why.Words, tt.want) {
			t.Errorf("%v, want %q", err, tt.want)
		}
	}
}

// A schedule whose list is too old leaves its occurrence out, and tells that once.
func TestAnOccurrenceWithoutAYoungListIsToldOnce(t *testing.T) {
	t.Parallel()
	b, s := schedules(t)
	of := daily()
	of.Source = key.Source
	of.Request = json.RawMessage(`{"name":"Promemoria","sender":"Bianchi","text":"A domani!","namedAudience":{"name":"customers","maxAge":"172800s"}}`)
	if lacks, err := s.Lacks(t.Context(), of, time.Now()); err != nil || lacks != "no list is published under the name customers" {
		t.Errorf("%q, %v", lacks, err)
	}
	asOf := time.Now().Add(-time.Hour)
	publish(t, b.nc, "customers", oneWeek, asOf)
	if lacks, err := s.Lacks(t.Context(), of, time.Now()); err != nil || lacks != "" {
		t.Errorf("%q, %v, want that it is young enough", lacks, err)
	}
	lacks, err := s.Lacks(t.Context(), of, time.Now().Add(47*time.Hour))
	if err != nil || !strings.Contains(lacks, "may be 2 days old") {
		t.Errorf("two days later: %q, %v", lacks, err)
	}
	if none, err := s.Lacks(t.Context(), daily(), time.Now()); err != nil || none != "" {
		t.Errorf("of a campaign to a list at the gateway: %q, %v", none, err)
	}

	o := firing(of, time.Now()).Occurrence
	left := schedule.Skipped{Occurrence: o, Reason: schedule.TooOld, Why: lacks, Decided: o.At.Add(10 * time.Minute)}
	for range 2 {
		if err := s.Tell(t.Context(), of.Key, left); err != nil {
			t.Fatal(err)
		}
	}
	events, err := b.js.Stream(t.Context(), "CAMPAIGN_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	m, err := events.GetLastMsgForSubject(t.Context(), contract.LeftOutSubject(of.Key, o))
	if err != nil {
		t.Fatal(err)
	}
	var told campaignv1.OccurrenceLeftOut
	if err := proto.Unmarshal(m.Data, &told); err != nil {
		t.Fatal(err)
	}
	if told.Reason != campaignv1.OccurrenceLeftOut_REASON_AUDIENCE_TOO_OLD || told.Message != lacks || told.RequestId != o.ID || !told.Due.AsTime().Equal(o.At) {
		t.Errorf("told is %v", &told)
	}
	other := of.Key
	other.ID = "weekly"
	if a, b := contract.LeftOutSubject(of.Key, o), contract.LeftOutSubject(other, o); a == b || !strings.HasPrefix(b, "campaign.v1.event."+key.Source+".@standing.occurrence_left_out.") {
		t.Errorf("two schedules of one instant tell on %s and %s", a, b)
	}
	if n := events.CachedInfo().State.Msgs; n > 1 {
		t.Errorf("%d events, want one", n)
	}
}

// Who has laid down more than a source may waits, and nothing of it is removed; another
// source is not held up.
func TestASourceHasAQuotaOfRecipients(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{RecipientsQuota: func(source string) int {
		if source == key.Source {
			return 4 // with their names, two lists of a chunk each
		}
		return 0
	}})
	asks := campaign.Request{Text: "Ciao", Audience: &campaign.Audience{Name: "customers", MaxAge: time.Hour}}
	now := time.Now()
	publish(t, b.nc, "customers", oneWeek, now)
	publish(t, b.nc, "customers", nextWeek, now)
	if p, err := b.j.People().Prepare(t.Context(), key, asks); err != nil || p.Sent != 2 {
		t.Errorf("with as much as it may: %+v, %v", p, err)
	}
	publish(t, b.nc, "customers", "phone\n+393331234509\n", now)
	_, err := b.j.People().Prepare(t.Context(), key, asks)
	why, is := errors.AsType[*runner.Unusable](err)
	if want := "shop-italia has laid down 6 chunks of recipients, which count as 2 MiB, and recipients.quota allows 1 MiB"; !is || !why.Full || why.Words != want {
		t.Errorf("%v, want %q", err, want)
	}
	if _, err := b.j.People().Prepare(t.Context(), campaign.Key{Source: "acqua-luce", RequestID: "bf"}, asks); !errors.As(err, &why) || why.Full {
		t.Errorf("another source: %v", err)
	}
}
