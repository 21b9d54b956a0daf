package app_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	money "github.com/shopspring/decimal"
)

// A service that has just been started shows how many campaigns there are, what they have
// cost, and what has left the account beside them.
func TestMetricsAreTrueFromTheFirstSecond(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := b.options()
	first, stop := b.run(o)
	b.ask()
	b.untilEnded()
	_, page := get(t, first, "/metrics")
	// Nobody has swept yet.
	shows(t, page, `staffetta_campaigns{state="completed"} 1`, `staffetta_campaigns{state="sending"} 0`, `staffetta_ready 1`,
		`staffetta_money_confirmed_total{currency="EUR"} 0.`)

	stolen := b.Sandbox.Balance().Credit.Sub(money.NewFromInt(100))
	if err := b.Sandbox.SetCredit(stolen); err != nil {
		t.Fatal(err)
	}
	b.askAnother("quoted-after-the-theft")
	b.untilEnded()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	second, _ := b.run(o)
	_, page = get(t, second, "/metrics")
	faults, err := promlint.New(strings.NewReader(page)).Lint()
	if err != nil || len(faults) > 0 {
		t.Errorf("promtool check metrics would say %v, %v", faults, err)
	}
	shows(t, page, `staffetta_campaigns{state="completed"} 2`, `staffetta_gateway_credit{currency="EUR"} `+stolen.String(),
		`staffetta_gateway_credit_unexplained{currency="EUR"} 99.9`)
}

// shows wants lines that begin so.
func shows(t *testing.T, page string, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if !strings.Contains(page, "\n"+want) {
			t.Errorf("%s is not in /metrics:\n%s", want, page)
		}
	}
}

// untilEnded waits for the end of the campaign.
func (b *bundle) untilEnded() {
	b.t.Helper()
	eventually(b.t, b.key.String()+" has ended", func() bool {
		c, _, err := b.client.Get(b.t.Context(), b.key)
		return err == nil && c.State.Final() && c.Wake.IsZero()
	})
}
