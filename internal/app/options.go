package app

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// What [Options.Proof] can be.
const (
	ProofAuto     = "auto"
	ProofRequired = "required"
)

// Options are what the service can be told. Zero values mean the defaults
// beside them; only Gateway.URL and Gateway.KeyFile have none.
type Options struct {
	NATS    NATS
	Gateway Gateway

	// Rules are the times and limits of the lifecycle; see there.
	Rules campaign.Rules
	// Windows are files of send windows, separated by commas; a request names
	// one by the name inside. Default none.
	Windows string
	// ApproveAbove and SendWindow are what holds for the campaigns of a source
	// without being asked for: above which total somebody must agree, and the
	// window of requests that name none. "acqua-luce=500 EUR, *=2000 EUR"; "*"
	// is for sources that are not in the list. Default none.
	ApproveAbove, SendWindow string

	// Budgets says whether the budgets are heeded: [BudgetsAuto], as soon as
	// somebody has set one; [BudgetsOn], in any case; [BudgetsRequired], and what
	// falls under none waits; [BudgetsOff], never.
	// Default auto.
	Budgets string

	// IntakePerHour is how many campaigns a source may ask for in an hour:
	// "shop-italia=100, *=1000". Default none: nobody is bound.
	IntakePerHour string
	// Proof says whether a command is obeyed that nobody is proven to have given:
	// [ProofAuto], it is, and is marked; [ProofRequired], it becomes a dead letter.
	// Default auto.
	Proof string

	// ---- work

	// Requests and Wakeups are how many requests, and how many timers and
	// commands, are handled at the same time. They are apart so that a flood
	// of requests cannot hold up what is under way. Default 64 and 64.
	Requests int
	Wakeups  int
	// Grace is how long handlers may go on once the service is told to stop.
	// Then their context ends. Default 25 s, below the 30 s after which an
	// orchestrator kills.
	Grace time.Duration

	// ---- operator

	// Listen is the address of /livez, /readyz and /metrics; "off" for none.
	// Default "127.0.0.1:8080".
	Listen string
	// Log takes one line for each transition. Nil: nothing is logged.
	Log *slog.Logger
	// Version of this build, for metrics and for the gateway's logs.
	// Default "dev".
	Version string
}

// NATS says where the streams are, and who we are there.
type NATS struct {
	// URL of a server, or several separated by commas.
	// Default "nats://127.0.0.1:4222".
	URL string
	// Context of the nats command line to take server and credentials from, by
	// name. Default none; with one, URL and Creds stay unused.
	Context string
	// Creds is a credentials file. Default none.
	Creds string
	// CA, Cert and Key are PEM files for TLS: whom to trust, and who we are.
	// Default none: the system's roots, and nobody.
	CA, Cert, Key string
	// Replicas of the streams that are created; streams that exist keep
	// theirs. Default 1.
	Replicas int
}

// Gateway says where the partner's gateway is, and how hard it may be pressed.
type Gateway struct {
	// URL with the base path, "https://…/api/partner-gateway/v1". Required: it
	// decides whose money is spent.
	URL string
	// MovedFrom are former URLs of this same gateway, separated by commas.
	// Default none.
	MovedFrom string
	// Insecure allows http:// to a gateway beyond this machine.
	Insecure bool
	// KeyFile holds the API key. It is read again when it changes. Required.
	KeyFile string
	// Variant is what `staffetta doctor` learnt about this gateway, as it wrote it.
	// Default none: nothing is known.
	Variant string
	// AcceptUnsafe starts the service with a gateway that cannot be safe.
	AcceptUnsafe bool
	// RatePerMinute and RatePerSecond are the account's limits; both hold in
	// every window. Default 1000 and 50; -1 for none.
	RatePerMinute, RatePerSecond int
	// Replicas is how many services share the account: each takes its part of
	// the limits. Default 1.
	Replicas int
	// BreakerFailures is how many calls in a row must stay without an answer
	// before no more are made. Default 5.
	BreakerFailures int
	// BreakerOpen is how long no more are made. Default 30 s.
	BreakerOpen time.Duration
	// Timeout of one call. Default 20 s, below Grace: a call that is under way
	// when the service is told to stop has its answer.
	Timeout time.Duration
	// Envelope are the members that make a refusal this gateway's own, separated
	// by commas, where it has none of the known shapes. Default none.
	Envelope string
}

