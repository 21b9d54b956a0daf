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
	"syscall"
	"time"
)

// Secret is a text that does not show when it is printed, logged or encoded.
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

func newCredential(secret Secret, version int, header func(Secret) http.Header) *credential {
	h := header(secret)
	withBody := h.Clone()
	withBody.Set("Content-Type", "application/json")
	return &credential{secret: secret, version: version, bare: h, json: withBody}
}

// redact takes the key out of words in which the gateway repeats it. A key as
// short as a word may be part of a longer one, and is left there.
func (c *credential) redact(words string) string {
	secret := string(c.secret)
	switch {
	case secret == openKeyOfTheSandbox:
		return words
	case len(secret) >= 8:
		return strings.ReplaceAll(words, secret, mask)
	}
	var b strings.Builder
	for last := byte(' '); ; {
		before, after, found := strings.Cut(words, secret)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if before != "" {
			last = before[len(before)-1]
		}
		if inWord(last) || after != "" && inWord(after[0]) {
			b.WriteString(secret)
		} else {
			b.WriteString(mask)
		}
		last, words = secret[len(secret)-1], after
	}
}

// openKeyOfTheSandbox is no secret: it is in the documentation, and a word of what the
// sandbox says.
const openKeyOfTheSandbox = "sandbox"

// inWord says that a byte goes on with a word: a letter or a digit.
func inWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// key is where the key comes from: a file that may change, or a literal.
type key struct {
	path    string                   // empty: a literal
	header  func(Secret) http.Header // how it travels
	born    time.Time
	cred    atomic.Pointer[credential]
	checked atomic.Int64 // when the file was last looked at, since born
	seen    atomic.Pointer[os.FileInfo]
	trouble atomic.Pointer[string] // why the file could not be read again
}

// openKey reads the key. The error names the file, never its content.
func openKey(path string, literal Secret, header func(Secret) http.Header) (*key, error) {
	k := &key{path: path, header: header, born: time.Now()}
	if path == "" {
		secret, err := parseKey(string(literal))
		if err != nil {
			return nil, fmt.Errorf("gateway: neither a key file nor a usable key: %w", err)
		}
		k.cred.Store(newCredential(secret, 1, header))
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

// current is the key as of now. If the file cannot be read (it is just being replaced,
// say), the last key is used further: if it is no longer valid, the gateway says so.
func (k *key) current() *credential {
	if k.path == "" {
		return k.cred.Load()
	}
	now, last := int64(time.Since(k.born)), k.checked.Load()
	if now-last < int64(lookEvery) || !k.checked.CompareAndSwap(last, now) {
		return k.cred.Load()
	}
	var trouble *string // stored once it is known: until then callers get what was
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
	secret, _, err := readKey(k.path)
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
	k.cred.Store(newCredential(secret, version, k.header))
	return nil
}

// maxKeyFile is far more than a key, and little enough to be read at once.
const maxKeyFile = 64 << 10

// ReadKeyFile reads a key, as the gateway's client does. The note says in a sentence
// what is not right but does not prevent the use of the key. The error names the file,
// never its content.
func ReadKeyFile(path string) (_ Secret, note string, err error) {
	secret, info, err := readKey(path)
	if err != nil {
		return "", "", fmt.Errorf("key file %s: %w", path, err)
	}
	if mode := info.Mode().Perm(); mode&0o004 != 0 {
		note = fmt.Sprintf("everybody on this machine can read the key file %s (mode %04o): chmod 600, or let only our group read it", path, mode)
	}
	return secret, note, nil
}

// readKey opens the file without waiting: a pipe would never end.
func readKey(path string) (Secret, os.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", nil, reason(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", nil, reason(err)
	case !info.Mode().IsRegular():
		return "", nil, errors.New("it is no regular file")
	case info.Size() > maxKeyFile:
		return "", nil, fmt.Errorf("it has %d bytes, which is too long for a key", info.Size())
	}
	content, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return "", nil, reason(err)
	}
	secret, err := parseKey(string(content))
	return secret, info, err
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

// reason is an error of the file system without the path, which the message has
// already.
func reason(err error) error {
	if perr, ok := errors.AsType[*os.PathError](err); ok {
		return perr.Err
	}
	return err
}
