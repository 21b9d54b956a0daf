package torture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/staffetta-io/staffetta/internal/sandbox"

	// The programs come in as binaries, built by another process, of which the test
	// cache knows nothing. With this, a result is kept only as long as their source
	// is the same.
	_ "github.com/staffetta-io/staffetta/internal/cli"
	"github.com/staffetta-io/staffetta/test/freeport"
)

// root is the module's folder: go test runs in the package's.
const root = "../.."

// A program is built once a run, when the first test asks for it, into a folder out
// of git's sight.
type program struct {
	name, pkg string

	once sync.Once
	err  error
}

var (
	serviceProgram = &program{name: "staffetta", pkg: "./cmd/staffetta"}
	natsProgram    = &program{name: "nats-server", pkg: "github.com/nats-io/nats-server/v2"}
)

// path builds the program if need be, and says where it is.
func (p *program) path(t testing.TB) string {
	t.Helper()
	binary := filepath.Join(scratch(t), p.name)
	p.once.Do(func() { p.err = build(root, binary, p.pkg) })
	if p.err != nil {
		t.Fatal(p.err)
	}
	return binary
}

func build(dir, binary, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

func scratch(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(root, ".tmp", "torture"))
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// A process is a program that is started, killed, and started again.
type process struct {
	*testing.T
	name   string
	binary string
	args   []string
	env    []string
	port   int
	cmd    *exec.Cmd // nil: it does not run
	log    *os.File
}

// newProcess knows how to start a program that listens on a port of its own; the
// arguments and the environment may say %d for it.
func newProcess(t *testing.T, name, binary string, args, env []string) *process {
	t.Helper()
	p := &process{T: t, name: name, binary: binary, port: freeport.Processes.One(t)}
	for _, list := range []struct{ from, to *[]string }{{&args, &p.args}, {&env, &p.env}} {
		for _, s := range *list.from {
			*list.to = append(*list.to, strings.ReplaceAll(s, "%d", fmt.Sprint(p.port)))
		}
	}
	var err error
	if p.log, err = os.Create(filepath.Join(t.TempDir(), name+".log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd != nil {
			p.kill()
		}
		if log, err := os.ReadFile(p.log.Name()); err == nil && t.Failed() {
			t.Logf("%s logged:\n%s", name, tail(string(log), 4000))
		}
		p.log.Close()
	})
	return p
}

// logged is what the program has printed.
func (p *process) logged() []byte {
	p.Helper()
	said, err := os.ReadFile(p.log.Name())
	if err != nil {
		p.Fatal(err)
	}
	return said
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

func (p *process) start() {
	p.Helper()
	cmd := exec.Command(p.binary, p.args...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	// A test that is killed leaves nothing behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		p.Fatalf("start %s: %v", p.name, err)
	}
	p.cmd = cmd
}

// kill is kill -9.
func (p *process) kill() {
	p.Helper()
	p.signal(syscall.SIGKILL)
	_ = p.cmd.Wait() // it says that it was killed
	p.cmd = nil
}

// stop is SIGTERM, and the process must end content.
func (p *process) stop() {
	p.Helper()
	p.signal(syscall.SIGTERM)
	p.ends()
}

func (p *process) ends() {
	p.Helper()
	if err := p.cmd.Wait(); err != nil {
		p.Errorf("%s was told to stop: %v", p.name, err)
	}
	p.cmd = nil
}

func (p *process) signal(s os.Signal) {
	p.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.Fatalf("%s to %s: %v", s, p.name, err)
	}
}

// A fleet is NATS, the sandbox and some services, each a process of its own.
type fleet struct {
	*testbed
	nats     *servers
	services []*process
	url      string // of NATS
	key      string // file of the gateway's key
	ids      []string
	guests   map[string][]guest // of the campaigns whose recipients came with the request
}

// newFleet starts NATS, one server, and the sandbox.
func newFleet(t *testing.T, sync string) *fleet {
	t.Helper()
	return newFleetOn(newServers(t, 1, sync))
}

func newFleetOn(nats *servers) *fleet {
	t := nats.all[0].T
	t.Helper()
	f := &fleet{key: filepath.Join(t.TempDir(), "key"), nats: nats, url: nats.url()}
	box := newProcess(t, "sandbox", serviceProgram.path(t), []string{"sandbox", "--listen", "127.0.0.1:%d", "--speed", "100000"}, nil)
	if err := os.WriteFile(f.key, []byte(sandbox.DefaultKey), 0o600); err != nil {
		t.Fatal(err)
	}
	f.nats.start()
	box.start()
	early := &testbed{T: t}
	early.eventually("NATS listens", f.nats.listens)
	early.eventually("the sandbox listens", box.listens)
	f.testbed = newTestbed(t, f.url, fmt.Sprintf("http://127.0.0.1:%d", box.port))
	return f
}

func (p *process) listens(ctx context.Context) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
	if err != nil {
		return err
	}
	return c.Close()
}

// serve adds a service, and starts it. What env says stands above what is usual here.
func (f *fleet) serve(binary string, env ...string) *process {
	f.Helper()
	p := newProcess(f.T, fmt.Sprintf("service-%d", len(f.services)+1), binary, []string{"serve"}, append([]string{
		"STAFFETTA_NATS_URL=" + f.url,
		"STAFFETTA_GATEWAY_URL=" + f.gateway + "/api/partner-gateway/v1",
		"STAFFETTA_GATEWAY_KEY_FILE=" + f.key,
		"STAFFETTA_HTTP_LISTEN=127.0.0.1:%d",
		"STAFFETTA_CONFIRM_WITHIN=" + within.String(),
		"STAFFETTA_GATEWAY_TIMEOUT=" + timeout.String(),
		"STAFFETTA_CONFIRM_SETTLE=" + settle.String(),
		"STAFFETTA_CONFIRM_PATIENCE=" + confirmPatience.String(),
		"STAFFETTA_CAMPAIGN_LEASE=3s",
		"STAFFETTA_POLL_MIN=100ms",
		"STAFFETTA_POLL_MAX=1s",
		"STAFFETTA_GATEWAY_RATE_PER_MINUTE=-1",
		"STAFFETTA_GATEWAY_RATE_PER_SECOND=-1",
		"STAFFETTA_GATEWAY_BREAKER_OPEN=500ms",
		"STAFFETTA_WORKERS_REQUESTS=16",
		"STAFFETTA_LOG_LEVEL=warn",
	}, env...))
	f.services = append(f.services, p)
	p.start()
	return p
}

// ready waits until every service that runs says that it is.
func (f *fleet) ready() {
	f.Helper()
	for _, p := range f.services {
		if p.cmd != nil {
			f.eventually(p.name+" is ready", func(ctx context.Context) error {
				_, err := call(ctx, "GET", fmt.Sprintf("http://127.0.0.1:%d/readyz", p.port), nil)
				return err
			})
		}
	}
}

// launch asks for one more campaign.
func (f *fleet) launch(rules ...sandbox.Fault) (id string) {
	f.Helper()
	id = fmt.Sprintf("c%d", len(f.ids))
	f.fault(id, rules...)
	f.ids = append(f.ids, id)
	f.ask(f.request(id))
	return id
}
