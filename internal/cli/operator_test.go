package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// TestOperatorScripts runs the manual of the commands for whoever looks after
// campaigns. Each script has a whole stack to itself, with a service that
// settles and gives up in seconds where a real one takes minutes. Beside the
// commands of TestScripts there are
//
//	eventually REGEXP COMMAND…          run it again and again until its stdout matches
//	publish SUBJECT FILE [NAME:VALUE…]  publish a file, with headers
//	ask ID JSON…                        ask for ShopItalia's campaign, with these fields, unchecked
//	keep VAR REGEXP                     what is in parentheses in the last stdout
//	unmark                              take the ids from the streams, as if an earlier version had made them
//	drop STREAM…                        delete streams
//	service stop|start [BUDGETS]        end the service, or start it again, with that for budgets
//
// and the variables NATS_URL, SANDBOX and LIST, the number of the contact list.
func TestOperatorScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/operator",
		Setup: setupOperator,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": cmdExits, "http": cmdHTTP,
			"eventually": cmdEventually, "publish": cmdPublish, "service": cmdService, "keep": cmdKeep, "ask": cmdAsk,
			"unmark": cmdUnmark, "drop": cmdDrop,
		},
	})
}

// stack is what a script looks after.
type stack struct {
	local *app.Local
	stop  func() error // ends the service; nil: it is not running
}

// stackKey is the key under which a script keeps it.
type stackKey struct{}

func setupOperator(env *testscript.Env) error {
	local, err := app.StartLocal(app.LocalOptions{Sandbox: sandbox.Options{Speed: 20_000}})
	if err != nil {
		return err
	}
	s := &stack{local: local}
	env.Values[stackKey{}] = s
	env.Defer(func() {
		s.end()
		if err := noMessageIDs(local.NATSURL); err != nil {
			env.T().(interface{ Error(...any) }).Error(err)
		}
		local.Stop()
	})
	list := sandbox.ShopItalia()
	if _, err := local.Sandbox.FillDemo(list); err != nil {
		return err
	}
	// The nats command line, where make has built it.
	tools, err := filepath.Abs("../../.tmp/bin")
	if err != nil {
		return err
	}
	env.Setenv("PATH", env.Getenv("PATH")+string(os.PathListSeparator)+tools)
	env.Setenv("NATS_URL", local.NATSURL)
	env.Setenv("SANDBOX", local.Sandbox.URL)
	return s.start("")
}

// noMessageIDs says which message of a script's commands bears a Nats-Msg-Id. A
// corrected message with the same id, within the server's window, would be dropped.
func noMessageIDs(url string) error {
	nc, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, name := range []string{streams.Requests, streams.Commands} {
		s, err := js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue // the script has dropped it
		}
		if err != nil {
			return err
		}
		for seq := uint64(1); seq <= s.CachedInfo().State.LastSeq; seq++ {
			m, err := s.GetMsg(ctx, seq)
			switch {
			case errors.Is(err, jetstream.ErrMsgNotFound): // the message was erased
			case err != nil:
				return err
			case m.Header.Get(jetstream.MsgIDHeader) != "":
				return fmt.Errorf("%s was published with the Nats-Msg-Id %q", m.Subject, m.Header.Get(jetstream.MsgIDHeader))
			}
		}
	}
	return nil
}

func (s *stack) start(budgets string) error {
	o := s.local.Service()
	o.Budgets = budgets
	o.Gateway.Timeout, o.Gateway.BreakerOpen = time.Second, 500*time.Millisecond
	o.Rules = campaign.Rules{
		ConfirmWithin: time.Second, Settle: 2500 * time.Millisecond, Denials: 2, Patience: time.Second,
		PollMin: 50 * time.Millisecond, BackoffMin: 50 * time.Millisecond, BackoffMax: 200 * time.Millisecond,
		CreditEvery: 200 * time.Millisecond,
	}
	ctx, cancel := context.WithCancel(context.Background())
	service, err := app.New(ctx, o)
	if err != nil {
		cancel()
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	s.stop = func() error {
		cancel()
		err := <-ended
		service.Stop()
		return err
	}
	return nil
}

func (s *stack) end() error {
	if s.stop == nil {
		return nil
	}
	stop := s.stop
	s.stop = nil
	return stop()
}

func cmdService(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: service stop|start [BUDGETS]")
	}
	s := ts.Value(stackKey{}).(*stack)
	if args[0] == "stop" {
		ts.Check(s.end())
		return
	}
	ts.Check(s.start(strings.Join(args[1:], "")))
}

