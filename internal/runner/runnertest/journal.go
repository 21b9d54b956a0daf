package runnertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Journal is a [runner.Journal] in memory, for one replica. [Journal.Peer]
// gives another replica the same store. It keeps time by the time package
// alone, so it works in a testing/synctest bubble.
//
// It checks what the port promises: an event that is published twice with different
// content fails the test, and so does a timer that is armed for the past.
type Journal struct {
	// Fault, if set, is asked before every call that changes or reads
	// something: "load", "save", "publish" (once for each event), "arm", "erase", "asked". With
	// an error the caller gets the error; with apply it took effect all the
	// same, as when only the reply was lost.
	Fault func(op string, key campaign.Key) (apply bool, err error)

	store *store
	epoch uint64    // guarded by store.mu
	since time.Time // guarded by store.mu: when this connection was made
}

var _ runner.Journal = (*Journal)(nil)

// store is what the replicas share: the server.
type store struct {
	t testing.TB

	mu       sync.Mutex
	seq      uint64
	records  map[campaign.Key][]version // the last two, the latest last
	events   map[campaign.Key][]storedEvent
	messages map[campaign.Key]int // requests and dead letters
	timers   map[timer]*time.Timer
	peers    []*Journal
	wake     func(runner.Wakeup)
}

// version is one stored version of a record.
type version struct {
	data []byte
	seq  uint64
	at   time.Time
}

// storedEvent is one event as it was first published.
type storedEvent struct {
	event   campaign.Event
	content string
}

type timer struct {
	key campaign.Key
	at  int64
}

// NewJournal returns an empty store and its first replica. Wake-ups go to
// wake, each in a goroutine of its own; nil drops them.
func NewJournal(t testing.TB, wake func(runner.Wakeup)) *Journal {
	s := &store{
		t: t, wake: wake,
		records:  make(map[campaign.Key][]version),
		events:   make(map[campaign.Key][]storedEvent),
		messages: make(map[campaign.Key]int),
		timers:   make(map[timer]*time.Timer),
	}
	t.Cleanup(s.stop)
	return s.connect()
}

// Peer returns another replica on the same store.
func (j *Journal) Peer() *Journal { return j.store.connect() }

func (s *store) connect() *Journal {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := &Journal{store: s, epoch: 1, since: time.Now()}
	s.peers = append(s.peers, j)
	return j
}

func (s *store) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.timers {
		t.Stop()
	}
}

// Load implements [runner.Journal].
func (j *Journal) Load(_ context.Context, key campaign.Key) (campaign.Campaign, loop.Revision, error) {
	if _, err := j.fault("load", key); err != nil {
		return campaign.Campaign{}, loop.Revision{}, fmt.Errorf("load %s: %w", key, err)
	}
	s := j.store
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.latest(key)
	if !ok {
		return campaign.Campaign{}, loop.Revision{Epoch: j.epoch}, nil
	}
	var c campaign.Campaign
	if err := json.Unmarshal(v.data, &c); err != nil {
		return campaign.Campaign{}, loop.Revision{}, fmt.Errorf("load %s: %w", key, err)
	}
	if c.Schema > campaign.Schema {
		return campaign.Campaign{}, loop.Revision{}, fmt.Errorf("load %s: schema %d is newer than %d", key, c.Schema, campaign.Schema)
	}
	return c, loop.Revision{Seq: v.seq, Epoch: j.epoch, At: v.at}, nil
}

// Save implements [runner.Journal].
func (j *Journal) Save(_ context.Context, c campaign.Campaign, rev loop.Revision) (loop.Revision, error) {
	apply, lost := j.fault("save", c.Key)
	if !apply {
		return loop.Revision{}, fmt.Errorf("save %s: %w", c.Key, lost)
	}
	data, err := json.Marshal(c)
	if err != nil {
		return loop.Revision{}, fmt.Errorf("save %s: %w", c.Key, err)
	}
	s := j.store
	s.mu.Lock()
	defer s.mu.Unlock()
	v, _ := s.latest(c.Key)
	switch {
	case rev.Epoch != j.epoch || rev.Seq != v.seq:
		if lost == nil {
			lost = loop.ErrConflict
		}
		return loop.Revision{}, fmt.Errorf("save %s: %w", c.Key, lost)
	default:
		s.seq++
		versions := append(s.records[c.Key], version{data: data, seq: s.seq, at: time.Now()})
		s.records[c.Key] = versions[max(0, len(versions)-2):]
	}
	if lost != nil {
		return loop.Revision{}, fmt.Errorf("save %s: %w", c.Key, lost)
	}
	return loop.Revision{Seq: s.seq, Epoch: j.epoch}, nil
}

