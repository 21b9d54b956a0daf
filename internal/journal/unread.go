package journal

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// unread says that a stream cannot be read, and what to look at: people read
// it who ran one command.
func unread(js jetstream.JetStream, stream string, err error) error {
	hint := ""
	switch missing := denied(js.Conn(), err); {
	case missing != "":
		return fmt.Errorf("read %s: %s", stream, missing)
	case errors.Is(err, jetstream.ErrStreamNotFound):
		hint = ": has the service ever run here?"
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		hint = ": is JetStream enabled, on the server and for this account?"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		hint = ": NATS does not answer; may this user read it, and does the stream have a leader?"
	}
	return fmt.Errorf("read %s: %w%s", stream, err, hint)
}

// denied says which permission is missing, if that is why nobody answered: the
// server drops what a user may not say, so that the one who asks waits in vain,
// and tells the connection why. Empty: that is not why.
func denied(nc *nats.Conn, err error) string {
	last := nc.LastError()
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) || !errors.Is(last, nats.ErrPermissionViolation) {
		return ""
	}
	what := violation.FindStringSubmatch(last.Error())
	switch {
	case what == nil:
		return last.Error()
	case strings.EqualFold(what[1], "publish"):
		return fmt.Sprintf("this user may not publish to %s: docs/deploy.md says who may do what", what[2])
	case strings.HasPrefix(what[2], "_INBOX."):
		return fmt.Sprintf("this user may not listen to %s: set the inbox prefix that its permissions name, in the context of the nats command line", what[2])
	}
	return fmt.Sprintf("this user may not listen to %s: docs/deploy.md says who may do what", what[2])
}

var violation = regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to "([^"]+)"`)
