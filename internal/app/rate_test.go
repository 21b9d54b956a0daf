package app_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// logged is what a service says.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A service that may not reach the shared rate, because an earlier version has printed
// its permissions, starts all the same: it says what is missing, and keeps to a part of
// the rate, never to all of it unless somebody says that it is the only one.
func TestWithoutTheRightToTheSharedRate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		replicas int
		says     []string
		shows    string
	}{
		"NobodySaysHowMany": {0, []string{"the rate is not shared", "$KV.rate.default", "services=4", "per_minute=25", "per_second=2"}, "staffetta_gateway_rate_shared 0"},
		"Three":             {3, []string{"the rate is not shared", "services=3", "per_minute=33", "per_second=3"}, "staffetta_gateway_rate_shared 0"},
		"Alone":             {1, []string{"the rate is not shared", "services=1", "per_minute=100", "per_second=10"}, "staffetta_gateway_rate_shared 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			s, err := server.NewServer(&server.Options{
				Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
				Users: []*server.User{{Username: "staffetta", Password: "x", Permissions: &server.Permissions{
					Publish: &server.SubjectPermission{Deny: []string{"$KV.rate.>"}},
				}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			s.Start()
			t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
			if !s.ReadyForConnections(10 * time.Second) {
				t.Fatal("the server does not start")
			}
			said := &logged{}
			o := b.options()
			o.NATS.URL = strings.Replace(s.ClientURL(), "nats://", "nats://staffetta:x@", 1)
			o.Gateway.RatePerMinute, o.Gateway.RatePerSecond, o.Gateway.Replicas = 100, 10, test.replicas
			o.Log = slog.New(slog.NewTextHandler(said, nil))
			a, _ := b.run(o)
			for _, want := range test.says {
				if !strings.Contains(said.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
			eventually(t, "it shows "+test.shows, func() bool {
				_, page := get(t, a, "/metrics")
				return strings.Contains(page, "\n"+test.shows+"\n")
			})
		})
	}
}

// gateway.replicas is accepted, and is of no use.
func TestReplicasNeedNotBeSaid(t *testing.T) {
	t.Parallel()
	local, err := app.StartLocal(app.LocalOptions{Sandbox: sandbox.Options{Speed: 1000, Rate: sandbox.TrialRate()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := local.Stop(); err != nil {
			t.Error(err)
		}
	})
	b, said := around(t, local), &logged{}
	o := b.options()
	o.Gateway.Replicas = 3
	o.Log = slog.New(slog.NewTextHandler(said, nil))
	a, _ := b.run(o)
	if !strings.Contains(said.String(), "gateway.replicas is not needed any more") {
		t.Errorf("it does not say that it is not needed:\n%s", said)
	}
	eventually(t, "the limit of the account is known", func() bool {
		_, page := get(t, a, "/metrics")
		return strings.Contains(page, "\nstaffetta_gateway_rate_shared 1\n") && strings.Contains(page, "\nstaffetta_gateway_rate_limit 100\n")
	})
	// Somebody else with the same key is seen, and said.
	if _, err := b.client.Request(t.Context(), b.request, ""); err != nil {
		t.Fatal(err)
	}
	call := func() {
		r, err := http.NewRequestWithContext(t.Context(), "GET", local.Sandbox.GatewayURL+"/campaigns/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Api-Key", local.Sandbox.Key)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	for range 9 {
		call()
	}
	eventually(t, "a stranger is seen", func() bool {
		_, page := get(t, a, "/metrics")
		return !strings.Contains(page, "\nstaffetta_gateway_foreign_calls 0\n") && strings.Contains(said.String(), "somebody else calls the gateway with the same key")
	})
}
