package claims_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/claims"
)

// world is an account with campaigns that come, are sent, crash and are lost.
type world struct {
	t     *rapid.T
	now   time.Time
	table claims.Table
	// gives is what each campaign gives to whom.
	gives map[string]map[int]int
	// stands is what each campaign's record says: it asks, or holds.
	asks, holds map[string]bool
}

var friday = time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)

func (w *world) differ(a, b string) bool {
	for who, value := range w.gives[a] {
		if other, both := w.gives[b][who]; both && other != value {
			return true
		}
	}
	return false
}

// look is what a service sees of another claim: its values, and its record.
func (w *world) look(mine string) func(claims.Claim) (claims.Verdict, error) {
	return func(c claims.Claim) (claims.Verdict, error) {
		switch {
		case c.Rows.Digest != "" && !w.differ(mine, c.Key):
			return claims.Apart, nil
		case c.Held && !w.holds[c.Key], !c.Held && !w.asks[c.Key]:
			return claims.Void, nil
		}
		return claims.Stands, nil
	}
}

func (w *world) ask(key string) (behind string) {
	w.asks[key] = true
	rows := claims.Rows{Digest: fmt.Sprint(w.gives[key]), Fields: []string{"code"}, Stored: friday}
	next, mine, other, _, err := w.table.Take(claims.Wish{Key: key, Rows: rows, HeldFor: w.now.Add(72 * time.Hour), WaitsFor: w.now.Add(15 * time.Minute)}, w.now, w.look(key))
	if err != nil {
		w.t.Fatal(err)
	}
	w.table = next
	if other != nil {
		return other.Key
	}
	if !mine.Held || mine.Number == 0 {
		w.t.Fatalf("%s may go on with %+v", key, mine)
	}
	w.holds[key], w.asks[key] = true, false
	return ""
}

// apart checks that nobody holds what somebody else gives another value.
func (w *world) apart() {
	for a := range w.holds {
		for b := range w.holds {
			if w.holds[a] && w.holds[b] && a != b && w.differ(a, b) {
				w.t.Fatalf("%s and %s hold the same people with other values: %+v", a, b, w.table.Claims)
			}
		}
	}
}

// Whatever happens, no two campaigns hold the same people with other values. When whoever
// holds comes to an end, everybody's turn comes, and who came first is first.
func TestNobodyOverlapsAndNobodyIsLeftBehind(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, now: friday, gives: map[string]map[int]int{}, asks: map[string]bool{}, holds: map[string]bool{}}
		var keys []string
		for i := range rapid.IntRange(2, 6).Draw(t, "campaigns") {
			key := fmt.Sprintf("shop.%d", i)
			keys = append(keys, key)
			w.gives[key] = rapid.MapOfN(rapid.IntRange(0, 5), rapid.IntRange(0, 1), 1, 4).Draw(t, "gives")
		}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			key := rapid.SampledFrom(keys).Draw(t, "campaign")
			switch rapid.SampledFrom([]string{"ask", "ask", "ask", "ends", "ends, crashed", "gives up", "time", "others"}).Draw(t, "step") {
			case "ask":
				if !w.holds[key] {
					w.ask(key)
				}
			case "ends":
				w.holds[key] = false
				w.table, _ = w.table.Drop(key, w.table.Of(key).Number)
			case "ends, crashed": // its record says so, its claim does not
				w.holds[key] = false
			case "gives up": // cancelled while it waits
				w.asks[key] = false
			case "time":
				w.now = w.now.Add(time.Minute)
			case "others": // it is prepared anew
				if !w.holds[key] {
					w.gives[key] = rapid.MapOfN(rapid.IntRange(0, 5), rapid.IntRange(0, 1), 1, 4).Draw(t, "gives")
				}
			}
			w.apart()
		}
		// From here on everybody who waits looks once a minute, and whoever holds ends.
		for range 2 * len(keys) {
			for _, key := range keys {
				if w.asks[key] {
					w.ask(key)
				}
				w.apart()
			}
			for _, key := range keys {
				w.holds[key] = false
			}
			w.now = w.now.Add(time.Minute)
		}
		for _, key := range keys {
			if w.asks[key] {
				t.Fatalf("%s waits for ever: %+v", key, w.table.Claims)
			}
		}
	})
}

// Who came first is first, also when he looks later than those behind him.
func TestFirstComeFirstServed(t *testing.T) {
	t.Parallel()
	w := &world{now: friday, gives: map[string]map[int]int{"shop.a": {1: 1}, "shop.b": {1: 2, 2: 2}, "shop.c": {2: 3}, "shop.d": {3: 1}},
		asks: map[string]bool{}, holds: map[string]bool{}}
	for _, step := range []struct{ ask, want string }{
		{"shop.a", ""},
		{"shop.b", "shop.a"},
		{"shop.c", "shop.b"}, // which only waits, and came first
		{"shop.d", ""},       // has nobody in common
		{"shop.c", "shop.b"},
	} {
		if got := w.ask(step.ask); got != step.want {
			t.Fatalf("%s waits behind %q, want %q", step.ask, got, step.want)
		}
	}
	w.holds["shop.a"] = false
	if got := w.ask("shop.c"); got != "shop.b" {
		t.Fatalf("c waits behind %q, want b", got)
	}
	if got := w.ask("shop.b"); got != "" {
		t.Fatalf("b waits behind %q", got)
	}
	// Who does not look any more loses his place, and nobody else does.
	w.now = w.now.Add(20 * time.Minute)
	w.holds["shop.b"] = false
	if got := w.ask("shop.c"); got != "" {
		t.Fatalf("c waits behind %q", got)
	}
}

// A claim that was lost and put back holds everybody: nobody knows whom it held. Its own
// campaign gets another number, and so learns that it was lost.
func TestALostClaimHoldsEverybody(t *testing.T) {
	t.Parallel()
	w := &world{now: friday, gives: map[string]map[int]int{"shop.a": {1: 1}, "shop.b": {2: 2}}, asks: map[string]bool{}, holds: map[string]bool{}}
	if w.ask("shop.a") != "" {
		t.Fatal("a waits")
	}
	before := w.table.Of("shop.a").Number
	w.table = claims.Table{}
	w.table, _ = w.table.Restore("shop.a", w.now, w.now.Add(time.Hour))
	if got := w.ask("shop.b"); got != "shop.a" {
		t.Fatalf("b waits behind %q, want a", got)
	}
	w.holds["shop.a"] = false
	if w.ask("shop.b") != "" || w.ask("shop.a") != "" {
		t.Fatal("they wait for each other")
	}
	if after := w.table.Of("shop.a").Number; after == before {
		t.Errorf("a has the number %d again", after)
	}
}
