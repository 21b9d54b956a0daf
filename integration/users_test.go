package integration

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Names of the users of deploy/nats/accounts.conf.
const (
	userService   = "staffetta"
	userOperator  = "operator"
	userSupport   = "support"
	userShop      = "shop-italia"
	userAnalytics = "analytics"
)

// users are keys made for one test, by name.
type users map[string]nkeys.KeyPair

func newUsers(t testing.TB) users {
	t.Helper()
	u := users{}
	for _, name := range []string{userService, userOperator, userSupport, userShop, userAnalytics} {
		pair, err := nkeys.CreateUser()
		if err != nil {
			t.Fatal(err)
		}
		u[name] = pair
	}
	return u
}

func (u users) public(t testing.TB, name string) string {
	t.Helper()
	key, err := u[name].PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (u users) seed(t testing.TB, name string) string {
	t.Helper()
	seed, err := u[name].Seed()
	if err != nil {
		t.Fatal(err)
	}
	return string(seed)
}

// env is what accounts.conf wants to find in the environment.
func (u users) env(t testing.TB) map[string]string {
	t.Helper()
	env := map[string]string{}
	for name := range u {
		env["NKEY_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = u.public(t, name)
	}
	return env
}

// connect connects as a user, with the inbox that the user may listen to.
func (u users) connect(t testing.TB, name string, urls ...string) *nats.Conn {
	t.Helper()
	opts := []nats.Option{
		nats.Name("test as " + name),
		nats.Nkey(u.public(t, name), u[name].Sign),
		nats.MaxReconnects(-1),
		// The servers tell each other's addresses on their own network, which may
		// not be reached from here.
		nats.IgnoreDiscoveredServers(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { t.Logf("NATS as %s: %v", name, err) }),
	}
	if name != userService && name != userOperator {
		opts = append(opts, nats.CustomInboxPrefix("_INBOX."+name))
	}
	nc, err := nats.Connect(strings.Join(urls, ","), opts...)
	if err != nil {
		t.Fatalf("connect to NATS as %s: %v", name, err)
	}
	t.Cleanup(nc.Close)
	return nc
}
