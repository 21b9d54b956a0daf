package integration

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// A project is deploy/compose.yaml, run by the compose tool.
type project struct {
	*testing.T
	tool []string
	env  []string
}

// compose finds the tool, and skips the test where there is none.
func compose(t *testing.T) []string {
	t.Helper()
	for _, tool := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		if exec.Command(tool[0], append(tool[1:], "version")...).Run() == nil {
			return tool
		}
	}
	const skipped = "deploy/compose.yaml was not run: neither docker compose nor docker-compose is here; install one and run go test ./integration"
	if os.Getenv("CI") == "true" {
		t.Fatal(skipped)
	}
	t.Skip(skipped)
	return nil
}

// The compose file starts an installation in which a source can ask for a campaign
// and hear of it.
func TestCompose(t *testing.T) {
	t.Parallel()
	p := &project{T: t, tool: compose(t)}
	users := newUsers(t)
	secrets := t.TempDir()
	if err := os.Mkdir(filepath.Join(secrets, "tls"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"ca.pem": newCerts(t).CA, "nats.pem": newCerts(t).Cert, "nats.key": newCerts(t).Key} {
		p.write(filepath.Join(secrets, "tls", name), string(content))
	}
	p.write(filepath.Join(secrets, "gateway-key"), "sandbox")
	p.write(filepath.Join(secrets, "staffetta.nk"), users.seed(t, userService))
	p.env = append(os.Environ(),
		"COMPOSE_PROJECT_NAME="+fmt.Sprint("staffetta-integration-", os.Getpid()),
		"COMPOSE_FILE="+strings.Join([]string{p.deployed("compose.yaml"), p.labelled()}, string(os.PathListSeparator)),
		"NATS_IMAGE="+natsImage.tag(t), "STAFFETTA_IMAGE="+serviceImage.tag(t), "SANDBOX_IMAGE="+devImage.tag(t), "SECRETS="+secrets,
		// Ports that are free, whatever else runs on this machine.
		"NATS_PORT=127.0.0.1:", "SANDBOX_PORT=127.0.0.1:", "STAFFETTA_PORT=127.0.0.1:",
	)
	for name, value := range users.env(t) {
		p.env = append(p.env, name+"="+value)
	}
	t.Cleanup(p.down)
	p.run("up", "--detach")
	eventually(t, "the service is ready", answers("http://"+p.port("staffetta", "8080")+"/readyz"))

	shop := users.connect(t, userShop, "nats://"+p.port("nats", "4222"))
	request := nats.NewMsg("campaign.v1.request.shop-italia.black-friday-2026")
	request.Header.Set("content-type", "application/json")
	request.Data = []byte(`{"source":"shop-italia","requestId":"black-friday-2026","name":"Black Friday 2026",
		"sender":"ShopItalia","text":"Ciao {{firstName}}, -30% con {{code}}.","contactListId":87,"immediately":true}`)
	events, err := shop.SubscribeSync("campaign.v1.event.shop-italia.>")
	if err != nil {
		t.Fatal(err)
	}
	// Whoever speaks plainly, or trusts somebody else, is not let in.
	for what, o := range map[string]nats.Option{"plainly": nats.Name("plain"), "with another authority": nats.Secure(&tls.Config{RootCAs: x509.NewCertPool()})} {
		if nc, err := nats.Connect("nats://"+p.port("nats", "4222"), nats.Nkey(users.public(t, userShop), users[userShop].Sign), o); err == nil {
			nc.Close()
			t.Errorf("a client that speaks %s is let in", what)
		}
	}
	js := streamClient(t, shop)
	if _, err := js.PublishMsg(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m, err := events.NextMsgWithContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var cost campaignv1.CampaignCostCalculated
	if err := proto.Unmarshal(m.Data, &cost); err != nil || cost.GetTotal().GetAmount() != "344.09" {
		t.Errorf("first event is %s with a total of %q (%v), want UC-006's 344.09", m.Subject, cost.GetTotal().GetAmount(), err)
	}
	sandbox := "http://" + p.port("sandbox", "8090")
	eventually(t, "the sandbox has been asked to send", func(ctx context.Context) error {
		res, err := http.Get(sandbox + "/sandbox/seen")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		var seen struct{ Confirms int }
		if err := json.NewDecoder(res.Body).Decode(&seen); err != nil {
			return err
		}
		if seen.Confirms != 1 {
			return fmt.Errorf("%d confirms", seen.Confirms)
		}
		return nil
	})
}

func (p *project) deployed(name string) string {
	p.Helper()
	path, err := filepath.Abs(filepath.Join(root, "deploy", name))
	if err != nil {
		p.Fatal(err)
	}
	// Opened here, because the compose tool opens it where the test cache does
	// not see it.
	readDeployed(p, name)
	return path
}

// labelled is a second compose file: the labels by which a later run finds what a
// killed one has left behind.
func (p *project) labelled() string {
	p.Helper()
	with := map[string]any{"labels": labels()}
	data, err := json.Marshal(map[string]any{
		"version":  "3.8",
		"services": map[string]any{"nats": with, "sandbox": with, "staffetta": with},
		"volumes":  map[string]any{"nats": with},
		"networks": map[string]any{"default": with},
	})
	if err != nil {
		p.Fatal(err)
	}
	path := filepath.Join(p.TempDir(), "labels.json") // JSON is YAML
	p.write(path, string(data))
	return path
}

func (p *project) write(path, content string) {
	p.Helper()
	// The service runs as nobody, and reads them through a mount.
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		p.Fatal(err)
	}
}

// try runs the tool and returns what it printed.
func (p *project) try(args ...string) (string, error) {
	cmd := exec.Command(p.tool[0], append(p.tool[1:], args...)...)
	cmd.Env, cmd.Dir = p.env, p.TempDir()
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("compose %s: %w\n%s", strings.Join(args, " "), err, failed.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

func (p *project) run(args ...string) string {
	p.Helper()
	out, err := p.try(args...)
	if err != nil {
		p.Fatal(err)
	}
	return out
}

// port is where a port of a service is reached from here.
func (p *project) port(service, port string) string {
	p.Helper()
	return p.run("port", service, port)
}

// down removes everything, and shows what was said if the test has failed.
func (p *project) down() {
	if p.Failed() {
		said, err := p.try("logs", "--no-color", "--tail=20")
		p.Logf("%v\n%s", err, said)
	}
	if _, err := p.try("down", "--volumes", "--timeout=1"); err != nil {
		p.Error(err)
	}
}
