package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// A lie is an untrue answer, or an answer of a proxy in the gateway's name. The
// test judges the campaign by what the gateway has seen and by the published
// events, never by our own records.
type lie struct {
	name      string
	rules     []sandbox.Fault
	edits     []requestEdit
	meanwhile func(l *local, id string)
	// events are the types of the events, in order; statistics count once.
	events string
	sent   int // confirms that took effect, and were not taken back
	// gullible: the confirm says that it took effect, and nothing did.
	gullible bool
	check    func(t *testing.T, told []contract.StoredEvent)
}

// What is told of a campaign, in short.
const (
	sentAtOnce  = "cost_calculated confirmed stats"
	sentSecond  = "cost_calculated cost_calculated confirmed stats" // on its second draft
	onlyNo      = "rejected"
	takenBack   = "cost_calculated confirmed cancelled"
	neverSent   = "cost_calculated cancelled"
	asked       = "cost_calculated unresolved"
	askedAndWas = "cost_calculated unresolved confirmed stats"
)

// runLies asks for a campaign for each lie, lets all come to their ends, and judges.
func (l *local) runLies(t *testing.T, lies []lie) {
	t.Helper()
	var ids []string
	for _, x := range lies {
		l.fault(x.name, x.rules...)
		l.ask(l.request(x.name, x.edits...))
		if x.meanwhile != nil {
			x.meanwhile(l, x.name)
		}
		ids = append(ids, x.name)
	}
	told := l.waitForEvents(lies)
	// What was still on its way takes effect now, if it can.
	l.control("POST", "clock", object{"advance": "2h"}, nil)
	seen := l.draftsSeen()
	for _, x := range lies {
		t.Run(x.name, func(t *testing.T) { x.judge(t, told[x.name], seen[x.name]) })
	}
	t.Logf("%d campaigns, %d asked a person", len(ids), asking(told))
	l.wantDeadLetters(0)
}

// waitForEvents waits until all is told that will be told, and returns it.
func (l *local) waitForEvents(lies []lie) (told map[string][]contract.StoredEvent) {
	l.Helper()
	limit := time.Now().Add(90 * time.Second)
	l.eventually("everything is told", func(ctx context.Context) (err error) {
		if told, err = l.eventsOf(ctx); err != nil {
			return err
		}
		for _, x := range lies {
			if short := inShort(told[x.name]); short != x.events && !isOver(told[x.name]) && time.Now().Before(limit) {
				return fmt.Errorf("%s: was told %q", x.name, short)
			} else if short == x.events && !isOver(told[x.name]) && strings.HasSuffix(short, "stats") && time.Now().Before(limit) {
				return fmt.Errorf("%s: its last statistic is missing", x.name)
			}
		}
		return nil
	})
	return told
}

// isOver says that nothing more is told. What is unresolved may still be found.
func isOver(told []contract.StoredEvent) bool {
	if len(told) == 0 {
		return false
	}
	last := told[len(told)-1]
	if stats, ok := last.Message.(*campaignv1.CampaignStats); ok {
		return stats.Last
	}
	return last.Type == "rejected" || last.Type == "cancelled" || last.Type == "failed"
}

func inShort(told []contract.StoredEvent) string {
	var types []string
	for _, e := range told {
		if n := len(types); n == 0 || e.Type != "stats" || types[n-1] != "stats" {
			types = append(types, e.Type)
		}
	}
	return strings.Join(types, " ")
}

func asking(told map[string][]contract.StoredEvent) (n int) {
	for _, events := range told {
		if strings.Contains(inShort(events), "unresolved") {
			n++
		}
	}
	return n
}

// draftsSeen are the drafts that the gateway has seen, by request id.
func (w *testbed) draftsSeen() map[string][]sandbox.SeenCampaign {
	w.Helper()
	var seen sandbox.Seen
	w.control("GET", "seen?limit=10000000", nil, &seen)
	if seen.MaxPerPhone > 1 {
		w.Errorf("somebody got %d messages", seen.MaxPerPhone)
	}
	drafts := map[string][]sandbox.SeenCampaign{}
	for _, c := range seen.Campaigns {
		if _, key, ours := strings.Cut(c.Description, "[staffetta "+w.source+"."); ours {
			id := strings.TrimSuffix(key, "]")
			drafts[id] = append(drafts[id], c)
		}
	}
	return drafts
}

