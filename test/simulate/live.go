package simulate

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/loop"
)

// option is one thing that can happen next: a worker goes on, or gets a message.
type option struct {
	k *worker
	m *message
}

// runHistory goes on until nothing can happen any more, or a promise is broken.
func (w *World) runHistory() {
	for step := 0; w.violation == nil; step++ {
		if step > maxSteps {
			w.fail("no end", "the history does not end within %d steps", maxSteps)
			return
		}
		if step == w.powerAt {
			w.writeLine("", "POWER CUT")
			w.faults[powerCut]++
			w.cutPower(w.tape.Rarely(3, 3))
		}
		if step == w.backupAt {
			w.keepBackup()
		}
		w.sendArrivals(step)
		w.options()
		if len(w.choices) == 0 {
			if w.wait() || w.hurry() {
				continue
			}
			return
		}
		// One time in three another worker goes on.
		o := w.choices[w.tape.Rarely(3, len(w.choices)+1)%len(w.choices)]
		if o.m != nil {
			w.deliver(o.k, o.m)
		} else {
			w.proceed(o.k)
		}
	}
}

// options finds what can happen now. The first option is that the same worker
// goes on.
func (w *World) options() {
	w.choices = w.choices[:0]
	if w.last != nil && w.canProceed(w.last) {
		w.choices = append(w.choices, option{k: w.last})
	}
	var idle *worker
	for _, k := range w.workers {
		switch {
		case k == w.last && w.canProceed(k):
		case w.canProceed(k):
			w.choices = append(w.choices, option{k: k})
		case k.msg == nil && idle == nil && k.connected():
			idle = k
		}
	}
	if idle == nil {
		return
	}
	for _, m := range w.messages {
		if !m.done && !m.ready.After(w.now) {
			w.choices = append(w.choices, option{k: idle, m: m})
		}
	}
}

// canProceed says that a worker has something to do and is not frozen.
func (w *World) canProceed(k *worker) bool { return k.msg != nil && !k.frozen.After(w.now) }

// proceed lets a worker go on up to its next call of a port, unless a fault comes
// first.
func (w *World) proceed(k *worker) {
	w.last = k
	if !k.frozen.IsZero() {
		k.frozen = time.Time{}
		k.stopAckWait()
	}
	f := w.draw(k, k.at, k.menu)
	w.calls++
	if f.kind != fine {
		w.faults[f.kind]++
	}
	w.writeCall(k, f)
	switch f.kind {
	case frozen:
		k.frozen = w.now.Add(f.after)
		k.startAckWait()
		return
	case dies:
		k.die()
	case disconnected:
		k.disconnect(f.after)
	case powerCut:
		w.cutPower(cutRecord)
	case timerCut:
		w.cutPower(cutTimer)
	case leaderless:
		w.leader = w.now.Add(f.after)
	case allBlind, readsBlind, readsOld:
		w.blind(f)
	case recordLost, restored, moved, replaced:
		w.restart(f.kind)
		return
	}
	if f.kind != dies {
		k.fault = f
		k.resume()
	}
	switch {
	case k.dead:
		k.startAckWait()
		k.dead, k.msg = false, nil
	case k.handled:
		k.handled = false
		w.acknowledge(k)
	}
}

// deliver gives a message to a worker.
func (w *World) deliver(k *worker, m *message) {
	w.last = k
	w.deliveries, w.deliveriesAtOnce = w.deliveries+1, w.deliveriesAtOnce+1
	if w.deliveries > maxDeliveries || w.deliveriesAtOnce > maxAtOnce {
		w.fail("storm", "messages were delivered %d times, %d times in one moment", w.deliveries, w.deliveriesAtOnce)
		return
	}
	w.writeLine(k.name, "is given the %s", messageName(m.Wakeup))
	if w.opts.Deliver != nil && !w.opts.Deliver(m.Wakeup, m.armed, w.record()) {
		m.done = true
		return
	}
	k.msg, m.holder, m.ready = m, k, never
	m.done = m.done || w.opts.AckFirst
	k.resume() // up to its first call
}

// acknowledge does to a message what the runner says, unless the acknowledgement
// is lost.
func (w *World) acknowledge(k *worker) {
	m, v := k.msg, k.verdict
	k.msg = nil
	if w.opts.Verdict != nil {
		v = w.opts.Verdict(v)
	}
	w.writeLine(k.name, "%s %s %s", v.Do, short(v.After), v.Note)
	if !k.connected() || w.draw(k, "answer", atAnswer).kind == lost {
		w.writeLine(k.name, "and nobody hears it")
		if m.holder == k && !m.done {
			m.ready = w.now.Add(ackWait)
		}
		return
	}
	switch {
	case v.Do == loop.Retry && m.holder == k && !m.done:
		m.ready = w.now.Add(v.After)
	case v.Do != loop.Retry:
		m.done = true
		w.answered(m, v)
	}
}

var atAnswer = []faultKind{lost}
