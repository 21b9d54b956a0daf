package claims

import (
	"slices"
	"time"
)

// Table is the claims of one account at the gateway, in the order in which they came. It is
// stored whole, under compare-and-set.
type Table struct {
	Schema int     `json:"schema"`
	Last   uint64  `json:"last"` // the highest number that was given
	Claims []Claim `json:"claims,omitempty"`
}

// Schema is the version of the table's JSON. Readers refuse a newer one.
const Schema = 1

// Claim is a campaign that holds its people, or waits for them.
type Claim struct {
	Key    string `json:"k"`
	Number uint64 `json:"n"`           // its place: who has the lower one came first
	Held   bool   `json:"h,omitempty"` // it holds them; else it waits
	Behind uint64 `json:"b,omitempty"` // the number of the claim behind which it waits
	// Until is when it lapses without a word of its campaign.
	Until time.Time `json:"u"`
	Rows  Rows      `json:"r,omitzero"` // zero: nobody knows whom it holds, so it holds everybody
}

// Rows says where the hashes of a claim's people lie, and how.
type Rows struct {
	Digest string    `json:"d"`           // of the people, as they were prepared
	Key    string    `json:"s"`           // which secret they were hashed under
	Fields []string  `json:"f,omitempty"` // the fields that they are given, folded and in order
	Bits   int       `json:"b,omitempty"` // they lie in two to the power of so many chunks
	Stored time.Time `json:"t"`           // when they were stored: they have an age
}

// Verdict is what a look at another claim says of it.
type Verdict int

const (
	Apart  Verdict = iota // it has none of the same people, or gives them the same values
	Stands                // it gives somebody other values
	Void                  // its campaign holds nobody and waits for nobody: it is left over
)

// Wish is a campaign that asks for its people.
type Wish struct {
	Key  string
	Rows Rows
	// HeldFor is when the claim lapses once it holds; WaitsFor when it lapses while it waits.
	HeldFor, WaitsFor time.Time
}

// Take gives a campaign its people, or a place behind the first claim that stands in its
// way: behind is nil, or that claim. The table is the next one, and changed says whether it
// is another one. look is asked about claims that came before. It is not asked about more
// of them than needed.
//
// A claim that holds its people is never asked for them again, and none is taken from it.
// So whoever waits waits for those that hold, and for those with a lower number, and
// there is no circle of them.
func (t Table) Take(w Wish, now time.Time, look func(Claim) (Verdict, error)) (next Table, mine Claim, behind *Claim, changed bool, err error) {
	next = Table{Schema: Schema, Last: t.Last, Claims: slices.Clone(t.Claims)}
	drop := func(void func(Claim) bool) {
		before := len(next.Claims)
		next.Claims = slices.DeleteFunc(next.Claims, void)
		changed = changed || len(next.Claims) != before
	}
	drop(func(c Claim) bool { return c.Key != w.Key && now.After(c.Until) })
	at := next.find(w.Key)
	if at < 0 {
		mine = Claim{Key: w.Key, Number: next.number(now)}
		at, changed = len(next.Claims), true
		next.Claims = append(next.Claims, mine)
	}
	mine = next.Claims[at]
	if mine.Rows.Digest != w.Rows.Digest || !slices.Equal(mine.Rows.Fields, w.Rows.Fields) || mine.Rows.Key != w.Rows.Key {
		if mine.Held { // other people than those that it holds: it is another claim
			mine = Claim{Key: w.Key, Number: next.number(now)}
			next.Claims = append(slices.Delete(next.Claims, at, at+1), mine)
		}
		mine.Rows, mine.Behind, changed = w.Rows, 0, true
	}
	if !mine.Rows.Stored.Equal(w.Rows.Stored) {
		mine.Rows, changed = w.Rows, true
	}
	if !mine.Held {
		var void []uint64
		for _, other := range next.Claims {
			if other.Key == w.Key || !other.Held && other.Number > mine.Number {
				continue
			}
			v, err := look(other)
			if err != nil {
				return t, mine, nil, false, err
			}
			if v == Void {
				void = append(void, other.Number)
			}
			if v == Stands {
				behind = &other
				break
			}
		}
		drop(func(c Claim) bool { return slices.Contains(void, c.Number) })
	}
	switch {
	case behind != nil:
		if mine.Behind != behind.Number || w.WaitsFor.Sub(mine.Until) > w.WaitsFor.Sub(now)/2 {
			mine.Behind, mine.Until, changed = behind.Number, w.WaitsFor, true
		}
	case !mine.Held || w.HeldFor.Sub(mine.Until) > w.HeldFor.Sub(now)/2:
		mine.Held, mine.Behind, mine.Until, changed = true, 0, w.HeldFor, true
	}
	next.Claims[next.find(w.Key)] = mine
	return next, mine, behind, changed, nil
}

// Drop takes out the claim of a campaign with this number; zero: whatever there is of it.
func (t Table) Drop(key string, number uint64) (next Table, dropped *Claim) {
	next = Table{Schema: Schema, Last: t.Last}
	for _, c := range t.Claims {
		if c.Key == key && (number == 0 || c.Number == number) {
			dropped = &c
			continue
		}
		next.Claims = append(next.Claims, c)
	}
	return next, dropped
}

// Restore puts back the claim of a campaign that holds its people by its own record, of
// which nobody knows any more who they are.
func (t Table) Restore(key string, now, until time.Time) (next Table, changed bool) {
	if at := t.find(key); at >= 0 && t.Claims[at].Held {
		return t, false
	}
	next, _ = t.Drop(key, 0)
	next.Claims = append(next.Claims, Claim{Key: key, Number: next.number(now), Held: true, Until: until})
	return next, true
}

// number is the next one. It is never one that was given before, also where the table was
// lost and begins anew.
func (t *Table) number(now time.Time) uint64 {
	t.Last = max(t.Last+1, uint64(now.UnixMilli()))
	return t.Last
}

func (t Table) find(key string) int {
	return slices.IndexFunc(t.Claims, func(c Claim) bool { return c.Key == key })
}

// Of is the claim of a campaign; the zero one: it has none.
func (t Table) Of(key string) Claim {
	if at := t.find(key); at >= 0 {
		return t.Claims[at]
	}
	return Claim{}
}