func (x lie) judge(t *testing.T, told []contract.StoredEvent, drafts []sandbox.SeenCampaign) {
	if short := inShort(told); short != x.events {
		t.Errorf("the world was told %q, want %q", short, x.events)
	}
	sent, took := 0, map[int64]bool{}
	for _, d := range drafts {
		took[int64(d.ID)] = d.Confirms > 0
		if !d.Deleted || d.Messages > 0 {
			sent += d.Confirms
		}
	}
	if sent != x.sent {
		t.Errorf("%d confirms took effect on %d drafts, want %d", sent, len(drafts), x.sent)
	}
	for _, e := range told {
		if err := protovalidate.Validate(e.Message); err != nil {
			t.Errorf("%s breaks its own contract: %v", e.Subject, err)
		}
		if m, ok := e.Message.(*campaignv1.CampaignConfirmed); ok && !took[m.CampaignId] && !x.gullible {
			t.Errorf("campaign %d was told as confirmed, and no confirm of it took effect", m.CampaignId)
		}
	}
	if x.check != nil && !t.Failed() {
		x.check(t, told)
	}
}

// The proxy in front of the gateway loses the answers of five confirms and then
// finds nothing, whatever is asked, for longer than S. Nothing of that is the
// gateway's word.
func TestProxyThatFindsNothing(t *testing.T) {
	t.Parallel()
	l := newLocal(t, sandbox.Options{Variants: sandbox.Variants{SecondConfirm: true}})
	l.serve(l.options())
	var lies []lie
	for n := range 5 {
		lies = append(lies, lie{name: fmt.Sprintf("reply-lost-%d", n), events: sentAtOnce, sent: 1,
			rules: []sandbox.Fault{and(delayRule(sandbox.Confirm, after), cutOff)}})
	}
	// The last confirm has left when the proxy begins to fail.
	lies[4].meanwhile = func(l *local, _ string) {
		for _, x := range lies {
			l.struck(x.name, 1)
		}
		l.control("POST", "faults", sandbox.Fault{Status: 404, Body: sandbox.HTML, For: settle * 3 / 2}, nil)
	}
	l.runLies(t, lies)
}

// confirmLate takes effect when the campaign would long be settled.
var confirmLate = sandbox.Fault{Operation: sandbox.Confirm, Later: settle * 3 / 2}

func whenConfirmed(l *local, id string) {
	l.eventually(id+" is confirmed", func(ctx context.Context) error {
		told, err := l.eventsOf(ctx)
		if err == nil && !strings.HasSuffix(inShort(told[id]), "confirmed") {
			err = fmt.Errorf("it was told %q", inShort(told[id]))
		}
		return err
	})
	cancelled(l, id)
}

func whenStruck(l *local, id string) {
	l.struck(id, 1)
	cancelled(l, id)
}

func soon(m *campaignv1.CampaignRequested) { at(time.Now().Add(8 * time.Second))(m) }

