package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// company is one company of several: an account at a gateway of its own, which has a key
// of its own and has seen everything.
type company struct {
	*fleet        // the same NATS and services as all; the gateway, the source and the campaigns are its own
	keys   string // what the gateway accepts
}

// TestKillsWithSeveralAccounts: three companies have an account each and ask for campaigns
// beside one another. Services and NATS are killed; now and then a gateway refuses the key
// of its account, or answers nothing. Each company is judged by what its own gateway saw.
func TestKillsWithSeveralAccounts(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "always")
	random := rand.New(rand.NewPCG(*seed, 1000))
	var all []*company
	var file strings.Builder
	for i, source := range []string{"shop-italia", "studio-bianchi", "acqua-luce"} {
		c := &company{fleet: &fleet{nats: f.nats, url: f.url, key: filepath.Join(t.TempDir(), "key")}, keys: "key-of-" + source}
		gateway := strings.TrimPrefix(f.gateway, "http://")
		if i > 0 {
			box := newProcess(t, "sandbox-"+source, serviceProgram.path(t), []string{"sandbox", "--listen", "127.0.0.1:%d", "--speed", "100000"}, nil)
			box.start()
			f.eventually("the sandbox of "+source+" listens", box.listens)
			gateway = fmt.Sprintf("127.0.0.1:%d", box.port)
		}
		c.testbed = newTestbed(t, f.url, "http://"+gateway)
		c.source = source
		if err := os.WriteFile(c.key, []byte(c.keys), 0o600); err != nil {
			t.Fatal(err)
		}
		c.accept(c.keys)
		fmt.Fprintf(&file, "- {name: %s, url: 'http://%s/api/partner-gateway/v1', key_file: %s, sources: [%[1]s]}\n", source, gateway, c.key)
		all = append(all, c)
	}
	accounts := filepath.Join(t.TempDir(), "accounts.yaml")
	if err := os.WriteFile(accounts, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f.serve(serviceProgram.path(t), "STAFFETTA_ACCOUNTS="+accounts, "STAFFETTA_GATEWAY_KEY_FILE=")
	}
	f.ready()

	killed, dealt := 0, map[string]int{}
	for n := 0; killed < max(*kills/3, 6); n++ {
		// One account is in trouble in two rounds of three, and the others are not.
		troubled := all[n%len(all)]
		switch n % 3 {
		case 0:
			troubled.accept("another")
			dealt["a key that is not accepted"]++
		case 1:
			troubled.control("POST", "faults", sandbox.Fault{Status: 503, Body: sandbox.HTML, Times: always}, nil)
			dealt["an outage of one account"]++
		}
		for _, c := range all {
			for range 3 {
				c.launch()
			}
		}
		<-time.After(time.Duration(random.Int64N(int64(150 * time.Millisecond)))) // they come as far as chance wills
		switch random.IntN(4) {
		case 0:
			f.nats.kill()
			killed++
			dealt["NATS killed"]++
		case 1:
			f.nats.kill()
			for _, p := range f.services {
				p.kill()
			}
			killed += 1 + len(f.services)
			dealt["all killed together"]++
		default:
			f.services[random.IntN(len(f.services))].kill()
			killed++
			dealt["a service killed"]++
		}
		(&attackedFleet{f, random}).revive()
		if n%3 != 2 {
			// Those of the others are sent while it is in trouble.
			for _, c := range all {
				if c != troubled {
					c.waitUntilCompleted(c.ids)
				}
			}
			troubled.accept(troubled.keys)
			troubled.control("DELETE", "faults", nil, nil)
			f.mended(troubled)
		}
	}
	for _, c := range all {
		c.waitUntilCompleted(c.ids)
		t.Logf("%s: %s", c.source, c.judge(c.ids))
	}
	t.Logf("%d processes killed: %v", killed, dealt)
	f.wantDeadLetters(0)
}

// accept says which key the company's gateway accepts.
func (c *company) accept(key string) {
	c.Helper()
	c.control("POST", "keys", object{"keys": []string{key}}, nil)
}

// mended waits until both services use the account again.
func (f *fleet) mended(c *company) {
	f.Helper()
	for _, p := range f.services {
		f.eventually(p.name+" uses the account of "+c.source, func(ctx context.Context) error {
			return shows(ctx, fmt.Sprintf("127.0.0.1:%d", p.port), "/metrics", fmt.Sprintf("staffetta_gateway_authorised{account=%q} 1", c.source))
		})
	}
}
