package torture

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// Two services with the settings of a paid account on a trial's, and more work than it
// allows: not one call is too many, and none of them takes the other for a stranger. One
// of them is killed in the middle, and started again.
func TestTwoServicesShareATrial(t *testing.T) {
	t.Parallel()
	shareATrial(t, newFleet(t, "2m"))
}

// The same on a cluster, whose record is kept by three.
func TestTwoServicesShareATrialOnACluster(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: it takes a minute; run go test ./test/torture -run TestTwoServicesShareATrialOnACluster, without -short")
	}
	shareATrial(t, newFleetOn(newServers(t, 3, "2m")), "STAFFETTA_NATS_REPLICAS=3")
}

func shareATrial(t *testing.T, f *fleet, settings ...string) {
	f.control("POST", "rate", sandbox.TrialRate(), nil)
	settings = append(settings, "STAFFETTA_GATEWAY_RATE_PER_MINUTE=1000", "STAFFETTA_GATEWAY_RATE_PER_SECOND=50") // the defaults
	for range 2 {
		f.serve(serviceProgram.path(t), settings...)
	}
	f.ready()
	for range 30 {
		f.launch()
	}
	most := 130 // more than a minute's
	if testing.Short() {
		most = 60
	}
	var calls []sandbox.Call
	made := func(n int) func(context.Context) error {
		return func(context.Context) error {
			calls = nil
			f.control("GET", "calls", nil, &calls)
			if len(calls) < n {
				return fmt.Errorf("%d calls", len(calls))
			}
			return nil
		}
	}
	f.eventually("half of the calls are made", made(most/2))
	f.services[1].kill()
	f.services[1].start()
	f.eventually("all are", made(most))
	tooMany := 0
	for _, c := range calls {
		if c.Status == 429 {
			tooMany++
		}
	}
	took := calls[len(calls)-1].At.Sub(calls[0].At)
	t.Logf("%d calls in %s, %d of them 429", len(calls), took.Round(time.Second), tooMany)
	if tooMany > 0 {
		t.Errorf("%d of %d calls were too many", tooMany, len(calls))
	}
	for _, p := range f.services {
		f.eventually(p.name+" shares the rate, and sees nobody else", func(ctx context.Context) error {
			return shows(ctx, fmt.Sprintf("127.0.0.1:%d", p.port), "/metrics", "staffetta_gateway_rate_shared 1", "staffetta_gateway_foreign_calls 0", "staffetta_gateway_rate_limit 100")
		})
	}
}
