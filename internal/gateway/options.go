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
)

// Production is the base URL of the vendor's own gateway.
const Production = "https://lora-api.agiletelecom.com/api/partner-gateway/v1"

// What holds where nothing else is said.
const (
	DefaultTimeout         = 20 * time.Second
	DefaultBreakerFailures = 5
	DefaultBreakerOpen     = 30 * time.Second
)

// Options are what a Gateway needs. The zero value of each field but BaseURL
// and the key means the default named beside it.
type Options struct {
	BaseURL string // required: where /campaigns is found, e.g. Production
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
	// Envelope are the members that make a refusal's JSON object this gateway's
	// own, beside the known envelopes; see [ParseEnvelope]. Default none.
	Envelope []string
	// NoRead says that it was learnt: nothing is read by id here. Then the
	// statistics are asked at once.
	NoRead bool
	// RetryAfter is how long a 429 stops everything if it does not say so
	// itself. Default 10 s.
	RetryAfter time.Duration

	// PerMinute and PerSecond are the vendor's limits for one API key (1,000
	// and 50; a trial has 100 and 10). Zero: no limit. Each of Replicas
	// processes takes its share, at least 1. Default 1 replica.
	PerMinute, PerSecond int
	Replicas             int
	// Slack is the longest time that a request is believed to travel: two
	// requests may arrive closer to each other than they left by so much, so
	// both windows are stretched by it. Default 250 ms.
	Slack time.Duration

	// BreakerFailures is how many calls in a row must go unanswered before
	// the breaker opens, BreakerOpen how long it then stays open.
	// Default [DefaultBreakerFailures] and [DefaultBreakerOpen].
	BreakerFailures int
	BreakerOpen     time.Duration
	// ProbeEvery is how often a key that was not accepted is tried again.
	// Default 15 s.
	ProbeEvery time.Duration

	// OnRequest is told the outcome of every single request, as the wire saw
	// it: second requests and probes (Op "probe") included, calls that never
	// left excluded. OnBreaker is told every change of the breaker (closed,
	// half-open, open), OnMisset when a setting turns out to be wrong, and
	// with "" when nothing is any more. They must not block, nor call the
	// Gateway. Nil: nobody is told.
	OnRequest func(campaign.Outcome)
	OnBreaker func(from, to string)
	OnMisset  func(Misset)

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
	count(&o.Replicas, 1)
	count(&o.BreakerFailures, DefaultBreakerFailures)
	def(&o.Timeout, DefaultTimeout)
	def(&o.RetryAfter, 10*time.Second)
	def(&o.Slack, 250*time.Millisecond)
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
	if o.OnMisset == nil {
		o.OnMisset = func(Misset) {}
	}
	if o.Transport == nil {
		o.Transport = newTransport(o.InFlight, o.TLS)
	}
	return o
}

// Address is a base URL as it is written in records: two that lead to the same
// gateway are the same text. Scheme and host are in small letters; the port that
// goes without saying and slashes at the end are left out.
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
		return url.URL{}, fmt.Errorf("gateway: the base URL %q is not of the form %s", text, Production)
	}
	return *u, nil
}
