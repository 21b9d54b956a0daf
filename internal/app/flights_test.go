package app

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestFlightsKnowTheOldest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var f flights
		expect := func(count int, oldest time.Duration) {
			t.Helper()
			if f.count() != count || f.oldest() != oldest {
				t.Errorf("%d in flight, the oldest for %s; want %d and %s", f.count(), f.oldest(), count, oldest)
			}
		}
		expect(0, 0)
		first := f.takeOff()
		time.Sleep(2 * time.Second)
		second := f.takeOff()
		time.Sleep(time.Second)
		expect(2, 3*time.Second)
		f.land(first)
		expect(1, time.Second)
		f.land(second)
		expect(0, 0)
	})
}
