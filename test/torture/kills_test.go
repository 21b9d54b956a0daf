package torture

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

var (
	kills = flag.Int("kills", 18, "processes that are killed, over all kinds of gateway")
	seed  = flag.Uint64("seed", 1, "of the moments at which they are")
)

// An attack is one way to hit the processes. It returns how many it has killed.
type attack struct {
	name string
	run  func(*attackedFleet) int
}

// attacks in the order in which they are dealt, again and again. The first few are
// those of the short form. A call that is never made at this kind of gateway cannot be
// hit.
func attacks(k kind) []attack {
	list := []attack{
		{"the service, while its confirm is on the way", during(sandbox.Confirm, sandbox.Before)},
		{"the service, with a draft that is being quoted", during(sandbox.Price, sandbox.Before)},
		{"NATS, while a confirm is answered", (*attackedFleet).killNATSInAConfirm},
		{"the service, once its confirm took effect", during(sandbox.Confirm, sandbox.After)},
		{"one of two services, at any moment", (*attackedFleet).killOne},
		{"told to stop in mid-call", (*attackedFleet).stopInMidCall},
		{"frozen for longer than L, and thawed", (*attackedFleet).freeze},
		{"NATS, at any moment", (*attackedFleet).killNATS},
		{"the service, while recipients are uploaded", duringPeople(sandbox.Upload, sandbox.Before)},
		{"the service, once recipients are uploaded", duringPeople(sandbox.Upload, sandbox.After)},
		{"the service, once a list is made", duringPeople(sandbox.Lists, sandbox.After)},
		{"NATS, while recipients are uploaded", (*attackedFleet).killNATSInAnUpload},
	}
	for _, op := range []sandbox.Operation{sandbox.Create, sandbox.Delete, sandbox.Status, sandbox.Calculate, sandbox.Configure, sandbox.Price, sandbox.Stats} {
		if op == k.never {
			continue
		}
		for _, when := range []sandbox.Moment{sandbox.After, sandbox.Before} {
			list = append(list,
				attack{fmt.Sprintf("the service, at %s, %s its effect", op, cmp.Or(when, "before")), during(op, when)},
				attack{"one of two services, at any moment", (*attackedFleet).killOne},
				attack{"NATS and the services together", (*attackedFleet).killAll})
		}
	}
	return list
}

// An attackedFleet is a fleet under attacks.
type attackedFleet struct {
	*fleet
	rand *rand.Rand
}

// TestKills: campaigns flow, and processes are killed: the services at chosen points
// of the path and at any moment, NATS, all of them together. The sandbox lives on
// and has seen everything. It is a gateway of each kind in turn.
func TestKills(t *testing.T) {
	t.Parallel()
	syncs := []string{"2m", "always"}
	for i, k := range kinds {
		sync := syncs[i%len(syncs)]
		t.Run(fmt.Sprintf("%s, sync_interval %s", k.name, sync), func(t *testing.T) {
			t.Parallel()
			s := &attackedFleet{newFleet(t, sync), rand.New(rand.NewPCG(*seed, uint64(i)))}
			s.becomes(k)
			for range 2 {
				s.serve(serviceProgram.path(t), append(slices.Clip(k.settings), keptFor)...)
			}
			s.ready()
			// Each begins with other blows: also in the short form all of the first are dealt.
			killed, dealt := 0, map[string]int{}
			for n := 2 * i; killed < max(*kills/len(kinds), 1); n++ {
				all := attacks(k)
				b := all[n%len(all)]
				s.launch()
				s.launch()
				s.launchWithPeople()
				killed += b.run(s)
				dealt[b.name]++
				s.revive()
			}
			s.control("DELETE", "faults", nil, nil)
			unresolved := s.ended(k)
			t.Logf("%d processes killed: %v", killed, dealt)
			t.Logf("%s; unresolved %d", s.judge(s.ids), unresolved)
			campaigns, texts := s.judgePeople()
			t.Logf("of them with recipients of their own %d, who got %d texts, each the right one; nothing of them is left", campaigns, texts)
			s.wantDeadLetters(0)
		})
	}
}

// delayRule is a rule that holds a call back before its effect, or only its answer: long
// enough to do something, not so long that the service gives up.
func delayRule(op sandbox.Operation, when sandbox.Moment) sandbox.Fault {
	return sandbox.Fault{Operation: op, When: when, Delay: timeout * 4 / 5}
}

