package browser

import (
	"bufio"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// provider is an OpenID Connect provider, at which everybody is who they say.
type provider struct {
	*httptest.Server
	key    *rsa.PrivateKey
	person string            // who signs in next
	nonces map[string]string // by code
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key, nonces: map[string]string{}}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/in", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]string{"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("GET /in", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		p.nonces["code-1"] = q.Get("nonce")
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {"code-1"}, "state": {q.Get("state")}}.Encode(), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": p.token(t, r.FormValue("code"))})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// token says who signs in.
func (p *provider) token(t *testing.T, code string) string {
	claims, err := json.Marshal(map[string]any{"iss": p.URL, "aud": "staffetta", "sub": "4711", "email": p.person, "email_verified": true, "nonce": p.nonces[code],
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix()})
	if err != nil {
		t.Error(err)
	}
	text := b64([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + b64(claims)
	sum := sha256.Sum256([]byte(text))
	sign, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Error(err)
	}
	return text + "." + b64(sign)
}

// serves starts staffetta web beside the house, and the house is seen through it.
func (h *house) serves(args ...string) {
	h.Helper()
	living, end := context.WithCancel(context.Background())
	run := exec.CommandContext(living, program, append([]string{"web"}, args...)...)
	run.Env = append(os.Environ(), "NATS_URL="+h.nats)
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
	run.Stderr = h.Output()
	out, err := run.StdoutPipe()
	if err != nil {
		h.Fatal(err)
	}
	if err := run.Start(); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { end(); _ = run.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		h.Fatal("staffetta web says nothing")
	}
	h.board = h.page
	h.page = regexp.MustCompile(`http://[0-9.]+:[0-9]+`).FindString(lines.Text())
}

// Somebody signs in at the company's provider, comes back to the page that was wanted, and
// decides under the name that the provider says. Somebody else may only look.
func TestSignIn(t *testing.T) {
	t.Parallel()
	h := waits(t, nil)
	p := newProvider(t)
	h.friend = p.URL
	address := "127.0.0.1:" + freePort(t)
	h.serves("--web-listen", address, "--web-oidc-issuer", p.URL, "--web-oidc-client-id", "staffetta", "--web-url", "http://"+address, "--web-deciders", "anna@shop.example.it")
	if said := h.posts(waiting+"/approve", url.Values{"by": {"anna"}, "seen": {"quoted.00a8e5571d4b3d5a"}}, nil); said.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody's form is answered %s", said.Status)
	}
	p.person = "bruno@shop.example.it"
	h.goTo(waiting)
	h.sees("bruno@shop.example.it", "What happened", "waits with its quote")
	if strings.Contains(h.text(), "Cancel") {
		t.Error("somebody who may only look is offered to approve")
	}
	h.goTo(waiting + "/approve")
	h.sees("You may not see that", "bruno@shop.example.it may look, and not decide")
	h.clicks("Sign out")
	h.sees("You have signed out")
	p.person = "anna@shop.example.it"
	h.goTo(waiting + "/approve")
	h.sees("You agree to spend 344.09 EUR", "Your name goes into the record: anna@shop.example.it")
	h.clicks("Approve")
	h.sees("Approve: approved")
	if said := h.staffetta("why", "shop-italia.black-friday-2026"); !strings.Contains(said, "anna@shop.example.it") || strings.Contains(said, "bruno") {
		t.Errorf("the record says\n%s", said)
	}
}

// Behind a proxy that signs people in, its header names them, and nobody else's does.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	h := waits(t, nil)
	h.serves("--web-listen", "127.0.0.1:0", "--web-proxy-header", "X-Forwarded-User", "--web-proxy-from", "127.0.0.1")
	form := url.Values{"seen": {"quoted.00a8e5571d4b3d5a"}, "by": {"mallory"}}
	if said := h.posts(waiting+"/approve", form, nil); said.StatusCode != http.StatusForbidden {
		t.Errorf("without a name it answers %s", said.Status)
	}
	if said := h.posts(waiting+"/approve", form, http.Header{"X-Forwarded-User": {"anna"}}); said.StatusCode != http.StatusSeeOther {
		t.Errorf("anna is answered %s", said.Status)
	}
	if said := h.staffetta("why", "shop-italia.black-friday-2026"); !strings.Contains(said, "anna") || strings.Contains(said, "mallory") {
		t.Errorf("the record says\n%s", said)
	}
}
