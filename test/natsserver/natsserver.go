// Package natsserver starts NATS servers of configuration files: of those that we print for
// others, and of those that tests write to have several accounts.
//
// It refuses to know what is in the file.
package natsserver

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// FromFile starts a server in this process, until the test ends.
func FromFile(t testing.TB, file string) *server.Server {
	t.Helper()
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// A busy machine takes its time to greet.
	o.NoLog, o.NoSigs, o.TLSTimeout = true, true, 10
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s
}