// during kills both services while one of them makes a call.
func during(op sandbox.Operation, when sandbox.Moment) func(*attackedFleet) int {
	return func(s *attackedFleet) int {
		var rules []sandbox.Fault
		for _, c := range calls {
			if c.op == op {
				rules = append(rules, c.before...)
			}
		}
		s.reach(append(rules, delayRule(op, when)))
		for _, p := range s.services {
			p.kill()
		}
		return len(s.services)
	}
}

// duringPeople is the same for a call about recipients that came with the request.
func duringPeople(op sandbox.Operation, when sandbox.Moment) func(*attackedFleet) int {
	return func(s *attackedFleet) int {
		s.struckAt(s.launchWithPeople(delayRule(op, when)), delayRule(op, when))
		for _, p := range s.services {
			p.kill()
		}
		return len(s.services)
	}
}

// reach asks for a campaign and returns when its last rule strikes.
func (s *attackedFleet) reach(rules []sandbox.Fault) (id string) {
	id = s.launch(rules...)
	s.struckAt(id, rules[len(rules)-1])
	return id
}

// struckAt waits until a rule about a campaign strikes.
func (s *attackedFleet) struckAt(id string, last sandbox.Fault) {
	s.eventually(fmt.Sprintf("%s makes its %s", id, last.Operation), func(context.Context) error {
		for _, f := range s.faults() {
			if f.Name == mark(campaign.Key{Source: s.source, RequestID: id}) && f.Operation == last.Operation && f.When == last.When && f.Struck > 0 {
				return nil
			}
		}
		return fmt.Errorf("not yet")
	})
}

// killOne kills a service at any moment of a handful of campaigns.
func (s *attackedFleet) killOne() int {
	s.burst()
	s.services[s.rand.IntN(len(s.services))].kill()
	return 1
}

func (s *attackedFleet) killNATS() int {
	s.burst()
	s.nats.kill()
	return 1
}

func (s *attackedFleet) killAll() int {
	s.burst()
	s.nats.kill()
	for _, p := range s.services {
		p.kill()
	}
	return 1 + len(s.services)
}

// burst asks for a handful of campaigns, and lets them come as far as chance wills.
func (s *attackedFleet) burst() {
	for n := range 5 {
		if n%2 == 1 {
			s.launchWithPeople()
		} else {
			s.launch()
		}
	}
	<-time.After(time.Duration(s.rand.Int64N(int64(60 * time.Millisecond))))
}

func (s *attackedFleet) killNATSInAConfirm() int {
	s.reach([]sandbox.Fault{delayRule(sandbox.Confirm, sandbox.After)})
	s.nats.kill()
	return 1
}

func (s *attackedFleet) killNATSInAnUpload() int {
	rule := delayRule(sandbox.Upload, sandbox.After)
	s.struckAt(s.launchWithPeople(rule), rule)
	s.nats.kill()
	return 1
}

// stopInMidCall: what is under way is finished and saved before the end.
func (s *attackedFleet) stopInMidCall() int {
	id := s.reach([]sandbox.Fault{{Operation: sandbox.Confirm, Delay: timeout / 2}})
	for _, p := range s.services {
		p.signal(syscall.SIGTERM)
	}
	for _, p := range s.services {
		p.ends()
	}
	records, err := s.records(s.Context())
	c := records[id]
	// Unless the whole time for an answer went by: a busy machine.
	waited := slices.ContainsFunc(c.Attempts, func(a campaign.Attempt) bool {
		return a.Op == campaign.OpConfirm && a.TookMS >= timeout.Milliseconds()
	})
	if err != nil || c.Confirmed == nil && !waited {
		s.Errorf("%s is %s (%v) after the services were told to stop, want confirmed: its answer was lost", id, c.State, err)
	}
	return 0
}

// freeze stops the services in the middle of a confirm for longer than the intent
// lasts; one of them is killed in its sleep, the other one comes back.
func (s *attackedFleet) freeze() int {
	s.reach([]sandbox.Fault{delayRule(sandbox.Confirm, sandbox.Before)})
	for _, p := range s.services {
		p.signal(syscall.SIGSTOP)
	}
	<-time.After(within + timeout)
	s.services[0].kill()
	s.services[1].signal(syscall.SIGCONT)
	return 1
}

// revive starts what is dead, and waits until it works.
func (s *attackedFleet) revive() {
	s.Helper()
	if s.nats.all[0].cmd == nil {
		s.nats.start()
		s.eventually("NATS listens again", s.nats.listens)
	}
	for _, p := range s.services {
		if p.cmd == nil {
			p.start()
		}
	}
	s.ready()
}