// WithDefaults fills in what was left zero.
func (o Options) WithDefaults() Options {
	o.Rules = o.Rules.WithDefaults()
	def(&o.NATS.URL, "nats://127.0.0.1:4222")
	def(&o.NATS.Replicas, 1)
	def(&o.Gateway.RatePerMinute, 1000)
	def(&o.Gateway.RatePerSecond, 50)
	def(&o.Gateway.Replicas, 1)
	def(&o.Gateway.BreakerFailures, gateway.DefaultBreakerFailures)
	def(&o.Gateway.BreakerOpen, gateway.DefaultBreakerOpen)
	def(&o.Gateway.Timeout, gateway.DefaultTimeout)
	def(&o.Budgets, BudgetsAuto)
	def(&o.Proof, ProofAuto)
	def(&o.Requests, 64)
	def(&o.Wakeups, 64)
	def(&o.Grace, 25*time.Second)
	def(&o.Listen, "127.0.0.1:8080")
	def(&o.Version, "dev")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// aside is how many campaigns may wait for a calculation beyond those that a worker
// has in hand.
const aside = 2000

// inFlight is how many calls may be under way at once.
func (o Options) inFlight() int { return o.Requests + o.Wakeups + aside }

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate says everything that is wrong, one sentence a line, before anything
// starts. It looks at files, not at servers.
func (o Options) Validate() error {
	o = o.WithDefaults()
	r, g := o.Rules, o.Gateway
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	switch u, err := url.Parse(g.URL); {
	case g.URL == "":
		say("gateway.url is not set: give the gateway's base URL, for example https://gateway.example/api/partner-gateway/v1")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		say("gateway.url %q is not a URL: want http(s)://host/path", g.URL)
	}
	if _, err := addresses(g.MovedFrom); err != nil {
		say("gateway.moved_from: %w", err)
	}
	if gateway.Unprotected(g.URL) && !g.Insecure {
		say("gateway.url %q is http:// and leads beyond this machine, so the API key can be read on the way: use https://, or say gateway.insecure: yes", g.URL)
	}
	if g.KeyFile == "" {
		say("gateway.key_file is not set: give the file that holds the API key")
	} else if _, _, err := gateway.ReadKeyFile(g.KeyFile); err != nil {
		say("gateway.key_file: %w: write the API key into it", err)
	}
	if _, err := gateway.ParseEnvelope(g.Envelope); err != nil {
		say("gateway.envelope: %w", err)
	}
	for _, f := range []struct{ name, path string }{
		{"nats.creds", o.NATS.Creds}, {"nats.ca", o.NATS.CA}, {"nats.cert", o.NATS.Cert}, {"nats.key", o.NATS.Key},
	} {
		if f.path == "" {
			continue
		}
		if _, err := os.Stat(f.path); err != nil {
			say("%s: %w", f.name, err)
		}
	}
	windows, err := readWindows(o.Windows)
	if err != nil {
		say("%w", err)
	}
	policies, no := readPolicies(o)
	if no != nil {
		say("%w", no)
	}
	for _, source := range slices.Sorted(maps.Keys(policies)) {
		if name := policies[source].Window; name != "" && err == nil && windows[name] == nil {
			say("send_window: %s: no file in windows is called %q", source, name)
		}
	}
	if _, err := newQuotas(o); err != nil {
		say("%w", err)
	}
	switch o.Budgets {
	case BudgetsAuto, BudgetsOn, BudgetsRequired, BudgetsOff:
	default:
		say("budgets is %q: want auto, on, required or off", o.Budgets)
	}
	if o.Proof != ProofAuto && o.Proof != ProofRequired {
		say("commands.proof is %q: want auto or required", o.Proof)
	}
	if v, err := doctor.ParseVariant(g.Variant); err != nil {
		say("gateway.variant: %w", err)
	} else if unsafe := v.Unsafe(r.ConfigureRefusedOnceSent); len(unsafe) > 0 && !g.AcceptUnsafe {
		say("gateway.variant says what cannot be safe: %s. Run staffetta doctor again if the gateway has changed; gateway.accept_unsafe: yes starts all the same", strings.Join(unsafe, "; "))
	}
	if r.DriftTolerance < 0 || r.DriftTolerance > 100 {
		say("approval.drift is %d: want a percentage from 0 to 100", r.DriftTolerance)
	}
	if _, port, err := net.SplitHostPort(o.Listen); o.Listen != "off" {
		if _, no := strconv.ParseUint(port, 10, 16); err != nil || no != nil {
			say("http.listen %q is not an address: want host:port, :port for all addresses of this machine, or off", o.Listen)
		}
	}
	if (o.NATS.Cert == "") != (o.NATS.Key == "") {
		say("nats.cert and nats.key go together: set both or neither")
	}

	for _, n := range []struct {
		name       string
		value, min int
	}{
		{"nats.replicas", o.NATS.Replicas, 1},
		{"gateway.rate_per_minute", g.RatePerMinute, -1},
		{"gateway.rate_per_second", g.RatePerSecond, -1},
		{"gateway.replicas", g.Replicas, 1},
		{"gateway.pace", r.Pace, 1},
		{"gateway.breaker_failures", g.BreakerFailures, 1},
		{"workers.requests", o.Requests, 1},
		{"workers.wakeups", o.Wakeups, 1},
	} {
		if n.value < n.min {
			say("%s is %d: want %d or more", n.name, n.value, n.min)
		}
	}
	if share := g.RatePerMinute / max(g.Replicas, 1); g.RatePerMinute > 0 && share < 1 {
		say("gateway.rate_per_minute %d is less than gateway.replicas %d: nobody could make a call", g.RatePerMinute, g.Replicas)
	} else if share := g.RatePerSecond / max(g.Replicas, 1); g.RatePerSecond > 0 && share < 1 {
		say("gateway.rate_per_second %d is less than gateway.replicas %d: nobody could make a call", g.RatePerSecond, g.Replicas)
	}

	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"gateway.breaker_open", g.BreakerOpen}, {"gateway.timeout", g.Timeout},
		{"confirm.within", r.ConfirmWithin}, {"gateway.unanswered", r.Unanswered},
		{"confirm.settle", r.Settle}, {"confirm.patience", r.Patience}, {"campaign.lease", r.Lease}, {"campaign.quote_within", r.QuoteWithin}, {"campaign.too_late", r.TooLate},
		{"poll.min", r.PollMin}, {"poll.max", r.PollMax}, {"poll.before", r.LookBefore}, {"poll.give_up", r.GiveUp}, {"grace", o.Grace},
		{"approval.within", r.ApprovalWithin}, {"credit.within", r.CreditWithin}, {"credit.every", r.CreditEvery},
	} {
		if d.value <= 0 {
			say("%s is %s: want more than zero", d.name, d.value)
		}
	}
	if need := r.ConfirmWithin + g.Timeout; r.Settle <= need {
		say("confirm.settle %s is not more than confirm.within %s plus gateway.timeout %s: a confirm that is still under way would be taken for one that failed", r.Settle, r.ConfirmWithin, g.Timeout)
	}
	if r.PollMax < r.PollMin {
		say("poll.max %s is less than poll.min %s", r.PollMax, r.PollMin)
	}
	return errors.Join(wrong...)
}
