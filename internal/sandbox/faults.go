package sandbox

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// faults are the rules in force, in the order in which they were added, and the
// variants that hold for every call.
type faults struct {
	quiet atomic.Bool // no rules: calls need not look

	mu       sync.Mutex
	rules    []*activeFault
	ids      int
	variants atomic.Pointer[Variants]
}

// activeFault is a rule that has begun, or will.
type activeFault struct {
	Fault
	first time.Time // when it first struck
}

// spent tells whether the fault has struck as often, or as long, as it may.
func (f *activeFault) spent(now time.Time) bool {
	if f.For > 0 && f.Struck > 0 && !now.Before(f.first.Add(f.For)) {
		return true
	}
	times := f.Times
	if times == 0 && f.For == 0 {
		times = 1
	}
	return times > 0 && f.Struck >= times
}

func (f *faults) reset(v Variants) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules, f.ids = nil, 0
	f.quiet.Store(true)
	f.variants.Store(&v)
}

// strike finds the first rule that strikes a call, and counts it. The rules after
// it do not count the call.
func (f *faults) strike(c *call) (Fault, Variants) {
	variants := f.variants.Load().expanded()
	if f.quiet.Load() {
		return Fault{}, variants
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rule := range f.rules {
		if rule.spent(c.at) || !rule.meets(c) {
			continue
		}
		rule.Met++
		if rule.Met <= rule.After {
			continue
		}
		if rule.Struck == 0 {
			rule.first = c.at
		}
		rule.Struck++
		return rule.Fault, variants.with(rule.Variants.expanded())
	}
	return Fault{}, variants
}

// AddFault puts a rule in force behind the others and returns its id. It fails on
// a rule that contradicts itself.
func (s *Sandbox) AddFault(rule Fault) (id int, err error) {
	if err := rule.validate(); err != nil {
		return 0, fmt.Errorf("add fault: %w", err)
	}
	f := &s.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids++
	rule.ID, rule.Met, rule.Struck = f.ids, 0, 0
	f.rules = append(f.rules, &activeFault{Fault: rule})
	f.quiet.Store(false)
	return rule.ID, nil
}

// RemoveFaults takes rules out of force, all of them if no id is given.
func (s *Sandbox) RemoveFaults(ids ...int) {
	f := &s.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = slices.DeleteFunc(f.rules, func(rule *activeFault) bool {
		return len(ids) == 0 || slices.Contains(ids, rule.ID)
	})
	f.quiet.Store(len(f.rules) == 0)
}

// Faults are the rules in force, with what they have counted.
func (s *Sandbox) Faults() []Fault {
	f := &s.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	rules := make([]Fault, len(f.rules))
	for i, rule := range f.rules {
		rules[i] = rule.Fault
	}
	return rules
}

// Variants that hold for every call.
func (s *Sandbox) Variants() Variants { return *s.faults.variants.Load() }

// SetVariants replaces them.
func (s *Sandbox) SetVariants(v Variants) { s.faults.variants.Store(&v) }

// lateEffects are calls whose clients have gone and whose effect is still to
// come. They take place before the first request after their time, dated at their
// time. A client cannot see the difference.
type lateEffects struct {
	waiting atomic.Int32

	mu      sync.Mutex
	effects []lateEffect // by due
}

type lateEffect struct {
	due time.Time
	run func()
}

func (l *lateEffects) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects = nil
	l.waiting.Store(0)
}

func (l *lateEffects) add(due time.Time, run func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, _ := slices.BinarySearchFunc(l.effects, due, func(e lateEffect, due time.Time) int {
		if e.due.After(due) {
			return 1
		}
		return -1
	})
	l.effects = slices.Insert(l.effects, i, lateEffect{due, run})
	l.waiting.Add(1)
}

// run lets everything happen that is due.
func (l *lateEffects) run(now time.Time) {
	if l.waiting.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.effects) > 0 && !l.effects[0].due.After(now) {
		l.effects[0].run()
		l.effects = l.effects[1:]
		l.waiting.Add(-1)
	}
}
