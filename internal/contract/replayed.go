package contract

import (
	"time"
)

// RequestedAt is when a request was first stored: what a replay says of its original,
// if that can be, or else when it was stored itself.
func RequestedAt(h Header, stored time.Time) time.Time {
	if at, err := time.Parse(time.RFC3339Nano, get(h, HeaderAsked)); err == nil && !at.IsZero() && at.Before(stored) {
		return at.UTC()
	}
	return stored.UTC()
}

// HeaderReplay on a message names the dead letter of which it is a replay.
const HeaderReplay = "Staffetta-Replay"

// HeaderAsked on a replayed request says when its original was first stored, RFC
// 3339: whoever asked has been waiting since then.
const HeaderAsked = "Staffetta-Asked"