// Publish implements [runner.Journal].
func (j *Journal) Publish(_ context.Context, c campaign.Campaign) error {
	for _, e := range c.Outbox {
		apply, err := j.fault("publish", c.Key)
		if apply {
			if otherwise := j.store.publish(c, e); otherwise != nil && err == nil {
				return otherwise
			}
		}
		if err != nil {
			return fmt.Errorf("publish %s of %s: %w", e.Type, c.Key, err)
		}
	}
	return nil
}

// publish stores an event, unless it is there. Then it says whether the stored one is a
// cost of another draft, or of another quote.
func (s *store) publish(c campaign.Campaign, e campaign.Event) error {
	e.N = s.ordinal(c.Key, e)
	content, err := json.Marshal(struct {
		Event      campaign.Event
		Simulation bool
		Trace      string
		TraceState string
		Labels     map[string]string
	}{e, c.Request.Simulation, c.Trace, c.TraceState, c.Request.Labels})
	if err != nil {
		s.t.Errorf("event %s %d of %s cannot be written: %v", e.Type, e.N, c.Key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range s.events[c.Key] {
		if old.event.Type != e.Type || old.event.N != e.N {
			continue
		}
		switch was := old.event; {
		case e.Type == campaign.EventCostCalculated && (was.CampaignID != e.CampaignID || was.QuoteID != e.QuoteID):
			return &runner.CostConflict{Event: was}
		case old.content != string(content):
			s.t.Errorf("event %s %d of %s was told as\n\t%s\nand is told again as\n\t%s", e.Type, e.N, c.Key, old.content, content)
		}
		return nil
	}
	s.events[c.Key] = append(s.events[c.Key], storedEvent{e, string(content)})
	return nil
}

// ordinal is the event's own, or for the last statistic the first one that no
// earlier statistic has taken.
func (s *store) ordinal(key campaign.Key, e campaign.Event) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range s.events[key] {
		if e.Last && old.event.Type == e.Type && old.event.N == e.N && !old.event.Last {
			e.N++
		}
	}
	return e.N
}

// Published implements [runner.Journal].
func (j *Journal) Published(_ context.Context, key campaign.Key) ([]campaign.Event, error) {
	if _, err := j.fault("told", key); err != nil {
		return nil, fmt.Errorf("read the events of %s: %w", key, err)
	}
	all := j.Events(key)
	stats := 0
	for _, e := range all {
		if e.Type == campaign.EventStats {
			stats++
		}
	}
	return slices.DeleteFunc(all, func(e campaign.Event) bool {
		if e.Type != campaign.EventStats {
			return false
		}
		stats--
		return stats > 0 // the last one alone
	}), nil
}

// Arm implements [runner.Journal].
func (j *Journal) Arm(_ context.Context, key campaign.Key, at time.Time) error {
	s := j.store
	if now := time.Now(); !at.After(now) {
		s.t.Errorf("a timer of %s is armed for %s, which is %s ago: it would fire at once, for ever", key, at, now.Sub(at))
		return fmt.Errorf("arm %s: %s is not in the future", key, at)
	}
	apply, err := j.fault("arm", key)
	if apply {
		s.arm(timer{key, at.UnixNano()}, at)
	}
	if err != nil {
		return fmt.Errorf("arm %s: %w", key, err)
	}
	return nil
}

func (s *store) arm(id timer, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timers[id] != nil {
		return
	}
	s.timers[id] = time.AfterFunc(time.Until(at), func() {
		s.mu.Lock()
		delete(s.timers, id)
		wake := s.wake
		s.mu.Unlock()
		if wake != nil {
			wake(runner.Wakeup{Key: id.key, Kind: runner.WakeTimer, Stored: time.Now()})
		}
	})
}

// Ask puts the messages of a request, and of its dead letters, into the streams.
func (j *Journal) Ask(key campaign.Key, messages int) {
	j.store.mu.Lock()
	defer j.store.mu.Unlock()
	j.store.messages[key] += messages
}

// Messages is how many there are.
func (j *Journal) Messages(key campaign.Key) int {
	j.store.mu.Lock()
	defer j.store.mu.Unlock()
	return j.store.messages[key]
}

// Asked implements [runner.Journal].
func (j *Journal) Asked(_ context.Context, key campaign.Key) (bool, error) {
	if _, err := j.fault("asked", key); err != nil {
		return false, fmt.Errorf("look for a request of %s: %w", key, err)
	}
	return j.Messages(key) > 0, nil
}

// AskFor implements [runner.Journal].
func (j *Journal) AskFor(_ context.Context, key campaign.Key, _ campaign.Request) error {
	apply, err := j.fault("ask", key)
	if apply && j.Messages(key) == 0 {
		j.Ask(key, 1)
	}
	if err != nil {
		return fmt.Errorf("ask for %s: %w", key, err)
	}
	return nil
}

// Erase implements [runner.Journal].
func (j *Journal) Erase(_ context.Context, key campaign.Key) error {
	apply, err := j.fault("erase", key)
	if apply {
		j.store.mu.Lock()
		delete(j.store.messages, key)
		j.store.mu.Unlock()
	}
	if err != nil {
		return fmt.Errorf("erase %s: %w", key, err)
	}
	return nil
}

// Age implements [runner.Journal].
func (j *Journal) Age(rev loop.Revision, seen time.Time) time.Duration {
	j.store.mu.Lock()
	defer j.store.mu.Unlock()
	if rev.At.IsZero() || rev.Epoch != j.epoch {
		return 0
	}
	return max(0, min(seen.Sub(rev.At), time.Since(j.since)))
}

// Valid implements [runner.Journal].
func (j *Journal) Valid(rev loop.Revision) bool {
	j.store.mu.Lock()
	defer j.store.mu.Unlock()
	return rev.Epoch == j.epoch
}

// Break breaks this replica's connection and makes it again: every revision
// that it has is void.
func (j *Journal) Break() {
	j.store.mu.Lock()
	defer j.store.mu.Unlock()
	j.reconnect()
}

func (j *Journal) reconnect() { j.epoch, j.since = j.epoch+1, time.Now() }

// PowerCut takes back the last acknowledged save of a record, as a power cut
// with the default sync interval may. Its sequence number will be used again.
// All connections break.
func (j *Journal) PowerCut(key campaign.Key) {
	s := j.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.records[key]; len(v) > 0 {
		s.seq = v[len(v)-1].seq - 1
		s.records[key] = v[:len(v)-1]
	}
	for _, p := range s.peers {
		p.reconnect()
	}
}

// Lose loses a record, as when the bucket is gone and made again. The campaign's events
// stay, and so do its timers. All connections break.
func (j *Journal) Lose(key campaign.Key) {
	s := j.store
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, key)
	for _, p := range s.peers {
		p.reconnect()
	}
}

