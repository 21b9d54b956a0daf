package torture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Records are lost, or an older backup of them is restored, and their requests come
// again: by the sweep, and from a source that has had no answer. Nothing is sent a
// second time, nothing is told a second time, and whatever is in doubt is named.

const recordsStream = "KV_campaigns"

// backup is the records as they are now, as messages.
func (l *local) backup() (cfg jetstream.StreamConfig, records []*nats.Msg) {
	l.Helper()
	s, err := l.js.Stream(l.Context(), recordsStream)
	if err != nil {
		l.Fatal(err)
	}
	info, err := s.Info(l.Context(), jetstream.WithSubjectFilter(">"))
	if err != nil {
		l.Fatal(err)
	}
	for subject := range info.State.Subjects {
		m, err := s.GetLastMsgForSubject(l.Context(), subject)
		if err != nil {
			l.Fatal(err)
		}
		m.Header.Del(nats.ExpectedLastSubjSeqHdr)
		m.Header.Del(nats.ExpectedStreamHdr)
		records = append(records, &nats.Msg{Subject: subject, Header: m.Header, Data: m.Data})
	}
	return info.Config, records
}

// lose takes the records away; none means their stream as well.
func (l *local) lose() {
	l.Helper()
	if err := l.js.DeleteStream(l.Context(), recordsStream); err != nil {
		l.Fatal(err)
	}
}

// restore brings a backup back. It has other sequence numbers and no ages, as a
// restored one may.
func (l *local) restore(cfg jetstream.StreamConfig, records []*nats.Msg) {
	l.Helper()
	l.lose()
	if _, err := l.js.CreateStream(l.Context(), cfg); err != nil {
		l.Fatal(err)
	}
	for _, m := range records {
		if _, err := l.js.PublishMsg(l.Context(), m); err != nil {
			l.Fatal(err)
		}
	}
}

// everywhere are campaigns each of which stands somewhere else when the records are lost.
func (l *local) everywhere() (ended, waiting []*campaignv1.CampaignRequested) {
	for n := range 3 {
		ended = append(ended, l.request(fmt.Sprintf("sent-%d", n)))
	}
	ended = append(ended, l.request("dear", cheap), l.request("called-off", asks))
	waiting = append(waiting, l.request("approval", asks), l.request("scheduled", inAnHour))
	return ended, waiting
}

// settled asks for all of them, and waits until each is where it belongs.
func (l *local) settled(ended, waiting []*campaignv1.CampaignRequested) {
	l.Helper()
	for _, m := range append(slices.Clip(ended), waiting...) {
		l.ask(m)
	}
	l.waitForEvent("called-off", "cost_calculated approval_required")
	cancelled(l, "called-off")
	for _, m := range ended {
		l.waitForEvent(m.RequestId, map[string]string{"dear": "cost_calculated rejected", "called-off": "cost_calculated approval_required cancelled"}[m.RequestId])
	}
	l.waitForEvent("approval", "cost_calculated approval_required")
	l.waitForEvent("scheduled", "cost_calculated confirmed")
}

