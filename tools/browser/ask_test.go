package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// Somebody writes a text, sees what it costs, and asks for it. A simulation is then sent
// for real.
func TestAsk(t *testing.T) {
	t.Parallel()
	h := open(t, "--speed", "2000")
	h.goTo("/ask")
	if err := chromedp.Do(h.ctx, chromedp.SendKeys(chromedp.CSS(`[name=text]`), "C’è lo sconto")); err != nil {
		t.Fatal(err)
	}
	h.sees("1 part · UCS-2 · 13 characters", "“’” at position 2 makes it dearer. Write “'”.")
	h.types("source", "shop-italia")
	h.types("request_id", "sconto")
	h.types("name", "Sconto")
	h.types("sender", "ShopItalia")
	h.types("list", "87")
	h.clicks("Check, with its price")
	h.sees("is not in GSM-7")
	h.lacks("Ask for it")
	h.types("text", "C'è lo sconto")
	if err := chromedp.Do(h.ctx, chromedp.Click(chromedp.CSS(`[name=simulation]`))); err != nil {
		t.Fatal(err)
	}
	h.clicks("Check, with its price")
	h.sees("344.09 EUR", "Ask for it")
	h.clicks("Ask for it")
	h.sees("What happened", "A simulation, which costs nothing and reaches nobody", "Send it for real")
	h.clicks("Send it for real")
	h.sees("at most 344.09 EUR for 9,831 recipients")
	h.types("by", "anna")
	h.clicks("Send it for real")
	h.sees("shop-italia.sconto-live", "It was sent: 9,542 of 9,831 messages were delivered")
}
