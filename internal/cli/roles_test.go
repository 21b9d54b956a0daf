package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/cli"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	"github.com/staffetta-io/staffetta/test/natsserver"
	"github.com/staffetta-io/staffetta/test/story"
)

// company is the example of deploy/nats/access.yaml, printed, on a real server with a
// real service, and a terminal for each of its users.
type company struct {
	t        *testing.T
	url      string
	contexts map[string]string // files, by user
	service  *service
	sandbox  *app.Sandbox
}

var variable = regexp.MustCompile(`\$NKEY_[A-Z_]+`)

func newCompany(t *testing.T, more ...string) *company {
	t.Helper()
	dir := t.TempDir()
	c := &company{t: t, contexts: map[string]string{}}
	example, err := os.ReadFile("../../deploy/nats/access.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seeds := map[string]string{}
	table := variable.ReplaceAllStringFunc(string(example), func(name string) string {
		pair, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		user := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "$NKEY_"), "_", "-"))
		seed, _ := pair.Seed()
		public, _ := pair.PublicKey()
		seeds[user] = c.write(dir, user+".nk", string(seed))
		return public
	})
	accounts, code := c.typed("", "access", "print", c.write(dir, "access.yaml", table))
	if code != 0 {
		t.Fatal(accounts)
	}
	s := natsserver.FromFile(t, c.write(dir, "nats.conf", "listen: 127.0.0.1:-1\njetstream { store_dir: \""+dir+"\" }\n"+accounts))
	c.url = s.ClientURL()
	for user, seed := range seeds {
		context, err := json.Marshal(map[string]string{"url": c.url, "nkey": seed, "inbox_prefix": "_INBOX." + user})
		if err != nil {
			t.Fatal(err)
		}
		c.contexts[user] = c.write(dir, user+".json", string(context))
	}
	local, err := app.StartLocal(app.LocalOptions{Sandbox: sandbox.Options{Speed: 20_000}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { local.Stop() })
	settings := story.Settings()
	settings["STAFFETTA_NATS_CONTEXT"] = c.contexts["staffetta"]
	for _, m := range more {
		name, value, _ := strings.Cut(m, "=")
		settings[name] = value
	}
	local.NATSURL, c.sandbox = "", local.Sandbox
	c.service = startService(t, local, settings)
	c.must("operator", "access", "consumers", filepath.Join(dir, "access.yaml"))
	return c
}

func (c *company) write(dir, name, content string) string {
	c.t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return file
}

// readWithin is how long a command may take until a person would give up. NATS does not
// answer if it denies, so a command that misses the denial hangs for 20 s or more.
const readWithin = 15 * time.Second

// typed is what a command of a user prints, and its exit code.
func (c *company) typed(user string, args ...string) (string, int) {
	var said bytes.Buffer
	ctx, cancel := context.WithTimeout(c.t.Context(), readWithin)
	defer cancel()
	env := []string{}
	if user != "" {
		env = append(env, "STAFFETTA_NATS_CONTEXT="+c.contexts[user])
	}
	code := cli.Run(ctx, cli.Terminal{Out: &said, Err: &said, Env: env}, args)
	return said.String(), code
}

func (c *company) must(user string, args ...string) string {
	c.t.Helper()
	said, code := c.typed(user, args...)
	if code != 0 {
		c.t.Fatalf("%s: %v: exit code %d: %s", user, args, code, said)
	}
	return said
}

// fill is a campaign, a dead letter, a schedule and a budget to read about.
func (c *company) fill() {
	c.t.Helper()
	dir := c.t.TempDir()
	request := c.write(dir, "request.json", shopRequest)
	if said, code := c.typed("operator", "request", "-f", request, "--wait"); code != 3 {
		c.t.Fatalf("exit code %d: %s", code, said)
	}
	c.must("operator", "budget", "set", "shop-italia", "--month", "5000 EUR", "--zone", "Europe/Rome", "--by", "anna")
	c.must("operator", "schedule", "add", "shop-italia.monday", "-f", c.write(dir, "monday.json", template),
		"--weekdays", "monday", "--at", "09:00", "--zone", "Europe/Rome", "--by", "anna")
	nc := c.raw("operator")
	if _, err := nc.Request("campaign.v1.request.shop-italia.broken", []byte("no request"), patience); err != nil {
		c.t.Fatal(err)
	}
	for until := time.Now().Add(patience); !strings.Contains(c.must("operator", "dlq", "ls"), "shop-italia.broken"); {
		if time.Now().After(until) {
			c.t.Fatal("the dead letter is not written")
		}
	}
}

// shopRequest names a list that does not exist, so that it ends at once.
const shopRequest = `{"source":"shop-italia","requestId":"bf","name":"Black Friday","sender":"Shop","text":"Ciao","contactListId":"4711","immediately":true}`

const template = `{"name":"Promemoria","sender":"Shop","text":"A domani","contactListId":"88"}`

