package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// maxBody is as much of an answer as is read.
	maxBody = 64 << 10
	// trialRate is what is assumed until the gateway says how often it may be called:
	// a trial's calls a minute, the lowest published.
	trialRate = 100
	// share: the doctor takes one in so many of the calls that the rate allows.
	share = 10
)

// An answer is the outcome of one call.
type answer struct {
	status int
	header http.Header
	body   []byte
	object map[string]json.RawMessage // nil: it is no JSON object
	err    error                      // no answer at all
}

// ok says that the answer is a success. A web page is none: the gateway has no pages.
func (a answer) ok() bool {
	return a.err == nil && a.status >= 200 && a.status < 300 && !looksLikePage(a.body)
}

// refused says that the answer is no, and that nobody just failed. Whose answer it is,
// [examination.refused] says.
func (a answer) refused() bool {
	switch a.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return a.err == nil && (a.status >= 400 && a.status < 500 || a.status == http.StatusNotImplemented)
}

func (a answer) is(status ...int) bool {
	for _, s := range status {
		if a.err == nil && a.status == s {
			return true
		}
	}
	return false
}

// text is a member as text: a word without its quotes, a number as it stands.
func (a answer) text(name string) string { return text(a.object[name]) }

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// summary is the answer in a few words.
func (a answer) summary() string {
	if a.err != nil {
		return "no answer: " + a.err.Error()
	}
	words := strings.Join(strings.Fields(strings.ToValidUTF8(string(a.body), "?")), " ")
	if r := []rune(words); len(r) > 120 {
		words = string(r[:119]) + "…"
	}
	if words == "" {
		words = "an empty body"
	}
	return fmt.Sprintf("%d %s", a.status, words)
}

// ask makes one call, not faster than a tenth of the rate. A call that is
// answered with 429 had no effect and is made again.
func (e *examination) ask(ctx context.Context, method, path string, body any) answer {
	for range 3 {
		a := e.once(ctx, method, path, body)
		if a.err != nil || a.status != http.StatusTooManyRequests {
			return a
		}
		seconds, err := strconv.Atoi(a.text("retryAfter"))
		if err != nil {
			seconds, _ = strconv.Atoi(a.header.Get("Retry-After"))
		}
		e.rate = min(e.rate, trialRate)
		if err := e.o.Sleep(ctx, min(max(time.Duration(seconds)*time.Second, 10*time.Second), 2*time.Minute)); err != nil {
			return answer{err: err}
		}
	}
	return answer{err: errors.New("too many calls (429): is another program using this key?")}
}

func (e *examination) once(ctx context.Context, method, path string, body any) answer {
	if e.asked {
		if err := e.o.Sleep(ctx, time.Minute*share/time.Duration(e.rate)+time.Millisecond); err != nil {
			return answer{err: err}
		}
	}
	e.asked = true
	target := e.base
	if strings.HasPrefix(path, "//") { // from the host's root
		target = (&url.URL{Scheme: e.url.Scheme, Host: e.url.Host}).String()
		path = path[1:]
	}
	var reader io.Reader
	contentType := "application/json"
	switch b := body.(type) {
	case nil:
	case form:
		reader, contentType = bytes.NewReader(b.body), b.contentType
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			return answer{err: err}
		}
		reader = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(ctx, e.o.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target+path, reader)
	if err != nil {
		return answer{err: err}
	}
	req.GetBody = nil // nothing is ever sent twice
	req.Header.Set("X-Api-Key", e.o.Key)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "staffetta-doctor/"+e.o.Version)
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := e.o.Transport.RoundTrip(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	a.body, _ = io.ReadAll(io.LimitReader(resp.Body, maxBody)) // what broke off is no JSON
	if len(e.o.Key) >= 8 {                                     // a key as short as a word may well occur
		a.body = bytes.ReplaceAll(a.body, []byte(e.o.Key), []byte("***"))
	}
	if json.Unmarshal(a.body, &a.object) != nil {
		a.object = nil
	}
	if n, err := strconv.Atoi(resp.Header.Get("X-RateLimit-Limit")); err == nil && n > 0 {
		e.rate = n
	}
	return a
}

// Trouble is why nothing could be found out, with the remedy.
type Trouble struct{ Sentence string }

func (t Trouble) Error() string { return t.Sentence }

func trouble(format string, args ...any) error { return Trouble{fmt.Sprintf(format, args...)} }

// reach tells why a first answer is not the gateway's, or nil.
func (e *examination) reach(a answer) error {
	at := e.o.URL
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var dns *net.DNSError
	var record tls.RecordHeaderError
	switch {
	case errors.As(a.err, &unknown), errors.As(a.err, &hostname), errors.As(a.err, &invalid):
		return trouble("the certificate of %s is not to be trusted (%v): does something stand between, or is the host misspelt?", at, a.err)
	case errors.As(a.err, &record):
		return trouble("%s does not speak TLS: is it http:// instead of https://?", at)
	case errors.As(a.err, &dns):
		return trouble("there is no host %s: is --gateway-url misspelt, or is the name server out of reach?", e.url.Host)
	case errors.Is(a.err, context.DeadlineExceeded):
		return trouble("%s did not answer within %s: is it the right host, and does a firewall let this machine out?", at, e.o.Timeout)
	case a.err != nil:
		return trouble("%s cannot be reached (%v): check --gateway-url and the network", at, a.err)
	case a.status >= 300 && a.status < 400:
		return trouble("%s redirects to %q: that is a login page, or the address has changed; give the address behind it as --gateway-url", at, a.header.Get("Location"))
	case a.status == http.StatusUnauthorized:
		return trouble("the gateway does not accept the key (401): write a key that is valid, and whole, into --gateway-key-file")
	case a.status == http.StatusForbidden:
		return trouble("the gateway knows the key and refuses it (403): this machine's address may be missing in the account's list, or the plan has no SMS; ask the vendor")
	case a.status >= 500:
		return trouble("the gateway is there and does not work (%d): try again later", a.status)
	case a.status < 300 && looksLikePage(a.body):
		return trouble("%s answers with a web page: a login page stands between, or the base path is missing; want a URL that ends in /api/partner-gateway/v1", at)
	}
	return nil
}

func looksLikePage(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }
