package runner_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/button"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

func (s *service) hold() {
	s.t.Helper()
	if _, err := s.button.Press(s.t.Context(), key.Source, "anna", "wrong prices"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *service) release() {
	s.t.Helper()
	if _, err := s.button.Release(s.t.Context(), key.Source, "anna", ""); err != nil {
		s.t.Fatal(err)
	}
}

// waitsHeld wants the campaign to wait, untouched, and to say why.
func (s *service) waitsHeld(words string) {
	s.t.Helper()
	if c := s.record(); c.State != campaign.Requested || !strings.Contains(c.Waiting, words) {
		s.t.Errorf("it is %q, waiting because %q; want it requested, because %q", c.State, c.Waiting, words)
	}
	if n := s.gateway.Messages(list); n != 0 {
		s.t.Errorf("each phone got %d messages, want none", n)
	}
}

func TestHold(t *testing.T) {
	const held = "shop-italia is held by anna"
	tests(t, map[string]func(*testing.T, *service){
		"NothingIsBegunAndItGoesOnOnceReleased": func(t *testing.T, s *service) {
			s.hold()
			s.request(blackFriday())
			time.Sleep(10 * time.Hour)
			s.waitsHeld(held)
			if n := s.count("call create"); n != 0 {
				t.Errorf("%d drafts were made, want none", n)
			}
			s.release()
			time.Sleep(90 * time.Second)
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
		},
		"WhatIsQuotedIsNotConfirmed": func(t *testing.T, s *service) {
			s.during("admit confirm", 1, s.hold)
			s.request(blackFriday())
			time.Sleep(time.Hour)
			s.waitsHeld(held)
			if n := s.count("save confirming"); n != 0 {
				t.Errorf("%d intents were saved, want none", n)
			}
			s.release()
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
		},
		"AnIntentThatIsSavedDoesNotLeave": func(t *testing.T, s *service) {
			s.during("save confirming", 1, s.hold)
			s.request(blackFriday())
			time.Sleep(time.Hour)
			s.waitsHeld(held)
			if n := s.count("call confirm"); n != 0 {
				t.Errorf("%d confirms left, want none", n)
			}
			s.release()
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "cost_calculated.2", "confirmed.1", "stats.1", "stats.2")
		},
		"ACancelIsObeyed": func(t *testing.T, s *service) {
			s.hold()
			s.request(blackFriday())
			s.cancel()
			s.wants(campaign.Cancelled, 0, "cancelled.1")
		},
		"WhatExpiresMeanwhileIsRejected": func(t *testing.T, s *service) {
			s.hold()
			r := blackFriday()
			r.ExpiresAt = time.Now().Add(time.Hour)
			s.request(r)
			time.Sleep(2 * time.Hour)
			s.wants(campaign.Rejected, 0, "rejected.1")
		},
		"WhoCannotLookConfirmsNothing": func(t *testing.T, s *service) {
			var broken atomic.Bool // a timer reads it
			s.button = button.New(runnertest.NewMemoryStore().Peer(func(string) (bool, error) {
				if broken.Load() {
					return false, errNoAnswer
				}
				return false, nil
			}))
			s.configure("https://gateway.example")
			s.during("save confirming", 1, func() { broken.Store(true); time.Sleep(time.Second) })
			s.request(blackFriday())
			time.Sleep(time.Hour)
			s.waitsHeld("nobody can say whether it is held")
			broken.Store(false)
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "cost_calculated.2", "confirmed.1", "stats.1", "stats.2")
		},
	})
}

// strict takes one campaign.
type strict map[campaign.Key]bool

func (s strict) Takes(key campaign.Key, _ time.Time) string {
	if len(s) > 0 && !s[key] {
		return "too many of " + key.Source
	}
	s[key] = true
	return ""
}

func (s strict) TakesStray(key campaign.Key, stored time.Time) string { return s.Takes(key, stored) }

func TestIntake(t *testing.T) {
	tests(t, map[string]func(*testing.T, *service){
		"WhatIsTooManyIsBuriedAndTheRestIsHandled": func(t *testing.T, s *service) {
			s.intake = strict{}
			s.configure("https://gateway.example")
			s.request(blackFriday())
			other := campaign.Key{Source: key.Source, RequestID: "another"}
			v := s.runner.Handle(t.Context(), runner.Wakeup{Key: other, Kind: runner.WakeRequest, Request: blackFriday(), RequestedAt: time.Now(), Stored: time.Now()})
			if v.Do != loop.Bury || v.Reason != "too_many" || !strings.Contains(v.Note, "too many of shop-italia") {
				t.Errorf("verdict %+v", v)
			}
			s.request(blackFriday()) // has a record, and is not counted
			s.rest()
			s.wants(campaign.Completed, 1, "cost_calculated.1", "confirmed.1", "stats.1", "stats.2")
		},
	})
}

// full takes nothing.
type full struct{}

func (full) Takes(campaign.Key, time.Time) string { return "too many" }
func (full) TakesStray(key campaign.Key, _ time.Time) string {
	return "too many strays of " + key.Source
}

func TestIntakeOfCancels(t *testing.T) {
	// full is a service whose sources have had all that they may.
	full := func(s *service) loop.Verdict {
		s.intake = full{}
		s.configure("https://gateway.example")
		v, _ := s.handle(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: campaign.Cancel{By: "anna"}, Stored: time.Now()})
		return v
	}
	tests(t, map[string]func(*testing.T, *service){
		"OfWhatNobodyAskedForIsPutAside": func(t *testing.T, s *service) {
			if v := full(s); v.Do != loop.Bury || v.Reason != "too_many" || v.Note != "too many strays of shop-italia" {
				t.Errorf("verdict %+v", v)
			}
			if c, recorded := s.journal.Record(key); recorded || len(s.published()) > 0 {
				t.Errorf("it leaves the record %+v, and tells %q", c, s.published())
			}
		},
		"WhoseRequestWaitsForItsTurnIsObeyed": func(t *testing.T, s *service) {
			s.journal.Ask(key, 1)
			if v := full(s); v.Do != loop.Ack {
				t.Errorf("verdict %+v", v)
			}
			s.request(blackFriday())
			s.rest()
			s.wants(campaign.Cancelled, 0, "cancelled.1")
		},
		"OfWhatIsUnderWayIsObeyed": func(t *testing.T, s *service) {
			r := blackFriday()
			r.At = time.Now().Add(48 * time.Hour)
			s.request(r)
			if v := full(s); v.Do != loop.Ack {
				t.Errorf("verdict %+v", v)
			}
			s.rest()
			s.wants(campaign.Cancelled, 0, "cost_calculated.1", "confirmed.1", "cancelled.1")
		},
		"OfALostRecordIsObeyed": func(t *testing.T, s *service) {
			r := blackFriday()
			r.At = time.Now().Add(48 * time.Hour)
			s.request(r)
			s.journal.Lose(key)
			if v := full(s); v.Do != loop.Ack {
				t.Errorf("verdict %+v", v)
			}
			s.rest()
			s.wants(campaign.Cancelled, 0, "cost_calculated.1", "confirmed.1", "cancelled.1")
		},
		"IsNotPutAsideOnADoubt": func(t *testing.T, s *service) {
			for _, point := range []string{"asked", "told"} {
				s.breaks(point, lost)
				if v := full(s); v.Do != loop.Retry {
					t.Errorf("without an answer to %q: verdict %+v", point, v)
				}
			}
		},
	})
}