func (c *company) raw(user string) *nats.Conn {
	c.t.Helper()
	var context struct{ NKey string }
	data, err := os.ReadFile(c.contexts[user])
	if err == nil {
		err = json.Unmarshal(data, &context)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	key, err := nats.NkeyOptionFromSeed(context.NKey)
	if err != nil {
		c.t.Fatal(err)
	}
	nc, err := nats.Connect(c.url, key)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(nc.Close)
	return nc
}

// reading is each command that reads, and what it shows of what fill has made.
var reading = []struct {
	verb  string // of the question to the service; empty: it reads the streams alone
	shows string
	args  []string
}{
	{"list", "shop-italia.bf", []string{"ls"}},
	{"get", "refused_by_gateway", []string{"show", "shop-italia.bf"}},
	{"why", "The gateway refused", []string{"why", "shop-italia.bf"}},
	{"dlq", "shop-italia.broken", []string{"dlq", "ls"}},
	{"dlq", "no request", []string{"dlq", "show", "1"}},
	{"budget", "5000.00 EUR", []string{"budget", "show"}},
	{"budget_history", "no limit a day, 5000.00 EUR a month", []string{"budget", "history"}},
	{"schedules", "shop-italia.monday", []string{"schedule", "ls"}},
	{"schedules", "Promemoria", []string{"schedule", "show", "shop-italia.monday"}},
	{"schedules", "09:00", []string{"schedule", "next", "shop-italia.monday"}},
	{"events", "rejected", []string{"watch", "--now"}},
	{"events", `"type":"staffetta.campaign.v1.CampaignRejected"`, []string{"watch", "shop-italia.bf", "--now", "--json"}},
	{"events", "rejected", []string{"watch", "shop-italia.bf"}},
	{"", "nothing is held", []string{"hold"}},
	{"", "CAMPAIGN_EVENTS", []string{"streams"}},
	{"", "every request that was handled has a record", []string{"recover"}},
}

// Each role × each command that reads: it works, with the streams or by asking the
// service, or it says in a sentence which right is missing. This holds while the
// service runs, and while it does not.
func TestEachRoleReadsOrIsToldWhyNot(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.fill()
	for _, up := range []bool{true, false} {
		if !up {
			c.service.stop()
			c.service.done <- <-c.service.done
		}
		for user, why := range map[string]func(verb string) string{
			"operator": func(string) string { return "" },
			"support":  func(string) string { return "" },
			"shop-italia": func(verb string) string {
				switch {
				case verb == "":
					return "this user may not publish to staffetta.api.STREAM.INFO."
				case up:
					return ""
				}
				return "no service answers staffetta.query." + verb + ": is it running?"
			},
			"analytics": func(verb string) string {
				if verb == "" {
					return "this user may not publish to staffetta.api.STREAM.INFO."
				}
				return "this user may not publish to staffetta.query." + verb
			},
		} {
			for _, r := range reading {
				want := why(r.verb)
				if r.args[0] == "watch" && len(r.args) == 2 && want != "" {
					continue // it listens to what happens from now on: see below
				}
				said, code := c.typed(user, r.args...)
				switch {
				case want == "" && (code != 0 || !strings.Contains(said, r.shows)):
					t.Errorf("the service is up: %t, %s: %v: exit code %d, want %q in it:\n%s", up, user, r.args, code, r.shows, said)
				case want != "" && (code != 1 || !strings.Contains(said, want) || strings.Count(said, "\n") != 1):
					t.Errorf("the service is up: %t, %s: %v: exit code %d, want one line with %q:\n%s", up, user, r.args, code, want, said)
				}
			}
		}
	}
}

// A user that may ask for a campaign can wait for its end or for its dead letter,
// whatever else it may read. A user that may only listen is told so, and gets the
// events from now on.
func TestEachRoleFollows(t *testing.T) {
	t.Parallel()
	c := newCompany(t, "STAFFETTA_INTAKE_PER_HOUR=*=3")
	r, w := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	watched := make(chan int, 1)
	go func() {
		watched <- cli.Run(ctx, cli.Terminal{Out: w, Err: w, Env: []string{"STAFFETTA_NATS_CONTEXT=" + c.contexts["analytics"]}}, []string{"watch", "shop-italia", "--past"})
		w.Close()
	}()
	heard := bufio.NewScanner(r)
	if !heard.Scan() || !strings.Contains(heard.Text(), "may only listen to what happens from now on; what was before is not shown") {
		t.Fatalf("analytics is told: %s", heard.Text())
	}

	request := c.write(t.TempDir(), "request.json", shopRequest)
	for _, user := range []string{"operator", "support", "shop-italia"} {
		for _, again := range []bool{false, true} { // then it has ended before
			said, code := c.typed(user, "request", "-f", request, "--id", user, "--wait")
			if code != 3 || strings.Count(said, "  rejected  ") != 1 {
				t.Errorf("%s, again: %t: exit code %d:\n%s", user, again, code, said)
			}
		}
		if !heard.Scan() || !strings.Contains(heard.Text(), "shop-italia."+user+"  rejected  ") {
			t.Errorf("analytics hears: %s", heard.Text())
		}
	}
	stop()
	if code := <-watched; code != 0 {
		t.Errorf("watch ends with %d", code)
	}

	// Those were three in an hour. The next one is put aside.
	for _, user := range []string{"operator", "support", "shop-italia"} {
		said, code := c.typed(user, "request", "-f", request, "--id", user+"-2", "--wait")
		if code != 4 || !strings.Contains(said, "put aside as dead letter") {
			t.Errorf("%s: exit code %d:\n%s", user, code, said)
		}
	}
	if said, code := c.typed("analytics", "request", "-f", request, "--id", "no"); code != 1 || !strings.Contains(said, "this user may not publish to campaign.v1.request.shop-italia.no") {
		t.Errorf("analytics asks for a campaign: exit code %d: %s", code, said)
	}
}
