package torture

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// TestFloodOfDuplicates: one request, again and again as fast as the stream takes
// it, to two services; every hundredth time with other content. It is one campaign,
// what differs is a dead letter, and the services' memory is the same after the
// last as after the first part.
func TestFloodOfDuplicates(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "2m")
	f.serve(serviceProgram.path(t))
	f.serve(serviceProgram.path(t))
	f.ready()
	m := f.request("again")
	same := marshal(t, m)
	m.Text = "-40%"
	other := marshal(t, m)
	f.ids = []string{"again"}

	js, err := jetstream.New(f.nc, jetstream.WithPublishAsyncMaxPending(512))
	if err != nil {
		t.Fatal(err)
	}
	parts := max(5, *duplicates/50_000)
	var after []int // kB, of all services, after each part
	for n := range *duplicates {
		data := same
		if n%100 == 99 {
			data = other
		}
		if _, err := js.PublishAsync("campaign.v1.request."+f.source+".again", data, jetstream.WithStallWait(patience)); err != nil {
			t.Fatal(err)
		}
		if n%(*duplicates/parts) == *duplicates/parts-1 {
			<-js.PublishAsyncComplete()
			f.consumed()
			after = append(after, f.memory())
		}
	}
	f.waitUntilCompleted(f.ids)
	v := f.judge(f.ids)
	f.wantDeadLetters(uint64(*duplicates / 100))
	// A collector that has not run yet is no leak.
	if first, last := after[0], after[len(after)-1]; last > first+32<<10 {
		t.Errorf("memory grew from %d kB to %d kB: %v", first, last, after)
	}
	t.Logf("%d requests, %d of them with other content; memory of both services after each part, in kB: %v; %s", *duplicates, *duplicates/100, after, v)
}

// memory is what all services have resident, in kB.
func (f *fleet) memory() (all int) {
	f.Helper()
	f.eventually("read the memory", func(context.Context) error {
		all = 0
		for _, p := range f.services {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
			if err != nil {
				return err
			}
			_, rest, _ := strings.Cut(string(status), "VmRSS:")
			kb, err := strconv.Atoi(strings.Fields(rest + " ?")[0])
			if err != nil {
				return err
			}
			all += kb
		}
		return nil
	})
	return all
}
