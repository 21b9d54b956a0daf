package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// store saves a record: open and to be woken after so long, or over if that is zero.
func store(t *testing.T, j *journal.Journal, id string, wake time.Duration) {
	t.Helper()
	c := runnertest.Sample(campaign.Key{Source: "shop-italia", RequestID: id})
	c.Since, c.Wake = time.Now(), time.Now().Add(wake)
	if wake == 0 {
		c.State, c.Wake = campaign.Completed, time.Time{}
	}
	_, rev, err := j.Load(t.Context(), c.Key)
	if err == nil {
		_, err = j.Save(t.Context(), c, rev)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func sweepOf(t *testing.T, j *journal.Journal) journal.Swept {
	t.Helper()
	found, err := j.SweepOnce(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// listed are the request ids on the list of what is open, in order.
func listed(t *testing.T, c *client.Client) (ids []string) {
	t.Helper()
	for e, err := range c.OpenEntries(t.Context(), "", 0) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.Key.RequestID)
	}
	return ids
}

// An open campaign that has not moved for long lies between finished ones. The sweep
// knows it without a look at them, and so does a replica that has never swept.
func TestSweepLooksAtWhatMoved(t *testing.T) {
	t.Parallel()
	const over = 3 * streams.WalkBatch
	b := openTestService(t, journal.Options{Overdue: time.Nanosecond})
	store(t, b.j, "rests", time.Hour)
	store(t, b.j, "sleeps", 500*time.Millisecond)
	for i := range over {
		if err := b.nc.PublishMsg(&nats.Msg{Subject: fmt.Sprintf("$KV.campaigns.shop-italia.over-%d", i), Header: nats.Header{"Staffetta-State": {"completed"}}}); err != nil {
			t.Fatal(err)
		}
	}
	store(t, b.j, "last", 0) // it is answered, so all before it are stored
	if first := sweepOf(t, b.j); first.Records != over+3 || first.States[campaign.Completed] != over+1 || first.States[campaign.Confirming] != 2 {
		t.Fatalf("the first sweep found %+v", first)
	}
	other := open(t, connect2(t, b.nc), journal.Options{Overdue: time.Nanosecond})
	store(t, b.j, "ended", 0)
	waitFor(t, func() bool {
		found := sweepOf(t, other)
		if found.Records > 1 || found.States[campaign.Completed] != over+2 || found.States[campaign.Confirming] != 2 {
			t.Fatalf("a later sweep found %+v", found)
		}
		return found.Overdue == 1
	})
	if w := receive(t, b.woken, "wake-up"); w.Key.RequestID != "sleeps" {
		t.Errorf("woken by %+v", w)
	}
	if diff := cmp.Diff([]string{"rests", "sleeps"}, listed(t, b.client)); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
}

// What is listed is as it is now, not as it was when it was swept; also when the list has
// many parts, and fewer than before.
func TestOpenCampaignsAreListedAsTheyAre(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	const many = 6000 // three parts or more
	save := func(i int, state string, header ...string) {
		m := &nats.Msg{Subject: fmt.Sprintf("$KV.campaigns.shop-italia.c-%05d", i), Header: nats.Header{"Staffetta-State": {state}}}
		for i := 0; i < len(header); i += 2 {
			m.Header.Set(header[i], header[i+1])
		}
		if err := b.nc.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	wait := strings.Repeat("it waits for credit ", 5)
	for i := range many {
		save(i, "quoted", "Staffetta-Waiting", wait, "Staffetta-Wake", "2126-11-27T09:00:00Z")
	}
	check := func(want func(journal.Entry) bool) {
		t.Helper()
		var all, open []journal.Entry
		for e, err := range b.client.Entries(t.Context(), "", 0) {
			if err != nil {
				t.Fatal(err)
			}
			if want(e) {
				all = append(all, e)
			}
		}
		for e, err := range b.client.OpenEntries(t.Context(), "", 0) {
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, e)
		}
		if diff := cmp.Diff(all, open); diff != "" {
			t.Errorf("listed (-all +open):\n%.2000s", diff)
		}
	}
	unended := func(e journal.Entry) bool { return e.Open() }
	store(t, b.j, "last", 0)
	check(unended) // nobody has swept yet
	sweepOf(t, b.j)
	check(unended)
	// One ends, one moves, one is deleted by hand, one is new, one goes on after its end.
	save(17, "completed")
	save(18, "sending")
	save(19, "", "KV-Operation", "DEL")
	save(many, "unresolved")
	save(many+1, "completed")
	save(many+1, "sending")
	store(t, b.j, "last", 0)
	check(unended)
	sweepOf(t, b.j)
	check(unended)
	for i := range many - 10 {
		save(i, "completed")
	}
	store(t, b.j, "last", 0)
	for range 3 { // of each set of parts some are left over
		sweepOf(t, b.j)
		check(unended)
	}
	for i := range many - 10 {
		save(i, "sending")
	}
	store(t, b.j, "last", 0)
	for range 3 {
		sweepOf(t, b.j)
		check(unended)
	}
}

// deafLine is a connection that loses what the server answers from a write on.
type deafLine struct {
	net.Conn
	about     []byte // the write
	swallowed bool   // the write is lost, too
	nth       atomic.Int32
	deaf      atomic.Bool
}

func (l *deafLine) Write(b []byte) (int, error) {
	if bytes.Contains(b, l.about) && l.nth.Add(-1) == 0 {
		l.deaf.Store(true)
	}
	if l.deaf.Load() && l.swallowed {
		return len(b), nil
	}
	return l.Conn.Write(b)
}

func (l *deafLine) Read(b []byte) (int, error) {
	for {
		n, err := l.Conn.Read(b)
		if err != nil || !l.deaf.Load() {
			return n, err
		}
	}
}

// The write of a checkpoint whose answer is lost may be stored or not. Either is right:
// nothing that is open is forgotten, and another replica goes on at once or soon.
func TestLostAnswerOfACheckpoint(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]struct {
		write     string
		nth       int32
		swallowed bool
		turn      bool // the turn is still taken afterwards
	}{
		"TheTurn":             {"$KV.campaigns.sweep ", 1, false, true},
		"TheTurnIsNotStored":  {"$KV.campaigns.sweep ", 1, true, false},
		"APart":               {"$KV.campaigns.sweep.open.", 1, false, false},
		"APartIsNotStored":    {"$KV.campaigns.sweep.open.", 1, true, true},
		"TheResult":           {"$KV.campaigns.sweep ", 2, false, false},
		"TheResultIsNotThere": {"$KV.campaigns.sweep ", 2, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openTestService(t, journal.Options{Overdue: time.Nanosecond})
			store(t, b.j, "old", time.Hour)
			sweepOf(t, b.j)
			store(t, b.j, "new", time.Millisecond)
			store(t, b.j, "over", 0)
			var line *deafLine
			nc, err := nats.Connect(b.nc.ConnectedUrl(), nats.ReconnectBufSize(-1), nats.NoReconnect(), nats.SetCustomDialer(dialer(func(network, address string) (net.Conn, error) {
				conn, err := net.Dial(network, address)
				line = &deafLine{Conn: conn, about: []byte("PUB " + l.write), swallowed: l.swallowed}
				return line, err
			})))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(nc.Close)
			broken := open(t, nc, journal.Options{Overdue: time.Nanosecond})
			line.nth.Store(l.nth)
			if found, err := broken.SweepOnce(t.Context()); err == nil {
				t.Fatalf("nothing was lost: swept %+v", found)
			}
			nc.Close()

			if l.turn {
				if _, err := b.j.SweepOnce(t.Context()); !errors.Is(err, journal.ErrNoTurn) {
					t.Fatalf("the turn is free: %v", err)
				}
				if err := journal.EditCheckpoint(t.Context(), b.j, func(_ *uint64, turn *time.Time) { *turn = time.Now() }); err != nil {
					t.Fatal(err)
				}
			}
			store(t, b.j, "newer", time.Hour)
			found := sweepOf(t, b.j)
			if found.Strays+found.Vanished != 0 || found.States[campaign.Confirming] != 3 || found.States[campaign.Completed] != 1 {
				t.Errorf("swept %+v", found)
			}
			if found.Overdue != 1 {
				t.Errorf("%d were overdue, want the one that is", found.Overdue)
			}
			if diff := cmp.Diff([]string{"old", "new", "newer"}, listed(t, b.client)); diff != "" {
				t.Errorf("listed (-want +got):\n%s", diff)
			}
		})
	}
}

