package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var (
	program string          // the binary, built once
	browser context.Context // Chromium, started once
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the program and starts the browser. Without a browser nothing can be looked
// at: one line says so, and with CI=true it is an error.
func run(m *testing.M) int {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		fmt.Println("== skipped: the stories in a browser; install chromium (apt-get install chromium) and run make test/browser again")
		if os.Getenv("CI") == "true" {
			return 1
		}
		return 0
	}
	folder, err := os.MkdirTemp("", "staffetta-browser-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "staffetta")
	build := exec.Command("go", "build", "-o", program, "./cmd/staffetta")
	build.Dir = filepath.Join("..", "..")
	for _, one := range os.Environ() {
		if !strings.HasPrefix(one, "GOWORK=") {
			build.Env = append(build.Env, one)
		}
	}
	if said, err := build.CombinedOutput(); err != nil {
		fmt.Printf("%v\n%s", err, said)
		return 1
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.Flag("lang", "en"), chromedp.Flag("hide-scrollbars", true))
	all, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	var done context.CancelFunc
	browser, done = chromedp.NewContext(all)
	defer done()
	if err := chromedp.Do(browser); err != nil {
		fmt.Println(err)
		return 1
	}
	return m.Run()
}

// house is a service of its own, with its page in a tab of its own.
type house struct {
	*testing.T
	ctx       context.Context
	page      string // http://127.0.0.1:40001
	nats      string
	friend    string // another host that the browser may ask
	board     string // the page on board, if another one is looked at
	mu        sync.Mutex
	faults    []string // what the browser complained about
	addresses map[string]bool
}

// open starts everything. What the browser complains about fails the test at its end, and
// so does a request to another host.
func open(t *testing.T, args ...string) *house {
	t.Helper()
	h := &house{T: t, addresses: map[string]bool{}}
	args = append([]string{"dev", "--nats-listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0", "--http-listen", "off", "--web", "127.0.0.1:0"}, args...)
	// It ends behind the tab, which would complain of a page that is gone.
	living, end := context.WithCancel(context.Background())
	run := exec.CommandContext(living, program, args...)
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
	var complaints strings.Builder
	run.Stderr = &complaints
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end()
		_ = run.Wait() // it was interrupted
		if t.Failed() {
			t.Logf("the service said:\n%s", complaints.String())
		}
	})
	natsURL, pageURL := regexp.MustCompile(`NATS +(nats://\S+)`), regexp.MustCompile(`page +(http://\S+)`)
	lines := bufio.NewScanner(out)
	for (h.nats == "" || h.page == "") && lines.Scan() {
		if found := natsURL.FindStringSubmatch(lines.Text()); found != nil {
			h.nats = found[1]
		}
		if found := pageURL.FindStringSubmatch(lines.Text()); found != nil {
			h.page = found[1]
		}
	}
	if h.page == "" {
		t.Fatalf("it did not say where its page is:\n%s", complaints.String())
	}
	go func() {
		for lines.Scan() { // otherwise it would wait for somebody who reads
		}
	}()
	h.tab()
	return h
}

// tab opens a tab that remembers nothing of any other one.
func (h *house) tab() {
	h.Helper()
	ctx, done := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	h.Cleanup(done)
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	h.Cleanup(stop)
	h.ctx = ctx
	if err := chromedp.Do(ctx); err != nil {
		h.Fatal(err)
	}
	listen(chromedp.Events(ctx, log.EntryAdded), func(e log.EventEntryAdded) {
		if e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "status of 4") { // a refusal is an answer
			h.fault("the browser: %s %s", e.Entry.Text, e.Entry.URL)
		}
	})
	listen(chromedp.Events(ctx, runtime.ExceptionThrown), func(e runtime.EventExceptionThrown) { h.fault("a script: %+v", e.ExceptionDetails) })
	listen(chromedp.Events(ctx, runtime.ConsoleAPICalled), func(e runtime.EventConsoleAPICalled) {
		h.fault("console: %s", e.Type)
	})
	listen(chromedp.Events(ctx, network.RequestWillBeSent), func(e network.EventRequestWillBeSent) {
		if to, err := url.Parse(e.Request.URL); err == nil && !h.may(e.Request.URL) && to.Scheme != "chrome-error" && to.Scheme != "data" {
			h.fault("it asked %s", e.Request.URL)
		}
	})
	h.Cleanup(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, f := range h.faults {
			h.Error(f)
		}
	})
}

