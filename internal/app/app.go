package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/net/netutil"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/ops"
	"github.com/staffetta-io/staffetta/internal/pace"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// App is the service: built by New, working in Run, torn down by Stop.
type App struct {
	lifecycle
	opts    Options
	ops     *ops.Ops
	gateway *gateway.Gateway
	nc      *nats.Conn
	journal *journal.Journal
	runner  *runner.Runner
	budgets runner.Budgets // nil: not heeded
	lookout *budget.Lookout
	button  *Button
	pace    pace.Pace

	recurring recurring

	listener net.Listener // nil: no HTTP
	server   *http.Server

	// work is the context of all handlers. It outlives the order to stop by
	// Options.Grace.
	work    context.Context
	endWork context.CancelFunc

	inFlight flights
	census   census
	purse    purse
	alarms   alarms
}

// New builds the service and connects it: it has checked the options, reached
// NATS and found the streams as they must be when it returns. It has consumed
// nothing and called nobody yet. An error is a sentence that says what to
// change; everything made until then is torn down again.
//
// It is one straight line on purpose: the order of making is the order of
// reading, and the reverse order of letting go.
func New(ctx context.Context, o Options) (_ *App, err error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.WithDefaults()
	a := &App{opts: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop())
		}
	}()

	a.work, a.endWork = context.WithCancel(context.Background())
	a.onStop("handlers", closing(a.endWork))

	a.ops = ops.New(ops.Options{Log: o.Log, Version: o.Version})

	envelope, err := gateway.ParseEnvelope(o.Gateway.Envelope)
	if err != nil {
		return nil, fmt.Errorf("gateway.envelope: %w", err)
	}
	address, err := gateway.Address(o.Gateway.URL)
	if err != nil {
		return nil, err
	}
	if o.Rules.MovedFrom, err = addresses(o.Gateway.MovedFrom); err != nil {
		return nil, fmt.Errorf("gateway.moved_from: %w", err)
	}
	known, err := doctor.ParseVariant(o.Gateway.Variant)
	if err != nil {
		return nil, fmt.Errorf("gateway.variant: %w", err)
	}
	a.gateway, err = gateway.New(gateway.Options{
		BaseURL: o.Gateway.URL, Insecure: o.Gateway.Insecure, KeyFile: o.Gateway.KeyFile, Version: o.Version,
		InFlight: o.inFlight(), Timeout: o.Gateway.Timeout, Envelope: envelope, NoRead: known.NoRead(),
		PerMinute: max(o.Gateway.RatePerMinute, 0), PerSecond: max(o.Gateway.RatePerSecond, 0), Replicas: o.Gateway.Replicas,
		BreakerFailures: o.Gateway.BreakerFailures, BreakerOpen: o.Gateway.BreakerOpen,
		OnBreaker: func(from, to string) { o.Log.Warn("breaker moved", "from", from, "state", to) },
		OnMisset:  a.misset,
		Transport: a.watched(known),
	})
	if err != nil {
		return nil, err
	}
	a.onStop("gateway", closing(a.gateway.Close))

	a.nc, err = connect(o)
	if err != nil {
		return nil, err
	}
	a.onStop("NATS", closing(a.nc.Close))

	streams := journal.Options{Replicas: o.NATS.Replicas, ProofRequired: o.Proof == ProofRequired, Log: o.Log, OnBuried: a.ops.Buried, OnSwept: a.census.swept}
	a.alarms.hear(&streams)
	a.journal, err = journal.Open(ctx, a.nc, streams)
	if err != nil {
		return nil, err
	}
	a.onStop("journal", closing(a.journal.Close))

	if o.Rules.Windows, err = readWindows(o.Windows); err != nil {
		return nil, err
	}
	if policies, err := readPolicies(o); err != nil {
		return nil, err
	} else if len(policies) > 0 {
		o.Rules.Policies = policies
	}
	if err := a.openBudgets(ctx); err != nil {
		return nil, err
	}
	if err := a.openButton(ctx); err != nil {
		return nil, err
	}
	a.learn(ctx)
	intake, err := newQuotas(o)
	if err != nil {
		return nil, err
	}
	a.runner = runner.New(runner.Options{Rules: o.Rules, Journal: a.journal, Gateway: timed{a.gateway, a.ops}, Observer: a.ops, Budgets: a.budgets, Pace: &a.pace, Button: a.button, Intake: intake, At: address})

	if err := a.openSchedules(ctx); err != nil {
		return nil, err
	}

	a.show()
	if err := a.openQuery(); err != nil {
		return nil, err
	}
	if o.Listen != "off" {
		a.listener, err = net.Listen("tcp", o.Listen)
		if err != nil {
			return nil, fmt.Errorf("the operator's pages cannot listen on %s: %w", o.Listen, err)
		}
		a.listener = netutil.LimitListener(a.listener, pagesAtOnce)
		a.server = &http.Server{
			Handler: a.ops, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
			WriteTimeout: 30 * time.Second, IdleTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10,
		}
		a.onStop("HTTP", func(ctx context.Context) error { return errors.Join(a.server.Shutdown(ctx), closed(a.listener)) })
	}
	return a, nil
}

