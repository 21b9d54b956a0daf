package app

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// quotas bound what a source may ask for in an hour, and how many cancels of what nobody
// asked for leave a record. It is runner.Intake. Each replica counts what it takes
// itself, and no other replica, so each has its share: together they take no more than
// what is allowed, rounded up to a multiple of their number, and as much again for each
// of them that was restarted in that hour, or that nobody had counted yet.
type quotas struct {
	services          *services
	campaigns, strays *quota
	// everybody bounds the strays of all sources together: who may cancel for every
	// source may name sources that there are not.
	everybody *quota
}

// straysPerHour is far more than anybody cancels by mistake, and little to keep. All
// sources together have as many as crowd of them.
const straysPerHour, crowd = 1000, 10

func newQuotas(o Options) (q quotas, err error) {
	q.services = newServices(o.Gateway.Replicas)
	if q.campaigns, err = newQuota("intake.per_hour", o.IntakePerHour, q.services); err != nil {
		return q, err
	}
	if q.strays, err = newQuota("intake.strays", o.IntakeStrays, q.services); err != nil {
		return q, err
	}
	if _, others := q.strays.perHour["*"]; !others {
		q.strays.perHour["*"] = straysPerHour
	}
	q.everybody = &quota{services: q.services, perHour: map[string]int{"*": crowd * q.strays.perHour["*"]}, taken: map[hour]map[campaign.Key]bool{}}
	for _, n := range q.strays.perHour {
		q.everybody.perHour["*"] = max(q.everybody.perHour["*"], n)
	}
	return q, nil
}

// Takes says why a campaign whose request was stored at an instant is not begun; empty:
// it is.
func (q quotas) Takes(key campaign.Key, stored time.Time) string {
	if full := q.campaigns.takes(key, stored); full != "" {
		return q.tooMany(key, full)
	}
	return ""
}

func (q quotas) tooMany(key campaign.Key, full string) string {
	return fmt.Sprintf("%s has asked for more than %s, which intake.per_hour allows here: replay it later, or raise intake.per_hour", key.Source, full)
}

// TakesStray says why a cancel of what nobody has asked for leaves no record; empty: it
// does.
func (q quotas) TakesStray(key campaign.Key, stored time.Time) string {
	whose, full := key.Source, q.strays.takes(key, stored)
	if full == "" {
		whose = "all sources together"
		full = q.everybody.takes(campaign.Key{Source: "*", RequestID: key.String()}, stored)
	}
	if full == "" {
		return ""
	}
	return fmt.Sprintf("nobody has asked for %s yet, and of %s more than %s were cancelled that nobody had asked for, which intake.strays allows here: "+
		"if its request comes, this cancel does not stop it; cancel it again then, or raise intake.strays", key, whose, full)
}

// quota is what may be had of something in an hour, by source.
type quota struct {
	services *services
	perHour  map[string]int // of all services; "*" is for the others; empty: nobody is bound

	mu    sync.Mutex
	taken map[hour]map[campaign.Key]bool // guarded by mu
}

// hour is one of a source's: that in which a message was stored, not that in which it
// is handled, so that what waited for the service in the night is no flood. One that
// is replayed is stored anew.
type hour struct {
	source string
	at     time.Time
}

// hoursKept bounds the memory: older hours are forgotten.
const hoursKept = 1000

func newQuota(setting, text string, s *services) (*quota, error) {
	rows, err := bySource(setting, text)
	if err != nil {
		return nil, err
	}
	q := &quota{services: s, perHour: map[string]int{}, taken: map[hour]map[campaign.Key]bool{}}
	for source, text := range rows {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s: %s: %q is no number of campaigns: write 1 or more, or leave the source out", setting, source, text)
		}
		q.perHour[source] = n
	}
	return q, nil
}

// recipientsQuota is how many chunks of recipients a source may have laid down; 0: any
// number.
func recipientsQuota(text string) (func(source string) int, error) {
	const setting, perMiB = "recipients.quota", 1 << 20 / streams.ChunkSize
	rows, err := bySource(setting, text)
	if err != nil {
		return nil, err
	}
	chunks := map[string]int{}
	for source, text := range rows {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s: %s: %q is no number of MiB: write 1 or more, or leave the source out", setting, source, text)
		}
		chunks[source] = n * perMiB
	}
	return func(source string) int {
		if n, own := chunks[source]; own {
			return n
		}
		return chunks["*"]
	}, nil
}

// share is the part of a replica, rounded up.
func share(n, replicas int) int { return max(1, (n+replicas-1)/max(replicas, 1)) }

// services is how many of them share what is asked for. It is counted, and not configured:
// who starts one more, or has that done, would have to tell all the others.
type services struct {
	least int64 // as somebody has said
	n     atomic.Int64
	asked atomic.Bool // somebody has used it since it was counted
}

func newServices(least int) *services {
	s := &services{least: int64(max(least, 1))}
	s.n.Store(s.least)
	return s
}

func (s *services) count() int {
	s.asked.Store(true)
	return int(s.n.Load())
}

// countedEvery is the pause between two counts while there is something to share.
const countedEvery = time.Minute

// keepCounting counts the services until ctx ends: at the start, and again after there was
// something to share. Those who run answer a question that they are asked anyway; one that
// does not, as without the right to it, is not counted.
func (a *App) keepCounting(ctx context.Context, s *services) {
	tick := time.NewTicker(countedEvery)
	defer tick.Stop()
	for s.asked.Store(true); ; {
		if s.asked.Swap(false) {
			all, err := journal.AskEnforcement(ctx, a.nc)
			if err == nil {
				s.n.Store(max(s.least, int64(len(all))))
			} else if ctx.Err() == nil {
				a.opts.Log.Debug("services are not counted", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// takes says how many are taken already, and of which hour; empty: this one is taken.
// The same one again counts once.
func (q *quota) takes(key campaign.Key, stored time.Time) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	h, most := q.hourOf(key, stored)
	if full := q.fullIn(h, most, key); full != "" || most == 0 {
		return full
	}
	if q.taken[h] == nil {
		q.forget()
		q.taken[h] = map[campaign.Key]bool{}
	}
	q.taken[h][key] = true
	return ""
}

// full is what takes would say, and takes nothing.
func (q *quota) full(key campaign.Key, stored time.Time) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	h, most := q.hourOf(key, stored)
	return q.fullIn(h, most, key)
}

// hourOf is the hour of an instant, and how many may be taken in it; 0: any number.
func (q *quota) hourOf(key campaign.Key, stored time.Time) (hour, int) {
	most, own := q.perHour[key.Source]
	if !own {
		most = q.perHour["*"]
	}
	if most > 0 {
		most = share(most, q.services.count())
	}
	return hour{key.Source, stored.UTC().Truncate(time.Hour)}, most
}

// fullIn says how many are taken in an hour, if there is no room. The lock is held.
func (q *quota) fullIn(h hour, most int, key campaign.Key) string {
	if most > 0 && len(q.taken[h]) >= most && !q.taken[h][key] {
		return fmt.Sprintf("%d campaigns in the hour from %s", most, h.at.Format(time.RFC3339))
	}
	return ""
}

// forget drops the oldest hour when there are too many. The lock is held.
func (q *quota) forget() {
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
