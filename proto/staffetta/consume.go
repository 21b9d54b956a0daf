package staffetta

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/proto/staffetta/internal/wire"
)

// Consumer says who reads, and what.
type Consumer struct {
	// Name is the durable name under which NATS remembers what was handled. Where the
	// operator keeps users apart, it is the consumer that the operator has made: for a
	// source, it bears the source's name. Elsewhere it is made if it is not there.
	Name string
	// Source is the one whose events are read; empty: of all. A consumer that is there
	// already reads what it was made for.
	Source string
	// Workers is how many events are handled at a time, never two of one campaign. 0: 1.
	Workers int
	// Log hears of handlers that failed and of events that cannot be read. Nil:
	// [slog.Default].
	Log *slog.Logger
}

// Consume hands events to their handlers until ctx ends, and returns nil then. An error
// means that it could not begin, or that the consumer is gone.
//
// What is promised:
//   - Each event is handed over until its handler returns nil, through restarts of this
//     program and of NATS, as long as the stream keeps it (30 days).
//   - Two events of one campaign are never handled at the same time by one program, and in
//     the order in which they were told. A handler that fails is called again, after a
//     pause of a second that doubles up to a minute; the later events of that campaign wait
//     for it, those of other campaigns do not.
//   - Behind a crash, and where several programs read under one name, NATS may hand over an
//     earlier event of a campaign after a later one. It has [Event.Late] set if this
//     program handled the later one. Who keeps a state for each campaign keeps the greatest
//     [Event.Sequence] with it and leaves that state alone for a smaller one; that is right
//     in any case. A consumer that was made with max_ack_pending 1 is strictly in order, and
//     one event that fails holds up all.
//   - An event takes as long as it takes: NATS is told that it is being worked on.
//
// Events that were received and not handled when ctx ends are given back at once.
func (c *Client) Consume(ctx context.Context, who Consumer, handlers Handlers) error {
	if who.Name == "" {
		return errors.New("consume: Name is empty: say under which durable name NATS shall remember what was handled")
	}
	filter := eventPrefix + ">"
	if who.Source != "" {
		filter = eventPrefix + who.Source + ".>"
	}
	reader, err := c.conn.Durable(ctx, who.Name, filter)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("consume as %s: %w", who.Name, err)
	}
	log := who.Log
	if log == nil {
		log = slog.Default()
	}
	d := &desk{
		handlers: handlers, log: log.With("consumer", who.Name),
		room:  make(chan struct{}, max(who.Workers, 1)),
		lanes: map[string][]*held{}, handled: memory{ids: map[string]bool{}, last: map[string]mark{}},
	}
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	var keeping sync.WaitGroup
	keeping.Go(func() { d.keep(alive, reader.Wait()/3) })
	for err == nil {
		var next wire.Delivery
		if next, err = reader.Next(ctx); err == nil {
			d.take(ctx, next)
		}
	}
	reader.Stop()
	d.working.Wait()
	stop()
	keeping.Wait()
	for {
		rest, err := reader.Next(alive)
		if err != nil {
			break
		}
		d.back(rest)
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("consume as %s: %w", who.Name, err)
}

// held is an event that has come and is not acknowledged.
type held struct {
	delivery wire.Delivery // the last one of it; guarded by the desk's mu
	event    Event
}

// desk is where events lie until they are handled: those of one campaign in a row.
type desk struct {
	handlers Handlers
	log      *slog.Logger
	room     chan struct{} // one place for each event that is being handled
	working  sync.WaitGroup

	mu      sync.Mutex         // guards what follows
	lanes   map[string][]*held // by campaign, in order
	handled memory
}

