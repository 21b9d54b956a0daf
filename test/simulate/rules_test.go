package simulate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/test/simulate"
)

// rule is one rule of the confirm protocol, and how it is left out. What
// breaks then is kept as a story in testdata/rules.
type rule struct {
	n    int
	name string
	// without leaves the rule out; kinds is how that shows.
	without simulate.Options
	kinds   []string
	// script is the story, if it is too rare to be come upon.
	script *simulate.Script
	// structural says why the rule cannot be left out.
	structural string
}

var protocol = []rule{
	{
		n: 1, name: "compare-and-set on every save",
		without: simulate.Options{Journal: func(j runner.Journal) runner.Journal { return anyRevision{noLook{j}} }},
		kinds:   []string{"twice"},
	},
	{
		n: 2, name: "the intent is saved before the call",
		without: simulate.Options{Decide: change(func(_ decide, d campaign.Decision) campaign.Decision {
			d.Save = d.Save && !calls(d, campaign.OpConfirm)
			return d
		})},
		kinds: []string{"twice", "sent all the same"},
	},
	{
		n: 3, name: "one confirm call per intent",
		without: simulate.Options{Gateway: func(g runner.Gateway) runner.Gateway { return tryAgain{g} }},
		kinds:   []string{"twice"},
	},
	{
		n: 4, name: "read-back",
		without: simulate.Options{Decide: change(func(next decide, d campaign.Decision) campaign.Decision {
			// What would be read is made up: it did not happen, it is disarmed.
			for (calls(d, campaign.OpStatus) || calls(d, campaign.OpConfigure)) && d.Next.Draft.Intended && d.Next.Confirmed == nil && !d.Next.State.Final() {
				o := campaign.Outcome{Op: d.Call.Op, Kind: campaign.OK, Status: campaign.StatusUnconfirmed, ByID: true}
				again := next(d.Next, o, campaign.Facts{Now: time.Now(), Age: time.Hour})
				again.Save = again.Save || d.Save
				d = again
			}
			return d
		})},
		kinds: []string{"twice"},
	},
	{
		n: 5, name: "S is longer than L and the time to effect",
		without: simulate.Options{Rules: func(r *campaign.Rules) { r.Settle = 20 * time.Second }},
		kinds:   []string{"destroyed", "vanished"},
		// The confirm has not shown after S, the draft is about to be configured again,
		// and then the confirm takes effect, in time.
		script: &simulate.Script{At: 3 * time.Hour, Gateway: unconfirms, Faults: slowConfirm},
	},
	{
		n: 6, name: "the L check right before the call",
		without: simulate.Options{
			Rules: func(r *campaign.Rules) { r.ConfirmWithin = 1000 * time.Hour },
			Decide: func(r campaign.Rules) func(campaign.Campaign, campaign.Input, campaign.Facts) campaign.Decision {
				r.ConfirmWithin = 0 // the rules keep their L, only the check has none
				return r.WithDefaults().Step
			},
		},
		kinds: []string{"expired", "too late"},
	},
	{
		n: 7, name: "save abandoning or cancelling before configure or delete",
		without: simulate.Options{Decide: change(func(_ decide, d campaign.Decision) campaign.Decision {
			d.Save = d.Save && !(d.Next.State == campaign.Abandoning && d.Call != nil)
			return d
		})},
		kinds: []string{"never sent", "vanished", "destroyed", "needless"},
		// B finds A's draft and decides to withdraw it; A goes on, confirms and
		// announces it; B takes it back.
		script: &simulate.Script{At: 3 * time.Hour, Gateway: unconfirms, Faults: []simulate.Planned{
			{Worker: "A", Call: "call configure", What: "frozen", For: 70 * time.Second},
			{Worker: "B", Call: "call configure", What: "frozen", For: 15 * time.Second},
		}},
	},
	{
		n: 8, name: "a run owns its draft",
		without: simulate.Options{Decide: override(func(next decide, c campaign.Campaign, in campaign.Input, f campaign.Facts) (campaign.Decision, bool) {
			if _, woken := in.(campaign.Woken); !woken || c.State != campaign.Drafted || c.Wake.After(f.Now) {
				return campaign.Decision{}, false
			}
			d := next(asCreated(next, c, f), campaign.Outcome{Op: campaign.OpCreate, Kind: campaign.OK, CampaignID: c.Draft.ID}, f)
			d.Save = false
			return d, true
		})},
		kinds: []string{"twice", "never sent", "vanished"},
	},
	{
		n: 9, name: "after an unknown configure the draft is thrown away",
		without: simulate.Options{Decide: override(func(_ decide, c campaign.Campaign, in campaign.Input, _ campaign.Facts) (campaign.Decision, bool) {
			o, ok := in.(campaign.Outcome)
			if !ok || c.State != campaign.Drafted || o.Op != campaign.OpConfigure || o.Kind != campaign.Unavailable {
				return campaign.Decision{}, false
			}
			r := c.Request
			return campaign.Decision{Next: c, Call: &campaign.Call{Op: campaign.OpConfigure, CampaignID: c.Draft.ID,
				Content: campaign.Content{Sender: r.Sender, Text: r.Text, ListID: r.ListID}}}, true
		})},
		kinds: []string{"never sent", "vanished"},
	},
	{
		n: 10, name: "what failed is delivered again after a while",
		without: simulate.Options{Verdict: func(v loop.Verdict) loop.Verdict { v.After = 0; return v }},
		kinds:   []string{"storm"},
	},
	{
		n: 11, name: "acknowledge last",
		without: simulate.Options{AckFirst: true},
		kinds:   []string{"forgotten"},
	},
	{
		n: 12, name: "deliver what is owed at load",
		without: simulate.Options{Journal: func(j runner.Journal) runner.Journal { return &noPublish{Journal: j, load: true} }},
		kinds:   []string{"not told"},
	},
	{
		n: 12, name: "deliver what is owed after the save",
		without: simulate.Options{Journal: func(j runner.Journal) runner.Journal { return &noPublish{Journal: j, save: true} }},
		kinds:   []string{"not told"},
	},
	{
		n: 13, name: "never arm a timer that is due",
		without: simulate.Options{Journal: func(j runner.Journal) runner.Journal { return armsAtOnce{j} }},
		kinds:   []string{"storm"},
	},
	{
		n: 14, name: "judge a wake-up by the record's due time",
		without: simulate.Options{Deliver: func(m runner.Wakeup, armed time.Time, record campaign.Campaign) bool {
			return m.Kind != runner.WakeTimer || record.Wake.Equal(armed)
		}},
		kinds: []string{"forgotten"},
	},
	{
		n: 15, name: "a saver whose own timer has come due acts on it",
		structural: "a run ends in one place only, runner.rest, which has no way out for a record that is due",
	},
	{
		n: 16, name: "empty the outbox before a long sleep",
		without: simulate.Options{Journal: func(j runner.Journal) runner.Journal { return &keepsOutbox{Journal: j} }},
		kinds:   []string{"told twice"},
	},
	{
		n: 17, name: "save after create",
		without: simulate.Options{
			Journal: func(j runner.Journal) runner.Journal { return noLook{j} },
			Decide: change(func(_ decide, d campaign.Decision) campaign.Decision {
				d.Save = d.Save && !(d.Next.State == campaign.Drafted && calls(d, campaign.OpConfigure))
				return d
			})},
		kinds: []string{"twice"},
	},
	{
		n: 18, name: "nothing before the record is S old, from the later of save and reconnect",
		without: simulate.Options{Journal: func(j runner.Journal) runner.Journal { return alwaysOld{j} }},
		kinds:   []string{"destroyed", "vanished"},
		script:  &simulate.Script{At: 3 * time.Hour, Gateway: unconfirms, Faults: slowConfirm},
	},
	{
		// The power cut takes the intent back, its confirm is late, and there is no
		// fence against it.
		n: 18, name: "nothing before the record is S old, where the gateway does not delete",
		without: simulate.Options{Journal: func(j runner.Journal) runner.Journal { return alwaysOld{noLook{j}} }},
		kinds:   []string{"twice"},
		script: &simulate.Script{NoDelete: 405, Gateway: func(g *runnertest.Gateway) { g.ConfiguresOnce = true },
			Faults: lateConfirmAndPowerCut},
	},
	{
		n: 19, name: "quoted is resumed with a status read",
		structural: "quoted is not resumed at all: the draft that waited is deleted, and the next one is quoted anew",
	},
	{
		n: 20, name: "a revision is void once its connection broke",
		without: simulate.Options{AnyConnection: true, Journal: func(j runner.Journal) runner.Journal { return noLook{j} }},
		kinds:   []string{"twice", "vanished", "never sent", "not true", "destroyed"},
	},
	{
		n: 21, name: "a cancel with a draft goes through delete",
		without: simulate.Options{Decide: override(func(next decide, c campaign.Campaign, in campaign.Input, f campaign.Facts) (campaign.Decision, bool) {
			if _, cancel := in.(campaign.Cancel); !cancel || c.Draft == nil || c.State == campaign.Confirming || c.Confirmed != nil || c.State.Final() {
				return campaign.Decision{}, false
			}
			c.State = campaign.Requested
			return next(c, in, f), true
		})},
		kinds: []string{"sent all the same"},
	},
	{
		n: 22, name: "event subjects end in type and ordinal",
		without: simulate.Options{Subject: func(_ campaign.Event, seq int) int { return seq }},
		kinds:   []string{"told twice"},
	},
	{
		n: 23, name: "the sweep also finds requests without a record",
		without: simulate.Options{NoSweep: true},
		kinds:   []string{"forgotten"},
	},
	{
		n: 24, name: "a refusal is followed by a status read",
		without: simulate.Options{Decide: override(func(next decide, c campaign.Campaign, in campaign.Input, f campaign.Facts) (campaign.Decision, bool) {
			o, ok := in.(campaign.Outcome)
			if !ok || o.Kind != campaign.Refused || o.Op != campaign.OpConfirm {
				return campaign.Decision{}, false
			}
			o.Op = campaign.OpCreate
			return next(asCreated(next, c, f), o, f), true
		})},
		kinds: []string{"sent all the same"},
	},
	{
		n: 25, name: "a 404 proves nothing",
		without: simulate.Options{Decide: override(func(next decide, c campaign.Campaign, in campaign.Input, f campaign.Facts) (campaign.Decision, bool) {
			o, ok := in.(campaign.Outcome)
			withdrawing := c.State == campaign.Abandoning || c.State == campaign.Rejecting || c.State == campaign.Cancelling
			if !ok || o.Op != campaign.OpStatus || o.Kind == campaign.OK || o.Cause != campaign.NotFound || !withdrawing || c.Confirmed != nil {
				return campaign.Decision{}, false
			}
			return believed(next, c, f), true
		})},
		kinds: []string{"twice", "sent all the same"},
	},
	{
		n: 26, name: "a draft with an intent is left only when it is shown not to be confirmed",
		without: simulate.Options{Decide: override(func(next decide, c campaign.Campaign, in campaign.Input, f campaign.Facts) (campaign.Decision, bool) {
			// A delete is believed, without anything that shows.
			o, ok := in.(campaign.Outcome)
			if !ok || o.Op != campaign.OpStatus || c.State != campaign.Abandoning || c.Confirmed != nil || o.Status == campaign.StatusSending || o.Status == campaign.StatusCompleted {
				return campaign.Decision{}, false
			}
			return believed(next, c, f), true
		})},
		kinds: []string{"twice"},
	},
	{
		n: 26, name: "that it is disarmed is saved before its delete",
		without: simulate.Options{Decide: change(func(_ decide, d campaign.Decision) campaign.Decision {
			d.Save = d.Save && !(calls(d, campaign.OpDelete) && d.Next.Draft.Disarmed && d.Next.Draft.Intended)
			return d
		})},
		kinds: []string{"needless"},
	},
	{
		n: 27, name: "a confirm's success counts if it says so",
		without: simulate.Options{Decide: override(func(next decide, c campaign.Campaign, in campaign.Input, f campaign.Facts) (campaign.Decision, bool) {
			o, ok := in.(campaign.Outcome)
			if !ok || o.Op != campaign.OpConfirm || o.Kind != campaign.OK || o.Status != "" {
				return campaign.Decision{}, false
			}
			o.Status = campaign.StatusConfirmed
			return next(c, o, f), true
		})},
		kinds: []string{"not true"},
	},
	{
		// A look before the save finds what the lock would have stopped, so both are left
		// out; TestTheLockHoldsWithoutALook leaves out the look alone.
		n: 28, name: "told before spent, once",
		without: simulate.Options{Journal: func(j runner.Journal) runner.Journal { return noLook{j} }},
		kinds:   []string{"twice"},
	},
	{
		n: 29, name: "look at the events where there is no record of one's own",
		without: simulate.Options{Journal: func(j runner.Journal) runner.Journal { return noEvents{j} }},
		kinds:   []string{"sent all the same"},
	},
	{
		n: 30, name: "a draft belongs to the gateway that numbered it",
		without: simulate.Options{Decide: func(r campaign.Rules) decide {
			r.MovedFrom = []string{"https://gateway.example", "https://another.example"}
			return r.Step
		}, Gateway: func(g runner.Gateway) runner.Gateway { return noNames{g} }},
		kinds: []string{"harm", "not true", "never sent", "twice"},
	},
	{
		n: 30, name: "whoever did not make it looks whose it is",
		without: simulate.Options{Gateway: func(g runner.Gateway) runner.Gateway { return noNames{g} }},
		kinds:   []string{"harm", "not true", "never sent"},
	},
	{
		n: 31, name: "what is unresolved goes on being looked at",
		without: simulate.Options{Rules: func(r *campaign.Rules) { r.LookAgain = 1000 * time.Hour }},
		kinds:   []string{"overlooked"},
	},
}

