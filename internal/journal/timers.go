package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// wakeupLife is how long a fired timer waits for somebody to take it. A
// service that was away longer finds what is overdue by its sweep.
const wakeupLife = 6 * time.Hour

// Arm schedules a wake-up. See [runner.Journal].
//
// The schedule's subject ends in the instant, so an instant has a subject of
// its own, and it is created only: a timer is never overwritten, because
// overwriting one in the moment it fires loses it. Once it has fired its
// subject is free again and arming it again would fire it at once; hence
// nothing that is due is armed.
func (j *Journal) Arm(ctx context.Context, key campaign.Key, at time.Time) error {
	if now := time.Now(); !at.After(now) {
		return fmt.Errorf("arm %s at %s: the instant is not in the future, it is due and must be handled", key, at.UTC().Format(time.RFC3339Nano))
	}
	m := nats.NewMsg(timerSubject(key, at))
	// Raw headers: the client's option truncates to whole seconds.
	m.Header.Set("Nats-Schedule", "@at "+at.UTC().Format(time.RFC3339Nano))
	m.Header.Set("Nats-Schedule-Target", wakeupSubject(key))
	m.Header.Set("Nats-Schedule-TTL", wakeupLife.String())
	if err := j.createOnly(ctx, m); err != nil {
		return fmt.Errorf("arm %s at %s: %w", key, at.UTC().Format(time.RFC3339Nano), err)
	}
	return nil
}
