package cli

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A safeWriter is the output that people look at. Names, reasons, headers and the
// gateway's words may contain characters that control a terminal, or that change the
// direction of letters. They are shown as \u001b, which is also right within JSON. All
// that a command prints goes through it, so that no field is forgotten.
type safeWriter struct {
	w    io.Writer
	mu   sync.Mutex
	left []byte // the beginning of a character whose end is still to come
}

// Write says that it wrote all of p: what comes out is longer.
func (s *safeWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := append(s.left, p...)
	out := make([]byte, 0, len(in))
	for s.left = nil; len(in) > 0; {
		if n := ownCode(in); n > 0 {
			out, in = append(append(append(out, "\x1b["...), in[len(ownMark):n-1]...), in[n-1]), in[n:]
			continue
		}
		if !utf8.FullRune(in) {
			s.left = append([]byte(nil), in...)
			break
		}
		r, n := utf8.DecodeRune(in)
		if obeyed(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = utf8.AppendRune(out, r) // a byte that is no character becomes U+FFFD
		}
		in = in[n:]
	}
	if _, err := s.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// obeyed says that a terminal acts on a character instead of showing it: control
// characters, and those that change the direction of letters.
func obeyed(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// ownMark begins one of our own codes for the terminal, before its digits and a letter.
// It is different in every process, so that no other program can write it.
var ownMark = "\ufdd0" + rand.Text()

// ownCode is the length of our own code at the beginning of a text.
func ownCode(in []byte) int {
	if !bytes.HasPrefix(in, []byte(ownMark)) {
		return 0
	}
	n := len(ownMark)
	for n < len(in) && '0' <= in[n] && in[n] <= '9' {
		n++
	}
	if n == len(in) {
		return 0
	}
	return n + 1
}
