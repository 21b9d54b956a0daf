package staffetta

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/proto/staffetta/internal/wire"
)

// eventStream holds what is told.
const eventStream = "CAMPAIGN_EVENTS"

// apiPrefix is the name that JetStream has in an account that the operator keeps apart
// (docs/security.md).
const apiPrefix = "staffetta.api"

// storeWithin is how long a stream may take to answer.
const storeWithin = 10 * time.Second

// natsConn is a connection to NATS.
type natsConn struct {
	nc *nats.Conn
	js jetstream.JetStream
}

func overNATS(nc *nats.Conn) (wire.Conn, error) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(storeWithin))
	return natsConn{nc, js}, err
}

// heed is a context that ends when the server says that this user may not use a subject
// with such a part: it drops what a user may not say, answers nothing, and tells the
// connection alone. Call done when the answer is there; said makes an error of why there
// is none.
func (c natsConn) heed(ctx context.Context, parts ...string) (_ context.Context, done func(), said func(error) error) {
	ctx, stop := context.WithCancelCause(ctx)
	before := c.nc.LastError()
	go func() {
		tick := time.NewTicker(heedEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			//lint:ignore errorlint what was said before is old, if it is this very error
			if last := c.nc.LastError(); last != before {
				if missing := missingRight(last, append(parts, "_INBOX")...); missing != nil {
					stop(missing)
				}
			}
		}
	}()
	return ctx, func() { stop(nil) }, func(err error) error {
		if missing := (*right)(nil); err != nil && errors.As(context.Cause(ctx), &missing) {
			return missing
		}
		return err
	}
}

// heedEvery is how often the connection is asked what the server said.
const heedEvery = 20 * time.Millisecond

// right is one that this user lacks.
type right struct{ verb, subject string }

func (r *right) Error() string {
	return fmt.Sprintf("this user may not %s to %s: docs/security.md says who may do what", r.verb, r.subject)
}

var violation = regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to "([^"]+)"`)

// missingRight reads what the server says of a right to a subject with one of these parts;
// nil: it says something else.
func missingRight(err error, parts ...string) *right {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return nil
	}
	what := violation.FindStringSubmatch(err.Error())
	if what == nil || !slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(what[2], part) }) {
		return nil
	}
	if strings.EqualFold(what[1], "subscription") {
		return &right{"listen", what[2]}
	}
	return &right{"publish", what[2]}
}

func (c natsConn) Store(ctx context.Context, subject string, h wire.Header, data []byte) (uint64, error) {
	within, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	within, done, said := c.heed(within, subject)
	defer done()
	ack, err := c.js.PublishMsg(within, &nats.Msg{Subject: subject, Header: nats.Header(h), Data: data})
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		return 0, fmt.Errorf("no stream takes %s: has the service ever run here?", subject)
	case h["Nats-Expected-Last-Subject-Sequence"] != nil && errors.Is(err, jetstream.ErrKeyExists):
		return 0, wire.ErrExists
	case err != nil:
		return 0, said(err)
	}
	return ack.Sequence, nil
}

func (c natsConn) Ask(ctx context.Context, subject string, question []byte) (wire.Header, []byte, error) {
	ctx, done, said := c.heed(ctx, subject)
	defer done()
	m, err := c.nc.RequestWithContext(ctx, subject, question)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, nil, wire.ErrNobody
	case err != nil:
		return nil, nil, said(err)
	}
	return m.Header, m.Data, nil
}

// natsLive is a subscription.
type natsLive struct {
	nc         *nats.Conn
	sub        *nats.Subscription
	reconnects uint64 // of the connection, when it was looked at last
}

func (c natsConn) Listen(ctx context.Context, subject string) (wire.Live, error) {
	sub, err := c.nc.SubscribeSync(subject)
	if err != nil {
		return nil, err
	}
	l := &natsLive{nc: c.nc, sub: sub, reconnects: c.nc.Stats().Reconnects}
	// The server's no is there before its answer to the flush.
	within, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	if err := c.nc.FlushWithContext(within); err != nil {
		l.Stop()
		return nil, err
	}
	if missing := missingRight(c.nc.LastError(), subject); missing != nil && missing.verb == "listen" {
		l.Stop()
		return nil, missing
	}
	return l, nil
}

// lookEvery is how often a subscription looks whether its connection was lost meanwhile.
const lookEvery = time.Second

