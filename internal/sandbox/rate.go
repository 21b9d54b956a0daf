package sandbox

import (
	"sync"
	"time"
)

// Rate is how many requests one API key may make. Both limits hold in every
// window of that length, not only in those that begin on a full minute or
// second. 0 means no limit.
type Rate struct {
	PerMinute int `json:"perMinute"`
	PerSecond int `json:"perSecond"`
}

// ProductionRate is what the vendor allows a paying account.
func ProductionRate() Rate { return Rate{PerMinute: 1000, PerSecond: 50} }

// TrialRate is what the vendor allows a trial account.
func TrialRate() Rate { return Rate{PerMinute: 100, PerSecond: 10} }

// RatePlan is how many calls a key may make on one of the vendor's plans:
// none (no limit), trial, production.
func RatePlan(name string) (rate Rate, known bool) {
	switch name {
	case "none":
		return Rate{}, true
	case "trial":
		return TrialRate(), true
	case "production":
		return ProductionRate(), true
	}
	return Rate{}, false
}

// keyring knows the API keys, and how often each may call.
type keyring struct {
	mu   sync.RWMutex
	rate Rate
	keys map[string]*usage
}

func (k *keyring) reset(keys []string, rate Rate) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rate = rate
	k.keys = make(map[string]*usage, len(keys))
	for _, key := range keys {
		k.keys[key] = &usage{}
	}
}

// admission is the answer to one request of one key.
type admission struct {
	known     bool
	rate      Rate
	remaining int           // in the window of a minute, after this request
	wait      time.Duration // how long until a request is let in; 0: this one is
}

func (k *keyring) admit(key string, now func() time.Time) admission {
	k.mu.RLock()
	u, rate := k.keys[key], k.rate
	k.mu.RUnlock()
	if u == nil {
		return admission{}
	}
	a := admission{known: true, rate: rate}
	if rate != (Rate{}) {
		a.remaining, a.wait = u.take(now, rate)
	}
	return a
}

// usage remembers when the last requests of a key were let in. Those that were
// not let in do not count.
type usage struct {
	mu   sync.Mutex
	past []time.Time // a ring: as many as the longer limit, oldest at next
	next int
	n    int
}

// take lets a request in if fewer than the limit were let in during the second
// and the minute that end now. The windows are half-open: what was let in
// exactly a minute ago is out of it.
func (u *usage) take(clock func() time.Time, rate Rate) (remaining int, wait time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := clock() // under the lock, so that the past is in order
	if size := max(rate.PerMinute, rate.PerSecond); len(u.past) != size {
		u.past, u.next, u.n = make([]time.Time, size), 0, 0
	}
	wait = max(
		u.waitFor(rate.PerMinute, time.Minute, now),
		u.waitFor(rate.PerSecond, time.Second, now))
	if wait > 0 {
		return u.remaining(rate, now), wait
	}
	u.past[u.next] = now
	u.next = (u.next + 1) % len(u.past)
	u.n = min(u.n+1, len(u.past))
	return u.remaining(rate, now), 0
}

// waitFor is how long the limit-th last request still blocks its window.
func (u *usage) waitFor(limit int, window time.Duration, now time.Time) time.Duration {
	if limit == 0 || u.n < limit {
		return 0
	}
	return max(u.nth(limit).Add(window).Sub(now), 0)
}

// nth is when the n-th last request was let in, from 1.
func (u *usage) nth(n int) time.Time {
	return u.past[(u.next-n+len(u.past))%len(u.past)]
}

// remaining counts what the minute still has room for. Requests are in order of
// time, so the window is found by halving.
func (u *usage) remaining(rate Rate, now time.Time) int {
	if rate.PerMinute == 0 {
		return rate.PerSecond
	}
	inside, outside := 0, min(u.n, rate.PerMinute)+1
	for outside-inside > 1 {
		mid := (inside + outside) / 2
		if u.nth(mid).Add(time.Minute).After(now) {
			inside = mid
		} else {
			outside = mid
		}
	}
	return rate.PerMinute - inside
}

// SetKeys replaces the API keys that are let in. What they used of their rate is
// forgotten.
func (s *Sandbox) SetKeys(keys ...string) {
	s.keys.mu.RLock()
	rate := s.keys.rate
	s.keys.mu.RUnlock()
	s.keys.reset(keys, rate)
}

// SetRate replaces the limit. Requests of the last minute are forgotten.
func (s *Sandbox) SetRate(rate Rate) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	s.keys.rate = rate
	for key := range s.keys.keys {
		s.keys.keys[key] = &usage{}
	}
}
