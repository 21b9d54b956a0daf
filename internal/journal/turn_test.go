package journal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// What one replica has looked at the others know, and look at nothing.
func TestOneReplicaSweepsForAll(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{SweepEvery: time.Hour})
	other := open(t, connect2(t, b.nc), journal.Options{SweepEvery: time.Hour})
	store(t, b.j, "rests", time.Hour)
	mine, err := b.j.TakeTurn(t.Context())
	if err != nil || mine.Records != 1 {
		t.Fatalf("%+v, %v", mine, err)
	}
	// The others know what was found, and look at nothing.
	if found, err := other.TakeTurn(t.Context()); err != nil || found.Records != 0 || !found.At.Equal(mine.At) || found.States[campaign.Confirming] != 1 {
		t.Errorf("another replica found %+v, %v", found, err)
	}
	// While one sweeps, no other does; after its death another one does.
	turn := func(until time.Time) {
		if err := journal.EditCheckpoint(t.Context(), b.j, func(_ *uint64, turn *time.Time) { *turn = until }); err != nil {
			t.Fatal(err)
		}
	}
	turn(time.Now().Add(time.Minute))
	if _, err := other.SweepOnce(t.Context()); !errors.Is(err, journal.ErrNoTurn) {
		t.Errorf("two sweep at once: %v", err)
	}
	turn(time.Now().Add(-time.Second))
	sweepOf(t, other)
}

// A replica that is stopped in the middle of its turn gives it back: the next one need not
// wait until it is thought dead.
func TestWhoIsStoppedGivesTheTurnBack(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{SweepEvery: time.Hour})
	other := open(t, connect2(t, b.nc), journal.Options{SweepEvery: time.Hour})
	ctx, stop := context.WithCancel(t.Context())
	b.j.AddDuty(func(context.Context) error {
		stop()
		return nil
	})
	if _, err := b.j.SweepOnce(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("it was stopped, and said %v", err)
	}
	sweepOf(t, other)
}

// Records that are lost stop the replicas that did not find it, too.
func TestWhatOneReplicaMissesStopsAll(t *testing.T) {
	t.Parallel()
	b, _ := afterLoss(t, 11)
	other := open(t, connect2(t, b.nc), journal.Options{SweepEvery: time.Hour})
	sweepOf(t, b.j)
	if _, stopped := other.Lost(); stopped != "" {
		t.Fatalf("it was stopped before it looked: %s", stopped)
	}
	if _, err := other.TakeTurn(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, stopped := other.Lost(); found != 11 || stopped == "" {
		t.Errorf("another replica goes on: %d found", found)
	}
}

// connect2 is a second connection to the same server.
func connect2(t *testing.T, nc *nats.Conn) *nats.Conn {
	t.Helper()
	other, err := streams.Connect(streams.Server{URL: nc.ConnectedUrl()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	return other
}