func (l *natsLive) Next(ctx context.Context) (wire.Msg, error) {
	for {
		// What is missed is asked for only when the connection is there again.
		if n := l.nc.Stats().Reconnects; n != l.reconnects && l.nc.IsConnected() {
			l.reconnects = n
			return wire.Msg{}, wire.ErrGap
		}
		within, cancel := context.WithTimeout(ctx, lookEvery)
		m, err := l.sub.NextMsgWithContext(within)
		cancel()
		switch {
		case ctx.Err() != nil:
			return wire.Msg{}, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
		case errors.Is(err, nats.ErrSlowConsumer):
			return wire.Msg{}, wire.ErrGap
		case err != nil:
			return wire.Msg{}, err
		default:
			return wire.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}, nil
		}
	}
}

func (l *natsLive) Stop() {
	l.sub.Unsubscribe()
}

// pullExpiry is how long the server may answer a pull. It does not see that somebody in
// another account has gone: what it sends there until then comes again to the next reader
// once its time to be acknowledged is over.
const pullExpiry = 5 * time.Second

// natsDurable reads with a durable consumer.
type natsDurable struct {
	pulling jetstream.MessagesContext
	wait    time.Duration
}

func (c natsConn) Durable(ctx context.Context, name, filter string) (wire.Durable, error) {
	cons, err := c.consumer(ctx, name, filter)
	if err != nil {
		return nil, err
	}
	pulling, err := cons.Messages(jetstream.PullExpiry(pullExpiry))
	if err != nil {
		return nil, err
	}
	return natsDurable{pulling, cons.CachedInfo().Config.AckWait}, nil
}

// consumer is the one that the operator has made, where users are kept apart. Elsewhere
// it is made.
func (c natsConn) consumer(ctx context.Context, name, filter string) (jetstream.Consumer, error) {
	within, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	within, done, said := c.heed(within, eventStream)
	defer done()
	apart, err := jetstream.NewWithAPIPrefix(c.nc, apiPrefix)
	if err != nil {
		return nil, err
	}
	cons, err := apart.Consumer(within, eventStream, name)
	switch {
	case err == nil:
		return cons, nil
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		// Nobody has JetStream under that name: users are not kept apart here.
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default:
		return nil, fmt.Errorf("consumer %s of %s: %w; the operator makes it with staffetta access consumers, for whom access.yaml calls durable", name, eventStream, said(err))
	}
	cons, err = c.js.Consumer(within, eventStream, name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		cons, err = c.js.CreateConsumer(within, eventStream, jetstream.ConsumerConfig{
			Durable: name, FilterSubject: filter, AckPolicy: jetstream.AckExplicitPolicy,
		})
	}
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, fmt.Errorf("there is no stream %s: has the service ever run here?", eventStream)
	case err != nil:
		return nil, fmt.Errorf("consumer %s of %s: %w", name, eventStream, said(err))
	}
	return cons, nil
}

func (d natsDurable) Wait() time.Duration { return d.wait }
func (d natsDurable) Stop()               { d.pulling.Drain() }

func (d natsDurable) Next(ctx context.Context) (wire.Delivery, error) {
	for {
		m, err := d.pulling.Next(jetstream.NextContext(ctx))
		switch {
		case err == nil:
			return deliveryOf(m)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, jetstream.ErrNoHeartbeat):
			// The connection or its server is away; it pulls again by itself.
		case errors.Is(err, jetstream.ErrMsgIteratorClosed):
			return nil, wire.ErrEnded
		default:
			return nil, err
		}
	}
}

// natsDelivery is a message of a consumer.
type natsDelivery struct {
	raw  jetstream.Msg
	read wire.Msg
}

func deliveryOf(m jetstream.Msg) (wire.Delivery, error) {
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Subject(), err)
	}
	return natsDelivery{m, wire.Msg{
		Subject: m.Subject(), Header: m.Headers(), Data: m.Data(),
		Sequence: meta.Sequence.Stream, Stored: meta.Timestamp, Tries: int(meta.NumDelivered),
	}}, nil
}

func (d natsDelivery) Msg() wire.Msg  { return d.read }
func (d natsDelivery) Ack() error     { return d.raw.Ack() }
func (d natsDelivery) Working() error { return d.raw.InProgress() }
func (d natsDelivery) Back() error    { return d.raw.Nak() }
