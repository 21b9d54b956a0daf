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
	"github.com/staffetta-io/staffetta/internal/button"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/ops"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// App is the service: built by New, working in Run, torn down by Stop.
type App struct {
	lifecycle
	opts        Options
	ops         *ops.Ops
	accounts    accounts
	nc          *nats.Conn
	own         streams.Access // over nc
	journal     *journal.Journal
	runner      *runner.Runner
	budgets     runner.Budgets // nil: not enforced
	lazyLedgers *budget.Lazy
	button      *button.Button
	services    *services

	recurring recurring

	listener net.Listener // nil: no HTTP
	server   *http.Server

	sweepMetrics  sweepMetrics
	budgetMetrics budgetMetrics
	alarms        alarms
}

// New builds the service and connects it: it has checked the options, reached
// NATS and found the streams as they must be when it returns. It has consumed
// nothing and called nobody yet. An error is a sentence that says what to
// change; everything made until then is torn down again.
//
// It is one straight line on purpose: the order of making is the order of
// reading, and the reverse order of letting go.
func New(ctx context.Context, o Options) (*App, error) { return build(ctx, o, journal.Options{}) }

// build is New, with what no setting says of the streams.
func build(ctx context.Context, o Options, of journal.Options) (_ *App, err error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.WithDefaults()
	if o.Rules.Windows, err = readWindows(o.Windows); err != nil {
		return nil, err
	}
	if policies, err := readPolicies(o); err != nil {
		return nil, err
	} else if len(policies) > 0 {
		o.Rules.Policies = policies
	}
	a := &App{opts: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop())
		}
	}()

	a.ops = ops.New(ops.Options{Log: o.Log, Version: o.Version})

	a.nc, err = connect(o)
	if err != nil {
		return nil, err
	}
	a.onStop("NATS", closing(a.nc.Close))
	if a.own, err = streams.OwnAccess(a.nc); err != nil {
		return nil, err
	}

	of.Replicas, of.ProofRequired, of.Retention = o.NATS.Replicas, o.Proof == ProofRequired, o.Rules.Retention
	of.KeepWhole = o.Rules.KeepWhole
	if of.RecipientsQuota, err = recipientsQuota(o.RecipientsQuota); err != nil {
		return nil, err
	}
	of.Log, of.OnBuried, of.OnSwept = o.Log, a.ops.Buried, a.sweepMetrics.swept
	a.alarms.attach(&of)
	a.journal, err = journal.Open(ctx, a.nc, of)
	if err != nil {
		return nil, err
	}
	a.onStop("journal", closing(a.journal.Close))

	if err := a.openAccounts(ctx); err != nil {
		return nil, err
	}
	// Beside what comes, and done before anything is consumed.
	var learning sync.WaitGroup
	learning.Go(func() { a.learn(ctx) })
	learning.Go(func() { a.count(ctx) })
	defer learning.Wait()
	if err := a.openBudgets(ctx); err != nil {
		return nil, err
	}
	if err := a.openButton(ctx); err != nil {
		return nil, err
	}
	intake, err := newQuotas(o)
	a.services = intake.services
	if err != nil {
		return nil, err
	}
	observer, err := a.observe(ctx)
	if err != nil {
		return nil, err
	}
	a.runner = runner.New(runner.Options{Journal: a.journal, Accounts: a.pick, Observer: observer, Button: a.button, Intake: intake, People: a.journal.People(), Claims: a.journal.Claims()})

	if err := a.openSchedules(ctx); err != nil {
		return nil, err
	}

	a.show()
	checks, err := a.openCheck(intake)
	if err != nil {
		return nil, err
	}
	if err := a.openQuery(checks); err != nil {
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
	for _, one := range a.accounts.all {
		beside.Go(func() { one.probe(ctx) })
	}

	beside.Go(func() {
		<-ctx.Done()
		inFlight, _ := a.journal.InFlight()
		a.opts.Log.Info("stopping", "grace", a.opts.Grace.String(), "in_flight", inFlight)
		a.ops.Stopping()
	})
	for _, one := range a.accounts.all {
		if _, note, err := gateway.ReadKeyFile(one.Gateway.KeyFile); err == nil && note != "" {
			one.Log.Warn(note)
		}
	}
	a.opts.Log.Info("started", "version", a.opts.Version, "http", a.Addr(), "nats", a.nc.ConnectedUrlRedacted())

	// The second net: it finds what a lost timer or a lost record would strand.
	beside.Go(func() { a.journal.Sweep(ctx) })
	beside.Go(func() { a.watchBudgets(ctx) })
	beside.Go(func() { a.watchButton(ctx) })
	beside.Go(func() { a.keepCounting(ctx, a.services) })
	beside.Go(func() { a.keepLearning(ctx) })
	err := a.journal.Consume(ctx, journal.ConsumeOptions{
		Requests: a.opts.Requests, Wakeups: a.opts.Wakeups, Gate: a.gate(), Apart: a.accounts.several(), GateOf: a.gateOf, Grace: a.opts.Grace,
	}, journal.Handlers{Campaign: a.runner.Handle, Schedule: a.recurring.loop.Handle, Standing: a.standing})
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
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

// closed closes a listener that its server may have closed already.
func closed(l net.Listener) error {
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
