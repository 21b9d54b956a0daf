package simulate

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// streams are what survives a worker: the versions of the record, the events, the
// timers. Their clock differs from all others.
type streams struct {
	skew     time.Duration
	versions []version // sequence i+1; after a power cut numbers are used again
	events   []storedEvent
	timers   []timer
	saves    []lateSave
	leader   time.Time // the records have none before
}

type version struct {
	c  campaign.Campaign
	at time.Time // by the streams' clock
}

type timer struct{ at, set time.Time } // by the streams' clock

type storedEvent struct {
	campaign.Event
	subject int // the part of its subject after the type
	at      time.Time
}

// lateSave is a save that its worker has given up, and which still arrives later.
type lateSave struct {
	at  time.Time // by the workers' clock
	c   campaign.Campaign
	seq int // expected
}

// eventsKept is the age at which the stream drops an event.
const eventsKept = 30 * 24 * time.Hour

var errNoAnswer = errors.New("no answer")

// journal is the port runner.Journal of one worker.
type journal struct{ k *worker }

var _ runner.Journal = journal{}

func (j journal) Load(context.Context, campaign.Key) (campaign.Campaign, loop.Revision, error) {
	k, w := j.k, j.k.w
	f := k.pause("load", atLoad)
	if f.kind == lost || !k.connected() || w.now.Before(w.leader) {
		return campaign.Campaign{}, loop.Revision{}, errNoAnswer
	}
	w.lateSaves()
	k.lastSeq = len(w.versions)
	rev := loop.Revision{Seq: uint64(k.lastSeq), Epoch: k.epoch}
	if k.lastSeq == 0 {
		return campaign.Campaign{}, rev, nil
	}
	v := &w.versions[k.lastSeq-1]
	rev.At = v.at
	return v.c, rev, nil
}

func (j journal) Save(_ context.Context, c campaign.Campaign, rev loop.Revision) (loop.Revision, error) {
	k, w := j.k, j.k.w
	f := k.pause(saving[c.State], atSave)
	if !j.Valid(rev) {
		return loop.Revision{}, loop.ErrConflict
	}
	w.lateSaves()
	switch {
	case w.now.Before(w.leader), f.kind == lost:
		return loop.Revision{}, errNoAnswer
	case f.kind == late:
		w.saves = append(w.saves, lateSave{w.now.Add(f.after), stored(c), int(rev.Seq)})
		w.expect(f.after)
		return loop.Revision{}, errNoAnswer
	}
	if int(rev.Seq) != len(w.versions) {
		return loop.Revision{}, loop.ErrConflict
	}
	w.store(stored(c))
	k.lastSeq = len(w.versions)
	switch f.kind {
	case diesAfter:
		panic(crash{})
	case replyLost:
		return loop.Revision{}, errNoAnswer
	}
	return loop.Revision{Seq: uint64(k.lastSeq), Epoch: k.epoch}, nil
}

// saving names the saves by state; made once.
var saving = func() map[campaign.State]string {
	names := map[campaign.State]string{}
	for _, s := range campaign.States {
		names[s] = "save " + string(s)
	}
	return names
}()

func (w *World) store(c campaign.Campaign) {
	w.versions = append(w.versions, version{c, w.streamNow()})
}

// lateSaves lets the saves arrive that are due.
func (w *World) lateSaves() {
	for len(w.saves) > 0 {
		i := 0
		for n := range w.saves {
			if w.saves[n].at.Before(w.saves[i].at) {
				i = n
			}
		}
		s := w.saves[i]
		if s.at.After(w.now) {
			return
		}
		w.saves = slices.Delete(w.saves, i, i+1)
		if s.seq == len(w.versions) {
			w.store(s.c)
			w.versions[len(w.versions)-1].at = s.at.Add(w.skew)
			w.writeLine("", "a late save arrives: %s", s.c.State)
		}
	}
}

