package streams

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Rights hears which rights a connection lacks. The server drops what a user may
// not say, and answers nothing to whoever asks: it tells the connection alone. So
// whatever waits for an answer is told from here that none will come.
type Rights struct {
	mu      sync.Mutex
	waiting map[*waiting]bool
	// deaf: no answer can be heard at all. Said once, when the first one is waited
	// for.
	deaf error
}

// waiting is somebody who waits for an answer about something.
type waiting struct {
	about []string // parts of the subjects that are asked
	stop  context.CancelCauseFunc
}

// WatchRights listens on a connection; who listened before hears as before.
func WatchRights(nc *nats.Conn) *Rights {
	r := &Rights{waiting: map[*waiting]bool{}}
	before := nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		r.hear(err)
		if before != nil {
			before(nc, sub, err)
		}
	})
	return r
}

func (r *Rights) hear(err error) {
	missing := MissingRight(err)
	if missing == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if missing.inbox() {
		r.deaf = missing
	}
	for w := range r.waiting {
		if missing.inbox() || slices.ContainsFunc(w.about, func(part string) bool { return strings.Contains(missing.Subject, part) }) {
			w.stop(missing)
		}
	}
}

// Watch is a context that ends when the server says that what is asked about may
// not be asked. Its cause is the missing right. Call done when the answer is there.
// Without rights nothing is watched: the service says at its start what it lacks.
func (r *Rights) Watch(ctx context.Context, about ...string) (_ context.Context, done func()) {
	if r == nil {
		return ctx, func() {}
	}
	ctx, stop := context.WithCancelCause(ctx)
	w := &waiting{about, stop}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deaf != nil {
		stop(r.deaf)
	}
	r.waiting[w] = true
	return ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.waiting, w)
		stop(nil)
	}
}

// Right is one that a user lacks.
type Right struct{ Verb, Subject string }

// inbox: it is the right to hear answers.
func (m *Right) inbox() bool { return m.Verb == "listen" && strings.HasPrefix(m.Subject, "_INBOX") }

// Error says which right, and where to look who may do what.
func (m *Right) Error() string {
	if m.inbox() {
		return fmt.Sprintf("this user may not listen to %s: set the inbox prefix that its permissions name, in the context of the nats command line", m.Subject)
	}
	return fmt.Sprintf("this user may not %s to %s: docs/security.md says who may do what", m.Verb, m.Subject)
}

// MissingRight reads what the server says of a right; nil: it says something else.
func MissingRight(err error) *Right {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return nil
	}
	what := violation.FindStringSubmatch(err.Error())
	switch {
	case what == nil:
		return nil
	case strings.EqualFold(what[1], "publish"):
		return &Right{"publish", what[2]}
	}
	return &Right{"listen", what[2]}
}

var violation = regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to "([^"]+)"`)

// OrDenied is the missing right that ended a context of Watch, or else the error.
func OrDenied(ctx context.Context, err error) error {
	if missing := (*Right)(nil); errors.As(context.Cause(ctx), &missing) {
		return missing
	}
	return err
}

// Denied is the right that is missing, if that is why nobody answered: the context
// knows it, or else the connection. Nil: that is not why.
func Denied(ctx context.Context, nc *nats.Conn, err error) *Right {
	if missing := (*Right)(nil); errors.As(OrDenied(ctx, err), &missing) {
		return missing
	}
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
		return nil
	}
	return MissingRight(nc.LastError())
}

// NoAccess says that an error is a right that is missing, or an account that has no
// streams: there may be another way, for whoever is in another account.
func NoAccess(err error) bool {
	return errors.As(err, new(*Right)) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount)
}
