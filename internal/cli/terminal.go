package cli

import (
	"io"
	"os"
	"path/filepath"

	"golang.org/x/term"
)

// system is the terminal of this process.
func system() Terminal {
	t := Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Environ()}
	// As it was typed, if that is short: bin/staffetta after make.
	if !filepath.IsAbs(os.Args[0]) {
		t.Name = os.Args[0]
	}
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) && os.Getenv("TERM") != "dumb" {
		t.Width = 80
		if w, _, err := term.GetSize(fd); err == nil && w > 0 {
			t.Width = w
		}
		t.Colour = os.Getenv("NO_COLOR") == ""
	}
	return t
}

// safe is the terminal with everything that is printed made safe to look at.
func (t Terminal) safe() Terminal {
	t.raw = t.Out
	t.Out = &safeWriter{w: t.Out}
	t.Err = &safeWriter{w: t.Err}
	return t
}

// exact is where bytes go that are not for people: as they are, unless a person
// looks.
func (t Terminal) exact() io.Writer {
	if t.Width > 0 {
		return t.Out
	}
	return t.raw
}

// paint is a colour, or nothing where colours are not wanted. Its codes are made
// for a safeWriter.
type paint struct{ on bool }

func (p paint) bold(s string) string  { return p.in("1", s) }
func (p paint) dim(s string) string   { return p.in("2", s) }
func (p paint) green(s string) string { return p.in("32", s) }
func (p paint) red(s string) string   { return p.in("31", s) }

func (p paint) in(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return ownMark + code + "m" + s + ownMark + "0m"
}
