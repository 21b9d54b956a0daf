package simulate

import (
	"slices"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// Script is a history that a person wrote, because chance would take too long to
// find it. Everything that it does not mention goes well.
type Script struct {
	At       time.Duration // the campaign's instant, from the start; zero: immediately
	NoDelete int           // the code with which every delete is refused; zero: none is
	Gateway  func(*runnertest.Gateway)
	Measured bool // configure is known to be refused once a campaign was confirmed
	Faults   []Planned
}

// Planned is a fault that happens the first time the worker makes the call, once
// everything planned before has happened.
type Planned struct {
	Worker string // A or B
	Call   string // as transcripts have it: "save confirming", "call delete"
	What   string // as transcripts have it: "frozen", "POWER CUT"
	For    time.Duration
}

// Play runs a script and returns its transcript.
func (w *World) Play(s Script) (string, *Violation) {
	w.script = &s
	defer func() { w.script = nil }()
	return w.Transcribe(nil)
}

// plannedFault is the fault that the script plans for a call.
func (w *World) plannedFault(k *worker, at string) fault {
	left := w.script.Faults
	if len(left) == 0 || left[0].Worker != k.name || left[0].Call != at {
		return fault{}
	}
	w.script.Faults = left[1:]
	return fault{kind: faultKind(slices.Index(faultNames[:], left[0].What)), after: left[0].For}
}

// setUp prepares every script: two workers, one request, and a
// gateway as it is documented, but for its delete.
func (w *World) setUp() {
	w.workers, w.powerAt = w.totals[:2], -1
	w.request = campaign.Request{Name: "Black Friday 2026", Sender: "ShopItalia", Text: "Black Friday!", ListID: listID}
	w.bring()
	if w.script.At > 0 {
		w.request.At = w.now.Add(w.script.At).Round(0).UTC()
	}
	g := w.gateway
	g.StartsAfter, g.NoDelete, g.EditsConfirmed, g.ConfirmsAgain, g.Fails = 0, w.script.NoDelete, false, false, false
	g.KeepsConfirmed, g.ConfiguresOnce, g.StatsOnly, g.Wordless, g.Nameless = false, false, false, false, false
	if w.script.Gateway != nil {
		w.script.Gateway(g)
	}
	w.measured = w.script.Measured
	g.SetCredit(wellOff)
	w.arrivals = append(w.arrivals, arrival{wakeup: runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: w.request}})
}
