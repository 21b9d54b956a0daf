package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// minServer is the first version with message schedules.
const minServer = "2.12.0"

// minPayload is what the server must take in one message, so that a dead
// letter with a full copy of the largest request always fits.
const minPayload = 512 << 10

// CheckServer refuses a server that cannot do what is needed, and says what can.
func CheckServer(ctx context.Context, nc *nats.Conn, js jetstream.JetStream) error {
	if have := nc.ConnectedServerVersion(); olderThan(have, minServer) {
		return fmt.Errorf("NATS server %s is too old: message schedules need %s or newer; upgrade the server", have, minServer)
	}
	if have := nc.MaxPayload(); have < minPayload {
		return fmt.Errorf("NATS server has max_payload %d, want at least %d so that a dead letter fits; raise max_payload", have, minPayload)
	}
	if _, err := Ask(ctx, js.AccountInfo); err != nil {
		if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
			return fmt.Errorf("JetStream is not enabled on this server or account: start nats-server with -js, or enable it for the account: %w", err)
		}
		return fmt.Errorf("ask JetStream for its account: %w", err)
	}
	return nil
}

// olderThan compares two versions by their three numbers; a version that is
// not three numbers is not called old.
func olderThan(have, want string) bool {
	var h, w [3]int
	have, _, _ = strings.Cut(have, "-")
	if _, err := fmt.Sscanf(have, "%d.%d.%d", &h[0], &h[1], &h[2]); err != nil {
		return false
	}
	//lint:ignore errcheck it is written in this program
	fmt.Sscanf(want, "%d.%d.%d", &w[0], &w[1], &w[2])
	return slices.Compare(h[:], w[:]) < 0
}