// take puts an event into its lane.
func (d *desk) take(ctx context.Context, delivery wire.Delivery) {
	e, err := eventOf(delivery.Msg())
	if err != nil {
		// It will not be readable the next time either. It is in the stream for who looks.
		d.log.Error("an event cannot be read, and is passed over", "error", err)
		d.ack(delivery)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.handled.ids[e.ID] {
		d.ack(delivery) // its acknowledgement was lost
		return
	}
	lane, busy := d.lanes[e.Key()]
	for _, h := range lane {
		if h.event.ID == e.ID {
			h.delivery = delivery // NATS had heard nothing of it, and sent it again
			return
		}
	}
	// Where several wait, an earlier one that NATS sent again goes before the later ones;
	// the first is being handled.
	at := len(lane)
	for at > 1 && lane[at-1].event.Sequence > e.Sequence {
		at--
	}
	lane = append(lane, nil)
	copy(lane[at+1:], lane[at:])
	lane[at] = &held{delivery, e}
	d.lanes[e.Key()] = lane
	if !busy {
		d.working.Go(func() { d.work(ctx, e.Key()) })
	}
}

// work handles the events of one campaign until there are no more.
func (d *desk) work(ctx context.Context, key string) {
	for {
		d.mu.Lock()
		lane := d.lanes[key]
		if len(lane) == 0 {
			delete(d.lanes, key)
			d.mu.Unlock()
			return
		}
		h := lane[0]
		e := h.event
		e.Late = e.Sequence < d.handled.last[key].sequence
		d.mu.Unlock()

		done := d.handle(ctx, e)
		d.mu.Lock()
		if !done {
			for _, h := range d.lanes[key] {
				d.back(h.delivery)
			}
			delete(d.lanes, key)
			d.mu.Unlock()
			return
		}
		d.handled.add(e)
		d.lanes[key] = d.lanes[key][1:]
		last := h.delivery
		d.mu.Unlock()
		d.ack(last)
	}
}

// A handler that failed is called again after retryFirst, and after twice the pause each
// time, up to retryMost.
const retryFirst, retryMost = time.Second, time.Minute

// handle calls the handler until it succeeds; false: ctx ended before.
func (d *desk) handle(ctx context.Context, e Event) bool {
	for pause := retryFirst; ; pause = min(2*pause, retryMost) {
		select {
		case d.room <- struct{}{}:
		case <-ctx.Done():
			return false
		}
		if ctx.Err() != nil {
			<-d.room
			return false
		}
		err := d.handlers.handle(ctx, e)
		<-d.room
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		d.log.Warn("a handler failed, and is called again", "event", e.ID, "tries", e.Tries, "again_in", pause.String(), "error", err)
		e.Tries++
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}

// keep tells NATS again and again what is being worked on, or waits for its turn.
func (d *desk) keep(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(cmp.Or(every, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		d.mu.Lock()
		for _, lane := range d.lanes {
			for _, h := range lane {
				if err := h.delivery.Working(); err != nil {
					d.log.Warn("NATS was not told that an event is being worked on", "event", h.event.ID, "error", err)
				}
			}
		}
		d.mu.Unlock()
	}
}

// ack acknowledges: one that is lost means that the event comes again.
func (d *desk) ack(delivery wire.Delivery) {
	if err := delivery.Ack(); err != nil {
		d.log.Warn("an event was not acknowledged, and will come again", "subject", delivery.Msg().Subject, "error", err)
	}
}

// back gives an event back: one that is lost comes again all the same, later.
func (d *desk) back(delivery wire.Delivery) {
	if err := delivery.Back(); err != nil {
		d.log.Debug("an event was not given back", "subject", delivery.Msg().Subject, "error", err)
	}
}

// memory is what was handled lately, so that an event whose acknowledgement was lost is
// not handled twice by one program.
type memory struct {
	ids  map[string]bool
	last map[string]mark // by campaign
	ring []Event
	next int
}

// mark is what is remembered of a campaign.
type mark struct {
	sequence uint64 // the greatest that was handled
	events   int    // of it in the ring
}

// remembered is how many events a memory holds.
const remembered = 4096

func (m *memory) add(e Event) {
	e.Message = nil
	if len(m.ring) < remembered {
		m.ring = append(m.ring, e)
	} else {
		old := m.ring[m.next]
		delete(m.ids, old.ID)
		of := m.last[old.Key()]
		if of.events--; of.events == 0 {
			delete(m.last, old.Key())
		} else {
			m.last[old.Key()] = of
		}
		m.ring[m.next] = e
		m.next = (m.next + 1) % remembered
	}
	m.ids[e.ID] = true
	of := m.last[e.Key()]
	m.last[e.Key()] = mark{max(of.sequence, e.Sequence), of.events + 1}
}
