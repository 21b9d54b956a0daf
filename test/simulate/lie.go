package simulate

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// This file holds the lies: answers of a proxy, or old answers; records that were
// lost, or restored; another gateway in the place of ours.

// blind makes the gateway, or a proxy before it, answer what is untrue.
func (w *World) blind(f fault) {
	w.gateway.Blind = map[faultKind]runnertest.Blindness{
		allBlind: runnertest.AllBlind, readsBlind: runnertest.ReadsBlind, readsOld: runnertest.ReadsOld,
	}[f.kind]
	if f.after > 0 {
		w.arrivals = append(w.arrivals, arrival{at: w.now.Add(f.after), does: func() {
			w.writeLine("", "the truth is told again")
			w.gateway.Blind = runnertest.Sees
		}})
	}
}

// restart stops the service, makes a change, and starts it again.
func (w *World) restart(what faultKind) {
	for _, k := range w.workers {
		if k.msg != nil {
			k.die()
			k.startAckWait()
			k.dead, k.msg = false, nil
		}
		k.process = nil
		k.disconnect(time.Second)
	}
	w.saves = w.saves[:0]
	switch what {
	case recordLost, restored:
		w.versions = w.versions[:0]
		if what == restored {
			w.versions = append(w.versions, w.backup...)
		}
		w.observed.unrecorded = true
		w.askAgain()
	case moved, replaced:
		w.elsewhere = what == moved
		w.observed.moved = true
		w.gateway.Replace(runnertest.Stranger(1 + w.tape.Choose(3)))
	}
	w.sweepAt = w.now.Add(time.Minute)
}

// askAgain publishes the request once more, as its source or the sweep does, as
// long as its stream has it.
func (w *World) askAgain() {
	if !w.requestKept() {
		return
	}
	for _, m := range w.messages {
		if !m.done && m.Kind == runner.WakeRequest {
			return
		}
	}
	w.send(runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: w.request, RequestedAt: w.requestedAt()})
}

// keepBackup copies the records, at some moment.
func (w *World) keepBackup() {
	if c := w.record(); c.State == "" || c.State.Final() {
		return
	}
	w.backup = append(w.backup[:0], w.versions...)
	w.writeLine("", "somebody makes a backup of the record, %s", w.record().State)
}

// The URLs of the gateway, and of another one.
const here, elsewhere = "https://gateway.example", "https://another.example"
