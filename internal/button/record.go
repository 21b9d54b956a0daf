package button

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
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
	Why   string    `json:"why"`
	Since time.Time `json:"since"`
}

// Change is one press or release.
type Change struct {
	Source   string    `json:"source"`
	Released bool      `json:"released,omitempty"`
	By       string    `json:"by"`
	Why      string    `json:"why,omitempty"`
	At       time.Time `json:"at"`
}

// changesKept is how many changes are remembered. The log has the others.
const changesKept = 50

// Words says why nothing of a source may be begun or confirmed; empty: it may.
func (s State) Words(source string) string {
	for _, of := range []string{All, source} {
		if p, held := s.Held[of]; held {
			return fmt.Sprintf("%s is held by %s since %s: %s", Name(of), p.By, p.Since.Format(time.RFC3339), p.Why)
		}
	}
	return ""
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

// press holds a source. Who pressed first is not overwritten: it is held since then.
func (s State) press(source string, p Press) (State, error) {
	if had, held := s.Held[source]; held {
		return s, fmt.Errorf("%s is held already, by %s since %s: %s", Name(source), had.By, had.Since.Format(time.RFC3339), had.Why)
	}
	s.Held = maps.Clone(s.Held)
	if s.Held == nil {
		s.Held = map[string]Press{}
	}
	s.Held[source] = p
	return s.changed(Change{Source: source, By: p.By, Why: p.Why, At: p.Since}), nil
}

// release lets go of a source.
func (s State) release(source, by, why string, at time.Time) (State, error) {
	if _, held := s.Held[source]; !held {
		no := fmt.Errorf("%s is not held", Name(source))
		if words := s.Words(source); words != "" {
			no = fmt.Errorf("%w by itself: %s; release --all", no, words)
		} else if len(s.Held) > 0 {
			no = fmt.Errorf("%w; held is %s", no, strings.Join(s.Sources(), ", "))
		}
		return s, no
	}
	s.Held = maps.Clone(s.Held)
	delete(s.Held, source)
	return s.changed(Change{Source: source, Released: true, By: by, Why: why, At: at}), nil
}

func (s State) changed(c Change) State {
	s.Changes = append(slices.Clone(s.Changes), c)
	s.Changes = s.Changes[max(0, len(s.Changes)-changesKept):]
	return s
}

// valid says what is wrong with a press or a release.
func valid(source, by, why string, because bool) error {
	if source != All {
		if err := (campaign.Key{Source: source, RequestID: "-"}).Validate(); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name, text string
		must       bool
	}{{"by", by, true}, {"why", why, because}} {
		switch n := len(f.text); {
		case f.must && strings.TrimSpace(f.text) == "":
			return fmt.Errorf("%s is empty: whoever finds it held has to know", f.name)
		case n > 1000:
			return fmt.Errorf("%s has %d bytes: shorten it to 1,000", f.name, n)
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
