package runner_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// -many=1000 lives more of them.
var many = flag.Uint64("many", 20, "histories of campaigns with the same people")

// Many campaigns with the same few people come at once, and all goes wrong: workers die,
// calls and answers are lost, uploads arrive when nobody expects them.
// No text goes out with what another campaign has uploaded, and each campaign comes to its
// end: nobody waits for ever.
func TestManyWithTheSamePeople(t *testing.T) {
	t.Parallel()
	for seed := range *many {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { live(t, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

func live(t *testing.T, r *rand.Rand) {
	s := open(t, campaign.Rules{RecipientsKeep: 24 * time.Hour, CountWithin: 3 * time.Second, DriftTolerance: 10})
	s.gateway.SendsFor = time.Duration(1+r.IntN(20)) * time.Minute
	var mu sync.Mutex // guards r and trouble
	trouble := 60
	s.ports.decide = func(string) failure {
		mu.Lock()
		defer mu.Unlock()
		if trouble == 0 || r.IntN(12) > 0 {
			return ""
		}
		trouble--
		return failures[r.IntN(len(failures))]
	}
	s.gateway.Fault = func(call campaign.Call) runnertest.Fault {
		mu.Lock()
		defer mu.Unlock()
		if call.Op != campaign.OpUpload || r.IntN(3) > 0 {
			return runnertest.Fault{}
		}
		return runnertest.Fault{Break: runnertest.Late, After: time.Duration(r.IntN(100)) * time.Second}
	}
	var keys []campaign.Key
	for i := range 5 {
		key := campaign.Key{Source: "shop-italia", RequestID: fmt.Sprint("codes-", i)}
		keys = append(keys, key)
		mu.Lock()
		var lines []string
		for n := range 4 {
			if n == 0 || r.IntN(2) == 0 {
				lines = append(lines, fmt.Sprintf("+39333123450%d,%d", n, r.IntN(3)))
			}
		}
		s.people.Bring(key, lines...)
		q := blackFriday()
		q.Name, q.Text, q.ListID, q.Audience = key.RequestID, "Il suo codice: {{code}}", 0, &campaign.Audience{Digest: "ab"}
		q.Limits.MaxLateness = 200 * time.Hour
		if r.IntN(4) == 0 {
			q.At = time.Now().Add(time.Duration(r.IntN(120)) * time.Minute)
		}
		after := time.Duration(r.IntN(600)) * time.Second
		cancels := r.IntN(8) == 0
		mu.Unlock()
		go func() {
			time.Sleep(after)
			s.deliver(runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: q, RequestedAt: time.Now(), Stored: time.Now()})
			if cancels {
				time.Sleep(after)
				s.deliver(runner.Wakeup{Key: key, Kind: runner.WakeCommand, Command: campaign.Cancel{By: "anna"}, Stored: time.Now()})
			}
		}()
	}
	time.Sleep(300 * time.Hour)
	for _, why := range s.gateway.Garbled() {
		t.Error(why)
	}
	sent := 0
	for _, key := range keys {
		c, _ := s.journal.Record(key)
		if !c.State.Final() {
			t.Errorf("%s is %q, and waits: %s", key, c.State, c.Waiting)
		}
		if c.Confirmed != nil {
			sent++
		}
	}
	if sent == 0 {
		t.Error("none of them was sent")
	}
}
