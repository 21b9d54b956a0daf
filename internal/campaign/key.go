package campaign

import (
	"fmt"
	"strings"
)

// Key names a campaign for ever: who asks, and the asker's own id for it. It
// is the idempotency key: the same key, a second or a year later, is the same
// campaign.
type Key struct {
	Source    string `json:"source"`
	RequestID string `json:"request_id"`
}

// String is the key as people type it and as the record is filed:
// "shop-italia.bf-2026".
func (k Key) String() string { return k.Source + "." + k.RequestID }

// Validate says which half of the key cannot be a subject token, and why.
func (k Key) Validate() error {
	if err := validToken(k.Source); err != nil {
		return fmt.Errorf("source %q: %w", k.Source, err)
	}
	if err := validToken(k.RequestID); err != nil {
		return fmt.Errorf("request_id %q: %w", k.RequestID, err)
	}
	return nil
}

// ParseKey reads what String writes.
func ParseKey(s string) (Key, error) {
	source, id, ok := strings.Cut(s, ".")
	if !ok {
		return Key{}, fmt.Errorf("key %q: want <source>.<request id>, for example shop-italia.bf-2026", s)
	}
	k := Key{Source: source, RequestID: id}
	if err := k.Validate(); err != nil {
		return Key{}, fmt.Errorf("key %q: %w", s, err)
	}
	return k, nil
}

// A key becomes two subject tokens and a bucket key, so it holds nothing that
// NATS gives a meaning to.
func validToken(s string) error {
	if len(s) < 1 || len(s) > 64 {
		return fmt.Errorf("want 1 to 64 characters, got %d", len(s))
	}
	for _, r := range s {
		switch {
		case 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_', r == '-':
		default:
			return fmt.Errorf("character %q is not allowed, use letters, digits, _ and -", r)
		}
	}
	return nil
}
