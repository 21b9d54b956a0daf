package journal

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/staffetta-io/staffetta/internal/loop"
)

// workers are those of a lane. A message has a worker of its own as long as there is a
// place for it: so many places the lane has for each source, and so many it has in all.
// What has no place among its source's waits in hand, and holds up no other source. A
// worker whose message waits long for somebody else steps aside: it gives its places to
// another one, and goes home once its message is done.
type workers struct {
	each int           // places of one source
	hand chan struct{} // one for each message in hand that has not stepped aside
	room *room
	do   func(context.Context, *delivery)

	wait sync.WaitGroup // messages in hand
	next chan job       // for a goroutine that has just done another one
	idle chan struct{}  // one for each of those that wait for it: as many as have a place in hand
	mu   sync.Mutex
	rows map[string]*row // guarded by mu: of the sources that have messages in hand
}

// row is the places of one source.
type row struct {
	places chan struct{}
	users  int // messages in hand
}

func newWorkers(each, hand int, room *room, do func(context.Context, *delivery)) *workers {
	hand = max(each, hand)
	return &workers{each: each, hand: make(chan struct{}, hand), room: room, do: do, next: make(chan job), idle: make(chan struct{}, hand), rows: map[string]*row{}}
}

// end returns when the last message is done. None may be taken any more.
func (w *workers) end() {
	w.wait.Wait()
	close(w.next)
}

// room bounds how many are aside at the same time.
type room struct {
	taken atomic.Int64
	limit int64
}

func (r *room) enter() bool {
	if r.taken.Add(1) > r.limit {
		r.taken.Add(-1)
		return false
	}
	return true
}

func (r *room) leave() { r.taken.Add(-1) }

// take gives a message of a source to a worker. It waits until there is a place in hand;
// false: halt came before. If halt comes while the message waits in hand, it goes to
// giveBack.
func (w *workers) take(ctx context.Context, source string, f *delivery, halt <-chan struct{}, giveBack func()) bool {
	select {
	case <-halt: // also if there is a place
		return false
	default:
	}
	select {
	case w.hand <- struct{}{}:
	case <-halt:
		return false
	}
	w.wait.Add(1)
	j := job{ctx, source, w.enter(source), f, halt, giveBack}
	select {
	case w.next <- j:
	default:
		go w.run(j)
	}
	return true
}

// job is a message that waits in hand for one of its source's places.
type job struct {
	ctx      context.Context
	source   string
	row      *row
	f        *delivery
	halt     <-chan struct{}
	giveBack func()
}

// run does one job after the other. A goroutine that stays has a stack that is deep enough;
// that of a new one would be copied two or three times for each campaign. Those that came
// while others had stepped aside go home.
func (w *workers) run(j job) {
	for more := true; more; {
		w.serve(j)
		j = job{} // so that nothing of it is kept
		select {
		case w.idle <- struct{}{}:
			j, more = <-w.next
			<-w.idle
		default:
			return
		}
	}
}

func (w *workers) serve(j job) {
	defer w.wait.Done()
	defer w.leave(j.source)
	select {
	case j.row.places <- struct{}{}:
	case <-j.halt:
		<-w.hand
		j.giveBack()
		return
	}
	w.work(j.ctx, j.row, j.f)
}

// work does one message, and gives back its places: afterwards, or when it steps aside.
func (w *workers) work(ctx context.Context, row *row, f *delivery) {
	p := place{workers: w, row: row}
	w.do(loop.WithAside(ctx, p.give), f)
	p.leave()
}

// place is that of one worker while it does one message.
type place struct {
	*workers
	row   *row
	mu    sync.Mutex
	given bool // to another worker
	over  bool // the message is done: nothing is given any more
}

// give lets another worker take the place, if there is room for one more.
func (p *place) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.given && !p.over && p.room.enter() {
		p.given = true
		p.free()
	}
}

// leave ends the care for a place.
func (p *place) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if p.given {
		p.room.leave()
		return
	}
	p.free()
}

// free gives the place back.
func (p *place) free() {
	<-p.row.places
	<-p.hand
}

func (w *workers) enter(source string) *row {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.rows[source]
	if r == nil {
		r = &row{places: make(chan struct{}, w.each)}
		w.rows[source] = r
	}
	r.users++
	return r
}

func (w *workers) leave(source string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.rows[source]; r.users == 1 {
		delete(w.rows, source)
	} else {
		r.users--
	}
}