// streamsOf opens the streams of a script's stack.
func streamsOf(ts *testscript.TestScript) jetstream.JetStream {
	nc, err := nats.Connect(ts.Getenv("NATS_URL"))
	ts.Check(err)
	ts.Defer(nc.Close)
	js, err := jetstream.New(nc)
	ts.Check(err)
	return js
}

func cmdUnmark(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: unmark")
	}
	ctx, js := context.Background(), streamsOf(ts)
	ts.Check(js.DeleteStream(ctx, streams.Commands)) // commands lay beside the timers
	for s := range js.ListStreams(ctx).Info() {
		cfg := s.Config
		if cfg.Name == streams.Wakeups {
			cfg.Subjects = append(cfg.Subjects, "campaign.v1.command.>")
		}
		delete(cfg.Metadata, "staffetta.installation")
		delete(cfg.Metadata, "staffetta.layout")
		_, err := js.UpdateStream(ctx, cfg)
		ts.Check(err)
	}
}

func cmdDrop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: drop STREAM…")
	}
	js := streamsOf(ts)
	for _, name := range args {
		ts.Check(js.DeleteStream(context.Background(), name))
	}
}

func cmdAsk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: ask ID JSON…")
	}
	m := map[string]any{
		"source": "shop-italia", "requestId": args[0], "name": "Black Friday 2026", "sender": "ShopItalia",
		"text": "Solo per te: -30%", "contactListId": 87, "immediately": true,
	}
	ts.Check(json.Unmarshal([]byte(strings.Join(args[1:], " ")), &m))
	data, err := json.Marshal(m)
	ts.Check(err)
	file := ts.MkAbs(args[0] + ".json")
	ts.Check(os.WriteFile(file, data, 0o600))
	ts.Check(ts.Exec("staffetta", "request", "-f", file, "--no-check"))
}

// docs/money.md shows no request and no command that testdata/operator does
// not run.
func TestMoneyIsRun(t *testing.T) {
	t.Parallel()
	read := func(file string) string {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	doc, script := read("../../docs/money.md"), read("testdata/operator/money.txtar")
	fragments := regexp.MustCompile(`(?m)^\{.*\}$`).FindAllString(doc, -1)
	if len(fragments) < 9 {
		t.Errorf("%d requests", len(fragments))
	}
	for _, f := range fragments {
		if !strings.Contains(script, " "+f+"\n") {
			t.Errorf("nobody asks for %s", f)
		}
	}
	for _, c := range regexp.MustCompile(`(?m)^    (staffetta (?:lint|budget|promote) .*)$`).FindAllStringSubmatch(doc, -1) {
		if run := strings.ReplaceAll(c[1], `"`, "'"); !strings.Contains(script, "exec "+run+"\n") {
			t.Errorf("nobody runs %s", c[1])
		}
	}
}

func cmdKeep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keep VAR REGEXP")
	}
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	found := re.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("stdout has nothing like %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}

func cmdEventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually REGEXP COMMAND [ARG…]")
	}
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	bin, err := lookPath(args[1], ts.Getenv("PATH"))
	ts.Check(err)
	for limit := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // there is no signal for it
		cmd := exec.Command(bin, args[2:]...)
		for _, name := range []string{"PATH", "HOME", "TMPDIR", "NATS_URL"} {
			cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
		}
		cmd.Dir = ts.MkAbs(".")
		out, err := cmd.Output()
		if re.Match(out) {
			ts.Stdout().Write(out)
			return
		}
		if time.Now().After(limit) {
			ts.Fatalf("%s: for %s (%v) it printed no %s:\n%s", strings.Join(args[1:], " "), patience, err, args[0], out)
		}
	}
}

func cmdPublish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: publish SUBJECT FILE [NAME:VALUE…]")
	}
	nc, err := nats.Connect(ts.Getenv("NATS_URL"))
	ts.Check(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	ts.Check(err)
	m := nats.NewMsg(args[0])
	m.Data, err = os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	for _, h := range args[2:] {
		name, value, _ := strings.Cut(h, ":")
		m.Header.Set(name, value)
	}
	_, err = js.PublishMsg(context.Background(), m)
	ts.Check(err)
}
