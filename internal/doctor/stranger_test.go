package doctor_test

import (
	"fmt"
	"testing"

	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// strangersRefusals are those of whoever stands between: a page, nothing, JSON of its own.
func strangersRefusals() (all []sandbox.Fault) {
	for _, status := range []int{400, 404, 405} {
		all = append(all, sandbox.Fault{Status: status, Body: sandbox.HTML}, sandbox.Fault{Status: status, Body: sandbox.Empty},
			sandbox.Fault{Status: status, Answer: `{"blocked":true,"rule":17}`})
	}
	return append(all, sandbox.Fault{Status: 410, Answer: "[]"}, sandbox.Fault{Status: 501, Body: sandbox.HTML}, sandbox.Fault{Status: 200, Body: sandbox.HTML})
}

type strike struct{ after, times int }

// strikes are the calls that are struck. Configure is called most, and the one of what was
// sent is among the last.
func strikes(op sandbox.Operation) []strike {
	all := []strike{{0, 1}, {1, 1}, {2, 1}, {0, -1}, {2, -1}}
	if op == sandbox.Configure {
		all = append(all, strike{3, 1}, strike{4, 1}, strike{5, 1}, strike{6, 1}, strike{4, -1}, strike{5, -1})
	}
	return all
}

// A refusal of somebody else than the gateway is no evidence of the gateway's ways, and a
// web page is no success: whichever call it strikes, once or for ever, nothing is learnt
// that is not so.
func TestAStrangersAnswerIsNoEvidence(t *testing.T) {
	t.Parallel()
	operations := []sandbox.Operation{sandbox.Configure, sandbox.Calculate, sandbox.Price, sandbox.Confirm, sandbox.Status, sandbox.Search, sandbox.Stats, sandbox.Delete}
	for name, v := range map[string]sandbox.Variants{
		"Plain": {}, "ToTheLetter": {UC006: true}, "OwnEnvelope": {Envelope: sandbox.Own}, "ConfigureBlind": {UC006: true, ConfigureBlind: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			is := truth(v)
			for _, op := range operations {
				for _, f := range strangersRefusals() {
					for _, struck := range strikes(op) {
						f.Operation, f.When, f.After, f.Times = op, sandbox.After, struck.after, struck.times
						c := open(t, v)
						if _, err := c.AddFault(f); err != nil {
							t.Fatal(err)
						}
						// A trouble is no finding: what was learnt until then still has to be so.
						report, err := doctor.Examine(t.Context(), c.options(true))
						delete(report.Variant, "mark") // only what was seen to show it
						what := fmt.Sprintf("%d %s%s to %s, from call %d on, %d times", f.Status, f.Body, f.Answer, op, f.After+1, f.Times)
						for _, w := range wrong(report.Variant, is) {
							t.Errorf("%s: %s", what, w)
						}
						if took := c.Seen().Confirms; err == nil && took > 0 && !report.Simulated {
							t.Errorf("%s: %d confirms took effect, and none is reported", what, took)
						}
					}
				}
			}
		})
	}
}

// One stray answer hides little: what is asked again, or elsewhere, is still known.
func TestOneStrayPageHidesLittle(t *testing.T) {
	t.Parallel()
	c := open(t, sandbox.Variants{UC006: true})
	if _, err := c.AddFault(sandbox.Fault{Operation: sandbox.Calculate, Status: 400, Body: sandbox.HTML}); err != nil {
		t.Fatal(err)
	}
	report, err := doctor.Examine(t.Context(), c.options(true))
	if err != nil {
		t.Fatal(err)
	}
	is := truth(sandbox.Variants{UC006: true})
	for _, way := range []string{"read", "stats", "configure", "configure_sent", "delete", "confirm_body"} {
		if report.Variant[way] != is[way] {
			t.Errorf("%s=%q, want %s", way, report.Variant[way], is[way])
		}
	}
}
