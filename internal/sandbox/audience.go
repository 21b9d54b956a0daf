package sandbox

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/staffetta-io/staffetta/internal/sms"
)

// An audience is what is left of a list once duplicates, malformed numbers and
// opt-outs are taken out. It does not depend on a text, so campaigns to one list
// share it; it does not change.
type audience struct {
	total      int
	recipients []*contact // valid ones, in the order of the list
	// unreachable are the positions in recipients whose messages will not arrive,
	// in order.
	unreachable []int

	// What it was made from.
	version, edits uint64
	rules          *suppression
}

func (a *audience) invalid() int { return a.total - len(a.recipients) }

// audience of a list as it is now; false if there is no such list.
func (b *addressBook) audience(id int, rules *suppression) (*audience, bool) {
	b.mu.RLock()
	l := b.lists[id]
	if l == nil {
		b.mu.RUnlock()
		return nil, false
	}
	if a := l.audience; a != nil && a.version == l.version && a.edits == b.edits && a.rules == rules {
		b.mu.RUnlock()
		return a, true
	}
	// The members are copied, and sorted without the lock: a list of 100,000 does
	// not block other calls.
	a := &audience{version: l.version, edits: b.edits, rules: rules}
	members := make([]*contact, len(l.members))
	for i, m := range l.members {
		members[i] = b.contacts[m-1]
	}
	b.mu.RUnlock()

	a.fill(members)

	b.mu.Lock()
	l.audience = a
	b.mu.Unlock()
	return a, true
}

func (a *audience) fill(members []*contact) {
	a.total = len(members)
	a.recipients = make([]*contact, 0, len(members))
	seen := make(map[string]struct{}, len(members))
	for _, k := range members {
		if k.number == "" {
			continue
		}
		if _, duplicate := seen[k.number]; duplicate {
			continue
		}
		seen[k.number] = struct{}{}
		if a.rules.excludes(k.number) {
			continue
		}
		if a.rules.neverDelivers(k.number) {
			a.unreachable = append(a.unreachable, len(a.recipients))
		}
		a.recipients = append(a.recipients, k)
	}
}

// parts of a text sent to every recipient, with the recipient's own fields filled
// in. With unicode, a message that needs UCS-2 is counted so; without, each
// character outside GSM-7 is replaced by one inside.
func (a *audience) parts(text string, unicode bool) int {
	measure := sms.Measure
	if !unicode {
		measure = func(text string) sms.Size { return sms.MeasureAs(text, sms.GSM7) }
	}
	template := sms.ParseTemplate(text)
	if len(template.Fields()) == 0 {
		return measure(text).Parts * len(a.recipients)
	}
	parts := 0
	for _, k := range a.recipients {
		parts += measure(template.Fill(k.field)).Parts
	}
	return parts
}

// suppression is which numbers get nothing, and to which messages are sent in
// vain. It is immutable; a change makes a new one.
type suppression struct {
	optedOut    map[string]struct{}
	unreachable map[string]struct{}
	prefixes    []string // of unreachable numbers
}

func (p *suppression) excludes(number string) bool {
	_, out := p.optedOut[number]
	return out
}

func (p *suppression) neverDelivers(number string) bool {
	if _, lost := p.unreachable[number]; lost {
		return true
	}
	for _, prefix := range p.prefixes {
		if strings.HasPrefix(number, prefix) {
			return true
		}
	}
	return false
}

// suppressions holds the current one.
type suppressions struct {
	mu  sync.Mutex
	now *suppression
}

func (p *suppressions) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = &suppression{}
}

func (p *suppressions) current() *suppression {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *suppressions) change(f func(next *suppression)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := &suppression{maps.Clone(p.now.optedOut), maps.Clone(p.now.unreachable), p.now.prefixes}
	f(next)
	p.now = next
}

// OptOut puts numbers on the opt-out list: they are invalid in every calculation
// from now on. Numbers may be spelled in any way that sms.ParseNumber reads.
func (s *Sandbox) OptOut(numbers ...string) error {
	return s.mark(numbers, func(p *suppression) *map[string]struct{} { return &p.optedOut })
}

// OptIn takes numbers off the opt-out list.
func (s *Sandbox) OptIn(numbers ...string) error {
	clean, err := parseNumbers(numbers)
	if err != nil {
		return err
	}
	s.suppress.change(func(next *suppression) {
		for _, n := range clean {
			delete(next.optedOut, n)
		}
	})
	return nil
}

// Unreachable marks numbers to which messages are sent, and paid, and never
// delivered, in every campaign that is calculated from now on.
func (s *Sandbox) Unreachable(numbers ...string) error {
	return s.mark(numbers, func(p *suppression) *map[string]struct{} { return &p.unreachable })
}

// UnreachablePrefix marks every number that begins so, such as "+39333000".
func (s *Sandbox) UnreachablePrefix(prefixes ...string) {
	s.suppress.change(func(next *suppression) {
		next.prefixes = append(slices.Clip(next.prefixes), prefixes...)
	})
}

func (s *Sandbox) mark(numbers []string, set func(*suppression) *map[string]struct{}) error {
	clean, err := parseNumbers(numbers)
	if err != nil {
		return err
	}
	s.suppress.change(func(next *suppression) {
		m := set(next)
		if *m == nil {
			*m = make(map[string]struct{}, len(clean))
		}
		for _, n := range clean {
			(*m)[n] = struct{}{}
		}
	})
	return nil
}
