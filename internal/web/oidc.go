package web

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// OIDCOptions say where people sign in.
type OIDCOptions struct {
	Issuer   string // https://login.example.it
	ClientID string
	Secret   string // empty: a public client, with PKCE alone
	URL      string // of the page as browsers see it: https://staffetta.example.it
	Claim    string // that names a person: email, preferred_username
	Key      []byte // signs sessions: the same at each replica
	Lasts    time.Duration
}

// OIDC has people sign in at a provider.
type OIDC struct {
	o        OIDCOptions
	provider *oidc.Provider
	client   oauth2.Config
	sealed   sealer
}

// Where people sign in and out.
const (
	pathIn   = "/signin"
	pathBack = "/signin/back"
	pathOut  = "/signout"
	pathGone = "/signedout"
)

// A cookie of this form is only sent over a secure connection (or on this machine), only
// to this host, and no other host can have set it. Lax: it comes along when a colleague's
// link is followed, and never with a form of another site.
const (
	cookieSession = "__Host-session"
	cookieSignIn  = "__Host-signin"
)

// signingIn is how long somebody may take to sign in.
const signingIn = 10 * time.Minute

// NewOIDC asks the provider for its addresses and keys.
func NewOIDC(ctx context.Context, o OIDCOptions) (*OIDC, error) {
	at, err := url.Parse(o.URL)
	if err != nil || at.Host == "" || at.Path != "" && at.Path != "/" {
		return nil, fmt.Errorf("web.url %q: want the page's address as browsers see it, https://staffetta.example.it", o.URL)
	}
	if o.ClientID == "" {
		return nil, errors.New("web.oidc_client_id is needed with web.oidc_issuer: the name under which the provider knows the page")
	}
	provider, err := oidc.NewProvider(ctx, o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("web.oidc_issuer %s: %w", o.Issuer, err)
	}
	return &OIDC{o: o, provider: provider, sealed: sealer{o.Key}, client: oauth2.Config{
		ClientID: o.ClientID, ClientSecret: o.Secret, Endpoint: provider.Endpoint(),
		RedirectURL: strings.TrimSuffix(o.URL, "/") + pathBack, Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}}, nil
}

// session is what a browser brings with each request.
type session struct {
	Name, Issuer, Subject string
	Ends                  time.Time
}

// attempt is what a browser brings back from the provider.
type attempt struct {
	State, Nonce, Verifier, Back string
	Ends                         time.Time
}

var errNobody = errors.New("nobody has signed in")

func (i *OIDC) Person(r *http.Request) (Person, error) {
	var s session
	if err := i.sealed.read(r, cookieSession, &s); err != nil || time.Now().After(s.Ends) {
		return Person{}, errNobody
	}
	return Person{Name: s.Name, Proof: s.Issuer + " " + s.Subject, Leave: true}, nil
}

// Refuse sends a browser to sign in, and back to where it wanted to go. A form is not sent
// again by itself: what is decided is looked at first.
func (i *OIDC) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Error(w, err.Error()+": sign in at "+pathIn, http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, pathIn+"?back="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
}

func (i *OIDC) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+pathIn, i.begin)
	mux.HandleFunc("GET "+pathBack, i.comeBack)
	mux.HandleFunc("POST "+pathOut, i.leave)
	mux.HandleFunc("GET "+pathGone, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		//lint:ignore errcheck whoever asked has hung up
		w.Write([]byte(`<!doctype html><html lang="en"><title>Staffetta</title><p>You have signed out. <a href="/">Sign in again</a></p></html>`))
	})
}

// begin sends a browser to the provider.
func (i *OIDC) begin(w http.ResponseWriter, r *http.Request) {
	a := attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Back: ownPath(r.URL.Query().Get("back")), Ends: time.Now().Add(signingIn)}
	if err := i.sealed.write(w, cookieSignIn, a, signingIn); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, i.client.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), http.StatusSeeOther)
}

// comeBack believes the provider what it says of the person who comes back from it, if
// this browser was sent there.
func (i *OIDC) comeBack(w http.ResponseWriter, r *http.Request) {
	var a attempt
	if err := i.sealed.read(r, cookieSignIn, &a); err != nil || time.Now().After(a.Ends) || r.URL.Query().Get("state") != a.State {
		http.Error(w, "this sign-in was begun elsewhere, or too long ago: begin again at "+pathIn, http.StatusBadRequest)
		return
	}
	forget(w, cookieSignIn)
	name, token, err := i.exchange(r, a)
	if err != nil {
		http.Error(w, "the provider has not said who signs in: "+err.Error(), http.StatusForbidden)
		return
	}
	s := session{Name: name, Issuer: token.Issuer, Subject: token.Subject, Ends: time.Now().Add(i.o.Lasts)}
	if err := i.sealed.write(w, cookieSession, s, i.o.Lasts); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, a.Back, http.StatusSeeOther)
}

// exchange asks the provider who the person is.
func (i *OIDC) exchange(r *http.Request, a attempt) (string, *oidc.IDToken, error) {
	if no := r.URL.Query().Get("error"); no != "" {
		return "", nil, fmt.Errorf("%s %s", no, r.URL.Query().Get("error_description"))
	}
	answer, err := i.client.Exchange(r.Context(), r.URL.Query().Get("code"), oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return "", nil, err
	}
	raw, ok := answer.Extra("id_token").(string)
	if !ok {
		return "", nil, errors.New("there is no id_token in its answer")
	}
	token, err := i.provider.Verifier(&oidc.Config{ClientID: i.o.ClientID}).Verify(r.Context(), raw)
	if err != nil {
		return "", nil, err
	}
	if token.Nonce != a.Nonce {
		return "", nil, errors.New("it answers another sign-in")
	}
	var claims map[string]json.RawMessage
	if err := token.Claims(&claims); err != nil {
		return "", nil, err
	}
	var name string
	if err := json.Unmarshal(claims[i.o.Claim], &name); err != nil {
		return "", nil, fmt.Errorf("it names nobody in the claim %s (web.oidc_claim)", i.o.Claim)
	}
	// Whoever may write any address into their own profile could be anybody.
	if i.o.Claim == "email" && string(claims["email_verified"]) != "true" {
		return "", nil, fmt.Errorf("it does not say that the address %s is verified: choose another web.oidc_claim", name)
	}
	return name, token, named(name)
}

// leave ends a session in the browser that asks.
func (i *OIDC) leave(w http.ResponseWriter, r *http.Request) {
	forget(w, cookieSession)
	// Not to the sign-in: the provider may know the browser, and would let it in again.
	http.Redirect(w, r, pathGone, http.StatusSeeOther)
}
