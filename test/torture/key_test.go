package torture

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// The key is no longer accepted while campaigns are under way: consumption stops,
// readiness says why, no campaign is failed for it, and all goes on once the key
// file is mended, in the same process.
func TestKeyThatIsNotAccepted(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name  string
		shut  func(l *local)
		opens func(l *local)
	}{
		{"401", func(l *local) { l.Sandbox.SetKeys("another") }, func(*local) {}},
		// The probe that asks again is answered 403 as well: it is the key.
		{"403", func(l *local) {
			if _, err := l.Sandbox.AddFault(sandbox.Fault{Status: 403, Times: always}); err != nil {
				l.Fatal(err)
			}
		}, func(l *local) { l.Sandbox.RemoveFaults(); l.Sandbox.SetKeys("another") }},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			l := newLocal(t, sandbox.Options{})
			a, _ := l.serve(l.options())
			var ids []string
			ask := func(n int) {
				for range n {
					id := fmt.Sprintf("c%d", len(ids))
					l.ask(l.request(id))
					ids = append(ids, id)
				}
			}
			ask(30)
			x.shut(l)
			ask(30)
			l.eventually("it is not ready, and says why", func(ctx context.Context) error {
				page, _ := call(ctx, "GET", "http://"+a.Addr()+"/readyz", nil)
				if !strings.Contains(string(page), "does not accept the key in "+l.KeyFile) {
					return fmt.Errorf("%s", page)
				}
				return shows(ctx, a.Addr(), "/metrics", "staffetta_gateway_authorised 0", `staffetta_consumer_pulling{consumer="requests"} 0`)
			})
			ask(5)
			records, err := l.records(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for id, c := range records {
				if c.State.Final() && c.State != campaign.Completed {
					t.Errorf("%s: ended %s %+v for a key that is not its fault", id, c.State, c.Reason)
				}
			}
			if len(records) == len(ids) {
				t.Error("requests were consumed although no call could be made")
			}
			x.opens(l)
			if err := os.WriteFile(l.KeyFile, []byte("another\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			l.waitUntilCompleted(ids)
			l.eventually("it is ready again", func(ctx context.Context) error {
				_, err := call(ctx, "GET", "http://"+a.Addr()+"/readyz", nil)
				return err
			})
			t.Log(l.judge(ids))
			l.wantDeadLetters(0)
		})
	}
}
