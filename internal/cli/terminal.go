package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// system is the terminal of this process.
func system() Terminal {
	t := Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Environ()}
	// The name as it was typed, if that is short: bin/staffetta after make.
	if !filepath.IsAbs(os.Args[0]) {
		t.Name = os.Args[0]
	}
	t.Asked = term.IsTerminal(int(os.Stdin.Fd()))
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) && os.Getenv("TERM") != "dumb" {
		t.Width, t.Height = 80, 24
		if w, h, err := term.GetSize(fd); err == nil && w > 0 {
			t.Width, t.Height = w, h
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

// exact is the output for bytes that are not for people. They stay as they are, unless
// the output is a terminal.
func (t Terminal) exact() io.Writer {
	if t.Width > 0 {
		return t.Out
	}
	return t.raw
}

// agrees asks a question, and says whether the answer is yes. Anything else is no.
func (t Terminal) agrees(question string) bool {
	question += " [y/N] "
	if t.Width > 0 { // no number is broken in two
		question = strings.Join(wrapped(question, t.Width-1), "\n") + " "
	}
	fmt.Fprint(t.Err, question)
	line, _ := bufio.NewReader(t.In).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true
	}
	return false
}

// paint is a colour, or nothing if colours are not wanted. Its codes are made for a
// safeWriter.
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

// folded breaks a line between its parts so that it fits a terminal. If the output is
// no terminal (width below zero), it stays one line.
func folded(line string, width int) []string {
	if width <= 0 {
		return []string{line}
	}
	var lines []string
	at := 0
	for part := range strings.SplitSeq(line, " · ") {
		n := utf8.RuneCountInString(part)
		switch {
		case lines == nil:
			lines = []string{part}
			at = n
		case at+3+n > width:
			lines = append(lines, part)
			at = n
		default:
			lines[len(lines)-1] += " · " + part
			at += 3 + n
		}
	}
	return lines
}

// wrapped breaks a text between words.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