// A delete that is answered and does nothing; a campaign that is there and is not
// found. That alone must not publish a cancellation, and must not make another draft.
func deletes() []lie {
	var lies []lie
	for _, status := range []int{200, 202, 204} {
		nothing := sandbox.Fault{Operation: sandbox.Delete, Status: status, Body: sandbox.Empty, Times: always}
		lies = append(lies,
			lie{name: fmt.Sprintf("scheduled-cancel-%d-does-nothing", status), rules: []sandbox.Fault{nothing}, edits: []requestEdit{soon}, meanwhile: whenConfirmed, events: sentAtOnce, sent: 1},
			lie{name: fmt.Sprintf("late-confirm-and-%d-does-nothing", status), rules: []sandbox.Fault{confirmLate, nothing}, events: sentSecond, sent: 1},
			lie{name: fmt.Sprintf("late-confirm-cancelled-and-%d-does-nothing", status), rules: []sandbox.Fault{confirmLate, nothing}, meanwhile: whenStruck, events: neverSent},
		)
	}
	once := func(op sandbox.Operation, after int) sandbox.Fault {
		return sandbox.Fault{Operation: op, Status: 404, After: after}
	}
	return append(lies,
		// Once it was shown, a single 404 to everything is no proof; it is asked again,
		// and then it really vanishes.
		lie{name: "cancel-and-single-404s", rules: []sandbox.Fault{once(sandbox.Delete, 0), once(sandbox.Status, 1), once(sandbox.Stats, 0)}, edits: []requestEdit{inAnHour}, meanwhile: whenConfirmed, events: takenBack},
		lie{name: "reply-lost-and-single-404s", rules: []sandbox.Fault{cutAfter, once(sandbox.Delete, 0), once(sandbox.Status, 0), once(sandbox.Stats, 0)}, events: sentAtOnce, sent: 1},
		lie{name: "reply-lost-and-reads-404-for-a-while", events: sentAtOnce, sent: 1,
			rules: []sandbox.Fault{cutAfter, {Operation: sandbox.Reads, Status: 404, For: settle * 3 / 2}, {Operation: sandbox.Delete, Status: 404, Times: always}}},
		// The gateway to the letter, as it answers a campaign that is being sent.
		lie{name: "reply-lost-and-only-statistics-that-come-late", events: sentAtOnce, sent: 1,
			rules: []sandbox.Fault{cutAfter, {Operation: sandbox.Status, Status: 404, Times: always}, {Operation: sandbox.Stats, Status: 404, For: settle * 3 / 2}}},
		lie{name: "reply-lost-and-reads-404-for-ever", events: asked, sent: 1,
			rules: []sandbox.Fault{cutAfter, {Operation: sandbox.Reads, Status: 404, Times: always}}},
		lie{name: "reply-lost-and-old-reads", events: sentAtOnce, sent: 1,
			rules: []sandbox.Fault{cutAfter, {Operation: sandbox.Reads, Stale: true, For: settle * 3 / 2}}},
	)
}

// emptyConfirms are the answers to a confirm that did nothing.
func emptyConfirms() []lie {
	var lies []lie
	add := func(name string, f sandbox.Fault) {
		f.Operation = sandbox.Confirm
		lies = append(lies, lie{name: "confirm-says-" + name, rules: []sandbox.Fault{f}, events: sentSecond, sent: 1})
	}
	add("nothing", sandbox.Fault{Status: 200, Body: sandbox.Empty})
	add("nothing-202", sandbox.Fault{Status: 202, Body: sandbox.Empty})
	add("nothing-204", sandbox.Fault{Status: 204})
	add("no-end", sandbox.Fault{Status: 200, Body: sandbox.Endless})
	add("html", sandbox.Fault{Status: 200, Body: sandbox.HTML})
	for name, answer := range map[string]string{
		"object": "{}", "null": "null", "list": "[]", "ok": "OK", "true": "true", "string": `"CONFIRMED"`, "no-success": `{"success":false}`,
	} {
		add(name, sandbox.Fault{Status: 200, Answer: answer})
	}
	for _, status := range []string{"COST_CALCULATED", "DRAFT", "REJECTED", "FAILED"} {
		add("status-"+strings.ToLower(strings.ReplaceAll(status, "_", "-")), sandbox.Fault{Status: 200, Answer: `{"id":$id,"status":"` + status + `"}`})
	}
	// What says in so many words what is not so is believed, and found out.
	return append(lies, lie{name: "confirm-says-confirmed", rules: []sandbox.Fault{{Operation: sandbox.Confirm, Status: 200, Answer: `{"id":$id,"status":"CONFIRMED"}`}},
		gullible: true, events: "cost_calculated confirmed failed"})
}

// foreignAnswers are answers about something else than was asked for.
func foreignAnswers() []lie {
	say := func(op sandbox.Operation, path, value string) sandbox.Fault {
		return sandbox.Fault{Operation: op, Say: map[string]json.RawMessage{path: json.RawMessage(value)}}
	}
	var lies []lie
	for _, x := range []struct {
		name string
		rule sandbox.Fault
	}{
		{"another-text", say(sandbox.Configure, "text", `"Something else"`)},
		{"another-list", say(sandbox.Configure, "contactListId", "88")},
		{"another-sender", say(sandbox.Configure, "sender", `"AltroShop"`)},
		{"another-total", say(sandbox.Calculate, "totalRecipients", "10")},
		{"another-price", say(sandbox.Price, "totalRecipients", "20000")},
	} {
		lies = append(lies, lie{name: x.name + "-once", rules: []sandbox.Fault{x.rule}, events: sentAtOnce, sent: 1})
		x.rule.Times = always
		lies = append(lies, lie{name: x.name + "-always", rules: []sandbox.Fault{x.rule}, events: onlyNo})
	}
	return lies
}

