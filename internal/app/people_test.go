package app_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// patients are the people of these tests, and what each of them is to read. One is there
// twice, and one has no number.
var patients = []*campaignv1.Recipient{
	{PhoneNumber: "333 1234501", Fields: map[string]string{"firstName": "Annamaria", "when": "lunedi alle 9:00"}},
	{PhoneNumber: "+39 333 1234502", Fields: map[string]string{"firstName": "Bartolomeo", "when": "martedi alle 15:30"}},
	{PhoneNumber: "+393331234501", Fields: map[string]string{"firstName": "Annamaria", "when": "venerdi"}},
	{PhoneNumber: "call me", Fields: map[string]string{"firstName": "Cosimo", "when": "mai"}},
}

var reminders = map[string]string{
	"+393331234501": "Ciao Annamaria, ti aspettiamo lunedi alle 9:00",
	"+393331234502": "Ciao Bartolomeo, ti aspettiamo martedi alle 15:30",
}

// secrets are what nothing but the request, the chunks and the gateway may hold.
var secrets = []string{"1234501", "1234502", "Annamaria", "Bartolomeo", "Cosimo", "lunedi", "martedi", "call me"}

// reminding is a development machine and a request to its own people.
func reminding(t *testing.T, v sandbox.Variants) *bundle {
	t.Helper()
	b := setup(t)
	b.Sandbox.SetVariants(v)
	b.request.ContactListId, b.request.Text, b.request.DefaultRegion = 0, "Ciao {{firstName}}, ti aspettiamo {{when}}", "IT"
	b.request.Recipients = patients
	return b
}

// Each of the people in a request gets a text of their own, whichever form the gateway
// speaks. Nothing but the request says who they are, and in the end nothing is left.
func TestRecipientsComeWithTheRequest(t *testing.T) {
	t.Parallel()
	for name, variants := range map[string]sandbox.Variants{
		"AsDocumented":              {},
		"UploadInTwoSteps":          {UploadTwoSteps: true},
		"UploadKnownToTakeTwoSteps": {UploadTwoSteps: true},
		"FieldsWhileSending":        {FieldsWhileSending: true},
		"ToTheLetter":               {UC006: true, NumericStatus: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := reminding(t, variants)
			var log lines
			o := b.options()
			if name == "UploadKnownToTakeTwoSteps" {
				o.Gateway.Variant = "upload=two"
			}
			o.Rules.RecipientsKeep = time.Second
			o.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			a, _ := b.run(o)
			b.ask()
			b.until("audience_prepared")
			b.until("confirmed")
			c := b.completed()
			b.gotReminders()
			if p := c.Prepared; p == nil || p.Given != 4 || p.Sent != 2 || p.Duplicate != 1 || p.Malformed != 1 {
				t.Errorf("the record has the figures %+v", p)
			}
			if q := c.Quote; q == nil || q.Goal.Valid != 2 || q.Audience != c.Prepared.Digest {
				t.Errorf("the quote is %+v, for the people %s", q, c.Prepared.Digest)
			}
			// Wherever the campaign is spoken of, nobody is named.
			_, metrics := get(t, a, "/metrics")
			places := b.held()
			places["the log"], places["/metrics"] = log.String(), metrics
			for place, content := range places {
				for _, secret := range secrets {
					if strings.Contains(content, secret) && place != "CAMPAIGN_REQUESTS" {
						t.Errorf("%s holds %q", place, secret)
					}
				}
			}
			// After its time, nothing is left of them but the gateway's contacts.
			b.cleared()
			if holds := b.held()["CAMPAIGN_REQUESTS"]; strings.Contains(holds, "Annamaria") {
				t.Error("the request still says who they are")
			}
			if n := b.listsOfOurs(); n != 0 {
				t.Errorf("%d lists of the campaign are left at the gateway", n)
			}
		})
	}
}

// A large audience lies in chunks beside the request, and one that comes late is waited for.
func TestAnAudienceInChunks(t *testing.T) {
	t.Parallel()
	b := reminding(t, sandbox.Variants{})
	file := []byte("telefono;firstName;when\n333 1234501;Annamaria;lunedi alle 9:00\n+393331234502;Bartolomeo;martedi alle 15:30\n")
	chunks := [][]byte{file[:40], file[40:]}
	sum := sha256.Sum256(file)
	digest := hex.EncodeToString(sum[:])
	b.request.Recipients = nil
	b.request.Audience = &campaignv1.Audience{Sha256: digest, Size: int64(len(file)), Chunks: 2}
	o := b.options()
	o.Rules.RecipientsKeep, o.Rules.BackoffMin = time.Second, 50*time.Millisecond
	b.run(o)
	js, err := jetstream.New(b.connect())
	if err != nil {
		t.Fatal(err)
	}
	publish := func(n int) {
		t.Helper()
		if _, err := js.Publish(t.Context(), contract.ChunkSubject(b.key.Source, digest, n), chunks[n-1]); err != nil {
			t.Fatal(err)
		}
	}
	publish(1)
	b.ask()
	eventually(t, "it waits for the second chunk, and says so", func() bool {
		c, _, err := b.client.Get(t.Context(), b.key)
		return err == nil && strings.Contains(c.Waiting, "chunk 2 of 2 is missing")
	})
	publish(2)
	b.until("confirmed")
	b.completed()
	b.gotReminders()
	b.cleared()
	if holds := b.held()["CAMPAIGN_AUDIENCES"]; holds != "" {
		t.Errorf("the chunks are still there: %d bytes", len(holds))
	}
}

