package browser

import (
	"strings"
	"testing"

	"context"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// What others write is text, whatever it looks like.
func TestHostileWords(t *testing.T) {
	t.Parallel()
	h := waits(t, map[string]any{
		"name": `<img src=x onerror=alert(1)> "><script>alert(2)</script> עברית`,
		"text": `<b>Ciao</b> {{firstName}} <a href="https://evil.example">qui</a>`, "unicode": true,
		"labels": map[string]string{"team": `"><script>alert(3)</script>`},
	})
	h.sees(`<img src=x onerror=alert(1)> "><script>alert(2)</script>`, `<b>Ciao</b> {{firstName}}`)
	h.goTo("/campaigns")
	h.sees(`<img src=x`, `team="><script>alert(3)</script>`)
	h.goTo(waiting)
	h.sees(`<img src=x`, `<a href="https://evil.example">qui</a>`)
	for _, address := range []string{"/campaigns/%3Cscript%3E", "/campaigns?source=%22%3E%3Cscript%3Ealert(4)%3C/script%3E", "/campaigns?label=%3Cscript%3E", "/campaigns/a.b", "/nothing%3Cscript%3E"} {
		h.goTo(address)
		h.sees("Staffetta")
		if n, err := chromedp.Run(h.ctx, chromedp.Evaluate[int](`document.querySelectorAll("main script, main img, main b").length`)); err != nil || n > 0 {
			t.Errorf("%s: %d elements of theirs (%v)", address, n, err)
		}
	}
}

// The same page in Italian, with numbers and money as Italians write them.
func TestItalian(t *testing.T) {
	t.Parallel()
	h := waits(t, nil)
	h.clicks("Italiano")
	h.sees("Che cosa aspetta te", "344,09 EUR", "9.831 su 10.247 contatti, 416 esclusi", "a 0,035 EUR l'una", "restano 1.000,00 EUR → restano 655,91 EUR su 1.000,00 EUR")
	h.clicks("Approva")
	h.sees("Accetti di spendere 344,09 EUR per 9.831 destinatari")
	h.clicks("English")
	h.sees("You agree to spend 344.09 EUR")
}

// Without a script everything can be read and decided.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	h := waits(t, nil)
	if err := chromedp.Do(h.ctx, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return chromedp.Void{}, err
	}); err != nil {
		t.Fatal(err)
	}
	h.goTo(waiting + "/approve")
	h.sees("You agree to spend 344.09 EUR")
	if err := chromedp.Do(h.ctx, chromedp.SendKeys(chromedp.CSS(`[name=by]`), "anna\r")); err != nil {
		t.Fatal(err)
	}
	h.sees("Approve: approved")
}

// The page is used with the keyboard alone: the first stop leads past the navigation.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	h := waits(t, nil)
	var stops []string
	for range 16 {
		if err := chromedp.Do(h.ctx, chromedp.KeyEvent("\t")); err != nil {
			t.Fatal(err)
		}
		at, err := chromedp.Run(h.ctx, chromedp.Evaluate[string](`document.activeElement.innerText.trim().replace(/\s+/g, " ")`))
		if err != nil {
			t.Fatal(err)
		}
		stops = append(stops, at)
	}
	if stops[0] != "To the content" || !strings.Contains(strings.Join(stops, "|"), "Approve 344.09 EUR") {
		t.Errorf("the stops are %q", stops)
	}
}

// A list is what its address says, so it can be sent to a colleague.
func TestFilters(t *testing.T) {
	t.Parallel()
	h := waits(t, map[string]any{"labels": map[string]string{"team": "crm"}})
	h.asks(map[string]any{"requestId": "prova", "name": "Prova generale", "simulation": true})
	h.goTo("/campaigns")
	h.sees("Black Friday 2026", "Prova generale")
	for question, first := range map[string]bool{
		"text=friday": true, "text=PROVA": false, "simulation=no": true, "simulation=yes": false, "label=team%3Dcrm": true, "state=quoted&cost=344.09&simulation=no": true,
	} {
		h.goTo("/campaigns?" + question)
		if first {
			h.sees("Black Friday 2026", "Show all")
			h.lacks("Prova generale")
		} else {
			h.sees("Prova generale", "Show all")
			h.lacks("Black Friday 2026")
		}
	}
	h.goTo("/campaigns?cost=344.10")
	h.sees("No campaign is like that")
	h.goTo("/campaigns?cost=molto")
	h.sees("is no amount: write 500, 344.09 or 500 EUR")
}
