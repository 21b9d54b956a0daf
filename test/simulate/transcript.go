package simulate

import (
	"fmt"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// transcript is a history for people to read.
type transcript struct{ b strings.Builder }

// Transcribe runs a tape again and writes down what happens.
func (w *World) Transcribe(choices []uint16) (string, *Violation) {
	w.transcript = &transcript{}
	defer func() { w.transcript = nil }()
	v := w.Replay(choices)
	s := w.transcript
	text := abridged(s.b.String())
	if v != nil {
		text += "  → " + v.Error() + "\n"
	}
	return text, v
}

// abridged leaves out the middle of a long transcript.
func abridged(text string) string {
	const head, tail = 90, 20
	lines := strings.SplitAfter(text, "\n")
	if len(lines) <= head+tail+1 {
		return text
	}
	return strings.Join(lines[:head], "") + fmt.Sprintf("%10s  … %d lines …\n", "", len(lines)-head-tail) +
		strings.Join(lines[len(lines)-tail:], "")
}

// writeLine writes one line; an empty name means that no worker did it.
func (w *World) writeLine(name, text string, args ...any) {
	if w.transcript == nil {
		return
	}
	fmt.Fprintf(&w.transcript.b, "%10s  %1s  %s\n", w.now.Sub(w.start), name, strings.TrimSpace(fmt.Sprintf(text, args...)))
}

// messageName is what transcripts call a message.
func messageName(m runner.Wakeup) string {
	switch m.Command.(type) {
	case campaign.Cancel:
		return "cancel"
	case campaign.Approve:
		return "approval"
	case campaign.Decline:
		return "refusal"
	}
	return string(m.Kind)
}

// writeCall writes the call that a worker is about to make, and what goes wrong.
func (w *World) writeCall(k *worker, f fault) {
	if w.transcript == nil {
		return
	}
	text := k.at
	if f.kind != fine {
		text += " ← " + faultNames[f.kind]
		if f.after > 0 {
			text += " " + f.after.String()
		}
		if f.code > 0 {
			text += fmt.Sprintf(" %d", f.code)
		}
	}
	w.writeLine(k.name, "%s", text)
}
