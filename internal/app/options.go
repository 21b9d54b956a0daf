package app

import (
	"log/slog"
	"strconv"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/journal"
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
	// Accounts is a file of accounts, each with its key, its limits, and the sources
	// whose campaigns are sent with it. What an account leaves out is as in Gateway.
	// With Gateway.KeyFile as well, that account is the "default". Default none: there
	// is only one account, Gateway's.
	Accounts string

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

	// Budgets says whether the budgets are enforced: [BudgetsAuto], as soon as
	// somebody has set one; [BudgetsOn], in any case; [BudgetsRequired], and what
	// falls under none waits; [BudgetsOff], never.
	// Default auto.
	Budgets string

	// IntakePerHour is how many campaigns a source may ask for in an hour:
	// "shop-italia=100, *=1000". Default none: nobody is bound.
	IntakePerHour string
	// IntakeStrays is how many cancels of what nobody has asked for leave a record, by
	// source, in an hour. Default "*=1000", also for sources that are not in the list.
	IntakeStrays string
	// RecipientsQuota is how many MiB of recipients in chunks a source may have laid down,
	// counted in whole chunks: "shop-italia=500, *=200". Default none: nobody is bound.
	RecipientsQuota string
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
	// Vendor is whose API the gateway speaks. Default "uc006".
	Vendor string
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
	// Replicas is not needed any more: services share the limits by themselves. It
	// counts where they are not allowed to. Default 0: nothing is said.
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
	def(&o.Gateway.Vendor, defaultVendor)
	def(&o.Gateway.RatePerMinute, 1000)
	def(&o.Gateway.RatePerSecond, 50)
	def(&o.Gateway.BreakerFailures, gateway.DefaultBreakerFailures)
	def(&o.Gateway.BreakerOpen, gateway.DefaultBreakerOpen)
	def(&o.Gateway.Timeout, gateway.DefaultTimeout)
	def(&o.Budgets, BudgetsAuto)
	def(&o.Proof, ProofAuto)
	def(&o.IntakeStrays, "*="+strconv.Itoa(straysPerHour))
	def(&o.Requests, journal.DefaultWorkers)
	def(&o.Wakeups, journal.DefaultWorkers)
	def(&o.Grace, 25*time.Second)
	def(&o.Listen, "127.0.0.1:8080")
	def(&o.Version, "dev")
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// inFlight is how many calls may be under way at once.
func (o Options) inFlight() int { return o.Requests + o.Wakeups + journal.DefaultAside }

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
