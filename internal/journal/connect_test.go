package journal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

func TestConnect(t *testing.T) {
	t.Parallel()

	t.Run("TakesAContextOfTheNATSCommandLine", func(t *testing.T) {
		t.Parallel()
		s := startServer(t, -1, t.TempDir())
		file := filepath.Join(t.TempDir(), "prod.json")
		if err := os.WriteFile(file, []byte(`{"url":"`+s.ClientURL()+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		nc, err := streams.Connect(streams.Server{Context: file})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		open(t, nc, journal.Options{}) // which refuses a connection that buffers
	})

	t.Run("RefusesAContextOfAnotherJetStream", func(t *testing.T) {
		t.Parallel()
		s := startServer(t, -1, t.TempDir())
		for _, field := range []string{"jetstream_domain", "jetstream_api_prefix"} {
			file := filepath.Join(t.TempDir(), "leaf.json")
			if err := os.WriteFile(file, []byte(`{"url":"`+s.ClientURL()+`","`+field+`":"hub"}`), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := streams.Connect(streams.Server{Context: file}); err == nil || !strings.Contains(err.Error(), field+` "hub"`) {
				t.Errorf("%s: got error %v", field, err)
			}
		}
	})

	t.Run("KeepsThePasswordOutOfItsErrors", func(t *testing.T) {
		t.Parallel()
		_, err := streams.Connect(streams.Server{URL: "nats://anna:hunter2@127.0.0.1:1"})
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "127.0.0.1:1") {
			t.Errorf("got error %v", err)
		}
	})

	t.Run("TellsOfALostAndAFoundConnection", func(t *testing.T) {
		t.Parallel()
		p := startProxy(t, startServer(t, -1, t.TempDir()).Addr().String())
		lost, found := make(chan error, 10), make(chan string, 10)
		nc, err := streams.Connect(streams.Server{
			URL:          "nats://" + p.listener.Addr().String(),
			OnDisconnect: func(err error) { lost <- err },
			OnReconnect:  func(url string) { found <- url },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		p.cut()
		receive(t, lost, "word of the loss")
		receive(t, found, "word of the new connection")
	})
}
