package campaign

import (
	"fmt"
	"strings"
)

// Key names a campaign for ever: the source, and the source's own id for it. It is the
// idempotency key: the same key, a second or a year later, is the same campaign.
type Key struct {
	Source    string `json:"source"`
	RequestID string `json:"request_id"`
}

// String is the key as people type it, and as the bucket has it: "shop-italia.bf-2026".
func (k Key) String() string { return k.Source + "." + k.RequestID }

// Validate says which half of the key cannot be a subject token, and why.
func (k Key) Validate() error {
	if err := ValidToken(k.Source, TokenLength); err != nil {
		return fmt.Errorf("source %q: %w", k.Source, err)
	}
	if err := ValidToken(k.RequestID, TokenLength); err != nil {
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

// TokenLength is how long each half of a key may be, in characters.
const TokenLength = 64

// ValidToken says why a name cannot be a token of a subject, or part of a bucket's key:
// it may contain no character that means something to NATS. The contract says the same
// of a request's source and request id.
func ValidToken(s string, most int) error {
	if len(s) < 1 || len(s) > most {
		return fmt.Errorf("want 1 to %d characters, got %d", most, len(s))
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
