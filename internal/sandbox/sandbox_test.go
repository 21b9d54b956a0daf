package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

const (
	base   = "/api/partner-gateway/v1"
	credit = "/api/v1/partner-gateway/subscription/credit"
)

// seedStart is when UC-006 begins.
var seedStart = time.Date(2026, 4, 9, 9, 0, 0, 0, time.UTC)

// testClock stands still until it is moved.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *testClock) Add(d time.Duration) { c.Set(c.Now().Add(d)) }

// client is a sandbox behind a real HTTP server, and a client that shares nothing
// with it.
type client struct {
	*sandbox.Sandbox
	t     *testing.T
	clock *testClock
	url   string
	http  *http.Client
	key   string
}

func setup(t *testing.T, opts sandbox.Options) *client {
	t.Helper()
	clock := &testClock{now: seedStart}
	if opts.Clock == nil {
		opts.Clock = clock.Now
	}
	s, err := sandbox.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		server.Close()
	})
	return &client{Sandbox: s, t: t, clock: clock, url: server.URL, http: server.Client(), key: sandbox.DefaultKey}
}

// call returns status and body; status 0 is a connection that was cut.
func (g *client) call(method, path, body string) (status int, answer string) {
	g.t.Helper()
	res, answer, err := g.try(method, path, body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, answer
}

func (g *client) try(method, path, body string) (*http.Response, string, error) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.url+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", g.key)
	res, err := g.http.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res, string(answer), err
}

// wants calls and compares status and body: byte by byte with the answer without
// its white space. The control API is written for people, and may have some.
func (g *client) wants(status int, answer, method, path, body string) {
	g.t.Helper()
	gotStatus, got := g.call(method, path, body)
	if gotStatus != status {
		g.t.Fatalf("%s %s: status %d, want %d; body %s", method, path, gotStatus, status, got)
	}
	if strings.HasPrefix(path, "/sandbox/") {
		got = compact(g.t, got)
	}
	if diff := cmp.Diff(compact(g.t, answer), got); diff != "" {
		g.t.Fatalf("%s %s (-want +got):\n%s", method, path, diff)
	}
}

// get calls, insists on the status, and returns the JSON.
func (g *client) get(status int, method, path, body string) map[string]any {
	g.t.Helper()
	gotStatus, got := g.call(method, path, body)
	if gotStatus != status {
		g.t.Fatalf("%s %s: status %d, want %d; body %s", method, path, gotStatus, status, got)
	}
	if got == "" {
		return nil
	}
	return parse(g.t, got)
}

func parse(t *testing.T, body string) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return m
}

func compact(t *testing.T, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return b.String()
}

func campaign(id int, rest string) string { return fmt.Sprintf("%s/campaigns/%d%s", base, id, rest) }

// list makes a contact list of so many valid numbers.
func (g *client) list(n int) int {
	g.t.Helper()
	id, err := g.FillDemo(sandbox.DemoList{Name: "list", Contacts: n})
	if err != nil {
		g.t.Fatal(err)
	}
	return id
}

// calculated takes a campaign to COST_CALCULATED and returns its id.
func (g *client) calculated(list int, text string) int {
	g.t.Helper()
	id := g.created("campaign")
	g.configure(id, list, text)
	g.get(200, "POST", campaign(id, "/calculateGoal"), "")
	return id
}

func (g *client) created(name string) int {
	g.t.Helper()
	body := fmt.Sprintf(`{"name":%q,"channel":"SMS","description":"about %s"}`, name, name)
	n, err := g.get(200, "POST", base+"/campaigns", body)["id"].(json.Number).Int64()
	if err != nil {
		g.t.Fatal(err)
	}
	return int(n)
}

func (g *client) configure(id, list int, text string) {
	g.t.Helper()
	body := fmt.Sprintf(`{"sender":"ShopItalia","text":%q,"contactListId":%d,"unicode":false}`, text, list)
	g.get(200, "PUT", campaign(id, ""), body)
}

const immediately = `{"sendImmediately":true}`

// confirmed takes a campaign to CONFIRMED and returns its id.
func (g *client) confirmed(list int) int {
	g.t.Helper()
	id := g.calculated(list, "Ciao")
	g.get(200, "PUT", campaign(id, "/confirm"), immediately)
	return id
}

func (g *client) stats(id int) map[string]any {
	g.t.Helper()
	return g.get(200, "GET", fmt.Sprintf("%s/campaigns/stats?campaignId=%d", base, id), "")
}

// figures are a campaign's statistics in one line.
func (g *client) figures(id int) string {
	g.t.Helper()
	all := g.stats(id)
	s := all["stats"].(map[string]any)
	return fmt.Sprintf("%v: %v total, %v sent, %v delivered, %v undelivered, %v pending, %v %%",
		all["status"], s["total"], s["sent"], s["delivered"], s["undelivered"], s["pending"], s["deliveryRate"])
}

func (g *client) status(id int) string {
	g.t.Helper()
	return fmt.Sprint(g.get(200, "GET", campaign(id, ""), "")["status"])
}

func (g *client) fault(f sandbox.Fault) {
	g.t.Helper()
	if _, err := g.AddFault(f); err != nil {
		g.t.Fatal(err)
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// direct calls the handler without a socket.
func (g *client) direct(method, path, body string) string {
	g.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Api-Key", sandbox.DefaultKey)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		g.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}
