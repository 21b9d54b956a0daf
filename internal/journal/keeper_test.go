package journal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// keeping is a keeper of records on a connection that can be broken.
type keeping struct {
	*streams.Keeper
	epochs *streams.Epochs
	nc     *nats.Conn
	js     jetstream.JetStream
	cut    func()
}

const keptSubject = "$KV.budgets.a"

func keep(t *testing.T) keeping {
	t.Helper()
	p := startProxy(t, startServer(t, -1, t.TempDir()).Addr().String())
	nc := p.connect(t)
	js, err := streams.JetStream(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.CreateStream(t.Context(), streams.OfBudgets(1))
	if err != nil {
		t.Fatal(err)
	}
	e := streams.NewEpochs(nc)
	return keeping{streams.NewKeeper(streams.Access{JS: js}, e, s), e, nc, js, func() { p.breakConnection(t, nc) }}
}

func (k keeping) read(t *testing.T) (streams.Kept, loop.Revision) {
	t.Helper()
	r, rev, err := k.Read(t.Context(), keptSubject)
	if err != nil {
		t.Fatal(err)
	}
	return r, rev
}

func (k keeping) save(t *testing.T, data string, rev loop.Revision) (loop.Revision, error) {
	t.Helper()
	m := nats.NewMsg(keptSubject)
	m.Data = []byte(data)
	return k.Save(t.Context(), m, rev)
}

// saved saves what must be possible to save.
func (k keeping) saved(t *testing.T, data string, rev loop.Revision) loop.Revision {
	t.Helper()
	next, err := k.save(t, data, rev)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// renewed is a stream that is made anew when a record was read and its reader does not
// know it yet.
type renewed struct {
	jetstream.Stream
	anew func()
}

func (r renewed) GetLastMsgForSubject(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	defer r.anew()
	return r.Stream.GetLastMsgForSubject(ctx, subject)
}

func TestKeeper(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		run  func(*testing.T, keeping)
	}{
		{"SavesInThePlaceOfWhatWasRead", func(t *testing.T, k keeping) {
			none, rev := k.read(t)
			if !none.Absent || rev.Seq != 0 {
				t.Errorf("of nothing it reads %+v, %+v", none, rev)
			}
			next := k.saved(t, "1", rev)
			if _, err := k.save(t, "2", rev); !errors.Is(err, loop.ErrConflict) {
				t.Errorf("created twice: %v", err)
			}
			k.saved(t, "3", next)
			if r, _ := k.read(t); r.Absent || string(r.Data) != "3" {
				t.Errorf("it reads %+v, want 3", r)
			}
		}},
		{"SavesNothingInThePlaceOfWhatIsGone", func(t *testing.T, k keeping) {
			_, rev := k.read(t)
			rev = k.saved(t, "1", rev)
			if err := k.Stream().Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := k.save(t, "2", rev); !errors.Is(err, loop.ErrConflict) {
				t.Errorf("saved in the place of what is gone: %v", err)
			}
		}},
		{"LeavesAMarkerThatEveryKVClientReads", func(t *testing.T, k keeping) {
			_, rev := k.read(t)
			rev = k.saved(t, "1", rev)
			marker := nats.NewMsg(keptSubject)
			marker.Header.Set("Staffetta-By", "anna")
			if err := k.Remove(t.Context(), marker, rev); err != nil {
				t.Fatal(err)
			}
			kv, err := k.js.KeyValue(t.Context(), "budgets")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := kv.Get(t.Context(), "a"); !errors.Is(err, jetstream.ErrKeyNotFound) {
				t.Errorf("a client of the bucket reads what was removed: %v", err)
			}
			if err := k.Remove(t.Context(), nats.NewMsg(keptSubject), rev); !errors.Is(err, loop.ErrConflict) {
				t.Errorf("removed twice under one revision: %v", err)
			}
			r, rev := k.read(t)
			if !r.Absent || r.Header.Get("Staffetta-By") != "anna" || rev.Seq == 0 {
				t.Errorf("in the place of what was removed it reads %+v, %+v", r, rev)
			}
			for r, err := range k.Walk(t.Context(), jetstream.ConsumerConfig{HeadersOnly: true}) {
				if err != nil || !r.Absent || r.Subject != keptSubject {
					t.Errorf("on its way it finds %+v, %v; want the marker", r, err)
				}
			}
			k.saved(t, "2", rev)
			if r, _ := k.read(t); r.Absent || string(r.Data) != "2" {
				t.Errorf("it reads %+v, want 2", r)
			}
		}},
		{"SavesNothingAfterTheConnectionBroke", func(t *testing.T, k keeping) {
			_, rev := k.read(t)
			next := k.saved(t, "1", rev)
			k.cut()
			if _, err := k.save(t, "2", next); !errors.Is(err, loop.ErrConflict) {
				t.Errorf("saved under a revision of the connection before: %v", err)
			}
			_, rev = k.read(t)
			k.saved(t, "3", rev)
		}},
		{"SavesNothingAfterTheBucketWasMadeAnew", func(t *testing.T, k keeping) {
			_, rev := k.read(t)
			next := k.saved(t, "1", rev)
			k.epochs.MadeAnew()
			if _, err := k.save(t, "2", next); !errors.Is(err, loop.ErrConflict) {
				t.Errorf("saved under a revision of the bucket before: %v", err)
			}
			_, rev = k.read(t)
			k.saved(t, "3", rev)
		}},
		{"SavesNothingAfterTheBucketWasMadeAnewDuringTheRead", func(t *testing.T, k keeping) {
			during := streams.NewKeeper(streams.Access{JS: k.js}, k.epochs, renewed{k.Stream(), k.epochs.MadeAnew})
			for _, data := range []string{"1", "2"} { // of what is absent, and of what is there
				_, rev, err := during.Read(t.Context(), keptSubject)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := k.save(t, data, rev); !errors.Is(err, loop.ErrConflict) {
					t.Errorf("saved under a revision of the bucket before: %v", err)
				}
				_, rev = k.read(t)
				k.saved(t, data, rev)
			}
		}},
		{"SavesNothingWithoutAConnection", func(t *testing.T, k keeping) {
			_, rev := k.read(t)
			k.nc.Close()
			if _, err := k.save(t, "1", rev); !errors.Is(err, loop.ErrConflict) {
				t.Errorf("it is not known that nothing was saved: %v", err)
			}
		}},
		{"KnowsAnAgeByTheStreamsClock", func(t *testing.T, k keeping) {
			_, rev := k.read(t)
			if next := k.saved(t, "1", rev); !next.At.IsZero() || k.epochs.Age(next, time.Now().Add(time.Hour)) != 0 {
				t.Errorf("what was just saved has an age: %+v", next)
			}
			_, rev = k.read(t)
			if rev.At.IsZero() || k.epochs.Age(rev, rev.At) != 0 {
				t.Errorf("a record is %s old when it is stored, revision %+v", k.epochs.Age(rev, rev.At), rev)
			}
			// Only since we are connected is it known that nobody else has saved it.
			began := time.Now()
			k.epochs.MadeAnew()
			_, rev = k.read(t)
			if age := k.epochs.Age(rev, rev.At.Add(time.Hour)); age <= 0 || age > time.Since(began) {
				t.Errorf("it is %s old, connected since %s", age, time.Since(began))
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, keep(t))
		})
	}
}
