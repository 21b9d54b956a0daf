package button_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/button"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

var errLost = errors.New("no answer")

func TestButton(t *testing.T) {
	t.Parallel()
	runnertest.TestButton(t, func(t *testing.T) runnertest.ButtonHarness {
		s := runnertest.NewMemoryStore()
		var broken atomic.Bool
		people := button.New(s)
		return runnertest.ButtonHarness{
			A: button.New(s.Peer(func(string) (bool, error) {
				if broken.Load() {
					return false, errLost
				}
				return false, nil
			})),
			B:       button.New(s),
			Press:   func(t *testing.T, source, why string) { press(t, people, source, why) },
			Release: func(t *testing.T, source, _ string) { release(t, people, source) },
			Break:   func(*testing.T) { broken.Store(true) },
		}
	})
}

func press(t *testing.T, b *button.Button, source, why string) {
	t.Helper()
	if _, err := b.Press(t.Context(), source, "anna", why); err != nil {
		t.Fatal(err)
	}
}

func release(t *testing.T, b *button.Button, source string) {
	t.Helper()
	if _, err := b.Release(t.Context(), source, "bruno", "it is right again"); err != nil {
		t.Fatal(err)
	}
}

// However many campaigns ask, it is looked at once a second, and what is pressed is
// heeded no later than that.
func TestOneLookASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := runnertest.NewMemoryStore()
		var looks atomic.Int64
		b := button.New(s.Peer(func(string) (bool, error) { looks.Add(1); return false, nil }))
		ask := func() (held string) {
			for range 100 {
				held = b.Held("shop-italia")
			}
			return held
		}
		for range 10 {
			if held := ask(); held != "" {
				t.Errorf("held: %s", held)
			}
			time.Sleep(time.Second)
		}
		if n := looks.Load(); n != 10 {
			t.Errorf("looked %d times in 10 s for 1000 who asked, want 10", n)
		}
		ask()
		press(t, button.New(s), button.All, "wrong prices")
		if held := ask(); !strings.Contains(held, "everything is held by anna") || !strings.Contains(held, "wrong prices") {
			t.Errorf("when it was pressed: %q", held)
		}
	})
}

// Many who ask while nobody can look do not look one after the other.
func TestWhileNobodyCanLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := button.New(mute{})
		began := time.Now()
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				if b.Held("shop-italia") == "" {
					t.Error("nobody can look, and it is taken for released")
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("64 waited %s for one look", took)
		}
	})
}

// mute answers nothing until whoever asks gives up.
type mute struct{ button.Store }

func (mute) Get(ctx context.Context, _ string) ([]byte, loop.Revision, error) {
	<-ctx.Done()
	return nil, loop.Revision{}, ctx.Err()
}

// What no version can have written is an error, and is never "released".
func TestItFailsClosed(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]string{"AnEmptyObject": "{}", "NoJSON": "off", "ANewerOne": `{"schema":2}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := runnertest.NewMemoryStore()
			if err := s.Put(t.Context(), button.Record, []byte(stored), false, loop.Revision{}); err != nil {
				t.Fatal(err)
			}
			if button.New(s).Held("shop-italia") == "" {
				t.Error("it is taken for released")
			}
		})
	}
}

func TestPressAndRelease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, pressAndRelease)
}

func pressAndRelease(t *testing.T) {
	b := button.New(runnertest.NewMemoryStore())
	press(t, b, "shop-italia", "wrong list")
	for _, test := range []struct {
		name string
		do   func() error
		want string
	}{
		{"Twice", func() error { _, err := b.Press(t.Context(), "shop-italia", "carla", "me too"); return err }, "held already, by anna since"},
		{"NoSource", func() error { _, err := b.Press(t.Context(), "shop italia", "anna", "x"); return err }, "source"},
		{"WithoutAReason", func() error { _, err := b.Press(t.Context(), "*", "anna", " "); return err }, "why is empty"},
		{"ByNobody", func() error { _, err := b.Release(t.Context(), "shop-italia", "", ""); return err }, "by is empty"},
		{"OfWhatIsNotHeld", func() error { _, err := b.Release(t.Context(), "*", "anna", ""); return err }, "everything is not held; held is shop-italia"},
	} {
		if err := test.do(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want one with %q", test.name, err, test.want)
		}
	}
	press(t, b, button.All, "wrong prices")
	release(t, b, "shop-italia")
	if _, err := b.Release(t.Context(), "shop-italia", "anna", ""); err == nil || !strings.Contains(err.Error(), "release --all") {
		t.Errorf("got error %v, want one that says that everything is held", err)
	}
	for range 100 {
		release(t, b, button.All)
		press(t, b, button.All, "again")
	}
	s, err := b.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Changes); n != 50 {
		t.Errorf("%d changes are kept, want 50", n)
	}
	if last := s.Changes[len(s.Changes)-1]; last.Source != button.All || last.By != "anna" || last.Why != "again" || last.Released {
		t.Errorf("the last change is %+v", last)
	}
}

// What somebody does is told once, also where there is no work.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := runnertest.NewMemoryStore()
		b, people := button.New(s), button.New(s)
		var told []string
		ctx, stop := context.WithCancel(t.Context())
		go b.Watch(ctx, func(before, now button.State, err error) {
			told = append(told, strings.Join(before.Sources(), ",")+">"+strings.Join(now.Sources(), ","))
		})
		time.Sleep(time.Minute)
		press(t, people, button.All, "wrong prices")
		time.Sleep(time.Minute)
		release(t, people, button.All)
		time.Sleep(time.Minute)
		stop()
		synctest.Wait()
		if got := strings.Join(told, " "); got != ">* *>" {
			t.Errorf("told %q, want it pressed and released", got)
		}
	})
}
