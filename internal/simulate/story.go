package simulate

import (
	"fmt"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// story is a history as people read it.
type story struct{ b strings.Builder }

// Tell lives a tape again and writes down what happens.
func (w *World) Tell(choices []uint16) (string, *Violation) {
	w.story = &story{}
	defer func() { w.story = nil }()
	v := w.Replay(choices)
	s := w.story
	text := abridged(s.b.String())
	if v != nil {
		text += "  → " + v.Error() + "\n"
	}
	return text, v
}

// abridged leaves out the middle of a long story.
func abridged(text string) string {
	const head, tail = 90, 20
	lines := strings.SplitAfter(text, "\n")
	if len(lines) <= head+tail+1 {
		return text
	}
	return strings.Join(lines[:head], "") + fmt.Sprintf("%10s  … %d lines …\n", "", len(lines)-head-tail) +
		strings.Join(lines[len(lines)-tail:], "")
}

// tell writes one line; nobody's doing has no name.
func (w *World) tell(name, text string, args ...any) {
	if w.story == nil {
		return
	}
	fmt.Fprintf(&w.story.b, "%10s  %1s  %s\n", w.now.Sub(w.start), name, strings.TrimSpace(fmt.Sprintf(text, args...)))
}

// named is a message as people call it.
func named(m runner.Wakeup) string {
	switch m.Command.(type) {
	case campaign.CancelAsked:
		return "cancel"
	case campaign.Approve:
		return "approval"
	case campaign.Decline:
		return "refusal"
	}
	return string(m.Kind)
}

// say tells the call that a worker is about to make, and what goes wrong.
func (w *World) say(k *worker, f fault) {
	if w.story == nil {
		return
	}
	text := k.at
	if f.what != fine {
		text += " ← " + wrongNames[f.what]
		if f.after > 0 {
			text += " " + f.after.String()
		}
		if f.code > 0 {
			text += fmt.Sprintf(" %d", f.code)
		}
	}
	w.tell(k.name, "%s", text)
}
