package app_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// personal is what a request and a command may say of people, and how the test finds
// it again.
var personal = map[string]string{
	"text": "Gentile Rossi, il suo esame", "name": "Esami di novembre", "description": "Reparto cardiologia", "people": "anna.bianchi", "labels": "centro-4711",
	"recipients": "+393331230001",
}

// docs/privacy.md says what each stream keeps of that. The test lets a campaign, a
// dead letter of each kind, a schedule, a budget and the red button have it, and
// looks into every stream, the log and the operator's pages.
func TestPrivacy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := b.options()
	var log lines
	o.ApproveAbove, o.Log = "*=0.01 EUR", slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Gateway.RatePerMinute, o.Gateway.RatePerSecond = 1000, 50 // so that there is a record of the rate
	a, stop := b.run(o)
	b.request.Text, b.request.Name, b.request.Description = personal["text"], personal["name"], personal["description"]
	b.request.Labels = map[string]string{"costcentre": personal["labels"]}
	b.ask()
	b.until("approval_required")
	c, _, err := b.client.Get(t.Context(), b.key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.Approve(t.Context(), b.key, campaign.QuoteID(c.Request, *c.Quote), personal["people"]); err != nil {
		t.Fatal(err)
	}
	b.until("stats")
	book, err := b.openBudgets()
	if err != nil {
		t.Fatal(err)
	}
	limit, err := campaign.ParseLimit("1000 EUR")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := book.Set(t.Context(), "acqua-luce", budget.Edit{By: personal["people"], Zone: "UTC", Day: &limit}); err != nil {
		t.Fatal(err)
	}
	button, err := b.client.OpenButton(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := button.Press(t.Context(), "acqua-luce", personal["people"], "wrong list"); err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(b.connect())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "$KV.schedules.shop-italia.daily", []byte(`{"schema": 1, "source": "shop-italia", "id": "daily",
		"request": {"name": "`+personal["name"]+`", "description": "`+personal["description"]+`", "sender": "ShopItalia", "text": "`+personal["text"]+`", "contactListId": 87, "labels": {"costcentre": "`+personal["labels"]+`"}},
		"zone": "Europe/Rome", "at": "09:00", "missing_local_time": "shift", "repeated_local_time": "first", "overlap": "skip", "catch_up": "none",
		"expires_after": "744h", "version": 1, "paused": true, "changed_by": "`+personal["people"]+`",
		"changed_at": "2026-01-01T00:00:00Z", "decided": "2026-01-01T00:00:00Z"}`)); err != nil {
		t.Fatal(err)
	}
	// Another content under the same name, and a word that cannot be obeyed.
	b.request.Sender = "Another"
	b.ask()
	if _, err := b.client.Approve(t.Context(), b.key, "0123456789abcdef", personal["people"]); err != nil {
		t.Fatal(err)
	}
	// Recipients: in chunks, and in a request that is put aside for something else.
	list := "phoneNumber\n" + personal["recipients"] + "\n"
	chunks, err := client.Audience(strings.NewReader(list), campaignv1.Audience_FORMAT_CSV)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.client.LayDown(t.Context(), "shop-italia", chunks, strings.NewReader(list), nil); err != nil {
		t.Fatal(err)
	}
	broken, err := proto.Marshal(&campaignv1.CampaignRequested{Source: "shop-italia", RequestId: "people", Recipients: []*campaignv1.Recipient{{PhoneNumber: personal["recipients"]}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "campaign.v1.request.shop-italia.people", broken); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all are put aside", func() bool {
		s, err := js.Stream(t.Context(), "CAMPAIGN_DEAD_LETTERS")
		return err == nil && s.CachedInfo().State.Msgs == 3
	})
	for l, err := range b.client.Letters(t.Context(), client.LetterFilter{}) {
		if err != nil || strings.Contains(l.Note, personal["recipients"]) {
			t.Errorf("the note of a letter says a number: %q, %v", l.Note, err)
		}
	}
	if told, o := b.suppressBy(personal["people"], "acqua-luce", "complaints", personal["recipients"]); told == nil {
		t.Fatalf("%+v", o)
	}
	// What is forgotten is nowhere, and the same request again changes nothing.
	whole := kept(t, js)
	if _, err := b.client.Forget(t.Context(), b.key, personal["people"]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is forgotten", func() bool {
		c, _, err := b.client.Get(t.Context(), b.key)
		return err == nil && c.Forgotten != nil
	})
	if n, err := b.client.Erase(t.Context(), b.key); err != nil || n != 4 {
		t.Errorf("%d messages are erased, error %v; want two requests and two letters", n, err)
	}
	for stream, what := range kept(t, js) {
		if stream != "KV_schedules" && slices.ContainsFunc(what, func(w string) bool { return !slices.Contains([]string{"people", "labels", "recipients"}, w) }) {
			t.Errorf("%s still has its %q", stream, what)
		}
	}
	b.request.Sender = "ShopItalia"
	b.ask()
	_, metrics := get(t, a, "/metrics")
	_, ready := get(t, a, "/readyz")
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(documented(t), whole); diff != "" {
		t.Errorf("docs/privacy.md (-document +kept):\n%s", diff)
	}
	for _, what := range []string{"text", "name", "description", "recipients"} {
		for place, content := range map[string]string{"the log": log.String(), "/metrics": metrics, "/readyz": ready} {
			if strings.Contains(content, personal[what]) {
				t.Errorf("%s shows the %s of a campaign", place, what)
			}
		}
	}
}

// kept looks into every stream.
func kept(t *testing.T, js jetstream.JetStream) map[string][]string {
	t.Helper()
	kept := map[string][]string{}
	for name := range js.StreamNames(t.Context()).Name() {
		kept[name] = []string{}
		s, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		state := s.CachedInfo().State
		for seq := state.FirstSeq; seq <= state.LastSeq; seq++ {
			m, err := s.GetMsg(t.Context(), seq)
			if err != nil {
				continue // overwritten
			}
			for what, marker := range personal {
				if (bytes.Contains(m.Data, []byte(marker)) || strings.Contains(fmt.Sprint(m.Header), marker)) && !slices.Contains(kept[name], what) {
					kept[name] = append(kept[name], what)
				}
			}
		}
		slices.Sort(kept[name])
	}
	return kept
}

// documented reads the document's table.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/privacy.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_a-z]+)` \\| ([a-z, ]+) \\|").FindAllStringSubmatch(string(raw), -1) {
		all[row[1]] = []string{}
		if row[2] != "nothing" {
			all[row[1]] = strings.Split(row[2], ", ")
			slices.Sort(all[row[1]])
		}
	}
	return all
}
