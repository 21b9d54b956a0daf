package gateway

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/rate"
)

// The defaults.
const (
	DefaultTimeout         = 20 * time.Second
	DefaultBreakerFailures = 5
	DefaultBreakerOpen     = 30 * time.Second
)

// Options are what a Gateway needs. The zero value of each field but Vendor, BaseURL
// and the key means the default named beside it.
type Options struct {
	Vendor  Vendor // required: whose API is spoken
	BaseURL string // required: what the paths of the vendor's API are below
	// Insecure allows http:// to a gateway beyond this machine: whoever stands
	// between reads the key.
	Insecure bool
	KeyFile  string // file that holds the API key; re-read when it changes
	Key      Secret // the key itself, for development; one of the two is required
	Version  string // ours, for the User-Agent; default "dev"

	// InFlight is how many calls may be under way at once; connections are
	// kept for that many. Default 64.
	InFlight int
	// Timeout bounds one request. Default [DefaultTimeout].
	Timeout time.Duration
	// RetryAfter is how long a 429 stops all calls if it does not say so itself.
	// Default 10 s.
	RetryAfter time.Duration

	// PerMinute and PerSecond are the vendor's limits for one API key (1,000
	// and 50; a trial has 100 and 10). Zero: no limit.
	PerMinute, PerSecond int
	// Tokens replaces them: the tokens of an account that others use as well. Nil: the
	// limits are ours alone.
	Tokens rate.Tokens

	// BreakerFailures is how many calls in a row must go unanswered before
	// the breaker opens, BreakerOpen how long it then stays open.
	// Default [DefaultBreakerFailures] and [DefaultBreakerOpen].
	BreakerFailures int
	BreakerOpen     time.Duration
	// ProbeEvery is how often a key that was not accepted is tried again.
	// Default 15 s.
	ProbeEvery time.Duration

	// OnRequest gets the outcome of every single request: second requests and probes
	// (Op "probe") included, calls that never left excluded. OnBreaker gets every
	// change of the breaker (closed, half-open, open). OnBadSetting is called when a
	// setting turns out to be wrong, and with "" when none is wrong any more. They must
	// not block, nor call the Gateway. Nil: not called.
	OnRequest    func(campaign.Outcome)
	OnBreaker    func(from, to string)
	OnBadSetting func(BadSetting)

	// TLS is for a private certificate authority or a client certificate; at
	// least TLS 1.2 is spoken in any case. Nil: the system's authorities.
	TLS *tls.Config
	// Transport replaces HTTP/1.1 over TCP. Nil: the transport described above.
	Transport http.RoundTripper
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	count := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	count(&o.InFlight, 64)
	count(&o.BreakerFailures, DefaultBreakerFailures)
	def(&o.Timeout, DefaultTimeout)
	def(&o.RetryAfter, 10*time.Second)
	def(&o.BreakerOpen, DefaultBreakerOpen)
	def(&o.ProbeEvery, 15*time.Second)
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.OnRequest == nil {
		o.OnRequest = func(campaign.Outcome) {}
	}
	if o.OnBreaker == nil {
		o.OnBreaker = func(string, string) {}
	}
	if o.OnBadSetting == nil {
		o.OnBadSetting = func(BadSetting) {}
	}
	if o.Transport == nil {
		o.Transport = newTransport(o.InFlight, o.TLS)
	}
	return o
}

// tokens are where calls get theirs from; nil: there is no limit.
func (o Options) tokens() rate.Tokens {
	switch {
	case o.Tokens != nil:
		return o.Tokens
	case o.PerMinute <= 0 && o.PerSecond <= 0:
		return nil
	}
	return rate.NewAlone(rate.Limits{Minute: o.PerMinute, Second: o.PerSecond}, o.Timeout)
}

// header is what every request bears.
func (o Options) header(key Secret) http.Header {
	h := o.Vendor.Header(key)
	h.Set("User-Agent", "staffetta/"+o.Version)
	return h
}

// Address is a base URL as it is written in records: two that lead to the same gateway
// are the same text. Scheme and host are in lower case; the default port and slashes at
// the end are left out.
func Address(base string) (string, error) {
	u, err := parseBase(base)
	if err != nil {
		return "", err
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != defaultPorts[u.Scheme] {
		host += ":" + port
	}
	u.Host = host
	return u.String(), nil
}

var defaultPorts = map[string]string{"http": "80", "https": "443"}

// Unprotected says that what goes to a URL can be read on the way: it is http://, and
// leads beyond this machine.
func Unprotected(base string) bool {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && !ip.IsLoopback()
}

func parseBase(text string) (url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	switch {
	case text == "":
		return url.URL{}, errors.New("gateway: the base URL is missing")
	case err != nil:
		return url.URL{}, errors.New("gateway: the base URL cannot be read") // err repeats it, password and all
	case u.User != nil:
		return url.URL{}, errors.New("gateway: the base URL has a user in it: the key goes into its file")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.RawQuery != "", u.Fragment != "":
		return url.URL{}, fmt.Errorf("gateway: the base URL %q is not of the form https://host/path", text)
	}
	return *u, nil
}
