package journal

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// A source that is apart has consumers of its own, for its requests and for its timers.
// Whatever waits there, a hundred thousand requests of a source whose account is down,
// waits in the stream, is behind nobody, and before nobody.
//
// Where there are several accounts each source is set apart when it comes. With one
// account nobody pays for it before it helps: sources are set apart once a queue stands in
// which there are several. A source that is alone never is, however long its queue.
//
// The consumer of all requests gets each message as well, and leaves it to the source's
// own. It is how a source is noticed that nobody has named before. A source's consumer
// begins behind what was acknowledged when it was made, so whatever is left to it comes
// to it: a message that is left was not acknowledged until then.
//
// That a source is apart is a fact at the server, not a setting: every replica that finds
// the consumer serves it, and sets apart who comes. So replicas with other settings, or
// none, leave nothing lying.

// maxApart is how many sources have consumers of their own; further ones share the common
// lanes. It bounds what somebody can make the server keep who may publish for any source.
const maxApart = 256

// sources are those that are apart, for one kind of message.
type sources struct {
	j       *Journal
	common  *lane // which brings the messages of all
	workers int
	aside   int
	gateOf  func(source string) PullGate // nil: no gate
	start   func(*lane)                  // runs it

	mu     sync.Mutex
	settle bool             // guarded by mu: sources that come are set apart
	lanes  map[string]*lane // guarded by mu
	full   bool             // guarded by mu: that there are too many was said
}

// find serves the sources that are apart at the server. If any is, all are set apart from
// now on.
func (s *sources) find(ctx context.Context) error {
	all, err := streams.SourcesOf(ctx, s.j.js, s.common.consumer)
	if err != nil {
		return fmt.Errorf("sources of %s: %w", s.common.consumer.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(all) > 0 {
		s.settleAll()
	}
	for _, source := range all {
		s.serve(source)
	}
	return nil
}

// keepFinding does so until ctx ends, and looks for a queue of several.
func (s *sources) keepFinding(ctx context.Context) {
	every(ctx, s.j.options.LookEvery, s.j.options.LookEvery, func() {
		err := s.find(ctx)
		if err == nil {
			err = s.lookAtQueue(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.j.options.Log.Warn("look for sources", "error", err)
		}
	})
}

// lookAtQueue has the sources set apart if several of them are in the queue of all: some
// in the workers' hands, and some that wait for a worker.
func (s *sources) lookAtQueue(ctx context.Context) error {
	s.mu.Lock()
	settled := s.settle
	s.mu.Unlock()
	if settled {
		return nil
	}
	inHand := s.common.sourcesInHand()
	if len(inHand) == 0 {
		return nil // nobody waits for a worker: there is nothing, or the gate is shut
	}
	waits, others, err := streams.Queued(ctx, s.j.js, s.common.consumer, inHand[0])
	if err != nil {
		return fmt.Errorf("look at the queue of %s: %w", s.common.consumer.Name, err)
	}
	if !waits || !others && len(inHand) == 1 {
		return nil
	}
	s.j.options.Log.Info("several sources wait in one queue: each is set apart", "consumer", s.common.consumer.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleAll()
	return nil
}

// settleAll has all sources set apart that come. What waits for a worker of all is brought
// again, to be left to its source's own. The lock is held.
func (s *sources) settleAll() {
	if !s.settle {
		s.settle = true
		close(s.common.again)
	}
}

// sourcesInHand are those whose messages the lane's workers have, and those beside them
// that wait in the client.
func (l *lane) sourcesInHand() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.inFlight {
		if source := sourceOf(f.msg.Subject()); source != "" && !slices.Contains(all, source) {
			all = append(all, source)
		}
	}
	return all
}

// have says that a message is left to a source's own consumer. It sets the source apart
// if it is not. If that cannot be done now, the message is handled with the others.
func (s *sources) have(ctx context.Context, subject string) bool {
	source := sourceOf(subject)
	if source == "" {
		return false // it becomes a dead letter here
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.lanes[source] != nil:
		return true
	case !s.settle:
		return false
	case len(s.lanes) >= maxApart:
		if !s.full {
			s.j.options.Log.Warn("there are too many sources: further ones share a lane", "most", maxApart)
		}
		s.full = true
		return false
	}
	if _, err := streams.EnsureConsumer(ctx, s.j.js, s.common.consumer.Of(source), s.j.options.AckWait); err != nil {
		s.j.options.Log.Warn("source cannot be set apart now", "source", source, "error", err)
		return false
	}
	s.serve(source)
	return true
}

// serve starts the lane of a source, if there is none. The lock is held.
func (s *sources) serve(source string) {
	if s.lanes[source] != nil {
		return
	}
	l := &lane{consumer: s.common.consumer.Of(source), workers: s.workers, handle: (*lane).wakeCampaign, handling: s.common.handling, aside: &room{limit: int64(s.aside)},
		others: func(_ context.Context, subject string) bool { return sourceOf(subject) == "" }}
	if s.gateOf != nil {
		l.gate = s.gateOf(source)
	}
	s.lanes[source] = l
	s.start(l)
}

// sourceOf is the source in the subject of a request or a wake-up; empty: it has none
// that is in order.
func sourceOf(subject string) string {
	for _, prefix := range []string{streams.RequestPrefix, streams.WakeupPrefix, streams.CommandPrefix} {
		if key, _, err := contract.SplitSubject(subject, prefix); err == nil && key != (campaign.Key{}) {
			return key.Source
		}
	}
	return ""
}
