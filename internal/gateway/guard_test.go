package gateway

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

type guardTest struct {
	*guard
	port   *port
	probe  atomic.Value // campaign.Kind: what a probe would be answered
	probes []time.Duration
	told   []BadSetting
	file   string
}

// withGuard runs a test with a guard that probes every 15 s, in a bubble.
func withGuard(t *testing.T, f func(t *testing.T, g *guardTest)) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	write(t, file, "old")
	synctest.Test(t, func(t *testing.T) {
		g := &guardTest{port: &port{answer: campaign.OK}, file: file}
		key, err := openKey(file, "", bears)
		if err != nil {
			t.Fatal(err)
		}
		g.probe.Store(campaign.Unauthorised)
		start := time.Now()
		probe := func(context.Context) campaign.Outcome {
			g.probes = append(g.probes, time.Since(start))
			return campaign.Outcome{Kind: g.probe.Load().(campaign.Kind)}
		}
		ctx, stop := context.WithCancel(t.Context())
		g.guard = newGuard(ctx, g.port, probe, key, 15*time.Second, newSignal(), func(m BadSetting) { g.told = append(g.told, m) })
		f(t, g)
		stop()
		g.wait()
	})
}

func write(t *testing.T, file, content string) {
	t.Helper()
	// As a mounted secret changes: another file takes the name at once.
	if err := os.WriteFile(file+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func TestGateShutsUntilAProbeSucceeds(t *testing.T) {
	withGuard(t, func(t *testing.T, g *guardTest) {
		changed := g.changed.wait()
		inHand, _ := g.Admit(t.Context(), campaign.OpPrice)
		g.port.answer = campaign.Unauthorised
		through(t.Context(), g, campaign.OpPrice)
		select {
		case <-changed:
		default:
			t.Error("nobody was told")
		}
		time.Sleep(10 * time.Second)
		got := through(t.Context(), g, campaign.OpCreate)
		if got.Kind != campaign.Unauthorised || got.RetryAfter != 5*time.Second || got.HTTP != 0 || !strings.Contains(got.Err, "does not accept the key") {
			t.Errorf("got %+v", got)
		}
		if n := g.port.calls.Load(); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
		inHand.Call(t.Context(), campaign.Call{Op: campaign.OpPrice}) // a second 401 shuts nothing twice

		time.Sleep(25 * time.Second)
		g.port.answer = campaign.OK
		g.probe.Store(campaign.OK)
		changed = g.changed.wait()
		<-changed
		if got := through(t.Context(), g, campaign.OpCreate); got.Kind != campaign.OK {
			t.Errorf("after the probe: %s", got.Kind)
		}
		want := []time.Duration{0, 15 * time.Second, 30 * time.Second, 45 * time.Second}
		if len(g.probes) != len(want) || g.probes[3] != want[3] || g.probes[1] != want[1] {
			t.Errorf("probes at %v, want %v", g.probes, want)
		}
		if len(g.told) != 2 || g.told[0] != WrongKey || g.told[1] != "" {
			t.Errorf("told %q, want that the key is wrong, and that it is not", g.told)
		}
	})
}

// Only an answer that accepts the key opens the guard.
func TestGateOpensOnlyForAnAnswer(t *testing.T) {
	for kind, opens := range map[campaign.Kind]bool{
		campaign.OK: true, campaign.Refused: true,
		campaign.Unauthorised: false, campaign.Unavailable: false, campaign.Throttled: false, campaign.NotAttempted: false,
	} {
		t.Run(string(kind), func(t *testing.T) {
			withGuard(t, func(t *testing.T, g *guardTest) {
				g.probe.Store(kind)
				g.port.answer = campaign.Unauthorised
				through(t.Context(), g, campaign.OpPrice)
				time.Sleep(time.Minute)
				if g.shut.Load() == opens {
					t.Errorf("a probe that is %s: shut is %v", kind, g.shut.Load())
				}
			})
		})
	}
}

func TestGateProbesAtOnceWhenTheKeyChanges(t *testing.T) {
	withGuard(t, func(t *testing.T, g *guardTest) {
		g.port.answer = campaign.Unauthorised
		through(t.Context(), g, campaign.OpPrice)
		time.Sleep(4500 * time.Millisecond)
		g.probe.Store(campaign.OK)
		write(t, g.file, "new")
		time.Sleep(2 * time.Second)
		if g.shut.Load() {
			t.Errorf("the key has changed and nobody asked; probes at %v", g.probes)
		}
	})
}

// A call that waited while the guard shut does not leave.
func TestGateLooksAgainAfterTheWait(t *testing.T) {
	withGuard(t, func(t *testing.T, g *guardTest) {
		slow := &slowPort{port: g.port, wait: make(chan struct{})}
		g.next = slow
		out := make(chan campaign.Outcome)
		go func() { out <- through(t.Context(), g, campaign.OpConfirm) }()
		synctest.Wait()
		g.observe(&campaign.Outcome{Kind: campaign.Unauthorised, HTTP: 401})
		close(slow.wait)
		if got := <-out; got.Kind != campaign.Unauthorised {
			t.Errorf("got %s", got.Kind)
		}
		if calls, released := g.port.calls.Load(), g.port.released.Load(); calls != 0 || released != 1 {
			t.Errorf("%d calls, %d released, want 0 and 1", calls, released)
		}
	})
}

// The sentence says what is wrong with the file, too.
func TestGateNamesAnUnreadableKeyFile(t *testing.T) {
	withGuard(t, func(t *testing.T, g *guardTest) {
		os.Remove(g.file)
		g.port.answer = campaign.Unauthorised
		time.Sleep(2 * time.Second)
		through(t.Context(), g, campaign.OpPrice)
		time.Sleep(2 * time.Second)
		if got := through(t.Context(), g, campaign.OpPrice); !strings.Contains(got.Err, g.file+": no such file") {
			t.Errorf("got %q", got.Err)
		}
	})
}

// slowPort admits when it is told to.
type slowPort struct {
	*port
	wait chan struct{}
}

func (p *slowPort) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	<-p.wait
	return p.port.Admit(ctx, op)
}
