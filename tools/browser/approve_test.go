package browser

import (
	"strings"
	"testing"
)

// Somebody reads what a campaign costs, says yes, and sees it go out, without a reload.
func TestApprove(t *testing.T) {
	t.Parallel()
	h := open(t, "--policy", "demo", "--speed", "2000")
	h.goTo("/")
	h.sees("Nothing waits for you")
	h.asks(nil)
	h.sees("Black Friday 2026", "344.09 EUR", "9,831 of 10,247 contacts, 416 left out", "at 0.035 EUR each",
		"1,000.00 EUR left → 655.91 EUR left of 1,000.00 EUR", "1 part", "costs 344.09 EUR, and shop-italia needs an approval above 300.00 EUR")
	h.clicks("Approve")
	h.sees("You agree to spend 344.09 EUR on 9,831 recipients")
	h.types("by", "anna")
	h.clicks("Approve")
	h.sees("Approve: approved and confirmed", "It was sent: 9,542 of 9,831 messages were delivered")
	h.goTo("/")
	h.sees("Nothing waits for you")
	if said := h.staffetta("why", "shop-italia.black-friday-2026"); !strings.Contains(said, "anna") {
		t.Errorf("the record does not say who approved it:\n%s", said)
	}
}