// unconfirms lets configure take back what is confirmed and has not begun.
func unconfirms(g *runnertest.Gateway) { g.EditsConfirmed = true }

// slowConfirm takes effect while the worker that gave it up is about to configure the
// draft again.
var slowConfirm = []simulate.Planned{
	{Worker: "A", Call: "call confirm", What: "late", For: 30 * time.Second},
	{Worker: "A", Call: "call configure", What: "frozen", For: 70 * time.Second},
}

// believed goes on as if the draft were known to be gone.
func believed(next decide, c campaign.Campaign, f campaign.Facts) campaign.Decision {
	draft := *c.Draft
	draft.Disarmed = true
	c.Draft = &draft
	d := next(c, campaign.Outcome{Op: campaign.OpStatus, Kind: campaign.OK, Status: campaign.StatusUnconfirmed}, f)
	return d
}

// Without a look it is the lock that holds: nothing is sent twice.
func TestTheLockHoldsWithoutALook(t *testing.T) {
	t.Parallel()
	with(t, simulate.Options{Journal: func(j runner.Journal) runner.Journal { return noEvents{j} }}, func(w *simulate.World) {
		for n := range 3000 {
			if v := w.Run(uint64(n)); v != nil && v.Kind == "twice" {
				story, _ := w.Transcribe(v.Tape)
				t.Fatalf("seed %d: %v\n%s", n, v, story)
			}
		}
	})
}

