package runnertest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// failures is a test that remembers why it failed, so that a fake that polices
// can be shown to.
type failures struct {
	testing.TB
	said []string
}

func (f *failures) Errorf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

func (f *failures) want(t *testing.T, text string) {
	t.Helper()
	if len(f.said) != 1 || !strings.Contains(f.said[0], text) {
		t.Errorf("the test failed with %q, want one failure with %q", f.said, text)
	}
}

func TestFakeJournalPolices(t *testing.T) {
	t.Parallel()
	told := func(message string) campaign.Campaign {
		c := runnertest.Sample(key)
		c.Outbox = []campaign.Event{{Type: campaign.EventFailed, N: 1, Reason: &campaign.Reason{Message: message}}}
		return c
	}

	t.Run("AnEventToldAgainWithOtherContent", func(t *testing.T) {
		t.Parallel()
		f := &failures{TB: t}
		j := runnertest.NewJournal(f, nil)
		for _, message := range []string{"one", "one", "two"} {
			if err := j.Publish(t.Context(), told(message)); err != nil {
				t.Fatal(err)
			}
		}
		f.want(t, "is told again as")
	})

	t.Run("ATimerForThePast", func(t *testing.T) {
		t.Parallel()
		f := &failures{TB: t}
		if err := runnertest.NewJournal(f, nil).Arm(t.Context(), key, time.Now()); err == nil {
			t.Error("armed")
		}
		f.want(t, "it would fire at once, for ever")
	})

	t.Run("AFaultThatClaimsToBeAConflict", func(t *testing.T) {
		t.Parallel()
		f := &failures{TB: t}
		j := runnertest.NewJournal(f, nil)
		j.Fault = func(string, campaign.Key) (bool, error) { return true, loop.ErrConflict }
		_, _ = j.Save(t.Context(), runnertest.Sample(key), loop.Revision{Epoch: 1})
		f.want(t, "use another error")
	})
}

func TestFakeJournalInABubble(t *testing.T) {
	t.Parallel()
	create := func(t *testing.T, j *runnertest.Journal) {
		t.Helper()
		_, rev, err := j.Load(t.Context(), key)
		if err == nil {
			_, err = j.Save(t.Context(), runnertest.Sample(key), rev)
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	t.Run("WakesOnFakeTime", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var woken []runner.Wakeup
			j := runnertest.NewJournal(t, func(w runner.Wakeup) { woken = append(woken, w) })
			due := time.Now().Add(72 * time.Hour)
			if err := j.Arm(t.Context(), key, due); err != nil {
				t.Fatal(err)
			}
			time.Sleep(72*time.Hour - time.Nanosecond)
			synctest.Wait()
			if len(woken) != 0 || j.Armed(key) != 1 {
				t.Fatalf("woken early: %v", woken)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if len(woken) != 1 || !woken[0].Stored.Equal(due) || j.Armed(key) != 0 {
				t.Errorf("woken by %v, %d still armed", woken, j.Armed(key))
			}
		})
	})

	t.Run("AgesWithTheConnection", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			j := runnertest.NewJournal(t, nil)
			create(t, j)
			time.Sleep(time.Minute)
			_, rev, _ := j.Load(t.Context(), key)
			if age := j.Age(rev, time.Now()); age != time.Minute {
				t.Errorf("after a minute the age is %s", age)
			}
			j.Break()
			time.Sleep(time.Second)
			_, rev, _ = j.Load(t.Context(), key)
			if age := j.Age(rev, time.Now()); age != time.Second {
				t.Errorf("a second after the reconnect the age is %s", age)
			}
		})
	})

	t.Run("LosesTheLastSaveInAPowerCut", func(t *testing.T) {
		t.Parallel()
		j := runnertest.NewJournal(t, nil)
		create(t, j)
		c, rev, _ := j.Load(t.Context(), key)
		c.State = campaign.Confirmed
		last, err := j.Save(t.Context(), c, rev)
		if err != nil {
			t.Fatal(err)
		}
		j.PowerCut(key)
		if c, _ := j.Record(key); c.State != campaign.Confirming {
			t.Errorf("the record is in state %q", c.State)
		}
		if j.Valid(last) {
			t.Error("a revision survived the power cut")
		}
		c, rev, _ = j.Load(t.Context(), key)
		again, err := j.Save(t.Context(), c, rev)
		if err != nil || again.Seq != last.Seq {
			t.Errorf("saved as %+v, %v; the sequence %d is used again", again, err, last.Seq)
		}
	})

	t.Run("FaultsComeInPairs", func(t *testing.T) {
		t.Parallel()
		for _, apply := range []bool{false, true} {
			j := runnertest.NewJournal(t, nil)
			j.Fault = func(op string, _ campaign.Key) (bool, error) {
				if op == "save" {
					return apply, errors.New("no answer")
				}
				return true, nil
			}
			_, rev, _ := j.Load(t.Context(), key)
			if _, err := j.Save(t.Context(), runnertest.Sample(key), rev); err == nil || errors.Is(err, loop.ErrConflict) {
				t.Errorf("got error %v", err)
			}
			if _, stored := j.Record(key); stored != apply {
				t.Errorf("stored %t, want %t", stored, apply)
			}
		}
	})
}
