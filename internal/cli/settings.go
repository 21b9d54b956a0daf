package cli

import (
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/app"
)

// config is everything that can be set.
type config struct {
	app.Options
	LogLevel  string
	LogFormat string
}

func defaults() config {
	return config{Options: app.Options{}.WithDefaults(), LogLevel: "info", LogFormat: "json"}
}

// A setting is one row of the table that drives flags, environment, file and
// `serve --check`: a setting that is not in the table does not exist, and one
// that is exists everywhere.
type setting struct {
	key   string              // in the file; flag and environment names follow from it
	also  string              // environment variable of the nats command line that means the same
	help  string              // what it is, and why one would change it
	mask  func(string) string // hides what is secret in it; nil: nothing is
	field func(c *config) any // *string, *int, *bool or *time.Duration
}

// flag is the setting's flag, without dashes: nats.url is --nats-url.
func (s setting) flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.key) }

// env is its environment variable: nats.url is STAFFETTA_NATS_URL.
func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

const envPrefix = "STAFFETTA_"

var settings = []setting{
	{key: "nats.url", also: "NATS_URL", mask: maskUserinfo,
		help:  "NATS server, or several separated by commas",
		field: func(c *config) any { return &c.NATS.URL }},
	{key: "nats.context", also: "NATS_CONTEXT",
		help:  "context of the nats command line to take server and credentials from",
		field: func(c *config) any { return &c.NATS.Context }},
	{key: "nats.creds", also: "NATS_CREDS",
		help:  "NATS credentials file",
		field: func(c *config) any { return &c.NATS.Creds }},
	{key: "nats.ca", also: "NATS_CA",
		help:  "PEM file of the authority to trust for NATS, when the system does not know it",
		field: func(c *config) any { return &c.NATS.CA }},
	{key: "nats.cert", also: "NATS_CERT",
		help:  "PEM file of our own certificate, when NATS asks for one",
		field: func(c *config) any { return &c.NATS.Cert }},
	{key: "nats.key", also: "NATS_KEY",
		help:  "PEM file of our own certificate's key",
		field: func(c *config) any { return &c.NATS.Key }},
	{key: "nats.replicas",
		help:  "replicas of streams that are created: 3 on a cluster, so that a lost server loses nothing; existing streams keep theirs",
		field: func(c *config) any { return &c.NATS.Replicas }},

	{key: "gateway.url",
		help:  "the gateway's base URL, https://…/api/partner-gateway/v1; it decides whose money is spent, so there is no default",
		field: func(c *config) any { return &c.Gateway.URL }},
	{key: "gateway.moved_from",
		help:  "former URLs of this same gateway, separated by commas: campaigns under way are not gone on with at another gateway than the one that numbered them; see docs/deploy.md",
		field: func(c *config) any { return &c.Gateway.MovedFrom }},
	{key: "gateway.insecure",
		help:  "yes allows http:// to a gateway beyond this machine: whoever stands between reads the key",
		field: func(c *config) any { return &c.Gateway.Insecure }},
	{key: "gateway.key_file",
		help:  "file with the gateway's API key; read again when it changes, so a key is rotated without a restart",
		field: func(c *config) any { return &c.Gateway.KeyFile }},
	{key: "gateway.variant",
		help:  "what `staffetta doctor` learnt about this gateway, as it wrote it; what is met otherwise is said in the log and counted",
		field: func(c *config) any { return &c.Gateway.Variant }},
	{key: "gateway.configure_refused_once_sent",
		help:  "yes if `staffetta doctor --simulate` saw that a configure is refused for what was sent; where nothing reads by id, more campaigns end unresolved without",
		field: func(c *config) any { return &c.Rules.ConfigureRefusedOnceSent }},
	{key: "gateway.accept_unsafe",
		help:  "yes starts with a gateway.variant that cannot be safe",
		field: func(c *config) any { return &c.Gateway.AcceptUnsafe }},
	{key: "gateway.rate_per_minute",
		help:  "calls the account may make in any minute; 100 on a trial, -1 for no limit",
		field: func(c *config) any { return &c.Gateway.RatePerMinute }},
	{key: "gateway.rate_per_second",
		help:  "calls the account may make in any second; 10 on a trial, -1 for no limit",
		field: func(c *config) any { return &c.Gateway.RatePerSecond }},
	{key: "gateway.replicas",
		help:  "how many services share the account: each takes its part of the rates",
		field: func(c *config) any { return &c.Gateway.Replicas }},
	{key: "gateway.breaker_failures",
		help:  "calls in a row without an answer after which no more are made for a while",
		field: func(c *config) any { return &c.Gateway.BreakerFailures }},
	{key: "gateway.breaker_open",
		help:  "how long no more are made then",
		field: func(c *config) any { return &c.Gateway.BreakerOpen }},
	{key: "gateway.timeout",
		help:  "how long one call may take; raising it asks for a longer confirm.settle, and for a longer grace",
		field: func(c *config) any { return &c.Gateway.Timeout }},
	{key: "gateway.envelope",
		help:  "members that make a refusal this gateway's own, as errorCode,errorText; only where it has none of the known shapes: see docs/operations.md",
		field: func(c *config) any { return &c.Gateway.Envelope }},
	{key: "gateway.unanswered",
		help:  "how long a step before the confirm is repeated that only somebody else than the gateway answers, or that the gateway answers with 5xx, while it answers others, before the request is rejected; where it answers none, 24h for the first, and for ever for 5xx",
		field: func(c *config) any { return &c.Rules.Unanswered }},

	{key: "confirm.within",
		help:  "how long after its intent was saved a confirm may leave",
		field: func(c *config) any { return &c.Rules.ConfirmWithin }},
	{key: "confirm.settle",
		help:  "how long nothing is concluded from a confirm without an answer; must exceed confirm.within, gateway.timeout and the gateway's own delay together",
		field: func(c *config) any { return &c.Rules.Settle }},
	{key: "confirm.patience",
		help:  "how long it is asked whether a confirm took effect, counted from its instant where it has one, before a person is asked; it is looked at every hour from then on",
		field: func(c *config) any { return &c.Rules.Patience }},
	{key: "campaign.lease",
		help:  "how long a worker may work on its draft before another starts over",
		field: func(c *config) any { return &c.Rules.Lease }},
	{key: "campaign.quote_within",
		help:  "how old a quote may be when the campaign is confirmed; an older one is made again",
		field: func(c *config) any { return &c.Rules.QuoteWithin }},
	{key: "campaign.too_late",
		help:  "how long after its instant a campaign is still confirmed",
		field: func(c *config) any { return &c.Rules.TooLate }},
	{key: "windows",
		help:  "files of send windows, separated by commas; a request names one by the name inside, and none is law: see docs/time.md",
		field: func(c *config) any { return &c.Windows }},
	{key: "send_window",
		help:  "window of requests that name none, by source: shop-italia=it-marketing, *=office-hours",
		field: func(c *config) any { return &c.SendWindow }},
	{key: "budgets",
		help:  "auto heeds the budgets as soon as somebody has set one, on makes the place for them at the start, required confirms nothing that falls under none, off never heeds them; see docs/money.md",
		field: func(c *config) any { return &c.Budgets }},
	{key: "commands.proof",
		help:  "auto obeys what people tell campaigns whoever said it, and marks what nobody proves; required refuses that, and needs accounts at NATS: see docs/security.md",
		field: func(c *config) any { return &c.Proof }},
	{key: "approval.above",
		help:  "total above which somebody must agree, by source: acqua-luce=500 EUR, *=2000 EUR",
		field: func(c *config) any { return &c.ApproveAbove }},
	{key: "approval.within",
		help:  "how long a campaign waits for an approval if its request does not say",
		field: func(c *config) any { return &c.Rules.ApprovalWithin }},
	{key: "approval.drift",
		help:  "by how many percent recipients and parts may differ from what was approved",
		field: func(c *config) any { return &c.Rules.DriftTolerance }},
	{key: "credit.within",
		help:  "how long a campaign waits for a top-up if its request does not say",
		field: func(c *config) any { return &c.Rules.CreditWithin }},
	{key: "credit.every",
		help:  "how often the credit is looked at meanwhile; each look is a quote of five calls",
		field: func(c *config) any { return &c.Rules.CreditEvery }},
	{key: "gateway.pace",
		help:  "messages the gateway sends in a minute, to tell whether a sending fits; assumed until its pace was seen: a slower one counts at once, a faster one after five sendings, both for a day, also after a restart; see docs/time.md",
		field: func(c *config) any { return &c.Rules.Pace }},
	{key: "poll.min",
		help:  "shortest pause between two looks at the statistics; each look is one call of the rate",
		field: func(c *config) any { return &c.Rules.PollMin }},
	{key: "poll.max",
		help:  "longest pause between two looks at the statistics",
		field: func(c *config) any { return &c.Rules.PollMax }},
	{key: "poll.before",
		help:  "how long before its instant a scheduled campaign is looked at once more, if it was confirmed twice as long before",
		field: func(c *config) any { return &c.Rules.LookBefore }},
	{key: "poll.give_up",
		help:  "how long after the start statistics are followed",
		field: func(c *config) any { return &c.Rules.GiveUp }},

	{key: "intake.per_hour",
		help:  "how many campaigns a source may ask for in an hour: shop-italia=100, *=1000; what is more is put aside as too_many. Each of gateway.replicas counts its share; the hour is that in which it was asked",
		field: func(c *config) any { return &c.IntakePerHour }},
	{key: "workers.requests",
		help:  "requests handled at the same time; up to 2,000 that wait for the gateway to calculate a list do not count",
		field: func(c *config) any { return &c.Requests }},
	{key: "workers.wakeups",
		help:  "timers and commands handled at the same time, apart from requests so that a flood of those does not hold them up",
		field: func(c *config) any { return &c.Wakeups }},
	{key: "grace",
		help:  "how long work in hand may go on after SIGTERM; keep it below what the orchestrator waits before it kills",
		field: func(c *config) any { return &c.Grace }},

	{key: "http.listen",
		help:  "address of /livez, /readyz and /metrics, or off; :8080 for all addresses of this machine, as in the image",
		field: func(c *config) any { return &c.Listen }},
	{key: "log.level",
		help:  "debug, info, warn or error",
		field: func(c *config) any { return &c.LogLevel }},
	{key: "log.format",
		help:  "json for machines, text for a terminal",
		field: func(c *config) any { return &c.LogFormat }},
}

// settingsOf are the rows whose key begins with one of the prefixes.
func settingsOf(prefixes ...string) []setting {
	var rows []setting
	for _, s := range settings {
		for _, p := range prefixes {
			if strings.HasPrefix(s.key, p) {
				rows = append(rows, s)
				break
			}
		}
	}
	return rows
}

// maskUserinfo hides user, password and token in server URLs.
func maskUserinfo(urls string) string {
	parts := strings.Split(urls, ",")
	for i, u := range parts {
		scheme, rest, ok := strings.Cut(u, "://")
		if !ok {
			scheme, rest = "", u
		} else {
			scheme += "://"
		}
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			parts[i] = scheme + "***" + rest[at:]
		}
	}
	return strings.Join(parts, ",")
}

// text is a field as people write it.
func text(field any) string {
	switch f := field.(type) {
	case *string:
		return *f
	case *int:
		return itoa(*f)
	case *bool:
		if *f {
			return "yes"
		}
		return "no"
	case *time.Duration:
		return shortDuration(*f)
	}
	panic("a setting's field is *string, *int, *bool or *time.Duration")
}
