package simulate

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/runner"
)

// option is one thing that can happen next: a worker goes on, or is given a
// message.
type option struct {
	k *worker
	m *message
}

// live goes on until nothing can happen any more, or something is wrong.
func (w *World) live() {
	for step := 0; w.wrong == nil; step++ {
		if step > maxSteps {
			w.fail("no end", "the history does not end within %d steps", maxSteps)
			return
		}
		if step == w.powerAt {
			w.tell("", "POWER CUT")
			w.faults[powerCut]++
			w.cutPower(w.tape.Rarely(3, 3))
		}
		if step == w.backupAt {
			w.keepBackup()
		}
		w.arrive(step)
		w.look()
		if len(w.options) == 0 {
			if w.wait() || w.hurry() {
				continue
			}
			return
		}
		// One time in three somebody else goes on.
		o := w.options[w.tape.Rarely(3, len(w.options)+1)%len(w.options)]
		if o.m != nil {
			w.deliver(o.k, o.m)
		} else {
			w.proceed(o.k)
		}
	}
}

// look finds what can happen now. The first option is that whoever went on
// last goes on.
func (w *World) look() {
	w.options = w.options[:0]
	if w.last != nil && w.able(w.last) {
		w.options = append(w.options, option{k: w.last})
	}
	var idle *worker
	for _, k := range w.workers {
		switch {
		case k == w.last && w.able(k):
		case w.able(k):
			w.options = append(w.options, option{k: k})
		case k.msg == nil && idle == nil && k.connected():
			idle = k
		}
	}
	if idle == nil {
		return
	}
	for _, m := range w.messages {
		if !m.done && !m.ready.After(w.now) {
			w.options = append(w.options, option{k: idle, m: m})
		}
	}
}

// able says that a worker has something to do and is not frozen.
func (w *World) able(k *worker) bool { return k.msg != nil && !k.frozen.After(w.now) }

// proceed lets a worker go on up to its next call of a port, unless something
// goes wrong before.
func (w *World) proceed(k *worker) {
	w.last = k
	if !k.frozen.IsZero() {
		k.frozen = time.Time{}
		k.speakUp()
	}
	f := w.draw(k, k.at, k.menu)
	w.calls++
	if f.what != fine {
		w.faults[f.what]++
	}
	w.say(k, f)
	switch f.what {
	case frozen:
		k.frozen = w.now.Add(f.after)
		k.fallSilent()
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
		w.restart(f.what)
		return
	}
	if f.what != dies {
		k.fault = f
		k.resume()
	}
	switch {
	case k.dead:
		k.fallSilent()
		k.dead, k.msg = false, nil
	case k.handled:
		k.handled = false
		w.settle(k)
	}
}

// deliver gives a message to a worker.
func (w *World) deliver(k *worker, m *message) {
	w.last = k
	w.deliveries, w.atOnce = w.deliveries+1, w.atOnce+1
	if w.deliveries > maxDeliveries || w.atOnce > maxAtOnce {
		w.fail("storm", "messages were delivered %d times, %d times in one moment", w.deliveries, w.atOnce)
		return
	}
	w.tell(k.name, "is given the %s", named(m.Wakeup))
	if w.opts.Deliver != nil && !w.opts.Deliver(m.Wakeup, m.armed, w.record()) {
		m.done = true
		return
	}
	k.msg, m.holder, m.ready = m, k, never
	m.done = m.done || w.opts.AckFirst
	k.resume() // up to its first call
}

// settle does to a message what the runner says, unless the answer gets lost.
func (w *World) settle(k *worker) {
	m, v := k.msg, k.verdict
	k.msg = nil
	if w.opts.Verdict != nil {
		v = w.opts.Verdict(v)
	}
	w.tell(k.name, "%s %s %s", v.Do, short(v.After), v.Note)
	if !k.connected() || w.draw(k, "answer", atAnswer).what == lost {
		w.tell(k.name, "and nobody hears it")
		if m.holder == k && !m.done {
			m.ready = w.now.Add(ackWait)
		}
		return
	}
	switch {
	case v.Do == runner.Retry && m.holder == k && !m.done:
		m.ready = w.now.Add(v.After)
	case v.Do != runner.Retry:
		m.done = true
		w.answered(m, v)
	}
}

var atAnswer = []wrong{lost}