func listen[E any](events func(func(E, error) bool), heard func(E)) {
	go func() {
		for e, err := range events {
			if err != nil {
				return
			}
			heard(e)
		}
	}()
}

// may says that the browser may ask for an address.
func (h *house) may(address string) bool {
	for _, host := range []string{h.page, h.friend, h.board} {
		if host != "" && strings.HasPrefix(address, host) {
			return true
		}
	}
	return false
}

func (h *house) fault(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, fmt.Sprintf(format, args...))
}

// staffetta runs the command line, as a colleague at a terminal.
func (h *house) staffetta(args ...string) string {
	h.Helper()
	cmd := exec.CommandContext(h.Context(), program, args...)
	cmd.Env = append(os.Environ(), "NATS_URL="+h.nats)
	said, err := cmd.CombinedOutput()
	if err != nil {
		if code := (*exec.ExitError)(nil); !errors.As(err, &code) {
			h.Fatalf("staffetta %v: %v\n%s", args, err, said)
		}
	}
	return string(said)
}

// asks publishes a request: the example, with some fields changed.
func (h *house) asks(changes map[string]any) {
	h.Helper()
	request := map[string]any{
		"source": "shop-italia", "requestId": "black-friday-2026", "name": "Black Friday 2026", "sender": "ShopItalia",
		"text":          "Black Friday! Solo per te: -30% su tutto con il codice BF2026. Valido fino al 30/11. Scopri di più: https://shop.example.it/bf",
		"contactListId": 87, "immediately": true,
	}
	maps.Copy(request, changes)
	data, err := json.Marshal(request)
	if err != nil {
		h.Fatal(err)
	}
	file := filepath.Join(h.TempDir(), "request.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		h.Fatal(err)
	}
	if said := h.staffetta("request", "-f", file); !strings.Contains(said, "published") {
		h.Fatal(said)
	}
}

func (h *house) goTo(path string) {
	h.Helper()
	if err := chromedp.Do(h.ctx, chromedp.Navigate(h.page+path)); err != nil {
		h.Fatalf("%s: %v", path, err)
	}
}

// sees waits until the page says all of these, whatever letters and spaces are between.
func (h *house) sees(texts ...string) {
	h.Helper()
	for _, text := range texts {
		wanted, _ := json.Marshal(text)
		ctx, stop := context.WithTimeout(h.ctx, 20*time.Second)
		says := chromedp.Poll[bool](`document.body?.innerText.replace(/\s+/g, " ").includes(`+string(wanted)+`)`, chromedp.WithPollingInterval(20*time.Millisecond))
		_, err := chromedp.Run(ctx, says)
		for err != nil && ctx.Err() == nil { // the page was left meanwhile: the next one may say it
			_, err = chromedp.Run(ctx, says)
		}
		stop()
		if err != nil {
			h.Fatalf("the page never says %q (%v). It says:\n%s", text, err, h.text())
		}
	}
}

// text is what the page says.
func (h *house) text() string {
	said, err := chromedp.Run(h.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return said
}

func (h *house) lacks(text string) {
	h.Helper()
	if strings.Contains(h.text(), text) {
		h.Errorf("the page says %q", text)
	}
}

// clicks clicks the link or the button whose words begin so, and waits for the page behind.
func (h *house) clicks(words string) {
	h.Helper()
	wanted, _ := json.Marshal(words)
	one := `[...document.querySelectorAll("main a, main button, nav a, .who a, .who button, summary")].find((e) => e.innerText.trim().startsWith(` + string(wanted) + `))`
	ctx, stop := context.WithTimeout(h.ctx, 10*time.Second)
	defer stop()
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.JSPath(one))); err != nil {
		h.Fatalf("click %q: %v. It says:\n%s", words, err, h.text())
	}
}

// freePort is a port of this machine that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (h *house) types(field, text string) {
	h.Helper()
	if err := chromedp.Do(h.ctx, chromedp.SetValue(chromedp.CSS(`[name=`+field+`]`), text)); err != nil {
		h.Fatalf("type into %s: %v", field, err)
	}
}