func (j journal) Publish(_ context.Context, c campaign.Campaign) error {
	k, w := j.k, j.k.w
	for i := range c.Outbox {
		e := &c.Outbox[i]
		f := k.pause(publishing[e.Type], atWrite)
		if f.kind == lost || !k.connected() {
			return errNoAnswer
		}
		subject := e.N
		if w.opts.Subject != nil {
			subject = w.opts.Subject(*e, k.lastSeq)
		}
		if err := w.publish(*e, subject); err != nil {
			return err
		}
		switch f.kind {
		case diesAfter:
			panic(crash{})
		case replyLost:
			return errNoAnswer
		}
	}
	return nil
}

var publishing = func() map[campaign.EventType]string {
	names := map[campaign.EventType]string{}
	for _, e := range campaign.EventTypes {
		names[e] = "publish " + string(e)
	}
	return names
}()

// publish stores an event unless its subject has one.
func (w *World) publish(e campaign.Event, subject int) error {
	for i := range w.events {
		t := &w.events[i]
		if t.Type == e.Type && t.subject == subject && w.now.Sub(t.at) < eventsKept {
			if e.Last && !t.Last {
				e.N, subject = e.N+1, subject+1 // whatever has it is further down
				continue
			}
			if e.Type == campaign.EventCostCalculated && t.CampaignID != e.CampaignID {
				w.writeLine("", "its cost was told already, for campaign %d", t.CampaignID)
				return &runner.CostConflict{Event: t.Event}
			}
			if !t.At.Equal(e.At) && !w.observed.powerCut && !w.observed.unrecorded {
				w.fail("two contents", "%s.%d was told at %s and is told again with the content of %s", e.Type, e.N, t.At, e.At)
			}
			return nil
		}
	}
	w.events = append(w.events, storedEvent{e, subject, w.now})
	w.judgeEvent(e)
	return nil
}

func (j journal) Published(context.Context, campaign.Key) ([]campaign.Event, error) {
	k, w := j.k, j.k.w
	if f := k.pause("read the events", atLoad); f.kind == lost || !k.connected() {
		return nil, errNoAnswer
	}
	var all []campaign.Event
	for i := range w.events {
		if t := &w.events[i]; w.now.Sub(t.at) < eventsKept {
			all = append(all, t.Event)
		}
	}
	return all, nil
}

func (j journal) Arm(_ context.Context, _ campaign.Key, at time.Time) error {
	k, w := j.k, j.k.w
	f := k.pause("arm", atWrite)
	if f.kind == lost || !k.connected() {
		return errNoAnswer
	}
	if !slices.ContainsFunc(w.timers, func(t timer) bool { return t.at.Equal(at) }) {
		w.timers = append(w.timers, timer{at, w.streamNow()})
	}
	switch f.kind {
	case diesAfter:
		panic(crash{})
	case replyLost:
		return errNoAnswer
	}
	return nil
}

// Asked: there is always a request, of the one campaign.
func (j journal) Asked(context.Context, campaign.Key) (bool, error) { return true, nil }

// AskFor is for proofs, for which nobody asks here.
func (j journal) AskFor(context.Context, campaign.Key, campaign.Request) error { return nil }

// Erase has nothing to erase: the world has no stream of requests.
func (j journal) Erase(context.Context, campaign.Key) error { return nil }

func (j journal) Age(rev loop.Revision, seen time.Time) time.Duration {
	if rev.At.IsZero() || !j.Valid(rev) {
		return 0
	}
	return max(0, min(seen.Sub(rev.At), j.k.w.now.Sub(j.k.since)))
}

func (j journal) Valid(rev loop.Revision) bool {
	return (rev.Epoch == j.k.epoch || j.k.w.opts.AnyConnection) && j.k.connected()
}

// stored is the record as another run finds it: without the fields that are not
// in its JSON.
func stored(c campaign.Campaign) (kept campaign.Campaign) {
	from, to := reflect.ValueOf(&c).Elem(), reflect.ValueOf(&kept).Elem()
	for i := range from.NumField() {
		if field := to.Field(i); field.CanSet() {
			field.Set(from.Field(i))
		}
	}
	return kept
}
