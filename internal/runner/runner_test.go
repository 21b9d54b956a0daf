package runner_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// tests run in a bubble each, on a service of their own.
func tests(t *testing.T, all map[string]func(*testing.T, *service)) {
	t.Helper()
	t.Parallel()
	for name, test := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, open(t, campaign.Rules{})) })
		})
	}
}

func (s *service) wants(state campaign.State, messages int, told ...string) {
	s.t.Helper()
	if c := s.record(); c.State != state {
		s.t.Errorf("the campaign is %q (%s), want %s", c.State, c.Waiting, state)
	}
	if n := s.gateway.Messages(list); n != messages {
		s.t.Errorf("each phone got %d messages, want %d", n, messages)
	}
	if diff := cmp.Diff(told, s.published()); diff != "" {
		s.t.Errorf("events (-want +told):\n%s", diff)
	}
}

// during runs f when the runner passes a point for the n-th time, before the
// point has its effect.
func (s *service) during(point string, n int, f func()) {
	s.ports.before = func(name string) {
		if name != point {
			return
		}
		if n--; n == 0 {
			f()
		}
	}
}

func TestHandleRequest(t *testing.T) {
	tests(t, map[string]func(*testing.T, *service){
		"TheSameRequestAgainChangesNothing": func(t *testing.T, s *service) {
			s.request(blackFriday())
			s.rest()
			before := s.record()
			s.request(blackFriday())
			s.rest()
			if diff := cmp.Diff(before, s.record(), cmpopts.IgnoreUnexported(campaign.Campaign{})); diff != "" {
				t.Errorf("the record changed (-before +after):\n%s", diff)
			}
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
		},
		"OtherContentUnderTheSameKeyIsBuriedWithItsFields": func(t *testing.T, s *service) {
			s.request(blackFriday())
			other := blackFriday()
			other.Text, other.Unicode = "Cyber Monday!", true
			v := s.runner.Handle(t.Context(), runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: other})
			if v.Do != loop.Bury || v.Reason != "conflicting_duplicate" || !slices.Equal(v.Fields, []string{"text", "unicode"}) {
				t.Errorf("verdict %+v", v)
			}
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
		},
		"TwoWorkersOnOneRequestConfirmOnce": func(t *testing.T, s *service) {
			s.during("save drafted", 1, func() { s.request(blackFriday()) })
			s.request(blackFriday())
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
			if n := len(s.gateway.Seen()); n != 2 {
				t.Errorf("%d drafts were made, want 2: the test does not test what it says", n)
			}
		},
		"AConflictComesBackAfterAWhile": func(t *testing.T, s *service) {
			s.during("save drafted", 1, func() { s.request(blackFriday()) })
			v := s.runner.Handle(t.Context(), runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: blackFriday()})
			if v.Do != loop.Retry || v.After < 100*time.Millisecond {
				t.Errorf("verdict %+v, want a retry after a moment", v)
			}
		},
	})
}

func TestHandleCancel(t *testing.T) {
	tests(t, map[string]func(*testing.T, *service){
		"BeforeItsRequestLeavesARecordAndTheRequestIsRefused": func(t *testing.T, s *service) {
			s.cancel()
			s.request(blackFriday())
			s.rest()
			s.wants(campaign.Cancelled, 0, "cancelled.1")
			if v := s.verdicts[len(s.verdicts)-1]; v.Do != loop.Bury || v.Reason != "cancelled_before" {
				t.Errorf("verdict on the request: %+v", v)
			}
		},
		"WhileTheConfirmIsUnderWayIsKeptAndComesTooLateIfItHappened": func(t *testing.T, s *service) {
			s.during("call confirm", 1, s.cancel)
			s.request(blackFriday())
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1")
			if c := s.record().Cancel; c == nil || c.Failed == "" {
				t.Errorf("the cancel in the record: %+v, want it refused", c)
			}
		},
		"WhileTheConfirmIsUnderWayIsKeptAndHonouredIfItDidNot": func(t *testing.T, s *service) {
			s.breaks("call confirm", lost)
			s.during("call confirm", 1, s.cancel)
			s.request(blackFriday())
			s.rest()
			s.wants(campaign.Cancelled, 0, "cost_calculated.1", "cancelled.1")
		},
		"OfWhatIsBeingSentIsRefused": func(t *testing.T, s *service) {
			s.request(blackFriday())
			s.cancel()
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
			if c := s.record().Cancel; c == nil || c.Failed == "" {
				t.Errorf("the cancel in the record: %+v, want it refused", c)
			}
		},
	})
}

