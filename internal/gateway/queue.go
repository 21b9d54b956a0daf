package gateway

import "container/list"

// queue holds the calls of one class that wait. The sources take turns, so a source with
// one call does not wait behind the thousand of another; those of one source are served
// in the order of arrival. The zero value is empty.
type queue struct {
	lines  list.List // of *line: the sources with calls that wait, the next one first
	of     map[string]*list.Element
	queued int
}

// sourceLine is what waits of one source. It is never empty.
type sourceLine struct {
	source  string
	waiters list.List // of *waiter, the first one first
}

// place is where a call waits, for remove.
type place struct{ line, waiter *list.Element }

func (q *queue) len() int { return q.queued }

// push adds a call at the end of its source's.
func (q *queue) push(source string, w *waiter) place {
	e := q.of[source]
	if e == nil {
		if q.of == nil {
			q.of = map[string]*list.Element{}
		}
		e = q.lines.PushBack(&sourceLine{source: source})
		q.of[source] = e
	}
	q.queued++
	return place{e, e.Value.(*sourceLine).waiters.PushBack(w)}
}

// pop takes out the next one, after which it is another source's turn. The queue is not
// empty.
func (q *queue) pop() *waiter {
	e := q.lines.Front()
	w := q.take(place{e, e.Value.(*sourceLine).waiters.Front()})
	if q.of[e.Value.(*sourceLine).source] == e {
		q.lines.MoveToBack(e)
	}
	return w
}

// remove takes out one that has given up.
func (q *queue) remove(p place) { q.take(p) }

func (q *queue) take(p place) *waiter {
	l := p.line.Value.(*sourceLine)
	w := l.waiters.Remove(p.waiter).(*waiter)
	if q.queued--; l.waiters.Len() == 0 {
		q.lines.Remove(p.line)
		delete(q.of, l.source)
	}
	return w
}