// Each rule is left out, and the simulator sees what breaks. The story of each
// is a script above, or a tape in testdata/rules that the simulator came upon
// itself: lived without the rule it breaks as it says, lived with it nothing
// happens. A tape that has become another story is looked for again; -keep
// writes it down.
func TestEachRuleIsNeeded(t *testing.T) {
	for _, r := range protocol {
		t.Run(fmt.Sprintf("%02d %s", r.n, r.name), func(t *testing.T) {
			if r.structural != "" {
				t.Logf("%2d  %s: cannot be left out: %s", r.n, r.name, r.structural)
				return
			}
			t.Parallel()
			if r.script != nil {
				r.play(t)
				return
			}
			file := filepath.Join("testdata", "rules", fmt.Sprintf("%02d-%s.txt", r.n, strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(r.name)))
			tape, story, v := r.playKept(t, file)
			if v == nil {
				if tape, story, v = r.search(t); v == nil {
					t.Fatalf("nothing breaks without it in %d histories", enough)
				}
				if *keep {
					write(t, file, fmt.Sprintf("%d. %s. Without it:\n%s", r.n, r.name, story), tape)
				} else {
					t.Logf("the story in %s is out of date: run with -keep", file)
				}
			}
			t.Logf("%2d  %s. Without it:\n%s", r.n, r.name, story)
			with(t, simulate.Options{}, func(w *simulate.World) {
				if story, v := w.Transcribe(tape); v != nil {
					t.Errorf("with the rule it breaks as well: %v\n%s", v, story)
				}
			})
		})
	}
}

