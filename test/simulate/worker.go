package simulate

import (
	"context"
	"iter"
	"time"

	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// worker is one process: a runner, its connection, and at most one message that
// it handles. It is a coroutine that stops before every call of a port until the
// world resumes it, so exactly one thing happens at a time.
type worker struct {
	w       *World
	name    string
	process *runner.Runner // until it dies; nil: it has not begun
	resume  func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool

	msg     *message    // nil: idle
	at      string      // the port call that it is about to make
	menu    []faultKind // what can go wrong with that
	fault   fault       // what goes wrong
	verdict loop.Verdict
	handled bool      // the runner has returned the verdict
	dead    bool      // it died
	doomed  bool      // it dies as soon as it is resumed
	frozen  time.Time // it is not resumed before

	ahead time.Duration // of its wall clock; durations it measures right

	epoch   uint64    // its connection
	since   time.Time // when that connection was made
	down    time.Time // until when there is none
	lastSeq int       // sequence of the record that it last loaded or saved
}

// crash ends a worker: a panic that nothing of it survives.
type crash struct{}

func newWorker(w *World, name string) *worker {
	k := &worker{w: w, name: name}
	k.resume, k.stop = iter.Pull(k.loop)
	k.resume()
	return k
}

// loop handles one message after the other. A worker that dies goes on as the
// same coroutine, with no memory.
func (k *worker) loop(yield func(struct{}) bool) {
	k.yield = yield
	for yield(struct{}{}) {
		k.handle()
	}
}

func (k *worker) handle() {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(crash); !ok {
				panic(r)
			}
			k.dead, k.process = true, nil
		}
	}()
	if k.process == nil {
		k.process = k.start()
	}
	k.verdict = k.process.Handle(context.Background(), k.msg.Wakeup)
	k.handled = true
}

// start starts a process, with the settings of this moment.
func (k *worker) start() *runner.Runner {
	w, o := k.w, k.w.opts
	rules := w.rules
	rules.ConfigureRefusedOnceSent = w.measured
	ro := runner.Options{Rules: rules, Journal: journal{k}, Gateway: gateway{k}, Clock: k.clock, Sleep: k.sleep, At: here}
	if w.elsewhere {
		ro.At = elsewhere
	}
	if w.budgeted {
		ro.Budgets = budgets{k}
	}
	if o.OwnPeople {
		ro.People = people{k}
	}
	if o.Journal != nil {
		ro.Journal = o.Journal(ro.Journal)
	}
	if o.Gateway != nil {
		ro.Gateway = o.Gateway(ro.Gateway)
	}
	if o.Decide != nil {
		ro.Decide = o.Decide(rules)
	}
	return runner.New(ro)
}

// pause stops before a port call. The world decides when the worker goes on, and
// what goes wrong.
func (k *worker) pause(at string, menu []faultKind) fault {
	k.at, k.menu = at, menu
	k.yield(struct{}{})
	if k.doomed {
		panic(crash{})
	}
	return k.fault
}

// sleep waits in the middle of a call; the worker keeps its message.
func (k *worker) sleep(_ context.Context, d time.Duration) {
	k.frozen = k.w.now.Add(d)
	k.pause("wait", nil)
}

// die ends the worker here.
func (k *worker) die() {
	k.doomed = true
	k.resume()
	k.doomed = false
}

// clock is the wall clock of the worker's machine.
func (k *worker) clock() time.Time { return time.Now().Add(k.ahead) }

func (k *worker) connected() bool { return !k.w.now.Before(k.down) }

// startAckWait starts the time after which the message is delivered to another
// worker.
func (k *worker) startAckWait() {
	if m := k.msg; m != nil && m.holder == k {
		m.ready = k.w.now.Add(ackWait)
	}
}

// stopAckWait ends that time, unless it has run out.
func (k *worker) stopAckWait() {
	if m := k.msg; m != nil && m.holder == k && m.ready.After(k.w.now) {
		m.ready = never
	}
}

// disconnect breaks the worker's connection. A new one stands after a while.
func (k *worker) disconnect(after time.Duration) {
	k.epoch++
	k.down = k.w.now.Add(after)
	k.since = k.down
	k.startAckWait()
}
