package journal

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// rights hears which rights a connection lacks. The server drops what a user may
// not say, and answers nothing to whoever asks: it tells the connection alone. So
// whatever waits for an answer is told from here that none will come.
type rights struct {
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

// hearRights listens on a connection; who listened before hears as before.
func hearRights(nc *nats.Conn) *rights {
	r := &rights{waiting: map[*waiting]bool{}}
	before := nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		r.hear(err)
		if before != nil {
			before(nc, sub, err)
		}
	})
	return r
}

func (r *rights) hear(err error) {
	missing := missingRight(err)
	if missing == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if missing.inbox() {
		r.deaf = missing
	}
	for w := range r.waiting {
		if missing.inbox() || slices.ContainsFunc(w.about, func(part string) bool { return strings.Contains(missing.subject, part) }) {
			w.stop(missing)
		}
	}
}

// heed is a context that ends when the server says that what is asked about may
// not be asked. Its cause is the missing right. Call done when the answer is there.
func (r *rights) heed(ctx context.Context, about ...string) (_ context.Context, done func()) {
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

// HeedBudgets is a context for what is done with the budgets, which ends when the
// server says that this user may not. See heed.
func (c *Client) HeedBudgets(ctx context.Context) (context.Context, func()) {
	return c.rights.heed(ctx, "budgets", StreamRecords) // which say how many replicas they get
}

// right is one that a user lacks.
type right struct{ verb, subject string }

// inbox: it is the right to hear answers.
func (m *right) inbox() bool { return m.verb == "listen" && strings.HasPrefix(m.subject, "_INBOX") }

func (m *right) Error() string {
	if m.inbox() {
		return fmt.Sprintf("this user may not listen to %s: set the inbox prefix that its permissions name, in the context of the nats command line", m.subject)
	}
	return fmt.Sprintf("this user may not %s to %s: docs/security.md says who may do what", m.verb, m.subject)
}

// missingRight reads what the server says of a right; nil: it says something else.
func missingRight(err error) *right {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return nil
	}
	what := violation.FindStringSubmatch(err.Error())
	switch {
	case what == nil:
		return nil
	case strings.EqualFold(what[1], "publish"):
		return &right{"publish", what[2]}
	}
	return &right{"listen", what[2]}
}

var violation = regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to "([^"]+)"`)

// orDenied is the missing right that ended a context of heed, or else the error.
func orDenied(ctx context.Context, err error) error {
	if missing := (*right)(nil); errors.As(context.Cause(ctx), &missing) {
		return missing
	}
	return err
}

// denied says which right is missing, if that is why nobody answered: the context
// knows it, or else the connection. Empty: that is not why.
func denied(ctx context.Context, nc *nats.Conn, err error) string {
	if missing := (*right)(nil); errors.As(orDenied(ctx, err), &missing) {
		return missing.Error()
	}
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
		return ""
	}
	if missing := missingRight(nc.LastError()); missing != nil {
		return missing.Error()
	}
	return ""
}