// play lives the script of a rule, without it and with it.
func (r rule) play(t *testing.T) {
	with(t, r.without, func(w *simulate.World) {
		story, v := w.Play(*r.script)
		if v == nil || !slices.Contains(r.kinds, v.Kind) {
			t.Errorf("nothing breaks without it: %v\n%s", v, story)
		}
		t.Logf("%2d  %s. Without it:\n%s", r.n, r.name, story)
	})
	with(t, simulate.Options{}, func(w *simulate.World) {
		if story, v := w.Play(*r.script); v != nil {
			t.Errorf("with the rule it breaks as well: %v\n%s", v, story)
		}
	})
}

func with(t *testing.T, o simulate.Options, f func(*simulate.World)) {
	synctest.Test(t, func(t *testing.T) {
		w := simulate.NewWorld(o)
		defer w.Close()
		f(w)
	})
}

// playKept lives the story that was kept.
func (r rule) playKept(t *testing.T, file string) (tape []uint16, story string, v *simulate.Violation) {
	if _, err := os.Stat(file); err != nil {
		return nil, "", nil
	}
	tape = read(t, file)
	with(t, r.without, func(w *simulate.World) { story, v = w.Transcribe(tape) })
	if v != nil && !slices.Contains(r.kinds, v.Kind) {
		v = nil
	}
	return tape, story, v
}

const enough = 40_000

// search lives histories without the rule until one breaks as it should, and
// some more, to keep the one that is told in the fewest lines.
func (r rule) search(t *testing.T) (tape []uint16, story string, v *simulate.Violation) {
	found := 0
	for from := 0; from < enough && (found == 0 || *keep && found < 8); from += perBubble {
		with(t, r.without, func(w *simulate.World) {
			for n := from; n < from+perBubble; n++ {
				broken := w.Run(uint64(n))
				if broken == nil || !slices.Contains(r.kinds, broken.Kind) {
					continue
				}
				broken = w.Shrink(broken)
				told, _ := w.Transcribe(broken.Tape)
				if found++; found == 1 {
					t.Logf("first found at seed %d", n)
				}
				if v == nil || strings.Count(told, "\n") < strings.Count(story, "\n") {
					tape, story, v = broken.Tape, told, broken
				}
				if found >= 8 || !*keep {
					return
				}
			}
		})
	}
	return tape, story, v
}