func TestConfirm(t *testing.T) {
	tests(t, map[string]func(*testing.T, *service){
		"DoesNotLeaveLateAfterItsIntent": func(t *testing.T, s *service) {
			s.during("publish cost_calculated", 1, func() { time.Sleep(11 * time.Second) })
			s.request(blackFriday())
			if n := s.count("call confirm"); n != 0 {
				t.Errorf("%d confirms left 11 s after their intent", n)
			}
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "cost_calculated.2", "confirmed.1", "stats.1", "stats.2")
		},
		"DoesNotLeaveLateIfTheSaveOfTheIntentWasSlow": func(t *testing.T, s *service) {
			s.during("save confirming", 1, func() { time.Sleep(11 * time.Second) })
			s.request(blackFriday())
			if n := s.count("call confirm"); n != 0 {
				t.Errorf("%d confirms left 11 s after their intent", n)
			}
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "cost_calculated.2", "confirmed.1", "stats.1", "stats.2")
		},
		"DoesNotLeaveOnceTheConnectionOfItsIntentBroke": func(t *testing.T, s *service) {
			s.during("publish cost_calculated", 1, s.journal.Break)
			s.request(blackFriday())
			if n := s.count("call confirm"); n != 0 {
				t.Errorf("%d confirms left", n)
			}
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "cost_calculated.2", "confirmed.1", "stats.1", "stats.2")
		},
		"ThatDidNotLeaveCountsAsNoRound": func(t *testing.T, s *service) {
			bad := 12
			s.ports.before = func(point string) {
				if point == "publish cost_calculated" && bad > 0 {
					bad--
					time.Sleep(11 * time.Second)
				}
			}
			s.request(blackFriday())
			s.rest()
			if c := s.record(); c.State != campaign.Completed || c.Rounds != 1 {
				t.Errorf("%s after %d rounds, %d quotes, want completed after one round", c.State, c.Rounds, c.Quotes)
			}
		},
		"WaitsForItsLeaveBeforeTheIntent": func(t *testing.T, s *service) {
			s.during("admit confirm", 1, func() { time.Sleep(30 * time.Second) })
			s.request(blackFriday())
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
		},
		"ThatSucceededSlowlyIsNotDestroyed": func(t *testing.T, s *service) {
			s.gateway.Fault = func(call campaign.Call) runnertest.Fault {
				if call.Op == campaign.OpConfirm {
					return runnertest.Fault{Break: runnertest.Late, After: time.Minute}
				}
				return runnertest.Fault{}
			}
			r := blackFriday()
			r.At = time.Now().Add(time.Hour) // a draft that is confirmed for later could be deleted
			s.request(r)
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
			if n := len(s.gateway.Seen()); n != 1 {
				t.Errorf("%d drafts were made, want 1", n)
			}
		},
		"ReleasesItsLeaveIfItIsNotUsed": func(t *testing.T, s *service) {
			s.during("save confirming", 1, s.cancel)
			s.request(blackFriday())
			s.rest()
			s.wants(campaign.Cancelled, 0, "cancelled.1")
			if n := s.ports.countPermits(0); n != 0 {
				t.Errorf("%d permits were neither used nor released", n)
			}
		},
	})
}

