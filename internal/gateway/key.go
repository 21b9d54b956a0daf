package gateway

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Secret is a text that nobody gets to see by printing, logging or encoding it.
type Secret string

const mask = "***"

func (s Secret) Format(f fmt.State, _ rune)   { io.WriteString(f, s.String()) }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(s.String()) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String says only whether there is something to hide.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// credential is one version of the key and how it travels. It never changes.
type credential struct {
	secret     Secret
	version    int
	bare, json http.Header // of requests without and with a body; shared, so never written to
}

func newCredential(secret Secret, version int, agent string) *credential {
	h := http.Header{
		"X-Api-Key":  {string(secret)},
		"Accept":     {"application/json"},
		"User-Agent": {agent},
	}
	withBody := h.Clone()
	withBody.Set("Content-Type", "application/json")
	return &credential{secret: secret, version: version, bare: h, json: withBody}
}

// redact takes the key out of words in which the gateway repeats it. A key as
// short as a word ("sandbox") is no secret, and may well occur in them.
func (c *credential) redact(words string) string {
	if len(c.secret) < 8 {
		return words
	}
	return strings.ReplaceAll(words, string(c.secret), mask)
}

// key is where the key comes from: a file that may change, or a literal.
type key struct {
	path    string // empty: a literal
	agent   string
	born    time.Time
	cred    atomic.Pointer[credential]
	checked atomic.Int64 // when the file was last looked at, since born
	seen    atomic.Pointer[os.FileInfo]
	trouble atomic.Pointer[string] // why the file could not be read again
}

// openKey reads the key. The error names the file, never its content.
func openKey(path string, literal Secret, agent string) (*key, error) {
	k := &key{path: path, agent: agent, born: time.Now()}
	if path == "" {
		secret, err := parseKey(string(literal))
		if err != nil {
			return nil, fmt.Errorf("gateway: neither a key file nor a usable key: %w", err)
		}
		k.cred.Store(newCredential(secret, 1, agent))
		return k, nil
	}
	if literal != "" {
		return nil, fmt.Errorf("gateway: both a key and the key file %s are given: one of them", path)
	}
	if err := k.load(); err != nil {
		return nil, fmt.Errorf("gateway: key file %s: %w", path, err)
	}
	return k, nil
}

// How often, at most, the file is looked at.
const lookEvery = time.Second

// current is the key as of now. While the file cannot be read (it is just
// being replaced, say) the last key that could goes on being used: if it is
// good for nothing any more, the gateway will say so.
func (k *key) current() *credential {
	if k.path == "" {
		return k.cred.Load()
	}
	now, last := int64(time.Since(k.born)), k.checked.Load()
	if now-last < int64(lookEvery) || !k.checked.CompareAndSwap(last, now) {
		return k.cred.Load()
	}
	var trouble *string // stored once it is known: whoever asks meanwhile hears what was
	if err := k.load(); err != nil {
		text := fmt.Sprintf("key file %s: %v", k.path, err)
		trouble = &text
	}
	k.trouble.Store(trouble)
	return k.cred.Load()
}

// problem says why the file cannot be read at present; empty if it can.
func (k *key) problem() string {
	if text := k.trouble.Load(); text != nil {
		return *text
	}
	return ""
}

// load reads the file if it is not the one that was read last.
func (k *key) load() error {
	info, err := os.Stat(k.path)
	if err != nil {
		return reason(err)
	}
	if last := k.seen.Load(); last != nil && os.SameFile(*last, info) &&
		(*last).ModTime().Equal(info.ModTime()) && (*last).Size() == info.Size() {
		return nil
	}
	content, err := os.ReadFile(k.path)
	if err != nil {
		return reason(err)
	}
	secret, err := parseKey(string(content))
	if err != nil {
		return err
	}
	k.seen.Store(&info)
	version := 1
	if old := k.cred.Load(); old != nil {
		if old.secret == secret {
			return nil
		}
		version = old.version + 1
	}
	k.cred.Store(newCredential(secret, version, k.agent))
	return nil
}

// parseKey trims the key and makes sure that it fits into a header.
func parseKey(text string) (Secret, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", errors.New("it is empty")
	}
	if len(text) > 4<<10 {
		return "", errors.New("it is too long for a key")
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f {
			return "", errors.New("it is not one line of printable characters")
		}
	}
	return Secret(text), nil
}

// reason is an error of the file system without the path, which is said already.
func reason(err error) error {
	var perr *os.PathError
	if errors.As(err, &perr) {
		return perr.Err
	}
	return err
}