// Record returns the record as it is stored.
func (j *Journal) Record(key campaign.Key) (c campaign.Campaign, ok bool) {
	s := j.store
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.latest(key)
	if ok {
		if err := json.Unmarshal(v.data, &c); err != nil {
			s.t.Errorf("record %s is not readable: %v", key, err)
		}
	}
	return c, ok
}

// Events returns the published events of a campaign, in order.
func (j *Journal) Events(key campaign.Key) []campaign.Event {
	s := j.store
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []campaign.Event
	for _, e := range s.events[key] {
		all = append(all, e.event)
	}
	return all
}

// Armed says how many timers of a campaign are waiting.
func (j *Journal) Armed(key campaign.Key) (n int) {
	s := j.store
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.timers {
		if id.key == key {
			n++
		}
	}
	return n
}

func (s *store) latest(key campaign.Key) (version, bool) {
	v := s.records[key]
	if len(v) == 0 {
		return version{}, false
	}
	return v[len(v)-1], true
}

// fault asks Fault. A fault is never a conflict: that would promise that
// nothing was stored.
func (j *Journal) fault(op string, key campaign.Key) (apply bool, err error) {
	if j.Fault == nil {
		return true, nil
	}
	apply, err = j.Fault(op, key)
	if errors.Is(err, loop.ErrConflict) {
		j.store.t.Errorf("fault in %s of %s is ErrConflict: use another error", op, key)
	}
	return apply || err == nil, err
}