func TestDraft(t *testing.T) {
	tests(t, map[string]func(*testing.T, *service){
		"WaitsInHandWhileTooManyCallsAreMade": func(t *testing.T, s *service) {
			throttled := 0
			s.gateway.Fault = func(call campaign.Call) runnertest.Fault {
				if call.Op == campaign.OpCalculate && throttled < 3 {
					throttled++
					return runnertest.Fault{Break: runnertest.Throttled, After: 10 * time.Second}
				}
				return runnertest.Fault{}
			}
			began := time.Now()
			s.request(blackFriday())
			if waited := time.Since(began); waited < 30*time.Second {
				t.Errorf("it waited %s for three times ten seconds", waited)
			}
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
			if n := len(s.gateway.Seen()); n != 1 {
				t.Errorf("%d drafts were made, want 1", n)
			}
		},
		"DoesNotWaitInHandForEver": func(t *testing.T, s *service) {
			s.gateway.Fault = func(call campaign.Call) runnertest.Fault {
				if call.Op == campaign.OpCalculate && time.Since(start) < 10*time.Minute {
					return runnertest.Fault{Break: runnertest.Throttled, After: 10 * time.Second}
				}
				return runnertest.Fault{}
			}
			s.request(blackFriday())
			if c := s.record(); c.State != campaign.Abandoning {
				t.Errorf("for minutes there were too many calls: it is %s, want that its draft is given up", c.State)
			}
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
		},
		"IsNotBegunWhereItCannotBeRecorded": func(t *testing.T, s *service) {
			full := true
			s.journal.Fault = func(op string, _ campaign.Key) (bool, error) {
				if op == "save" && full {
					return false, errors.New("no space left")
				}
				return true, nil
			}
			for range 50 {
				v := s.runner.Handle(t.Context(), runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: blackFriday(), RequestedAt: time.Now(), Stored: time.Now()})
				if v.Do != loop.Retry {
					t.Fatalf("verdict %+v, want that the request comes again", v)
				}
			}
			if n := len(s.gateway.Seen()); n != 1 {
				t.Errorf("%d drafts were made that nobody could record, want 1", n)
			}
			if s.runner.Recording() {
				t.Error("no record can be saved, and it is said that they can")
			}
			full = false
			s.request(blackFriday())
			if !s.runner.Recording() {
				t.Error("records can be saved again, and it is said that they cannot")
			}
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
			if n := len(s.gateway.Seen()); n != 2 {
				t.Errorf("%d drafts were made in all, want 2", n)
			}
		},
	})
}

func TestHandleFollow(t *testing.T) {
	tests(t, map[string]func(*testing.T, *service){
		"ReadsTheStatisticsAtOnceAndCompletes": func(t *testing.T, s *service) {
			s.gateway.SendsFor = 90 * time.Hour
			s.request(blackFriday())
			s.rest()
			if c := s.record(); c.State != campaign.Unreconciled {
				t.Fatalf("it is %s, want unreconciled: the test does not test what it says", c.State)
			}
			told := len(s.published())
			s.deliver(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: campaign.Follow{By: "anna"}, Stored: time.Now()})
			if c := s.record(); c.State != campaign.Completed || len(s.published()) != told+1 {
				t.Errorf("it is %s, with %d events more, want completed and one", c.State, len(s.published())-told)
			}
			if err := runnertest.Orderly(s.journal.Events(key)); err != nil {
				t.Error(err)
			}
		},
	})
}

// What the records have lost, the events still show.
func TestALostRecord(t *testing.T) {
	tests(t, map[string]func(*testing.T, *service){
		"OfACompletedCampaignIsRebuiltAndNothingIsToldAgain": func(t *testing.T, s *service) {
			s.request(blackFriday())
			s.rest()
			s.journal.Lose(key)
			s.request(blackFriday())
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
		},
		"OfACancelledCampaignIsRebuiltAndNothingIsSent": func(t *testing.T, s *service) {
			r := blackFriday()
			r.Limits.Approval = true
			s.request(r)
			s.cancel()
			s.journal.Lose(key)
			s.request(r)
			s.rest()
			s.wants(campaign.Cancelled, 0, "cost_calculated.1", "approval_required.1", "cancelled.1")
		},
		"IsLookedForBeforeACancelIsAnswered": func(t *testing.T, s *service) {
			s.request(blackFriday())
			s.rest()
			s.journal.Lose(key)
			s.cancel()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
			if c := s.record().Cancel; c == nil || c.Failed == "" {
				t.Errorf("the cancel in the record: %+v, want it refused", c)
			}
			s.request(blackFriday())
			if v := s.verdicts[len(s.verdicts)-1]; v.Do != loop.Ack {
				t.Errorf("the same request again: verdict %+v, want that it changes nothing", v)
			}
		},
		"IsNotMadeAnewWhileTheEventsCannotBeRead": func(t *testing.T, s *service) {
			s.request(blackFriday())
			s.rest()
			s.journal.Lose(key)
			s.breaks("told", lost)
			s.request(blackFriday())
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
		},
		"WhoseCostWasToldAndNoMoreAsksAPerson": func(t *testing.T, s *service) {
			s.breaks("call confirm", crashAfter)
			s.during("call confirm", 1, func() { s.journal.Lose(key) })
			s.request(blackFriday())
			if c := s.record(); c.State != campaign.Unresolved || c.Reason.Code != campaign.ReasonCostConflict {
				t.Fatalf("it is %s because of %+v, want that a person is asked", c.State, c.Reason)
			}
			s.rest() // it is seen sent meanwhile
			s.wants(campaign.Completed, 1, "cost_calculated.1", "unresolved.1", "confirmed.1", "stats.1")
		},
	})
}