// waitForEvent waits until that is told of a campaign, in short; empty: until it was sent.
func (l *local) waitForEvent(id, want string) {
	l.Helper()
	l.eventually(id+" tells", func(ctx context.Context) error {
		told, err := l.eventsOf(ctx)
		if err != nil {
			return err
		}
		if got := inShort(told[id]); want != "" && got != want || want == "" && !(got == sentAtOnce && isOver(told[id])) {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
}

// once fails the test for every campaign that was confirmed more than once, and
// says how many confirms took effect.
func (l *local) once() map[string]int {
	l.Helper()
	confirms := map[string]int{}
	for id, drafts := range l.draftsSeen() {
		for _, d := range drafts {
			confirms[id] += d.Confirms
		}
		if confirms[id] > 1 {
			l.Errorf("%s: %d confirms took effect", id, confirms[id])
		}
	}
	return confirms
}

// refusesToStart fails the test unless the service says that records are lost.
func (l *local) refusesToStart(o app.Options) {
	l.Helper()
	a, err := app.New(l.Context(), o)
	if err == nil {
		err = errors.Join(errors.New("it starts"), a.Stop())
	}
	if !strings.Contains(err.Error(), "records of these campaigns are lost") || !strings.Contains(err.Error(), "staffetta recover") {
		l.Errorf("with the records lost: %v; want a refusal that says so and what to do", err)
	}
}

func TestLostRecords(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name    string
		running bool // the service lives on meanwhile
	}{{"stopped", false}, {"running", true}} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			l := newLocal(t, sandbox.Options{Variants: sandbox.Variants{SecondConfirm: true}})
			_, stop := l.serve(l.options())
			ended, waiting := l.everywhere()
			l.settled(ended, waiting)
			before, err := l.eventsOf(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !x.running {
				stop()
			}
			l.lose()
			all := append(slices.Clip(ended), waiting...)
			for _, m := range all {
				l.ask(m)
			}
			if x.running {
				stop()
			}
			l.refusesToStart(l.options())
			if err := l.client.Recover(t.Context(), "anna"); err != nil {
				t.Fatal(err)
			}
			l.serve(l.options())
			l.consumed()
			l.waitForEvent("approval", "cost_calculated approval_required unresolved")
			confirms := l.once()
			after, err := l.eventsOf(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range all {
				id := m.RequestId
				if got, want := order(after[id]), order(before[id]); got != want && id != "approval" {
					t.Errorf("%s: told %s, after the records were lost %s", id, want, got)
				}
				if want := strings.Count(inShort(before[id]), "confirmed"); confirms[id] != want {
					t.Errorf("%s: %d confirms took effect, want %d", id, confirms[id], want)
				}
			}
			// What stands at the gateway is known again, and can be called off.
			cancelled(l, "scheduled")
			l.waitForEvent("scheduled", takenBack)
		})
	}
}

func TestRestoredRecords(t *testing.T) {
	t.Parallel()
	l := newLocal(t, sandbox.Options{Variants: sandbox.Variants{SecondConfirm: true}})
	_, stop := l.serve(l.options())
	ended, waiting := l.everywhere()
	l.settled(ended, waiting)
	stop()
	cfg, records := l.backup()

	// After the backup: what waited goes on, and others are asked for.
	_, stop = l.serve(l.options())
	key := campaign.Key{Source: l.source, RequestID: "approval"}
	l.eventually("approve", func(ctx context.Context) error {
		c, _, err := l.client.Get(ctx, key)
		if err == nil {
			_, err = l.client.Approve(ctx, key, campaign.QuoteID(c.Request, *c.Quote), "anna")
		}
		return err
	})
	cancelled(l, "scheduled")
	newer := []*campaignv1.CampaignRequested{l.request("newer-0"), l.request("newer-1")}
	for _, m := range newer {
		l.ask(m)
		l.waitForEvent(m.RequestId, "")
	}
	l.eventually("the approved one is sent", func(ctx context.Context) error {
		told, err := l.eventsOf(ctx)
		if err == nil && !isOver(told["approval"]) {
			err = fmt.Errorf("%q", inShort(told["approval"]))
		}
		return err
	})
	l.waitForEvent("scheduled", takenBack)
	stop()
	before, err := l.eventsOf(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	was := l.once()

	l.restore(cfg, records)
	all := append(append(slices.Clip(ended), waiting...), newer...)
	for _, m := range all {
		l.ask(m)
	}
	l.serve(l.options())
	l.consumed()
	// The old record waits for an approval once more, and gets it.
	l.eventually("approve again, or it is known", func(ctx context.Context) error {
		c, _, err := l.client.Get(ctx, key)
		if err == nil && c.State == campaign.Quoted {
			_, err = l.client.Approve(ctx, key, campaign.QuoteID(c.Request, *c.Quote), "anna")
			err = errors.Join(err, errors.New("it is quoted"))
		}
		return err
	})
	l.eventually("everything but what is due in an hour has ended", func(ctx context.Context) error {
		all, err := l.records(ctx)
		for id, c := range all {
			if err == nil && !c.State.Final() && id != "scheduled" {
				err = fmt.Errorf("%s is %s: %s", id, c.State, c.Waiting)
			}
		}
		return err
	})
	after, err := l.eventsOf(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := l.once()
	for _, m := range all {
		id := m.RequestId
		if now[id] != was[id] {
			t.Errorf("%s: %d confirms took effect, %d before the restore", id, now[id], was[id])
		}
		got, want := order(after[id]), order(before[id])
		if got != want && !strings.HasPrefix(got, want+", unresolved") {
			t.Errorf("%s: told %s, after the restore %s", id, want, got)
		}
		t.Logf("%s: %s", id, got)
	}
}