// An audience that is not what was named is rejected, with the chunk's name.
func TestAnAudienceThatNeverComes(t *testing.T) {
	t.Parallel()
	b := reminding(t, sandbox.Variants{})
	b.request.Recipients = nil
	b.request.Audience = &campaignv1.Audience{Sha256: strings.Repeat("ab", 32), Size: 100, Chunks: 3}
	o := b.options()
	o.Rules.RecipientsWithin = 100 * time.Millisecond
	b.run(o)
	b.ask()
	why := b.rejected()
	if why.Code != campaign.ReasonAudience || !strings.Contains(why.Message, "chunk 1 of 3 is missing") {
		t.Errorf("rejected: %s: %s", why.Code, why.Message)
	}
	if n := b.listsOfOurs(); n != 0 {
		t.Errorf("%d lists were made", n)
	}
}

// An account without room for more contacts is a reason of its own.
func TestNoRoomForMoreContacts(t *testing.T) {
	t.Parallel()
	b := reminding(t, sandbox.Variants{})
	if err := b.Sandbox.SetContactLimit(21); err != nil { // 20 are there
		t.Fatal(err)
	}
	o := b.options()
	o.Rules.CountWithin, o.Rules.BackoffMin = 100*time.Millisecond, 20*time.Millisecond
	b.run(o)
	b.ask()
	if why := b.rejected(); why.Code != campaign.ReasonNoRoom {
		t.Errorf("rejected: %s: %s", why.Code, why.Message)
	}
	if seen := b.Sandbox.Seen(); seen.Messages != 0 {
		t.Errorf("%d messages were sent", seen.Messages)
	}
}

// A campaign to a list of the gateway makes no call more than before, and no write.
func TestAListOfTheGatewaysCostsNothingMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(b.options())
	b.ask()
	b.until("confirmed")
	c := b.completed()
	calls := map[string]int{}
	for _, call := range b.Sandbox.Calls() {
		calls[call.Operation.String()]++
	}
	delete(calls, "stats")  // as often as it is looked at
	delete(calls, "search") // the service's own, at its start
	if diff := cmp.Diff(map[string]int{"create": 1, "configure": 1, "calculate": 1, "price": 1, "confirm": 1}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if c.Prepared != nil || c.List != nil || !c.Cleared.IsZero() || !c.Wake.IsZero() {
		t.Errorf("the record has %+v, %+v, %s, and is woken at %s", c.Prepared, c.List, c.Cleared, c.Wake)
	}
}

// completed waits until the campaign is.
func (b *bundle) completed() (c campaign.Campaign) {
	b.t.Helper()
	eventually(b.t, "it is completed", func() bool {
		rec, _, err := b.client.Get(b.t.Context(), b.key)
		c = rec
		return err == nil && rec.State == campaign.Completed
	})
	return c
}

// rejected waits until the campaign is, and says why.
func (b *bundle) rejected() campaign.Reason {
	b.t.Helper()
	e, known := b.until("rejected").Event()
	if !known {
		b.t.Fatal("the event cannot be read")
	}
	return *e.Reason
}

func (b *bundle) cleared() {
	b.t.Helper()
	eventually(b.t, "its recipients are removed", func() bool {
		c, _, err := b.client.Get(b.t.Context(), b.key)
		return err == nil && !c.Cleared.IsZero() && c.Wake.IsZero()
	})
}

func (b *bundle) gotReminders() {
	b.t.Helper()
	for phone, want := range reminders {
		got, err := b.Sandbox.SeenTexts(phone)
		if err != nil || len(got) != 1 || got[0].Text != want {
			b.t.Errorf("%s got %+v (%v), want %q", phone, got, err, want)
		}
	}
}

// held is what every stream holds.
func (b *bundle) held() map[string]string {
	b.t.Helper()
	js, err := jetstream.New(b.connect())
	if err != nil {
		b.t.Fatal(err)
	}
	all := map[string]string{}
	for name := range js.StreamNames(b.t.Context()).Name() {
		s, err := js.Stream(b.t.Context(), name)
		if err != nil {
			b.t.Fatal(err)
		}
		var held bytes.Buffer
		for state, seq := s.CachedInfo().State, s.CachedInfo().State.FirstSeq; seq <= state.LastSeq; seq++ {
			if m, err := s.GetMsg(b.t.Context(), seq); err == nil {
				fmt.Fprintf(&held, "%s %v %s\n", m.Subject, m.Header, m.Data)
			}
		}
		all[name] = held.String()
	}
	return all
}

// listsOfOurs is how many lists bear the campaign's mark.
func (b *bundle) listsOfOurs() (n int) {
	b.t.Helper()
	for _, l := range b.Sandbox.Lists() {
		if strings.Contains(l.Name, campaign.Mark(b.key)) {
			n++
		}
	}
	return n
}
