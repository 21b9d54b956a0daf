package access_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/access"
	"github.com/staffetta-io/staffetta/test/natsserver"
)

// A server with this certificate and deploy/nats/tls.conf answers a client that trusts
// the certificate and uses the server's name. It answers no client without TLS, and
// none that trusts others.
func TestNobodyIsHeardWithoutTLS(t *testing.T) {
	t.Parallel()
	certs, err := access.NewCerts([]string{"127.0.0.1", "nats.example.com"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	other, err := access.NewCerts([]string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	conf, err := os.ReadFile("../../deploy/nats/tls.conf")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"nats.pem": string(certs.Cert), "nats.key": string(certs.Key), "tls.conf": strings.ReplaceAll(string(conf), "/etc/nats-tls", dir),
		"nats.conf": "listen: 127.0.0.1:-1\ntls { include \"tls.conf\" }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := natsserver.FromFile(t, filepath.Join(dir, "nats.conf"))
	url := "nats://" + s.Addr().String()
	trusting := func(ca []byte, name string) nats.Option {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(ca)
		return nats.Secure(&tls.Config{RootCAs: pool, ServerName: name})
	}
	for name, test := range map[string]struct {
		option nats.Option
		want   string // in the error; empty: the client is let in
	}{
		"TrustsIt":           {trusting(certs.CA, ""), ""},
		"TrustsItsOtherName": {trusting(certs.CA, "nats.example.com"), ""},
		"TrustsNotThatName":  {trusting(certs.CA, "elsewhere.example.com"), "not elsewhere.example.com"},
		"TrustsAnother":      {trusting(other.CA, ""), "unknown authority"},
		"TrustsTheSystem":    {nats.Name("trusting the system"), "x509"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nc, err := nats.Connect(url, test.option)
			if err == nil {
				nc.Close()
			}
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
