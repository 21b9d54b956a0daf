package app_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// A campaign has ended, its record was made small and archived, and then the records are
// lost and restored as docs/disaster.md says. The small record is proof enough: it is in
// no doubt, and nothing of it is sent when it is asked for again.
func TestRestoredRecordsMayBeSmall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := func() (stop func() error) {
		o := b.options()
		o.Rules.KeepWhole = time.Millisecond
		return b.start(b.buildSweeping(o, 100*time.Millisecond))
	}
	stop := run()
	b.ask()
	b.until("confirmed")
	var small campaign.Campaign
	eventually(t, "its record is made small", func() bool {
		c, _, err := b.client.Get(t.Context(), b.key)
		small = c
		return err == nil && c.State == campaign.Completed && !c.Shortened.IsZero()
	})
	if len(small.Attempts) > 0 || small.Quote == nil || small.Confirmed == nil || small.Stats == nil || small.Draft == nil || small.Cost().Amount.IsZero() {
		t.Fatalf("the small record is %+v", small)
	}
	months, err := b.client.Archive(t.Context(), t.TempDir(), small.Since.AddDate(0, 2, 0))
	if err != nil || len(months) != 1 || months[0].Campaigns != 1 {
		t.Fatalf("archived %+v, %v", months, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	js, err := jetstream.New(b.connect())
	if err != nil {
		t.Fatal(err)
	}
	records, err := js.Stream(t.Context(), "KV_campaigns")
	if err != nil {
		t.Fatal(err)
	}
	var backup []*nats.Msg
	for seq := records.CachedInfo().State.FirstSeq; seq <= records.CachedInfo().State.LastSeq; seq++ {
		m, err := records.GetMsg(t.Context(), seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		delete(m.Header, jetstream.ExpectedLastSubjSeqHeader)
		backup = append(backup, &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data})
	}
	if err := js.DeleteStream(t.Context(), "KV_campaigns"); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), records.CachedInfo().Config); err != nil {
		t.Fatal(err)
	}
	for _, m := range backup {
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if doubts, err := b.client.Doubts(t.Context()); err != nil || len(doubts) > 0 {
		t.Errorf("in doubt are %+v, %v", doubts, err)
	}

	run()
	b.ask()
	text := b.request.Text
	b.request.Text = text + "!"
	b.ask() // it comes behind the one before, and becomes a dead letter
	eventually(t, "what conflicts is put aside", func() bool {
		s, err := js.Stream(t.Context(), "CAMPAIGN_DEAD_LETTERS")
		return err == nil && s.CachedInfo().State.Msgs == 1
	})
	after, _, err := b.client.Get(t.Context(), b.key)
	if err != nil || after.State != campaign.Completed || after.Draft.ID != small.Draft.ID {
		t.Errorf("its record is %+v, %v", after, err)
	}
	if seen := b.Sandbox.Seen(); seen.Confirms != 1 || len(seen.Campaigns) != 1 {
		t.Errorf("%d confirms took effect, of %d drafts; want 1 of 1", seen.Confirms, len(seen.Campaigns))
	}
}