// strayAnswers are single answers of a proxy.
func strayAnswers() []lie {
	// It is an answer after a while, and if the gateway prices others meanwhile: those
	// that are asked for next.
	lies := []lie{{name: "stray-409-to-every-price", events: onlyNo, meanwhile: func(l *local, id string) { l.struck(id, 1) },
		rules: []sandbox.Fault{{Operation: sandbox.Price, Status: 409, Body: sandbox.Empty, Times: always}}}}
	for _, op := range []sandbox.Operation{sandbox.Create, sandbox.Configure, sandbox.Calculate, sandbox.Price} {
		for _, status := range []int{404, 409} {
			lies = append(lies, lie{name: fmt.Sprintf("stray-%d-to-%s", status, op), events: sentAtOnce, sent: 1,
				rules: []sandbox.Fault{{Operation: op, Status: status, Body: sandbox.Empty}}})
		}
	}
	return lies
}

func TestLies(t *testing.T) {
	t.Parallel()
	// A second confirm of one draft would be accepted, charged and sent.
	for name, lies := range map[string][]lie{"deletes": deletes(), "confirms": emptyConfirms(), "others": foreignAnswers(), "strays": strayAnswers(), "figures": figures()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLocal(t, sandbox.Options{Variants: sandbox.Variants{SecondConfirm: true}})
			l.serve(l.options())
			l.runLies(t, lies)
		})
	}
}

// A gateway that is UC-006 to the letter: no read by id, statistics only once it
// sends, and a DELETE that does not find what runs. It is honest, and is not taken
// for a broken one.
func TestGatewayToTheLetter(t *testing.T) {
	t.Parallel()
	slow := func(d time.Duration) sandbox.Fault {
		return sandbox.Fault{Operation: sandbox.Stats, Status: 404, For: d}
	}
	for _, measured := range []bool{true, false} {
		never := lie{name: "confirm-never-arrived", rules: []sandbox.Fault{cutBefore}, events: asked}
		cancel := lie{name: "confirm-never-arrived-cancelled", rules: []sandbox.Fault{cutBefore}, meanwhile: whenStruck, events: asked}
		late := lie{name: "confirm-late-cancelled", rules: []sandbox.Fault{confirmLate}, meanwhile: whenStruck, events: sentAtOnce, sent: 1}
		if measured {
			never.events, never.sent, cancel.events = sentSecond, 1, neverSent
			late.events, late.sent = neverSent, 0
		}
		lies := []lie{
			{name: "well", events: sentAtOnce, sent: 1},
			never, cancel, late,
			{name: "statistics-much-later", rules: []sandbox.Fault{slow(settle + confirmPatience/2)}, events: sentAtOnce, sent: 1},
			{name: "reply-lost", rules: []sandbox.Fault{cutAfter}, events: sentAtOnce, sent: 1},
			{name: "reply-lost-statistics-after-s", rules: []sandbox.Fault{cutAfter, slow(settle + confirmPatience/2)}, events: sentAtOnce, sent: 1},
			{name: "reply-lost-statistics-after-patience", rules: []sandbox.Fault{cutAfter, slow(settle + 2*confirmPatience)}, events: askedAndWas, sent: 1},
			{name: "reply-lost-cancelled", rules: []sandbox.Fault{cutAfter, slow(settle + confirmPatience/2)}, meanwhile: whenStruck, events: sentAtOnce, sent: 1},
			{name: "scheduled-cancelled", edits: []requestEdit{soon}, meanwhile: whenConfirmed, events: sentAtOnce, sent: 1},
			{name: "draft-without-an-answer", rules: []sandbox.Fault{{Operation: sandbox.Calculate, Cut: true}}, events: sentAtOnce, sent: 1},
		}
		t.Run(fmt.Sprintf("measured=%t", measured), func(t *testing.T) {
			t.Parallel()
			l := newLocal(t, sandbox.Options{Variants: sandbox.Variants{UC006: true, SecondConfirm: true}})
			o := l.options()
			if measured {
				o.Rules.ConfigureRefusedOnceSent, o.Gateway.Variant = true, "read=no read_confirmed=no configure_sent=refused"
			}
			l.serve(o)
			l.runLies(t, lies)
		})
	}
}
