package suppression_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/suppression"
	"github.com/staffetta-io/staffetta/internal/suppression/suppressiontest"
)

func TestTheFakeKeepsTheContract(t *testing.T) {
	t.Parallel()
	suppressiontest.Contract(t, &suppressiontest.Store{})
}

const anna, bruno, carla = "+393331234501", "+393331234502", "+393331234503"

// orders gives orders one after the other.
type orders struct {
	t    *testing.T
	list *suppression.List
	n    int
}

func (o *orders) obey(source string, change suppression.Change, numbers ...string) suppression.Segment {
	o.t.Helper()
	o.n++
	s, err := give(o.t.Context(), o.list, suppression.Segment{Order: fmt.Sprint("order-", o.n), Source: source, Change: change, By: "anna"}, numbers...)
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

func give(ctx context.Context, l *suppression.List, s suppression.Segment, numbers ...string) (suppression.Segment, error) {
	return l.Obey(ctx, s, func(take func(string)) (int64, error) {
		for _, n := range numbers {
			take(n)
		}
		return 0, nil
	})
}

// suppressed are those of the three that get nothing from a source.
func suppressed(t *testing.T, l *suppression.List, source string) (who []string) {
	t.Helper()
	s, err := l.For(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{anna, bruno, carla} {
		if s.Suppresses(n) {
			who = append(who, n)
		}
	}
	return who
}

// What is suppressed for everybody binds each source, and what is for one binds no other.
// Who is allowed again for a source stays suppressed for everybody.
func TestWhoIsSuppressed(t *testing.T) {
	t.Parallel()
	store := &suppressiontest.Store{}
	l := suppression.NewList(store)
	o := &orders{t: t, list: l}
	want := func(source string, who ...string) {
		t.Helper()
		// A service that starts now knows the same.
		for name, list := range map[string]*suppression.List{"followed": l, "read anew": suppression.NewList(store)} {
			if got := suppressed(t, list, source); !slices.Equal(got, who) {
				t.Errorf("%s: suppressed for %s: %v, want %v", name, source, got, who)
			}
		}
	}
	want("shop-italia")
	o.obey("", suppression.Suppressed, anna)
	if s := o.obey("shop-italia", suppression.Suppressed, bruno, anna, bruno); s.Numbers != 2 {
		t.Errorf("two numbers, one given twice: %d", s.Numbers)
	}
	want("shop-italia", anna, bruno)
	want("acqualuce", anna)
	o.obey("shop-italia", suppression.Allowed, anna, bruno)
	want("shop-italia", anna)
	o.obey("", suppression.Allowed, anna)
	want("shop-italia")
	o.obey("", suppression.Suppressed, anna, carla)
	want("acqualuce", anna, carla)

	named, by, err := l.About(t.Context(), anna, "")
	if err != nil || len(named) != 5 || !slices.Equal(by, []string{""}) {
		t.Errorf("about a number: %d segments, suppressed for %q, %v", len(named), by, err)
	}
	if some, err := l.Segments(t.Context(), "acqualuce"); err != nil || len(some) != 3 {
		t.Errorf("segments that bind acqualuce: %d, %v", len(some), err)
	}
}

// An order that comes again changes nothing, also if the opposite was ordered meanwhile, and
// if the service died between the segment and its answer.
func TestAnOrderThatComesAgainAddsNothing(t *testing.T) {
	t.Parallel()
	store := &suppressiontest.Store{}
	l := suppression.NewList(store)
	first := suppression.Segment{Order: "order-1", Change: suppression.Suppressed, By: "anna"}
	store.Stored = func(string) error { return errors.New("power is gone") }
	if _, err := give(t.Context(), l, first, anna); err == nil {
		t.Fatal("a segment whose reply was lost is told to be stored")
	}
	store.Stored = nil
	l = suppression.NewList(store) // the next service
	done, err := l.Obey(t.Context(), first, func(func(string)) (int64, error) {
		return 0, errors.New("the numbers are gone by now")
	})
	if err != nil || done.Numbers != 1 {
		t.Errorf("after the crash: %+v, %v", done, err)
	}
	if _, err := give(t.Context(), l, suppression.Segment{Order: "order-2", Change: suppression.Allowed, By: "anna"}, anna); err != nil {
		t.Fatal(err)
	}
	if again, err := give(t.Context(), l, first, anna, bruno); err != nil || again.Place != done.Place {
		t.Errorf("again: %+v, %v", again, err)
	}
	if who := suppressed(t, l, "shop-italia"); who != nil {
		t.Errorf("suppressed: %v, want nobody", who)
	}
	if _, err := give(t.Context(), l, suppression.Segment{Order: "order-3", Change: suppression.Suppressed}); !errors.Is(err, suppression.ErrNoNumber) {
		t.Errorf("an order that names nobody: %v", err)
	}
}

// While the secret is lost nobody is taken for allowed, and no other secret makes it good.
func TestALostSecretAllowsNobody(t *testing.T) {
	t.Parallel()
	store := &suppressiontest.Store{}
	l := suppression.NewList(store)
	(&orders{t: t, list: l}).obey("", suppression.Suppressed, anna)
	refused := func(what string) {
		t.Helper()
		for _, list := range []*suppression.List{l, suppression.NewList(store)} {
			s, err := list.For(t.Context(), "shop-italia")
			if !errors.As(err, new(*loop.Refusal)) || !s.Empty() {
				t.Errorf("%s: %v, want a refusal", what, err)
			}
		}
	}
	store.LoseKey()
	refused("lost")
	store.RenewKey()
	refused("lost for good")
	if _, err := store.Key(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	refused("another secret in its place")
}

// What a power cut has taken back does not count, though it was read before.
func TestWhatWasTakenBackIsReadAnew(t *testing.T) {
	t.Parallel()
	store := &suppressiontest.Store{}
	l := suppression.NewList(store)
	o := &orders{t: t, list: l}
	o.obey("", suppression.Suppressed, anna)
	o.obey("", suppression.Allowed, anna)
	if who := suppressed(t, l, ""); who != nil {
		t.Errorf("suppressed: %v", who)
	}
	store.TakeBack(1)
	if who := suppressed(t, l, ""); !slices.Equal(who, []string{anna}) {
		t.Errorf("suppressed: %v, want %s", who, anna)
	}
	o.obey("", suppression.Suppressed, bruno) // where the lost one was
	if who := suppressed(t, l, ""); !slices.Equal(who, []string{anna, bruno}) {
		t.Errorf("suppressed: %v, want both", who)
	}
}

// Orders of any size, in any order, leave what a map would hold.
func TestManyOrders(t *testing.T) {
	t.Parallel()
	store := &suppressiontest.Store{}
	l := suppression.NewList(store)
	o := &orders{t: t, list: l}
	r := rand.New(rand.NewPCG(1, 2))
	want := map[string]bool{}
	name := func(n int) string { return fmt.Sprintf("+39333%07d", n) }
	for range 40 {
		var some []string
		for range 1 + r.IntN(3000) {
			some = append(some, name(r.IntN(20_000)))
		}
		change := suppression.Suppressed
		if r.IntN(3) == 0 {
			change = suppression.Allowed
		}
		o.obey("", change, some...)
		for _, n := range some {
			want[n] = change == suppression.Suppressed
		}
	}
	s, err := l.For(t.Context(), "shop-italia")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20_000 {
		if got := s.Suppresses(name(n)); got != want[name(n)] {
			t.Fatalf("%s is suppressed: %t, want %t", name(n), got, want[name(n)])
		}
	}
}
