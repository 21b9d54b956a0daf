package rate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Record is the tokens of one account that are not free, shared by all processes. All
// instants are the server's, in milliseconds since 1970.
type Record struct {
	Schema int `json:"schema"`
	// Parts is what each process holds, by its name.
	Parts map[string]Part `json:"parts,omitempty"`
	// Spent is how many tokens of the minute were spent, in slots of [slotLength] from
	// First on.
	First int64 `json:"first,omitempty"`
	Spent []int `json:"spent,omitempty"`
	// Closed is until when nobody takes anything: what was spent before is not known.
	Closed int64 `json:"closed,omitempty"`
	// Lost says the same as long as nobody knows until when.
	Lost bool `json:"lost,omitempty"`
	// Limit is the limit in a minute that the gateway speaks of; zero: it has not
	// spoken; negative: it has answered, and speaks of none.
	Limit int `json:"limit,omitempty"`
	// Polls is until when polls have been made: the next is not earlier.
	Polls int64 `json:"polls,omitempty"`
	// Others is how many calls of others the gateway has counted at least, in the
	// minute that ended at OthersAt.
	Others   int   `json:"others,omitempty"`
	OthersAt int64 `json:"others_at,omitempty"`
}

// Part is what one process holds.
type Part struct {
	// Version counts its writes.
	Version uint64 `json:"v"`
	// Minute is its tokens of the minute with which calls may be made or are under
	// way, Second those of the second, which it has for as long as it holds them.
	Minute int `json:"m,omitempty"`
	Second int `json:"s,omitempty"`
	// Until is when they lapse: no request leaves after it.
	Until int64 `json:"until"`
	// Timeout is how long after its leaving a request may still arrive, in milliseconds.
	Timeout int64 `json:"timeout"`
	// Waiting is how many calls still wait there for a token, by class; Short how many
	// tokens of the second it lacks for them.
	Waiting [Classes]int `json:"w"`
	Short   int          `json:"short,omitempty"`
}

// schema is the version of the record that this one writes.
const schema = 1

const (
	slotLength = 250 // milliseconds
	// slack is how far two clocks go apart in a minute: the gateway's and the server's.
	slack = 50
	// heldFor is how long what was taken may be used without writing again.
	heldFor = 5 * time.Second
)

func decode(data []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("it is not readable: %w", err)
	}
	switch {
	case r.Schema > schema:
		return r, fmt.Errorf("it has schema %d, this version knows up to %d: a newer staffetta wrote it, upgrade this one", r.Schema, schema)
	case r.Schema < 1:
		return r, fmt.Errorf("it has schema %d, which no version writes", r.Schema)
	}
	for _, n := range r.Spent {
		if n < 0 {
			return r, fmt.Errorf("it has %d calls spent in a slot, which no version writes", n)
		}
	}
	for name, p := range r.Parts {
		if p.Minute < 0 || p.Second < 0 {
			return r, fmt.Errorf("%s holds %d and %d tokens in it, which no version writes", name, p.Minute, p.Second)
		}
	}
	return r, nil
}

// First is the first record of an account, of which nothing has been spent.
func First() []byte { return fmt.Appendf(nil, `{"schema":%d}`, schema) }

func (r Record) encode() ([]byte, error) { return json.Marshal(r) }

func (r Record) clone() Record {
	r.Parts, r.Spent = maps.Clone(r.Parts), slices.Clone(r.Spent)
	if r.Parts == nil {
		r.Parts = map[string]Part{}
	}
	return r
}

func ms(d time.Duration) int64 { return d.Milliseconds() }

// up is the millisecond that is not before.
func up(d time.Duration) int64 { return ms(d + time.Millisecond - 1) }

// slotOf is the slot in which an instant lies. Its end counts.
func slotOf(at time.Duration) int64 { return ms(at) / slotLength }

// againMinute is when the tokens of a part are free if nothing more is heard of it: its
// last request leaves when its tokens lapse, and arrives at the end of its time-out.
func (p Part) againMinute() int64 { return p.Until + p.Timeout + ms(minute) + slack }

func (p Part) againSecond() int64 { return p.Until + p.Timeout + ms(second) + slack }

// remembered is how much longer than it counts something stays in the record, so that it
// can be told from calls of others.
const remembered = 2000

// trim drops what is free again at this instant, and has been for a while.
func (r *Record) trim(low time.Duration) {
	now := ms(low)
	for len(r.Spent) > 0 && (r.Spent[0] == 0 || r.slotAgain(0)+remembered <= now) {
		r.First++
		r.Spent = r.Spent[1:]
	}
	if len(r.Spent) == 0 {
		r.First, r.Spent = 0, nil
	}
	maps.DeleteFunc(r.Parts, func(_ string, p Part) bool { return p.againMinute()+remembered <= now })
	if r.Closed <= now {
		r.Closed = 0
	}
	if r.OthersAt+ms(minute) <= now {
		r.Others, r.OthersAt = 0, 0
	}
}

// slotAgain is when the tokens of a slot are free.
func (r *Record) slotAgain(i int) int64 {
	return (r.First+int64(i)+1)*slotLength + ms(minute) + slack
}

// farAhead says that something in the record is dated so late that the server's clock
// must have been another one.
func (r *Record) farAhead(high time.Duration) bool {
	latest := ms(high) + 10*ms(minute)
	for _, p := range r.Parts {
		if p.Until > latest || p.Timeout > latest {
			return true
		}
	}
	return (r.First+int64(len(r.Spent)))*slotLength > latest || r.Closed > latest || r.Polls > latest || r.OthersAt > latest
}

// spend adds calls of a slot.
func (r *Record) spend(slot int64, n int) {
	if len(r.Spent) == 0 {
		r.First = slot
	}
	for slot < r.First {
		r.First--
		r.Spent = slices.Insert(r.Spent, 0, 0)
	}
	for slot >= r.First+int64(len(r.Spent)) {
		r.Spent = append(r.Spent, 0)
	}
	r.Spent[slot-r.First] += n
}

// inUse is how many tokens are not free, all processes' together.
func (r *Record) inUse(low time.Duration) (inMinute, inSecond int) {
	now := ms(low)
	for i, n := range r.Spent {
		if r.slotAgain(i) > now {
			inMinute += n
		}
	}
	for _, p := range r.Parts {
		if p.againMinute() > now {
			inMinute += p.Minute
		}
		if p.againSecond() > now {
			inSecond += p.Second
		}
	}
	return inMinute, inSecond
}

// since is how many of our calls may have arrived after an instant.
func (r *Record) since(at int64) (n int) {
	for i, spent := range r.Spent {
		if (r.First+int64(i)+1)*slotLength > at {
			n += spent
		}
	}
	for _, p := range r.Parts {
		n += p.Minute
	}
	return n
}

// close lets nobody take anything for as long as anything that is not known of may
// count: the longest that anything is held from now on, its last call, and the
// window.
func (r *Record) close(high time.Duration, timeout time.Duration) {
	longest := ms(timeout)
	for _, p := range r.Parts {
		longest = max(longest, p.Timeout)
	}
	r.Lost, r.Closed = false, max(r.Closed, up(high+heldFor+minute)+longest+slack)
}
