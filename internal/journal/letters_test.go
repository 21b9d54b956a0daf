package journal_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// testService is a service that buries what it cannot read, and whatever it is told
// to.
type testService struct {
	*testBundle
	verdict atomic.Pointer[loop.Verdict]
	woken   chan runner.Wakeup
}

func openTestService(t *testing.T, o journal.Options) *testService {
	t.Helper()
	opened := &testService{
		testBundle: setup(t, o),
		woken:      make(chan runner.Wakeup, 100),
	}
	opened.says(loop.Verdict{Do: loop.Ack})
	opened.consume(t, journal.ConsumeOptions{}, func(_ context.Context, w runner.Wakeup) loop.Verdict {
		opened.woken <- w
		return *opened.verdict.Load()
	})
	return opened
}

func (o *testService) says(v loop.Verdict) { o.verdict.Store(&v) }

// bury publishes a message and returns the letter it becomes.
func (o *testService) bury(t *testing.T, m *nats.Msg) contract.Letter {
	t.Helper()
	before := o.letters(t)
	o.publish(t, m)
	var all []contract.Letter
	waitFor(t, func() bool { all = o.letters(t); return len(all) > len(before) })
	last := all[len(all)-1]
	whole, err := o.client.Letter(t.Context(), last.ID)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

func (o *testService) letters(t *testing.T) (all []contract.Letter) {
	t.Helper()
	for l, err := range o.client.Letters(t.Context(), client.LetterFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

func TestLetters(t *testing.T) {
	t.Parallel()
	o := openTestService(t, journal.Options{})
	bad := request("bf-2026")
	bad.Sender = "much too long a name"
	asked := message(subject, bad, "x-team", "shop", "Nats-Expected-Last-Subject-Sequence", "0")
	sent := time.Now()
	l := o.bury(t, asked)
	odd := o.bury(t, &nats.Msg{Subject: "campaign.v1.request.shop-italia.bf$", Data: []byte("hello")})
	verb := o.bury(t, &nats.Msg{Subject: "campaign.v1.command.acqualuce.bf.resolve", Data: []byte(`{"by":"anna"}`)})

	t.Run("GiveTheMessageBackAsItWas", func(t *testing.T) {
		want := contract.Letter{
			ID: 1, Key: key, Reason: "invalid", Fields: []string{"sender"}, Note: l.Note,
			Subject: subject, Stream: streams.Requests, Sequence: 1, Header: asked.Header, Data: asked.Data, Size: len(asked.Data),
		}
		if l.Stored.Before(sent.Add(-time.Minute)) || l.Buried.Before(l.Stored) || !strings.HasPrefix(l.Note, "sender: ") {
			t.Errorf("stored %s, buried %s, note %s", l.Stored, l.Buried, l.Note)
		}
		l := l
		l.Stored, l.Buried = time.Time{}, time.Time{}
		if diff := cmp.Diff(want, l); diff != "" {
			t.Errorf("letter (-want +got):\n%s", diff)
		}
	})

	t.Run("ShowThePayloadInJSON", func(t *testing.T) {
		data, err := l.Payload()
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(data, &m); err != nil || m["sender"] != "much too long a name" || m["contactListId"] != "87" {
			t.Errorf("payload %s: %v", data, err)
		}
		if data, err = verb.Payload(); err != nil || string(data) != `{"by":"anna"}` {
			t.Errorf("command %s: %v", data, err)
		}
		if _, err := odd.Payload(); err == nil || !strings.Contains(err.Error(), "not a staffetta.campaign.v1.CampaignRequested") {
			t.Errorf("what is no request: %v", err)
		}
	})

	t.Run("AreListedBySourceAndKeyWithoutPayloads", func(t *testing.T) {
		for _, test := range []struct {
			name   string
			filter client.LetterFilter
			want   []uint64
		}{
			{"All", client.LetterFilter{}, []uint64{1, 2, 3}},
			{"OfASource", client.LetterFilter{Source: "acqualuce"}, []uint64{3}},
			{"OfACampaign", client.LetterFilter{Key: key}, []uint64{1}},
			{"BehindOne", client.LetterFilter{After: 1}, []uint64{2, 3}},
			{"OfNobody", client.LetterFilter{Source: "nobody"}, nil},
		} {
			t.Run(test.name, func(t *testing.T) {
				var got []uint64
				for l, err := range o.client.Letters(t.Context(), test.filter) {
					if err != nil {
						t.Fatal(err)
					}
					if len(l.Data) > 0 || l.Size == 0 {
						t.Errorf("letter %d has %d bytes and says %d", l.ID, len(l.Data), l.Size)
					}
					got = append(got, l.ID)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("letters (-want +got):\n%s", diff)
				}
			})
		}
	})

	t.Run("AreNotFoundWhenThereIsNone", func(t *testing.T) {
		if _, err := o.client.Letter(t.Context(), 99); !errors.Is(err, client.ErrNoLetter) {
			t.Errorf("error %v", err)
		}
	})
}

func TestReplay(t *testing.T) {
	t.Parallel()
	plan := func(t *testing.T, o *testService, id uint64, edited string) (client.Replay, error) {
		t.Helper()
		if edited == "" {
			return o.client.PlanReplay(t.Context(), id, nil)
		}
		return o.client.PlanReplay(t.Context(), id, []byte(edited))
	}
	// unlucky is a good request that was buried when the service was older.
	unlucky := func(t *testing.T) (*testService, contract.Letter) {
		t.Helper()
		o := openTestService(t, journal.Options{})
		o.says(loop.Verdict{Do: loop.Bury, Reason: "invalid"})
		l := o.bury(t, message(subject, request("bf-2026"), "x-team", "shop", "Nats-Msg-Id", "once"))
		receive(t, o.woken, "first delivery")
		o.says(loop.Verdict{Do: loop.Ack})
		return o, l
	}

	t.Run("PublishesTheSameMessageUnderTheSameKey", func(t *testing.T) {
		t.Parallel()
		o, l := unlucky(t)
		r, err := plan(t, o, l.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		if r.Again != "" || r.Note != "" || r.Before.Sequence != 0 {
			t.Errorf("the plan says %+v", r)
		}
		placed, err := o.client.Replay(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if placed.Subject != subject || placed.Sequence != 2 {
			t.Errorf("placed %+v", placed)
		}
		w := receive(t, o.woken, "replay")
		if w.Kind != runner.WakeRequest || w.Key != key || w.Request.Sender != "ShopItalia" {
			t.Errorf("woken by %+v", w)
		}
		s, err := o.js.Stream(t.Context(), streams.Requests)
		if err != nil {
			t.Fatal(err)
		}
		m, err := s.GetMsg(t.Context(), placed.Sequence)
		if err != nil {
			t.Fatal(err)
		}
		if m.Header.Get("x-team") != "shop" || m.Header.Get("Staffetta-Replay") != "1" || m.Header.Get("Nats-Msg-Id") != "" || m.Header.Get("Staffetta-Reason") != "" {
			t.Errorf("headers %v", m.Header)
		}
	})

	t.Run("SaysSinceWhenItsOriginalWaits", func(t *testing.T) {
		t.Parallel()
		o, first := unlucky(t)
		o.says(loop.Verdict{Do: loop.Bury, Reason: "invalid"}) // the replay is buried as well
		r, err := plan(t, o, first.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.client.Replay(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if w := receive(t, o.woken, "replay"); !w.RequestedAt.Equal(first.Stored) || !w.Stored.After(first.Stored) {
			t.Errorf("a replay stored at %s was asked for at %s, want %s", w.Stored, w.RequestedAt, first.Stored)
		}
		waitFor(t, func() bool { return len(o.letters(t)) == 2 })
		o.says(loop.Verdict{Do: loop.Ack})
		const corrected = `{"source":"shop-italia","requestId":"bf-2026","name":"BF","sender":"ShopItalia","text":"Ciao","contactListId":87,"immediately":true}`
		if r, err = plan(t, o, 2, corrected); err != nil {
			t.Fatal(err)
		}
		if _, err := o.client.Replay(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if w := receive(t, o.woken, "replay of the replay"); !w.RequestedAt.Equal(first.Stored) {
			t.Errorf("a replay of a replay was asked for at %s, want %s", w.RequestedAt, first.Stored)
		}
	})

	t.Run("HasNoSecondEffect", func(t *testing.T) {
		t.Parallel()
		o, l := unlucky(t)
		first, err := plan(t, o, l.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		same := first
		same.Header = nats.Header{"Staffetta-Replay": {"other"}} // as if the id were forgotten
		if _, err := o.client.Replay(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		if _, err := o.client.Replay(t.Context(), same); !errors.Is(err, client.ErrMoved) {
			t.Errorf("a replay planned at the same time: %v", err)
		}
		again, err := plan(t, o, l.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		if again.Before.Sequence != 2 || again.Before.Stored.IsZero() {
			t.Errorf("a later plan says that it was replayed as %+v", again.Before)
		}
		if _, err := o.client.Replay(t.Context(), again); err == nil {
			t.Error("it was replayed again")
		}
		s, err := o.js.Stream(t.Context(), streams.Requests)
		if err != nil {
			t.Fatal(err)
		}
		if n := s.CachedInfo().State.Msgs; n != 2 {
			t.Errorf("the stream holds %d requests, want the first and one replay", n)
		}
	})

	t.Run("TakesACorrectedPayloadForTheSameKeyOnly", func(t *testing.T) {
		t.Parallel()
		o := openTestService(t, journal.Options{})
		bad := request("bf-2026")
		bad.Sender = "much too long a name"
		l := o.bury(t, message(subject, bad, "Content-Type", "application/protobuf"))
		const good = `{"source":"shop-italia","requestId":"bf-2026","name":"BF","sender":"ShopItalia","text":"Ciao","contactListId":87,"immediately":true}`
		if r, err := plan(t, o, l.ID, ""); err != nil || !strings.HasPrefix(r.Again, "invalid: sender: ") {
			t.Errorf("as it was: %q, %v", r.Again, err)
		}
		if _, err := plan(t, o, l.ID, strings.Replace(good, "bf-2026", "other", 1)); err == nil || !strings.Contains(err.Error(), "a replay keeps the key") {
			t.Errorf("another key: %v", err)
		}
		if _, err := plan(t, o, l.ID, strings.Replace(good, "sender", "sendr", 1)); err == nil || !strings.Contains(err.Error(), `sendr: there is no such field, did you mean "sender"? There are `) {
			t.Errorf("a misspelt field: %v", err)
		}
		if r, err := plan(t, o, l.ID, strings.Replace(good, "87", "0", 1)); err != nil || !strings.HasPrefix(r.Again, "invalid: contact_list_id") {
			t.Errorf("still invalid: %q, %v", r.Again, err)
		}
		r, err := plan(t, o, l.ID, good)
		if err != nil || r.Again != "" {
			t.Fatalf("%q, %v", r.Again, err)
		}
		if _, err := o.client.Replay(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if w := receive(t, o.woken, "corrected request"); w.Request.Text != "Ciao" || w.Request.Sender != "ShopItalia" {
			t.Errorf("woken by %+v", w)
		}
	})

	t.Run("ForeseesAConflictWithTheRecord", func(t *testing.T) {
		t.Parallel()
		o, l := unlucky(t)
		c := sample
		c.Request.Text = "Something else"
		_, rev, err := o.j.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if rev, err = o.j.Save(t.Context(), c, rev); err != nil {
			t.Fatal(err)
		}
		if r, err := plan(t, o, l.ID, ""); err != nil || !strings.HasPrefix(r.Again, "conflicting_duplicate: ") || !strings.Contains(r.Again, "text") {
			t.Errorf("%q, %v", r.Again, err)
		}
		c.Request = campaign.Request{Name: "Black Friday 2026", Sender: "ShopItalia", Text: "Solo per te: {{code}}", ListID: 87}
		if _, err := o.j.Save(t.Context(), c, rev); err != nil {
			t.Fatal(err)
		}
		if r, err := plan(t, o, l.ID, ""); err != nil || r.Again != "" || !strings.Contains(r.Note, "replaying changes nothing") {
			t.Errorf("the same content: %q, %q, %v", r.Again, r.Note, err)
		}
	})

	t.Run("RepeatsACommand", func(t *testing.T) {
		t.Parallel()
		o := openTestService(t, journal.Options{})
		o.says(loop.Verdict{Do: loop.Bury, Reason: "unknown_campaign"})
		l := o.bury(t, &nats.Msg{Subject: "campaign.v1.command.shop-italia.bf-2026.cancel", Data: []byte(`{"by":"anna"}`)})
		receive(t, o.woken, "cancel")
		r, err := plan(t, o, l.ID, "")
		if err != nil || r.Note != "there is no campaign shop-italia.bf-2026: the command waits for its request, for up to 6 days" {
			t.Fatalf("%q, %v", r.Note, err)
		}
		if _, err := o.client.Replay(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if w := receive(t, o.woken, "cancel again"); w.Command != (campaign.Cancel{By: "anna"}) {
			t.Errorf("woken by %+v", w)
		}
	})

	t.Run("SaysWhatToDoWhenItCannotHelp", func(t *testing.T) {
		t.Parallel()
		o := openTestService(t, journal.Options{})
		for _, test := range []struct {
			msg  *nats.Msg
			want string
		}{
			{&nats.Msg{Subject: "campaign.v1.request.shop-italia.bf$"}, "staffetta dlq show 1 --payload | staffetta request -f -"},
			{&nats.Msg{Subject: "campaign.v1.wakeup.shop-italia.bf", Header: nats.Header{"Staffetta-Request-Sequence": {"many"}}}, "there is nothing to do"},
		} {
			l := o.bury(t, test.msg)
			if _, err := plan(t, o, l.ID, ""); !errors.Is(err, client.ErrNotReplayable) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", test.msg.Subject, err)
			}
		}
		if _, err := plan(t, o, 99, ""); !errors.Is(err, client.ErrNoLetter) {
			t.Errorf("no letter: %v", err)
		}
	})
}
