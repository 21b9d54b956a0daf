package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"syscall"
	"testing"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// A hurried operator sends SIGTERM twice: the service ends in the middle of its
// confirm, without waiting for the answer, and another one finds out what came of
// it.
func TestSecondSIGTERMEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := &attackedFleet{newFleet(t, "2m"), rand.New(rand.NewPCG(*seed, 0))}
	// The call is held for as long as a busy machine may need to say it twice.
	first := s.serve(serviceProgram.path(t),
		"STAFFETTA_CONFIRM_WITHIN="+longWithin.String(), "STAFFETTA_GATEWAY_TIMEOUT="+longTimeout.String(), "STAFFETTA_CONFIRM_SETTLE="+longSettle.String())
	s.ready()
	s.reach([]sandbox.Fault{caughtAt(sandbox.Confirm, before)})
	first.signal(syscall.SIGTERM)
	s.eventually("the service has heard it", func(ctx context.Context) error {
		if _, err := call(ctx, "GET", fmt.Sprintf("http://127.0.0.1:%d/readyz", first.port), nil); err == nil {
			return errors.New("it is ready")
		}
		return nil
	})
	first.signal(syscall.SIGTERM)
	err := first.cmd.Wait()
	first.cmd = nil
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Fatalf("the service ended with %v, want by the second SIGTERM and not by itself", err)
	}
	s.serve(serviceProgram.path(t))
	s.ready()
	s.waitUntilCompleted(s.ids)
	s.judge(s.ids)
}