// pagesAtOnce is how many connections the operator's pages have at once; the others
// wait for one of them to end.
const pagesAtOnce = 64

// Addr is where the operator's pages are; empty if they are off. With port 0
// in Options.Listen it is the only way to know.
func (a *App) Addr() string {
	if a.listener == nil {
		return ""
	}
	return a.listener.Addr().String()
}

// Run does the work until ctx ends. Then it stops pulling, gives back what
// nobody has begun, and lets the handlers finish what they have begun within
// Options.Grace; only then does their own context end, and what they were at
// is found in the record by whoever gets the message next. It returns when
// the last one has returned; a normal end is nil.
func (a *App) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var beside sync.WaitGroup
	defer func() {
		cancel(nil)
		beside.Wait()
	}()
	if a.server != nil {
		go func() {
			if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
				cancel(fmt.Errorf("operator's pages: %w", err))
			}
		}()
	}
	go a.probe()

	defer context.AfterFunc(ctx, func() {
		a.opts.Log.Info("stopping", "grace", a.opts.Grace.String(), "in_flight", a.inFlight.count())
		a.ops.Stopping()
		time.AfterFunc(a.opts.Grace, a.endWork)
	})()
	if _, note, err := gateway.ReadKeyFile(a.opts.Gateway.KeyFile); err == nil && note != "" {
		a.opts.Log.Warn(note)
	}
	a.opts.Log.Info("started", "version", a.opts.Version, "http", a.Addr(), "nats", a.nc.ConnectedUrlRedacted())

	// The second net: it finds what a lost timer or a lost record would strand.
	beside.Go(func() { a.journal.Sweep(ctx) })
	beside.Go(func() { a.watchBudgets(ctx) })
	beside.Go(func() { a.watchButton(ctx) })
	beside.Go(func() { a.recurring.Sweep(ctx) })
	beside.Go(func() { a.keepLearning(ctx) })
	err := a.journal.Consume(ctx, journal.ConsumeOptions{
		Requests: a.opts.Requests, Wakeups: a.opts.Wakeups, Schedules: recurringWorkers, Aside: aside, Gate: a.gateway,
	}, a.handle)
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

// handle gives a wake-up to the loop, under the context that ends with the
// grace period and not with the order to stop.
func (a *App) handle(ctx context.Context, w runner.Wakeup) runner.Verdict {
	defer a.inFlight.land(a.inFlight.takeOff())
	return a.loop(w)(runner.CarryAside(a.work, ctx), w)
}

// timed tells how long calls waited for their leave.
type timed struct {
	runner.Gateway
	ops *ops.Ops
}

func (t timed) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	began := time.Now()
	defer func() { t.ops.Admitted(op, time.Since(began)) }()
	return t.Gateway.Admit(ctx, op)
}

// Stop tears down what New made, in the reverse order. It is safe to call
// twice, and after a Run that has returned it loses nothing.
func (a *App) Stop() error { return a.stop() }

func (a *App) misset(m gateway.Misset) {
	switch m {
	case gateway.WrongKey:
		a.opts.Log.Error("the gateway does not accept the key: nothing is consumed until it does; write a good key into the key file", "file", a.opts.Gateway.KeyFile)
	case gateway.WrongURL:
		a.opts.Log.Error("there is no gateway where gateway.url leads: nothing is consumed; correct gateway.url and restart", "url", a.opts.Gateway.URL)
	default:
		a.opts.Log.Info("the gateway accepts the key")
	}
}

// probe finds a wrong key before the first campaign meets it. Nobody waits
// for the answer: a gateway that is down is no reason not to start.
func (a *App) probe() {
	if a.gateway.Probe(a.work); !a.gateway.Answered() {
		a.opts.Log.Warn("nothing has answered where gateway.url leads; is it correct? the first create will tell", "url", a.opts.Gateway.URL)
	}
}

// closed closes a listener that its server may have closed already.
func closed(l net.Listener) error {
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
