package rate

import "time"

// limits are those of the account, as far as they are known: what was configured, and
// what the gateway says if that is less. It never speaks of the second: on each of the
// vendor's plans that is at least a tenth of a minute's, or a twentieth above a trial's.
//
// Before it has said anything, it may be a trial: then no more is done than a trial may.
func (r *Record) limits(set Limits) Limits {
	l := set
	if l.Minute <= 0 {
		l.Minute = unlimited
	}
	if l.Second <= 0 {
		l.Second = l.Minute
	}
	switch {
	case r.Limit == 0:
		l.Minute, l.Second = min(l.Minute, trial.Minute), min(l.Second, trial.Second)
	case r.Limit > 0 && r.Limit < l.Minute:
		l.Minute, l.Second = r.Limit, min(l.Second, max(r.Limit/10, 1))
	}
	return l
}

// trial is what the vendor allows the smallest account.
var trial = Limits{100, 10}

// unlimited is more than anybody makes.
const unlimited = 1 << 30

// reserve is what is left to confirms, whoever asks first.
func (l Limits) reserve() Limits { return Limits{l.Minute / 100, l.Second / 10} }

// polls is how many polls may be made now, of so many that wait: as many as are spread over
// the minute. Polls can wait, and what they used up at once would be missing for the rest of
// it, and in each minute after it. They are spread over a little less than a minute, so that
// it is used up all the same.
func (r *Record) polls(waiting int, l Limits, low time.Duration) int {
	apart := ms(minute) * 97 / 100 / int64(l.Minute)
	if apart == 0 {
		return waiting
	}
	now := ms(low)
	r.Polls = max(r.Polls, now)
	return min(waiting, int((now+ms(second)-r.Polls)/apart)+1)
}

// wish is what a process would like to hold, and has.
type wish struct {
	busy    int          // calls under way or about to leave
	cooling int          // tokens of the second whose second is not over
	has     int          // tokens of the minute in hand
	second  int          // tokens of the second that it has, those in use included
	waiting [Classes]int // calls that wait
	used    int          // calls since it was here last
	nothing bool         // it may take nothing that it does not have
}

func sum(waiting [Classes]int) (n int) {
	for _, c := range waiting {
		n += c
	}
	return n
}

// share says what a process is to hold from now on. The record is trimmed, and without
// the part of the process itself.
//
// Whoever waits for more urgent calls goes first, wherever it is; those who wait for the
// same get the same. Nobody holds much more than it needs: what a process holds when it
// is killed is lost for longer than a minute.
func (r *Record) share(w wish, set Limits, low time.Duration) (p Part) {
	limit := r.limits(set)
	reserve := limit.reserve()
	usedMinute, usedSecond := r.inUse(low)
	freeMinute := limit.Minute
	if r.Limit > 0 {
		freeMinute = min(freeMinute, r.Limit-r.Others)
	}
	freeMinute -= usedMinute + w.busy + w.has
	mostSecond := limit.Second - usedSecond
	if w.waiting[Confirming] == 0 {
		mostSecond = max(mostSecond-reserve.Second, min(w.second, mostSecond))
	}
	if w.nothing || r.Lost || r.Closed > ms(low) {
		freeMinute, mostSecond = min(freeMinute, 0), min(mostSecond, w.second)
	}
	if freeMinute < 0 { // the limit has become less
		w.has, freeMinute = max(w.has+freeMinute, 0), 0
	}

	// What the others wait for, and how many of them are there.
	var theirs, wanting [Classes]int
	active, short := 1, false
	for _, p := range r.Parts {
		if p.Until <= ms(low) {
			continue
		}
		for c, n := range p.Waiting {
			if n > 0 {
				theirs[c] += n
				wanting[c]++
			}
		}
		if p.Second > 0 || p.Short > 0 {
			active++
		}
		short = short || p.Short > 0
	}

	// The tokens of the second first: without one, none of the minute is of use.
	waits, floor := sum(w.waiting), w.busy+w.cooling
	spare := 0
	if waits > 0 || w.used > 0 {
		spare = w.used + w.used/2 + 2 + (limit.Second-reserve.Second)/10
	}
	want := floor + waits + spare
	if fair := (limit.Second - reserve.Second) / active; short && want > fair {
		// With more processes than tokens they take turns: none keeps one that it does
		// not need at this moment.
		want = fair
	}
	p.Second = max(min(want, mostSecond), min(floor, w.second))

	// Then those of the minute, the most urgent first.
	p.Waiting = w.waiting
	has, room := w.has, p.Second-w.cooling-w.busy
	p.Minute = w.busy
	for c := range Classes {
		already := min(p.Waiting[c], has, max(room, 0))
		has -= already
		avail := freeMinute
		if c > Confirming {
			avail -= reserve.Minute
		}
		if wanting[c] > 0 && avail > 0 {
			avail = (avail + wanting[c]) / (wanting[c] + 1)
		}
		if c == Polling {
			avail = min(avail, r.polls(p.Waiting[c]-already, limit, low))
		}
		more := max(min(p.Waiting[c]-already, avail, room-already), 0)
		if c == Polling {
			r.Polls += int64(more) * ms(minute) * 97 / 100 / int64(limit.Minute)
		}
		p.Minute += already + more
		p.Waiting[c] -= already + more
		room -= already + more
		// The others' urgent calls come before ours of the next class.
		freeMinute = max(freeMinute-more-theirs[c], 0)
	}
	// While there are plenty, some in hand save the calls to come a look.
	if plenty := freeMinute - limit.Minute/4; plenty > 0 && spare > 0 && p.Waiting[Polling] == 0 {
		extra := max(min(spare+limit.Minute/100, room), 0)
		kept := min(has, extra)
		p.Minute += kept + min(extra-kept, plenty)
	}
	p.Short = max(floor+waits-p.Second, 0)
	return p
}