// start is when a bubble begins.
var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestRest(t *testing.T) {
	tests(t, map[string]func(*testing.T, *service){
		"IsNeverLongerThanAWeek": func(t *testing.T, s *service) {
			r := blackFriday()
			r.At = time.Now().Add(40 * 24 * time.Hour)
			s.request(r)
			before := s.count("load")
			time.Sleep(30 * 24 * time.Hour)
			if n := s.count("load") - before; n != 4 {
				t.Errorf("in 30 days it was looked at %d times, want 4", n)
			}
			time.Sleep(10 * 24 * time.Hour)
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
		},
		"FollowsACommandThatComesAgainBeforeTheEndIsTold": func(t *testing.T, s *service) {
			r := blackFriday()
			r.Limits.Approval = true
			s.request(r)
			s.breaks("publish cancelled", crashBefore)
			s.cancel()
			s.wants(campaign.Cancelled, 0, "cost_calculated.1", "approval_required.1", "cancelled.1")
			if n := s.count("load"); n != 3 {
				t.Errorf("the record was loaded %d times, want 3: the request, the command, the command again", n)
			}
		},
		"IsFoundOverdueWhileTheEndIsNotTold": func(t *testing.T, s *service) {
			s.during("publish stats", 3, func() {
				if c := s.record(); c.State != campaign.Completed || c.Wake.IsZero() {
					t.Errorf("%s, not told yet, and to be woken at %v", c.State, c.Wake)
				}
			})
			s.request(blackFriday())
			s.rest()
			if c := s.record(); c.State != campaign.Completed || !c.Wake.IsZero() {
				t.Errorf("%s, told, and to be woken at %v", c.State, c.Wake)
			}
		},
	})
}

// A worker's clock may be minutes behind the stream's: it must neither spin,
// nor wait for ever for a settling time to be over.
func TestASlowClock(t *testing.T) {
	tests(t, map[string]func(*testing.T, *service){
		"NeitherStormsNorStalls": func(t *testing.T, s *service) {
			s.ports.journal = &slowClock{Journal: s.journal, by: 5 * time.Minute, wake: s.deliver}
			s.breaks("call confirm", lost)
			s.request(blackFriday())
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "cost_calculated.2", "confirmed.1", "stats.1")
			if n := s.count("load"); n > 30 {
				t.Errorf("the record was loaded %d times", n)
			}
		},
	})
}

// slowClock is a journal whose stream's clock is ahead of all others.
type slowClock struct {
	*runnertest.Journal
	by   time.Duration
	arms int
	wake func(runner.Wakeup)
}

func (j *slowClock) Load(ctx context.Context, key campaign.Key) (campaign.Campaign, loop.Revision, error) {
	c, rev, err := j.Journal.Load(ctx, key)
	if !rev.At.IsZero() {
		rev.At = rev.At.Add(j.by)
	}
	return c, rev, err
}

// Arm fires when the stream's clock says so: at once, if it is past that.
func (j *slowClock) Arm(_ context.Context, key campaign.Key, at time.Time) error {
	if j.arms++; j.arms > 1000 {
		return errors.New("a storm of timers")
	}
	time.AfterFunc(time.Until(at)-j.by, func() {
		j.wake(runner.Wakeup{Key: key, Kind: runner.WakeTimer, Stored: time.Now().Add(j.by)})
	})
	return nil
}
