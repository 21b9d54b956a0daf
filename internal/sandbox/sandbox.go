package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"
)

// DefaultKey is the API key of a sandbox to which no other was given.
const DefaultKey = "sandbox"

// Options of a sandbox. The zero value is UC-006: 1500.00 EUR, 0.035 EUR a part,
// 9,831 messages in 42 minutes, the documented answers, and no rate limit.
type Options struct {
	// Keys are the API keys that are let in. None: DefaultKey alone.
	Keys []string

	// Credit to start with. Zero: 1500.00; for an empty account SetCredit later.
	Credit decimal.Decimal
	// Price of one part. Zero: 0.035.
	Price decimal.Decimal
	// Currency of both. Empty: "EUR".
	Currency string

	// Rate limits each key. Zero: unlimited. See ProductionRate and TrialRate.
	Rate Rate

	// Every is the simulated time that one message takes. Zero: 42 minutes
	// divided by 9,831, the pace of UC-006.
	Every time.Duration
	// Speed is the number of simulated seconds of sending that pass in one
	// second of the clock. Zero: 1. It makes sending faster and leaves instants
	// alone, so that dates which a client schedules mean what they say.
	Speed float64
	// Clock tells the time. Nil: time.Now. Everything that the sandbox does in
	// time it works out from this clock when it is asked; it starts no goroutine
	// and no timer, but for a Fault that delays an answer.
	Clock func() time.Time

	// FirstCampaign is the id of the first campaign. A sandbox whose client
	// remembers campaigns of an earlier one begins above them. Zero: 1542.
	FirstCampaign int

	// Variants of the documented behaviour. Zero: UC-006 as it stands.
	Variants Variants
	// Calls is how many requests the call log keeps. Zero: 10,000.
	Calls int
}

func (o Options) withDefaults() Options {
	if len(o.Keys) == 0 {
		o.Keys = []string{DefaultKey}
	}
	if o.Credit.IsZero() {
		o.Credit = decimal.New(150000, -2)
	}
	if o.Price.IsZero() {
		o.Price = decimal.New(35, -3)
	}
	if o.Currency == "" {
		o.Currency = "EUR"
	}
	if o.Every == 0 {
		// Rounded up, so that 9,831 take 42 minutes and not a moment less.
		o.Every = (42*time.Minute + 9830) / 9831
	}
	if o.Speed == 0 {
		o.Speed = 1
	}
	if o.FirstCampaign == 0 {
		o.FirstCampaign = firstCampaignID
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Calls == 0 {
		o.Calls = 10_000
	}
	return o
}

func (o Options) validate() error {
	switch {
	case slices.Contains(o.Keys, ""):
		return errors.New("an API key is empty")
	case o.Credit.IsNegative():
		return fmt.Errorf("credit %s is negative", o.Credit)
	case o.Price.IsNegative():
		return fmt.Errorf("price %s is negative", o.Price)
	case o.Rate.PerMinute < 0 || o.Rate.PerSecond < 0:
		return fmt.Errorf("rate %d a minute, %d a second is negative", o.Rate.PerMinute, o.Rate.PerSecond)
	case o.Every < 0:
		return fmt.Errorf("a message cannot take %v", o.Every)
	case !(o.Speed > 0) || o.Speed > maxSpeed:
		return fmt.Errorf("speed %v is not between 0 and %v", o.Speed, float64(maxSpeed))
	case o.FirstCampaign < 0:
		return fmt.Errorf("a campaign cannot have the id %d", o.FirstCampaign)
	case o.Calls < 0:
		return fmt.Errorf("a journal cannot keep %d calls", o.Calls)
	}
	return o.Variants.validate()
}

// A Sandbox is one gateway account. It is an http.Handler, and safe for
// concurrent use, like all its methods.
type Sandbox struct {
	opts   Options
	routes http.Handler

	closeOnce sync.Once
	closed    chan struct{}

	time      timeline
	keys      keyring
	contacts  addressBook
	suppress  suppressions
	campaigns campaigns
	account   account
	demo      sync.Mutex // one FillDemo at a time
	faults    faults
	late      lateEffects
	callLog   callLog
}

// New makes a sandbox. It fails on options that make no sense, and says which.
func New(opts Options) (*Sandbox, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &Sandbox{opts: opts, closed: make(chan struct{})}
	s.routes = s.newRoutes()
	s.Reset()
	return s, nil
}

// ServeHTTP serves the gateway's API and the control API under /sandbox/.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// Reset takes the sandbox back to its options: no contacts, campaigns, faults or
// record, the keys, credit and speed it began with.
func (s *Sandbox) Reset() {
	s.time.reset(s.opts.Clock, s.opts.Speed)
	s.keys.reset(s.opts.Keys, s.opts.Rate)
	s.contacts.reset()
	s.suppress.reset()
	s.campaigns.reset(s.opts.FirstCampaign)
	s.account.reset(s.opts.Credit)
	s.faults.reset(s.opts.Variants)
	s.late.reset()
	s.callLog.reset(s.opts.Calls)
}

// Close lets go of requests that a fault holds back. It is safe to call twice.
// The HTTP server around the sandbox is its owner's to close.
func (s *Sandbox) Close() error {
	s.closeOnce.Do(func() { close(s.closed) })
	return nil
}

// now is the sandbox's time, once everything that fell due before it is done.
func (s *Sandbox) now() time.Time {
	now := s.time.now()
	s.late.run(now)
	return now
}
