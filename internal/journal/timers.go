package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/scheduler"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// wakeupLife is how long a fired timer waits for somebody to take it. A
// service that was away longer finds what is overdue by its sweep.
const wakeupLife = 6 * time.Hour

// waker wakes the loop of campaigns, or that of schedules: later or now.
type waker struct {
	j             *Journal
	timer, wakeup string // how the subjects of its timers begin, and of its wake-ups
}

// arm publishes a wake-up for later, once for each instant.
//
// The timer's subject ends in the instant, so an instant has a subject of its
// own, and it is created only: a timer is never overwritten, because
// overwriting one in the moment it fires loses it. Once it has fired its
// subject is free again and arming it again would fire it at once; hence
// nothing that is due is armed (rule 13).
func (w waker) arm(ctx context.Context, name string, at time.Time) error {
	if !at.After(time.Now()) {
		return errors.New("the instant is not in the future, it is due and must be handled")
	}
	return w.j.createOnly(ctx, streams.NewMsg(w.timer+name+"."+strconv.FormatInt(at.UnixNano(), 10), contract.Headers(
		// Raw headers: the client's option truncates to whole seconds.
		"Nats-Schedule", "@at "+instant(at),
		"Nats-Schedule-Target", w.wakeup+name,
		"Nats-Schedule-TTL", wakeupLife.String(),
	), nil))
}

// wake publishes a wake-up now. The id, if there is one, keeps two replicas that sweep
// together from waking twice; if they do, nothing is lost but time.
func (w waker) wake(ctx context.Context, name, id string, h nats.Header) error {
	opts := []jetstream.PublishOpt{jetstream.WithMsgTTL(wakeupLife)}
	if id != "" {
		opts = append(opts, jetstream.WithMsgID(id))
	}
	m := nats.NewMsg(w.wakeup + name)
	maps.Copy(m.Header, h)
	_, err := w.j.js.PublishMsg(ctx, m, opts...)
	return err
}

// overdue says since when somebody should have looked at a record, as it is written
// there, and for how long; not above zero: it rests, or is not due.
func overdue(h nats.Header) (since string, late time.Duration) {
	since = h.Get(HeaderWake)
	wake, err := time.Parse(time.RFC3339Nano, since)
	if err != nil {
		return since, 0
	}
	return since, time.Since(wake)
}

func instant(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// Arm schedules a wake-up. See [runner.Journal].
func (j *Journal) Arm(ctx context.Context, key campaign.Key, at time.Time) error {
	if err := j.waker.arm(ctx, key.String(), at); err != nil {
		return fmt.Errorf("arm %s at %s: %w", key, instant(at), err)
	}
	return nil
}

// readScheduleWakeup reads a fired timer of a schedule, or somebody's wish that
// it be looked at.
func readScheduleWakeup(subject string) (scheduler.Wakeup, error) {
	key, err := schedule.ParseKey(strings.TrimPrefix(subject, streams.ScheduleWakeupPrefix))
	if err != nil {
		return scheduler.Wakeup{}, &contract.Unreadable{Reason: deadletter.BadSubject, Note: "want " + streams.ScheduleWakeupPrefix + "<source>.<schedule id>"}
	}
	return scheduler.Wakeup{Key: key}, nil
}
