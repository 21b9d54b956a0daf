package integration

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/staffetta-io/staffetta/internal/access"
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

// certs are those of every NATS server of a run.
var certs = sync.OnceValues(func() (access.Certs, error) {
	return access.NewCerts([]string{"localhost", "127.0.0.1", "nats", "nats-1", "nats-2", "nats-3"}, time.Now())
})

func newCerts(t testing.TB) access.Certs {
	t.Helper()
	c, err := certs()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// authority is whom everybody trusts.
func authority(t testing.TB) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(newCerts(t).CA) {
		t.Fatal("the authority is no certificate")
	}
	return pool
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
		nats.Secure(&tls.Config{RootCAs: authority(t), MinVersion: tls.VersionTLS12}),
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