// A record that is gone while its checkpoint is still there.
func TestSweepMissesARecord(t *testing.T) {
	t.Parallel()
	vanish := func(t *testing.T, b *testService, id string) {
		t.Helper()
		s, err := b.js.Stream(t.Context(), streams.Records)
		if err == nil {
			err = s.Purge(t.Context(), jetstream.WithPurgeSubject("$KV.campaigns.shop-italia."+id))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, wake := range map[string]time.Duration{"WhenItIsDue": time.Millisecond, "InTheRound": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openTestService(t, journal.Options{Overdue: time.Nanosecond})
			b.request(t, "lost")
			receive(t, b.woken, "request")
			waitFor(t, func() bool {
				c, err := b.js.Consumer(t.Context(), streams.Requests, "requests")
				return err == nil && c.CachedInfo().AckFloor.Stream >= 1
			})
			store(t, b.j, "lost", wake)
			store(t, b.j, "kept", time.Hour)
			sweepOf(t, b.j)
			for len(b.woken) > 0 {
				<-b.woken
			}
			vanish(t, b, "lost")
			if found := sweepOf(t, b.j); found.Vanished != 1 || found.Resent == 0 {
				t.Errorf("swept %+v", found)
			}
			w := receive(t, b.woken, "request that is handled again")
			for w.Kind != runner.WakeRequest { // its timer may come first
				w = receive(t, b.woken, "request that is handled again")
			}
			if w.Key.RequestID != "lost" {
				t.Errorf("woken by %+v", w)
			}
			if diff := cmp.Diff([]string{"kept"}, listed(t, b.client)); diff != "" {
				t.Errorf("listed (-want +got):\n%s", diff)
			}
		})
	}
}

