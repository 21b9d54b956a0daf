package check

import (
	"strings"
	"testing"
	"time"
)

// A source has one price at a time and a few in a minute, and all together do not take
// more of the account than they may. A minute later there are places again.
func TestPricesAreBounded(t *testing.T) {
	t.Parallel()
	p, now := newPrices(func() int { return 8 }), time.Now()
	take := func(source, want string) {
		t.Helper()
		if no := p.take(source, now); want == "" && no != "" || !strings.Contains(no, want) {
			t.Errorf("%s: %q, want %q", source, no, want)
		}
	}
	take("shop-italia", "")
	take("shop-italia", "a price is being asked for shop-italia")
	p.giveBack("shop-italia")
	take("shop-italia", "")
	p.giveBack("shop-italia")
	now = now.Add(20 * time.Second)
	take("shop-italia", "shop-italia has asked for 2 prices within a minute, and may have no more: ask again in 40s")
	for _, source := range []string{"a", "b", "c"} {
		for range 2 {
			take(source, "")
			p.giveBack(source)
		}
	}
	take("d", "all sources together have asked for 8 prices within a minute, and may have no more: ask again in 40s")
	now = now.Add(40 * time.Second)
	take("d", "")
	take("shop-italia", "")
	take("a", "a has asked for 2 prices")
}

// A mark is told from a name by its form alone, and a marked name is not longer than it
// was.
func TestOwnKeysAndNames(t *testing.T) {
	t.Parallel()
	if k := NewKey("shop-italia"); !IsKey(k) || k.Validate() != nil || k == NewKey("shop-italia") {
		t.Errorf("own key %s", k)
	}
	for name, want := range map[string]string{"Black Friday 2026": "check: Black Frid", "Saldi": "Saldi", "Perché": "Perché", "àèìòùàè": "check: "} {
		if got := markedName(name); got != want {
			t.Errorf("%s becomes %q, want %q", name, got, want)
		}
	}
}
