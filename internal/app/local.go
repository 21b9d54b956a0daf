//go:build !production

package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// LocalOptions say what a development machine needs that a service takes for
// granted. The zero value is everything on ports of the system's choosing, in
// a folder that is gone afterwards.
type LocalOptions struct {
	// Dir keeps what NATS stores, in Dir/nats. Empty: a temporary folder,
	// removed by Stop. The sandbox keeps nothing, so it numbers its campaigns
	// from above those of which Dir has a record.
	Dir string
	// NATS is the address of the NATS server. Default "127.0.0.1:0".
	NATS string
	// Gateway is the address of the sandbox gateway. Default "127.0.0.1:0".
	Gateway string
	// Sandbox says how the gateway behaves. Its first key is the one that the
	// service uses.
	Sandbox sandbox.Options
}

// Local is a NATS server with JetStream and the sandbox gateway, both inside
// this process and on the loopback interface.
type Local struct {
	lifecycle
	Sandbox *Sandbox
	NATSURL string // "nats://127.0.0.1:4222"
	nats    *server.Server
	// unlimited: the gateway limits no key.
	unlimited bool
	KeyFile   string // holds the gateway's API key
	Dir       string // where NATS stores
	// Remembered is the highest number of a campaign in Dir that the sandbox
	// has forgotten; zero if there is none.
	Remembered int64
}

// StartLocal starts both. An error is a sentence; nothing is left running then.
func StartLocal(o LocalOptions) (_ *Local, err error) {
	def(&o.NATS, "127.0.0.1:0")
	def(&o.Gateway, "127.0.0.1:0")
	l := &Local{}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Stop())
		}
	}()

	temp, err := os.MkdirTemp("", "staffetta-")
	if err != nil {
		return nil, err
	}
	l.onStop("temporary folder", func(context.Context) error { return os.RemoveAll(temp) })
	l.KeyFile = filepath.Join(temp, "gateway.key")
	l.Dir = filepath.Join(temp, "nats")
	if o.Dir != "" {
		l.Dir = filepath.Join(o.Dir, "nats")
	}
	if err := l.startNATS(o.NATS); err != nil {
		return nil, err
	}
	if o.Dir != "" {
		if l.Remembered, err = remembered(l.NATSURL); err != nil {
			return nil, err
		}
		if l.Remembered > 0 {
			o.Sandbox.FirstCampaign = int(l.Remembered) + 1
		}
	}
	if err := l.startSandbox(o.Gateway, o.Sandbox); err != nil {
		return nil, err
	}
	if err := os.WriteFile(l.KeyFile, []byte(l.Sandbox.Key+"\n"), 0o600); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Local) startNATS(addr string) error {
	// The server ends the process when it cannot listen, so whether it can is
	// tried before.
	probe, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("NATS cannot listen on %s: %w", addr, err)
	}
	at := probe.Addr().(*net.TCPAddr)
	probe.Close()
	s, err := server.NewServer(&server.Options{
		ServerName: "staffetta-dev", Host: at.IP.String(), Port: at.Port,
		JetStream: true, StoreDir: l.Dir, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return fmt.Errorf("NATS server: %w", err)
	}
	s.Start()
	l.onStop("NATS server", closing(func() { s.Shutdown(); s.WaitForShutdown() }))
	if !s.ReadyForConnections(10 * time.Second) {
		return fmt.Errorf("NATS server on %s was not ready within 10 s: is another one using %s?", addr, l.Dir)
	}
	l.NATSURL, l.nats = s.ClientURL(), s
	return nil
}

// remembered is the highest number that a record has of a campaign at the
// gateway. A new sandbox that gave it to another campaign would tell the first
// one's service of the other's sending.
func remembered(url string) (highest int64, err error) {
	c, err := NATS{URL: url}.Client()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	for rec, err := range c.List(context.Background(), "") {
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound): // the folder is new
			return 0, nil
		case err != nil:
			return 0, err
		case rec.Draft != nil:
			highest = max(highest, rec.Draft.ID)
		}
	}
	return highest, nil
}

// Connections is how many clients the NATS server has.
func (l *Local) Connections() int { return l.nats.NumClients() }

func (l *Local) startSandbox(addr string, o sandbox.Options) error {
	box, err := StartSandbox(addr, o)
	if err != nil {
		return err
	}
	l.onStop("sandbox", func(context.Context) error { return box.Stop() })
	l.Sandbox, l.unlimited = box, o.Rate == sandbox.Rate{}
	return nil
}

// Stop lets go of both.
func (l *Local) Stop() error { return l.stop() }

// Service are the options of a service that uses what is here, and whose
// operator's pages are off.
func (l *Local) Service() Options {
	o := Options{
		NATS:    NATS{URL: l.NATSURL},
		Gateway: Gateway{URL: l.Sandbox.GatewayURL, KeyFile: l.KeyFile},
		Listen:  "off",
	}
	// The sandbox forgets what was called when it ends, so nothing is waited for where
	// it has no limit.
	if l.unlimited {
		o.Gateway.RatePerMinute, o.Gateway.RatePerSecond = -1, -1
	}
	return o
}
