package journal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// dutiesBundle is a replica that may do everything.
type dutiesBundle struct {
	*testBundle
	schedules *journal.Schedules
	book      *budget.Ledgers
	told      []budget.Swept
	refuses   error // what it answers when it is told
}

// replica is one more on the same server; without budgets if it is told so.
func replica(t *testing.T, b *testBundle, budgets bool) *dutiesBundle {
	t.Helper()
	nc := connect2(t, b.nc)
	d := &dutiesBundle{testBundle: &testBundle{nc: nc, js: b.js, j: open(t, nc, journal.Options{SweepEvery: time.Hour}), client: b.client}}
	var err error
	if d.schedules, err = d.j.Schedules(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !budgets {
		return d
	}
	if d.book, err = journal.OpenBudgets(t.Context(), access(t, nc), 0); err != nil {
		t.Fatal(err)
	}
	d.j.SweepBudgets(d.book, func(_ context.Context, found budget.Swept, _ *budget.Ledgers) error {
		d.told = append(d.told, found)
		return d.refuses
	})
	return d
}

func (d *dutiesBundle) takeTurn(t *testing.T) journal.Swept {
	t.Helper()
	found, err := d.j.TakeTurn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// overdue stores a schedule that nobody has woken.
func (d *dutiesBundle) overdue(t *testing.T, id string) {
	t.Helper()
	r := written(t, daily(), time.Now().Add(-time.Hour))
	r.ID = id
	_, rev, err := d.schedules.Load(t.Context(), r.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.schedules.Save(t.Context(), r, rev); err != nil {
		t.Fatal(err)
	}
}

// woken is how many schedules were woken.
func (d *dutiesBundle) woken(t *testing.T) int {
	t.Helper()
	s, err := d.js.Stream(t.Context(), streams.ScheduleWakeups)
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context(), jetstream.WithSubjectFilter(streams.ScheduleWakeupPrefix+">"))
	if err != nil {
		t.Fatal(err)
	}
	return len(info.State.Subjects)
}

// leaveBehind reserves for a campaign that has ended, and for one without a record.
func (d *dutiesBundle) leaveBehind(t *testing.T) {
	t.Helper()
	ended := runnertest.Sample(campaign.Key{Source: "shop-italia", RequestID: "ended"})
	limit := ended.Quote.Price.Total
	limit.Amount = limit.Amount.Shift(1)
	if _, err := d.book.Set(t.Context(), "shop-italia", budget.Edit{By: "anna", Zone: "Europe/Rome", Day: &limit}); err != nil {
		t.Fatal(err)
	}
	ended.State, ended.Confirmed = campaign.Rejected, nil
	_, rev, err := d.j.Load(t.Context(), ended.Key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.j.Save(t.Context(), ended, rev); err != nil {
		t.Fatal(err)
	}
	for _, key := range []campaign.Key{ended.Key, {Source: "shop-italia", RequestID: "nobody-s"}} {
		if err := d.book.Reserve(t.Context(), key, ended.Quote.Price.Total, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// The replica that sweeps looks at schedules and budgets too, for all of them.
func TestOneReplicaDoesTheDutiesOfAll(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	one, other := replica(t, b, true), replica(t, b, true)
	one.leaveBehind(t)
	one.overdue(t, "first")
	one.takeTurn(t)
	if n := one.woken(t); n != 1 {
		t.Errorf("%d schedules were woken, want the one that was overdue", n)
	}
	if len(one.told) != 1 || one.told[0].Settled != 1 || one.told[0].Orphaned != 1 || one.told[0].At.IsZero() {
		t.Fatalf("of the budgets it was told %+v, want one settled and one without a record", one.told)
	}
	one.overdue(t, "second")
	if found := other.takeTurn(t); found.Records != 0 {
		t.Errorf("another replica looked at the records again: %+v", found)
	}
	if n := other.woken(t); n != 1 {
		t.Errorf("another replica looked at the schedules again, and woke %d", n-1)
	}
	if len(other.told) != 1 || other.told[0].Settled != 0 || other.told[0].Orphaned != 1 || !other.told[0].At.Equal(one.told[0].At) {
		t.Errorf("another replica was told %+v, want the same as %+v, and nothing that it has settled", other.told, one.told)
	}
}

// A replica that enforces no budgets leaves them to one that does.
func TestWhatOneReplicaMayNotDoAnotherDoes(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	without, with := replica(t, b, false), replica(t, b, true)
	with.leaveBehind(t)
	without.takeTurn(t)
	with.takeTurn(t)
	if len(with.told) != 1 || with.told[0].Settled != 1 {
		t.Errorf("it was told %+v, want one settled", with.told)
	}
}

// A duty that fails holds up neither the others nor the records, and is due again.
func TestADutyThatFailsIsDueAgain(t *testing.T) {
	t.Parallel()
	d := replica(t, setup(t, journal.Options{}), true)
	store(t, d.j, "rests", time.Hour)
	d.refuses = errors.New("the ledgers cannot be read")
	if found := d.takeTurn(t); found.States[campaign.Confirming] != 1 {
		t.Errorf("the records were not looked at: %+v", found)
	}
	d.refuses = nil
	d.takeTurn(t)
	if len(d.told) != 2 {
		t.Errorf("the budgets were swept %d times, want again after the first failed", len(d.told))
	}
	d.takeTurn(t)
	if len(d.told) != 3 || !d.told[2].At.Equal(d.told[1].At) {
		t.Errorf("it was told %+v, want no third sweep", d.told)
	}
}
