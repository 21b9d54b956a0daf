package browser

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const waiting = "/campaigns/shop-italia.black-friday-2026"

// waits opens a house in which a campaign of 344.09 EUR waits for an approval.
func waits(t *testing.T, changes map[string]any) *house {
	t.Helper()
	h := open(t, "--policy", "demo", "--speed", "2000")
	h.goTo("/")
	h.asks(changes)
	h.sees("344.09 EUR")
	return h
}

func TestDecline(t *testing.T) {
	t.Parallel()
	h := waits(t, nil)
	h.clicks("Decline")
	h.sees("You do not agree to spend 344.09 EUR on 9,831 recipients")
	h.types("reason", "wrong list")
	h.types("by", "anna")
	h.clicks("Decline")
	h.sees("Decline: declined: it is rejected, and nothing was sent", "anna declined it: wrong list")
}

func TestCancel(t *testing.T) {
	t.Parallel()
	h := waits(t, nil)
	h.clicks("Black Friday 2026")
	h.sees("What happened")
	h.clicks("Cancel")
	h.sees("The campaign for 344.09 EUR to 9,831 recipients is not sent.")
	h.types("by", "anna")
	h.types("reason", "wrong price")
	h.clicks("Cancel")
	h.sees("Cancel: cancelled: nothing was sent")
}

// A button does what was on the screen, or nothing: two people decide at once, and the
// second one reads that it is decided already.
func TestTwoDecideAtOnce(t *testing.T) {
	t.Parallel()
	h := waits(t, nil)
	h.clicks("Approve")
	h.sees("You agree to spend 344.09 EUR")
	h.staffetta("decline", "shop-italia.black-friday-2026", "--quote", "00a8e5571d4b3d5a", "--by", "bruno")
	h.types("by", "anna")
	h.clicks("Approve")
	h.sees("shop-italia.black-friday-2026 has moved on", "Nothing was done")
	if said := h.staffetta("why", "shop-italia.black-friday-2026"); strings.Contains(said, "anna") {
		t.Errorf("anna's yes was told all the same:\n%s", said)
	}
}

// What was not on the screen is not agreed to.
func TestAQuoteThatMovesUnderTheButton(t *testing.T) {
	t.Parallel()
	h := waits(t, nil)
	said := h.posts(waiting+"/approve", url.Values{"by": {"anna"}, "seen": {"quoted.0123456789abcdef"}}, nil)
	if said.StatusCode != http.StatusConflict {
		t.Errorf("it answers %s", said.Status)
	}
	h.goTo(waiting)
	h.sees("waits with its quote", "Approve")
}

// A form of another site is refused, whatever it says.
func TestAFormOfAnotherSite(t *testing.T) {
	t.Parallel()
	h := waits(t, nil)
	form := url.Values{"by": {"anna"}, "seen": {"quoted.00a8e5571d4b3d5a"}}
	for what, header := range map[string]http.Header{
		"the browser says so":    {"Sec-Fetch-Site": {"cross-site"}},
		"its origin is another":  {"Origin": {"https://shop.example.it"}},
		"under a foreign name":   {"Host": {"evil.example"}},
		"a sibling on this host": {"Sec-Fetch-Site": {"same-site"}},
	} {
		if said := h.posts(waiting+"/approve", form, header); said.StatusCode != http.StatusForbidden && said.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%s: it answers %s", what, said.Status)
		}
	}
	h.goTo(waiting)
	h.sees("waits with its quote")
}

// posts sends a form as a program does, with some headers.
func (h *house) posts(path string, form url.Values, header http.Header) *http.Response {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), http.MethodPost, h.page+path, strings.NewReader(form.Encode()))
	if err != nil {
		h.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Host = header.Get("Host")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	said, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	if err != nil {
		h.Fatal(err)
	}
	said.Body.Close()
	return said
}
