package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/ops"
	"github.com/staffetta-io/staffetta/internal/web"
)

// webConfig is what can be set of the page that people look at.
type webConfig struct {
	Listen, Deciders       string
	ProxyHeader, ProxyFrom string
	Issuer, ClientID       string
	SecretFile, Claim      string
	URL, SessionKeyFile    string
	Session                time.Duration
}

// webDefaults are those of the page.
var webDefaults = webConfig{Listen: "127.0.0.1:8091", Claim: "email", Session: 8 * time.Hour}

// webSettings are those of the page alone: the service knows none of them.
var webSettings = []setting{
	{Setting: app.Setting{Key: "web.listen", Help: "address of the page of `staffetta web`; beyond this machine only with a sign-in, see docs/page.md"},
		field: func(c *config) any { return &c.Web.Listen }},
	{Setting: app.Setting{Key: "web.deciders", Help: "who may press buttons on the page, by name, separated by commas; everybody who signs in may look, and without this decide too"},
		field: func(c *config) any { return &c.Web.Deciders }},
	{Setting: app.Setting{Key: "web.proxy_header", Help: "header in which a proxy names the person who looks, X-Forwarded-User; with web.proxy_from"},
		field: func(c *config) any { return &c.Web.ProxyHeader }},
	{Setting: app.Setting{Key: "web.proxy_from", Help: "addresses or networks of that proxy, separated by commas; whoever comes from elsewhere is refused"},
		field: func(c *config) any { return &c.Web.ProxyFrom }},
	{Setting: app.Setting{Key: "web.oidc_issuer", Help: "OpenID Connect provider where people sign in, https://login.example.it"},
		field: func(c *config) any { return &c.Web.Issuer }},
	{Setting: app.Setting{Key: "web.oidc_client_id", Help: "the name under which the provider knows the page"},
		field: func(c *config) any { return &c.Web.ClientID }},
	{Setting: app.Setting{Key: "web.oidc_secret_file", Help: "file with the page's secret at the provider; none for a public client"},
		field: func(c *config) any { return &c.Web.SecretFile }},
	{Setting: app.Setting{Key: "web.oidc_claim", Help: "claim that names a person in the records: email (which has to be verified), preferred_username, …"},
		field: func(c *config) any { return &c.Web.Claim }},
	{Setting: app.Setting{Key: "web.url", Help: "the page's address as browsers see it, https://staffetta.example.it; the provider sends people back there"},
		field: func(c *config) any { return &c.Web.URL }},
	{Setting: app.Setting{Key: "web.session_key_file", Help: "file with 32 bytes or more that sign sessions, the same at each replica; another one ends all sessions; none: they end with the process"},
		field: func(c *config) any { return &c.Web.SessionKeyFile }},
	{Setting: app.Setting{Key: "web.session", Help: "how long somebody stays signed in"},
		field: func(c *config) any { return &c.Web.Session }},
}

func newWeb(t Terminal) *cobra.Command {
	rows := append(settingsOf("nats.", "log."), webSettings...)
	cmd := &cobra.Command{
		Use:   "web",
		Short: "The page on which people see campaigns, approve and cancel",
		Long: `Serve a page for the people who decide about campaigns and money: what waits for
them, what campaigns are doing, what is left of budgets. It asks the service and tells
it, like any other person's client: it needs no key of the gateway and no right to
write what the service keeps. It stores nothing, so any number of them may run.

Without a sign-in it listens on this machine alone, and the form asks for a name.
docs/page.md says how people sign in, and which rights its user needs at NATS.`,
		Example: `  staffetta web
  staffetta web --nats-context page --web-listen :8091 \
    --web-oidc-issuer https://login.example.it --web-oidc-client-id staffetta \
    --web-url https://staffetta.example.it`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := resolve(cmd.Flags(), t.Env, rows)
			if err != nil {
				return err
			}
			if r.origin["log.format"] == "default" && t.Width > 0 {
				r.LogFormat = "text"
			}
			signIn, err := r.Web.signIn(cmd.Context())
			if err != nil {
				return usageError{err}
			}
			l, err := web.Listen(r.Web.Listen, signIn)
			if err != nil {
				return elsewhere(err, "--web-listen")
			}
			who := "nobody signs in, so only this machine may look"
			if signIn != nil {
				who = "people sign in"
			}
			if _, err := fmt.Fprintf(t.Out, "the page is on http://%s: %s\n", l.Addr(), who); err != nil {
				return err
			}
			return serveWeb(cmd.Context(), t, r, l, r.NATS, signIn)
		},
	}
	cmd.Flags().SortFlags = false
	addSettings(cmd.Flags(), rows)
	return cmd
}

// signIn is how people sign in; nil: nobody does.
func (c webConfig) signIn(ctx context.Context) (web.SignIn, error) {
	switch {
	case c.ProxyHeader != "" && c.Issuer != "":
		return nil, fmt.Errorf("web.proxy_header and web.oidc_issuer are both set: keep one")
	case c.ProxyHeader != "" || c.ProxyFrom != "":
		if c.ProxyHeader == "" || c.ProxyFrom == "" {
			return nil, fmt.Errorf("web.proxy_header and web.proxy_from belong together: who is named, and by whom")
		}
		return web.ParseProxy(c.ProxyHeader, c.ProxyFrom)
	case c.Issuer == "":
		return nil, nil
	}
	o := web.OIDCOptions{Issuer: c.Issuer, ClientID: c.ClientID, URL: c.URL, Claim: c.Claim, Lasts: c.Session, Key: []byte(rand.Text() + rand.Text())}
	if c.SecretFile != "" {
		secret, err := os.ReadFile(c.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("web.oidc_secret_file: %w", err)
		}
		o.Secret = strings.TrimSpace(string(secret))
	}
	if c.SessionKeyFile != "" {
		key, err := os.ReadFile(c.SessionKeyFile)
		if err != nil {
			return nil, fmt.Errorf("web.session_key_file: %w", err)
		}
		if o.Key = bytes.TrimSpace(key); len(o.Key) < 32 {
			return nil, fmt.Errorf("web.session_key_file %s has %d bytes: want 32 or more, by chance (openssl rand -hex 32)", c.SessionKeyFile, len(o.Key))
		}
	}
	return web.NewOIDC(ctx, o)
}

// serveWeb serves the page until ctx ends.
func serveWeb(ctx context.Context, t Terminal, r resolved, l net.Listener, server app.NATS, signIn web.SignIn) error {
	log, err := ops.NewLogger(t.Err, r.LogLevel, r.LogFormat)
	if err != nil {
		l.Close()
		return usageError{err}
	}
	c, err := server.Client()
	if err != nil {
		l.Close()
		return err
	}
	defer c.Close()
	var deciders []string
	for one := range strings.SplitSeq(r.Web.Deciders, ",") {
		if one = strings.TrimSpace(one); one != "" {
			deciders = append(deciders, one)
		}
	}
	return web.Serve(ctx, l, web.Options{Client: c, SignIn: signIn, Deciders: deciders, Log: log})
}
