package app

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// quotas bound how many campaigns a source may ask for in an hour. It is
// runner.Intake. Each replica counts what it takes itself, so each has its share.
type quotas struct {
	perHour map[string]int // by source; "*" is for the others; empty: nobody is bound

	mu    sync.Mutex
	taken map[hour]map[campaign.Key]bool // guarded by mu
}

// hour is one of a source's: that in which a request was stored, not that in which it
// is handled, so that what waited for the service in the night is no flood. One that
// is replayed is stored anew.
type hour struct {
	source string
	at     time.Time
}

// hoursKept bounds the memory: older hours are forgotten.
const hoursKept = 1000

func newQuotas(o Options) (*quotas, error) {
	rows, err := bySource("intake.per_hour", o.IntakePerHour)
	if err != nil {
		return nil, err
	}
	q := &quotas{perHour: map[string]int{}, taken: map[hour]map[campaign.Key]bool{}}
	for source, text := range rows {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("intake.per_hour: %s: %q is no number of campaigns: write 1 or more, or leave the source out", source, text)
		}
		q.perHour[source] = max(1, (n+o.Gateway.Replicas-1)/max(o.Gateway.Replicas, 1))
	}
	return q, nil
}

// Takes says why a campaign whose request was stored at an instant is not begun; empty:
// it is. The same one again counts once.
func (q *quotas) Takes(key campaign.Key, stored time.Time) string {
	most, own := q.perHour[key.Source]
	if !own {
		most = q.perHour["*"]
	}
	if most == 0 {
		return ""
	}
	h := hour{key.Source, stored.UTC().Truncate(time.Hour)}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.taken[h] == nil {
		q.forget()
		q.taken[h] = map[campaign.Key]bool{}
	}
	if len(q.taken[h]) >= most && !q.taken[h][key] {
		return fmt.Sprintf("%s has asked for more than %d campaigns in the hour from %s, which intake.per_hour allows here: replay it later, or raise intake.per_hour",
			key.Source, most, h.at.Format(time.RFC3339))
	}
	q.taken[h][key] = true
	return ""
}

// forget drops the oldest hour when there are too many. The lock is held.
func (q *quotas) forget() {
	if len(q.taken) < hoursKept {
		return
	}
	var oldest hour
	for h := range q.taken {
		if oldest.at.IsZero() || h.at.Before(oldest.at) {
			oldest = h
		}
	}
	delete(q.taken, oldest)
}
