package loop

import (
	"testing"
	"time"
)

func TestNow(t *testing.T) {
	t.Parallel()
	rome := time.FixedZone("Rome", 3600)
	clock := time.Date(2026, 11, 27, 10, 0, 0, 0, rome)
	for name, tt := range map[string]struct{ stored, want time.Time }{
		"IsTheWorkersClock":               {clock.Add(-time.Second), clock.UTC()},
		"IsTheWorkersClockWithoutAWakeUp": {time.Time{}, clock.UTC()},
		"IsNeverBeforeTheWakeUpWasStored": {clock.Add(time.Second), clock.Add(time.Second).UTC()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if now := Now(clock, tt.stored); now != tt.want {
				t.Errorf("now is %s, want %s", now, tt.want)
			}
		})
	}
}
