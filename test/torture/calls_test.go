package torture

import (
	"fmt"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// ways are the ways in which one call goes wrong. Each may strike any call:
// before its effect, after it, or so that the effect comes after the client has
// stopped waiting.
var ways = []struct {
	name string
	rule sandbox.Fault
}{
	{"Slow", sandbox.Fault{Delay: 300 * time.Millisecond}},
	{"TooSlow", sandbox.Fault{Delay: timeout + 300*time.Millisecond}},
	{"AnswerTooSlow", sandbox.Fault{Delay: timeout + 300*time.Millisecond, When: sandbox.After}},
	{"CutBefore", sandbox.Fault{Cut: true}},
	{"CutAfter", sandbox.Fault{Cut: true, When: sandbox.After}},
	{"LateWithinS", sandbox.Fault{Later: settle / 2}},
	{"LateBeyondS", sandbox.Fault{Later: 2 * settle}},
	{"500", sandbox.Fault{Status: 500}},
	{"500After", sandbox.Fault{Status: 500, When: sandbox.After}},
	{"503OfAProxy", sandbox.Fault{Status: 503, Body: sandbox.HTML}},
	{"504OfAProxyAfter", sandbox.Fault{Status: 504, Body: sandbox.HTML, When: sandbox.After}},
	{"408", sandbox.Fault{Status: 408, Body: sandbox.Empty}},
	{"HTMLBefore", sandbox.Fault{Status: 200, Body: sandbox.HTML}},
	{"HTMLAfter", sandbox.Fault{Body: sandbox.HTML, When: sandbox.After}},
	{"MalformedAfter", sandbox.Fault{Body: sandbox.Malformed, When: sandbox.After}},
	{"EmptyAfter", sandbox.Fault{Body: sandbox.Empty, When: sandbox.After}},
}

// calls are those that a campaign makes, and what has to go wrong before one of
// them is made at all.
var calls = []struct {
	op     sandbox.Operation
	before []sandbox.Fault
}{
	{sandbox.Create, nil}, {sandbox.Configure, nil}, {sandbox.Calculate, nil}, {sandbox.Price, nil}, {sandbox.Confirm, nil},
	{sandbox.Stats, nil},
	{sandbox.Status, []sandbox.Fault{{Operation: sandbox.Confirm, Cut: true, When: sandbox.After}}},
	{sandbox.Delete, []sandbox.Fault{{Operation: sandbox.Confirm, Cut: true}}},
}

// Each call, broken in each way, once and three times in a row: the campaign is
// sent, and once. A second confirm would be accepted by this gateway, charged and
// sent.
func TestEveryCallBrokenInEveryWay(t *testing.T) {
	t.Parallel()
	l := newLocal(t, sandbox.Options{Variants: sandbox.Variants{SecondConfirm: true}})
	l.serve(l.options())
	var ids []string
	for _, c := range calls {
		for _, way := range ways {
			for _, times := range []int{1, 3} {
				id := fmt.Sprintf("%s-%s-%d", c.op, way.name, times)
				rule := way.rule
				rule.Operation, rule.Times = c.op, times
				l.fault(id, append(c.before, rule)...)
				l.ask(l.request(id))
				ids = append(ids, id)
			}
		}
	}
	l.waitUntilCompleted(ids)
	struck := 0
	for _, f := range l.faults() {
		if f.Struck == 0 {
			t.Errorf("nothing was struck by %+v", f)
		}
		struck += f.Struck
	}
	t.Logf("%d faults; %s", struck, l.judge(ids))
	l.wantDeadLetters(0)
}
