package button

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
)

// All stands for every source.
const All = "*"

// State is how the button stands.
type State struct {
	// Held is what is held, by source; [All] is a key as well.
	Held map[string]Press `json:"held,omitempty"`
	// Changes are who pressed and released it, the latest last.
	Changes []Change `json:"changes,omitempty"`
}

// Press says who holds something, why, and since when.
type Press struct {
	By    string    `json:"by"`
	Actor string    `json:"actor,omitempty"` // who is proven to have; empty: nobody is
	Why   string    `json:"why"`
	Since time.Time `json:"since"`
}

// Change is one press or release.
type Change struct {
	Source   string    `json:"source"`
	Released bool      `json:"released,omitempty"`
	By       string    `json:"by"`
	Actor    string    `json:"actor,omitempty"`
	Why      string    `json:"why,omitempty"`
	At       time.Time `json:"at"`
	// Order names the order that it obeys, which may come again; empty: none does.
	Order string `json:"order,omitempty"`
}

// Word is what somebody says who presses or releases it.
type Word struct {
	By, Actor, Why string
	Order          string // as in [Change]
}

// changesKept is how many changes are remembered. The log has the others.
const changesKept = 50

// Words says why nothing of a source may be begun or confirmed; empty: it may.
func (s State) Words(source string) string {
	for _, of := range []string{All, source} {
		if p, held := s.Held[of]; held {
			return p.words(of)
		}
	}
	return ""
}

func (p Press) words(of string) string {
	return fmt.Sprintf("%s is held by %s since %s: %s", Name(of), p.By, p.Since.Format(time.RFC3339), p.Why)
}

// All is everything that is held, in words, each by itself.
func (s State) All() (words []string) {
	for _, source := range s.Sources() {
		words = append(words, s.Held[source].words(source))
	}
	return words
}

// Sources are those that are held, [All] first.
func (s State) Sources() []string { return slices.Sorted(maps.Keys(s.Held)) }

// Name is what is held, for people.
func Name(source string) string {
	if source == All {
		return "everything"
	}
	return source
}

// obeyed is the change that an order has made.
func (s State) obeyed(order string) (Change, bool) {
	for _, c := range s.Changes {
		if order != "" && c.Order == order {
			return c, true
		}
	}
	return Change{}, false
}

// press holds a source. Who pressed first is not overwritten: it is held since then.
func (s State) press(source string, w Word, at time.Time) (State, error) {
	if had, held := s.Held[source]; held {
		return s, &loop.Refusal{Note: fmt.Sprintf("%s is held already, by %s since %s: %s", Name(source), had.By, had.Since.Format(time.RFC3339), had.Why)}
	}
	s.Held = maps.Clone(s.Held)
	if s.Held == nil {
		s.Held = map[string]Press{}
	}
	s.Held[source] = Press{By: w.By, Actor: w.Actor, Why: w.Why, Since: at}
	return s.changed(Change{Source: source, By: w.By, Actor: w.Actor, Why: w.Why, At: at, Order: w.Order}), nil
}

// release lets go of a source.
func (s State) release(source string, w Word, at time.Time) (State, error) {
	if _, held := s.Held[source]; !held {
		no := Name(source) + " is not held"
		if words := s.Words(source); words != "" {
			no += " by itself: " + words + "; release --all"
		} else if len(s.Held) > 0 {
			no += "; held is " + strings.Join(s.Sources(), ", ")
		}
		return s, &loop.Refusal{Note: no}
	}
	s.Held = maps.Clone(s.Held)
	delete(s.Held, source)
	return s.changed(Change{Source: source, Released: true, By: w.By, Actor: w.Actor, Why: w.Why, At: at, Order: w.Order}), nil
}

func (s State) changed(c Change) State {
	s.Changes = append(slices.Clone(s.Changes), c)
	s.Changes = s.Changes[max(0, len(s.Changes)-changesKept):]
	return s
}

// valid says what is wrong with a press or a release.
func valid(source string, w Word, because bool) error {
	if source != All {
		if err := (campaign.Key{Source: source, RequestID: "-"}).Validate(); err != nil {
			return &loop.Refusal{Field: "source", Note: err.Error()}
		}
	}
	for _, f := range []struct {
		name, text string
		must       bool
	}{{"by", w.By, true}, {"why", w.Why, because}} {
		switch n := len(f.text); {
		case f.must && strings.TrimSpace(f.text) == "":
			return &loop.Refusal{Field: f.name, Note: f.name + " is empty: whoever finds it held has to know"}
		case n > 1000:
			return &loop.Refusal{Field: f.name, Note: fmt.Sprintf("%s has %d bytes: shorten it to 1,000", f.name, n)}
		}
	}
	return nil
}

// schema is the version of the record that this one writes.
const schema = 1

// record is the state as it is stored.
type record struct {
	Schema int `json:"schema"`
	State
}

func encode(s State) ([]byte, error) { return json.Marshal(record{schema, s}) }

// decode reads a record; no data is nothing held. What no version writes is an error.
func decode(data []byte) (State, error) {
	if data == nil {
		return State{}, nil
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return State{}, fmt.Errorf("it is not readable: %w", err)
	}
	switch {
	case r.Schema > schema:
		return State{}, fmt.Errorf("it has schema %d, this version knows up to %d: a newer staffetta wrote it, upgrade this one", r.Schema, schema)
	case r.Schema < 1:
		return State{}, fmt.Errorf("it has schema %d, which no version writes", r.Schema)
	}
	return r.State, nil
}
