package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/staffetta-io/staffetta/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"staffetta": func() { os.Exit(cli.Main()) }})
}

// TestScripts runs the manual: one file for each thing that people do. Beside
// testscript's own commands there are
//
//	exits CODE COMMAND…       run a command that ends with this exit code
//	start NAME ARGS…          run staffetta in the background, under a name
//	expect NAME REGEXP [VAR…] wait until it has printed this; keep what is in parentheses
//	stop NAME                 send SIGTERM, and expect it to end with 0
//	http CODE URL [BODY]      GET, or POST a body; the answer is stdout
//	until CODE URL            GET again and again until it answers so
//	shown [&NAME] [ARG…]      run the README's next command, see cmdShown
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Values[programs{}] = map[string]*program{}
			commands, err := shownCommands()
			if err != nil {
				return err
			}
			env.Values[shownKey{}] = &commands
			// The nats command line, where make has built it.
			tools, err := filepath.Abs("../../.tmp/bin")
			env.Setenv("PATH", env.Getenv("PATH")+string(os.PathListSeparator)+tools)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": cmdExits, "start": cmdStart, "expect": cmdExpect, "stop": cmdStop, "http": cmdHTTP, "until": cmdUntil, "shown": cmdShown,
		},
	})
}

// programs is the key under which a script keeps what it has started.
type programs struct{}

// program is a staffetta in the background and what it has printed.
type program struct {
	cmd *exec.Cmd

	mu    sync.Mutex
	out   bytes.Buffer
	more  chan struct{} // closed when there is more in out, or the program has ended
	ended bool
	err   error
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.Write(b)
	p.wake()
	return len(b), nil
}

func (p *program) wake() {
	close(p.more)
	p.more = make(chan struct{})
}

func (p *program) state() (out string, more <-chan struct{}, ended bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String(), p.more, p.ended, p.err
}

// patience is how long a script waits before it says never.
const patience = 30 * time.Second

// await waits until done says so about what was printed, or the program ends.
func (p *program) await(ts *testscript.TestScript, what string, done func(out string, ended bool) bool) (string, error) {
	limit := time.After(patience)
	for {
		out, more, ended, err := p.state()
		if done(out, ended) {
			return out, err
		}
		if ended {
			ts.Fatalf("%s: it ended (%v) and had printed:\n%s", what, err, out)
		}
		select {
		case <-more:
		case <-limit:
			ts.Fatalf("%s: not within %s; it had printed:\n%s", what, patience, out)
		}
	}
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	code, err := strconv.Atoi(args[0])
	if neg || err != nil || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG…]")
	}
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch got := 0; {
	case err == nil && code == 0:
	case errors.As(err, &exit):
		if got = exit.ExitCode(); got != code {
			ts.Fatalf("exit code %d, want %d", got, code)
		}
	default:
		ts.Fatalf("exit code 0 (%v), want %d", err, code)
	}
}

func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME ARG…")
	}
	bin, err := lookPath("staffetta", ts.Getenv("PATH"))
	ts.Check(err)
	launch(ts, args[0], exec.Command(bin, args[1:]...))
}

// launch runs a command in the background, under a name, until the script ends.
func launch(ts *testscript.TestScript, name string, cmd *exec.Cmd) {
	p := &program{cmd: cmd, more: make(chan struct{})}
	p.cmd.Dir = ts.MkAbs(".")
	for _, v := range []string{"PATH", "HOME", "TMPDIR", "NATS_URL"} {
		p.cmd.Env = append(p.cmd.Env, v+"="+ts.Getenv(v))
	}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	ts.Check(p.cmd.Start())
	ts.Value(programs{}).(map[string]*program)[name] = p
	go func() {
		err := p.cmd.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ended, p.err = true, err
		p.wake()
	}()
	ts.Defer(func() {
		p.cmd.Process.Kill()
		p.await(ts, "kill "+name, func(_ string, ended bool) bool { return ended })
	})
}

func started(ts *testscript.TestScript, name string) *program {
	p := ts.Value(programs{}).(map[string]*program)[name]
	if p == nil {
		ts.Fatalf("no program was started under the name %s", name)
	}
	return p
}

func cmdExpect(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: expect NAME REGEXP [VAR…]")
	}
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	var groups []string
	started(ts, args[0]).await(ts, "expect "+args[1], func(out string, _ bool) bool {
		groups = re.FindStringSubmatch(out)
		return groups != nil
	})
	for i, name := range args[2:] {
		ts.Setenv(name, groups[i+1])
	}
}

func cmdStop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stop NAME")
	}
	p := started(ts, args[0])
	ts.Check(p.cmd.Process.Signal(syscall.SIGTERM))
	out, err := p.await(ts, "stop "+args[0], func(_ string, ended bool) bool { return ended })
	ts.Logf("[%s]\n%s", args[0], out)
	fmt.Fprint(ts.Stdout(), out)
	ts.Check(err)
}

func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: http CODE URL [BODY]")
	}
	code, data := call(ts, args[1:])
	ts.Stdout().Write(data)
	if code != args[0] {
		ts.Fatalf("%s: %s, want %s:\n%s", args[1], code, args[0], data)
	}
}

func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: until CODE URL")
	}
	limit := time.Now().Add(patience)
	for {
		code, data := call(ts, args[1:])
		if code == args[0] {
			ts.Stdout().Write(data)
			return
		}
		if time.Now().After(limit) {
			ts.Fatalf("%s: %s for %s, want %s:\n%s", args[1], code, patience, args[0], data)
		}
		time.Sleep(10 * time.Millisecond) // there is no signal for it
	}
}

// call makes a request: a GET, or a POST if there is a body.
func call(ts *testscript.TestScript, args []string) (code string, answer []byte) {
	method, body := http.MethodGet, io.Reader(nil)
	if len(args) > 1 {
		method, body = http.MethodPost, strings.NewReader(args[1])
	}
	req, err := http.NewRequest(method, args[0], body)
	ts.Check(err)
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	ts.Check(err)
	return strconv.Itoa(resp.StatusCode), data
}

func lookPath(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s", name, path)
}