// A checkpoint from which records are missing, for whatever reason, is not believed for
// long: at once if it is plain, with the round otherwise.
func TestSweepMistrustsItsCheckpoint(t *testing.T) {
	t.Parallel()
	at := func(t *testing.T, b *testService, sequence uint64) {
		t.Helper()
		if err := journal.EditCheckpoint(t.Context(), b.j, func(until *uint64, _ *time.Time) { *until = sequence }); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("TheStreamHasGoneBack", func(t *testing.T) {
		t.Parallel()
		b := openTestService(t, journal.Options{})
		store(t, b.j, "rests", time.Hour)
		store(t, b.j, "over", 0)
		sweepOf(t, b.j)
		at(t, b, 1000)
		if diff := cmp.Diff([]string{"rests"}, listed(t, b.client)); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
		if found := sweepOf(t, b.j); found.Records != 2 || found.States[campaign.Completed] != 1 {
			t.Errorf("swept %+v, not all", found)
		}
	})
	t.Run("TheListHasAHole", func(t *testing.T) {
		t.Parallel()
		b := openTestService(t, journal.Options{})
		store(t, b.j, "rests", time.Hour)
		sweepOf(t, b.j)
		store(t, b.j, "missed", time.Hour)
		info := b.records(t)
		at(t, b, info.State.LastSeq)
		if found := sweepOf(t, b.j); found.Strays != 1 {
			t.Errorf("swept %+v", found)
		}
		if diff := cmp.Diff([]string{"rests", "missed"}, listed(t, b.client)); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
	})
	t.Run("TheStreamIsAnotherOne", func(t *testing.T) {
		t.Parallel()
		b := openTestService(t, journal.Options{})
		store(t, b.j, "rests", time.Hour)
		sweepOf(t, b.j)
		mark := b.mark(t)
		cfg := b.records(t).Config
		if err := b.js.DeleteStream(t.Context(), streams.Records); err != nil {
			t.Fatal(err)
		}
		if _, err := b.js.CreateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			b.publish(t, &nats.Msg{Subject: "$KV.campaigns.shop-italia.other", Header: nats.Header{"Staffetta-State": {"sending"}}})
		}
		b.publish(t, &nats.Msg{Subject: streams.SweepMark, Data: mark})
		if diff := cmp.Diff([]string{"other"}, listed(t, b.client)); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
	})
}

func (o *testService) records(t *testing.T) *jetstream.StreamInfo {
	t.Helper()
	s, err := o.js.Stream(t.Context(), streams.Records)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo()
}

func (o *testService) mark(t *testing.T) []byte {
	t.Helper()
	s, err := o.js.Stream(t.Context(), streams.Records)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.GetLastMsgForSubject(t.Context(), streams.SweepMark)
	if err != nil {
		t.Fatal(err)
	}
	return m.Data
}

// A power cut takes the last writes of the records, and with them the checkpoint that was
// made from them: a request that it had found in order is looked at again.
func TestPowerCutTakesTheCheckpointWithTheRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := startServer(t, -1, dir)
	nc := connect(t, server)
	j := open(t, nc, journal.Options{Overdue: time.Nanosecond})
	store(t, j, "old", time.Hour)
	consuming, stop := context.WithCancel(t.Context())
	handled, stopped := make(chan runner.Wakeup, 10), make(chan struct{})
	go func() {
		defer close(stopped)
		if err := j.Consume(consuming, journal.ConsumeOptions{}, journal.Handlers{Campaign: func(_ context.Context, w runner.Wakeup) loop.Verdict {
			handled <- w
			return loop.Verdict{Do: loop.Ack}
		}}); err != nil {
			t.Error(err)
		}
	}()
	sweepOf(t, j)
	folder := filepath.Join(dir, "jetstream", "$G", "streams", streams.Records)
	older := filepath.Join(t.TempDir(), "older")
	if err := os.CopyFS(older, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.PublishMsg(t.Context(), message("campaign.v1.request.shop-italia.cut", request("cut"))); err != nil {
		t.Fatal(err)
	}
	receive(t, handled, "request")
	waitFor(t, func() bool {
		c, err := js.Consumer(t.Context(), streams.Requests, "requests")
		return err == nil && c.CachedInfo().AckFloor.Stream >= 1
	})
	store(t, j, "cut", time.Hour)
	if found := sweepOf(t, j); found.Asked != 1 || found.Resent != 0 {
		t.Fatalf("swept %+v", found)
	}
	stop()
	<-stopped
	j.Close()
	nc.Close()
	server.Shutdown()
	server.WaitForShutdown()
	if err := errors.Join(os.RemoveAll(folder), os.CopyFS(folder, os.DirFS(older))); err != nil {
		t.Fatal(err)
	}
	nc = connect(t, startServer(t, -1, dir))
	j = open(t, nc, journal.Options{Overdue: time.Nanosecond})
	if found := sweepOf(t, j); found.Resent != 1 || found.Vanished != 0 {
		t.Errorf("swept %+v: the request without a record is not handled again", found)
	}
	c, err := client.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if ids := listed(t, c); !slices.Equal(ids, []string{"old"}) {
		t.Errorf("listed %v", ids)
	}
}
