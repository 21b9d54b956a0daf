package gateway

import "testing"

func TestSourcesTakeTurns(t *testing.T) {
	t.Parallel()
	var q queue
	names := map[*waiter]string{}
	push := func(source, name string) place {
		w := &waiter{}
		names[w] = name
		return q.push(source, w)
	}
	push("shop-italia", "s1")
	push("shop-italia", "s2")
	gone := push("shop-italia", "s3")
	push("shop-italia", "s4")
	push("acqua-luce", "a1")
	alone := push("studio-bianchi", "b1")
	q.remove(gone)
	q.remove(alone)
	for _, want := range []string{"s1", "a1", "s2"} {
		if got := names[q.pop()]; got != want {
			t.Errorf("%s is next, want %s", got, want)
		}
	}
	push("acqua-luce", "a2")
	push("acqua-luce", "a3")
	for _, want := range []string{"s4", "a2", "a3"} {
		if got := names[q.pop()]; got != want {
			t.Errorf("%s is next, want %s", got, want)
		}
	}
	if q.len() != 0 || q.lines.Len() != 0 || len(q.of) != 0 {
		t.Errorf("%d are left, of %d sources", q.len(), len(q.of))
	}
}
