package why

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Page says how a story is laid out.
type Page struct {
	Zone  *time.Location
	Width int // in columns
	// Bold and Dim mark words, on a terminal that can show it; nil: words stay as they
	// are.
	Bold, Dim func(string) string
}

// Write writes the story for people.
func (s Story) Write(w io.Writer, p Page) error {
	if p.Bold == nil {
		p.Bold = func(s string) string { return s }
	}
	if p.Dim == nil {
		p.Dim = func(s string) string { return s }
	}
	out := &page{Page: p}
	title := []string{s.Key}
	if s.Name != "" {
		title = append(title, s.Name)
	}
	if s.State != "" {
		title = append(title, string(s.State))
	}
	out.line("%s", p.Bold(strings.Join(title, " · ")))
	out.line("")
	out.paragraph(0, s.Summary, "")
	if len(s.Lines) > 0 {
		out.line("")
		out.line("%s", p.Bold(fmt.Sprintf("What happened (times in %s)", p.Zone)))
		out.lines(s.Lines)
	}
	out.line("")
	out.line("%s", p.Bold("Now"))
	out.paragraph(2, s.Now, "")
	if len(s.Advice) > 0 {
		out.line("")
		out.line("%s", p.Bold("What you can do"))
		for _, a := range s.Advice {
			out.paragraph(2, a.Text, "")
			if a.Command != "" {
				out.line("    %s", a.Command)
			}
		}
	}
	if len(s.Missing) > 0 {
		out.line("")
		out.line("%s", p.Bold("Not in this story, because it could not be read"))
		for _, m := range s.Missing {
			out.paragraph(2, m, "")
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// page is what has been written of a story.
type page struct {
	Page
	strings.Builder
}

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// lines writes what happened, under the day on which it did.
func (p *page) lines(lines []Line) {
	day := ""
	for _, l := range lines {
		at := l.At.In(p.Zone)
		if d := at.Format("Monday 2 January 2006"); d != day {
			day = d
			p.line("  %s", p.Dim(day))
		}
		text := l.Text
		if l.Times > 1 {
			text += " " + p.often(l)
		}
		fmt.Fprintf(p, "  %s  ", at.Format(time.TimeOnly))
		p.wrap(12, text, technical(l.Call))
	}
}

// often says how many calls had the same outcome.
func (p *page) often(l Line) string {
	s := fmt.Sprintf("The same %d times in all", l.Times)
	if l.Pair {
		s = fmt.Sprintf("These two calls came out like this %d times in all", l.Times)
	}
	if !l.Until.IsZero() {
		s += ", until " + l.Until.In(p.Zone).Format(time.TimeOnly)
	}
	return s + "."
}

// technical is what an engineer wants to know about a call.
func technical(a *campaign.Attempt) string {
	if a == nil {
		return ""
	}
	s := "[" + string(a.Op)
	switch {
	case a.HTTP != 0:
		s += fmt.Sprintf(": HTTP %d, %s", a.HTTP, took(a.TookMS))
	case a.Kind == campaign.Unavailable:
		s += fmt.Sprintf(": no answer, %s", took(a.TookMS))
	case a.Kind == campaign.NotAttempted || a.Kind == campaign.Unauthorised || a.Kind == campaign.Throttled:
		s += ": not sent"
	default:
		s += fmt.Sprintf(": %s, %s", a.Kind, took(a.TookMS))
	}
	if a.Breaker != "" && a.Breaker != "closed" {
		s += ", breaker " + a.Breaker
	}
	return s + "]"
}

func took(ms int64) string {
	if ms < 1000 {
		return fmt.Sprintf("%d ms", ms)
	}
	return fmt.Sprintf("%d.%d s", ms/1000, ms%1000/100)
}

func (p *page) paragraph(indent int, text, tail string) {
	p.WriteString(strings.Repeat(" ", indent))
	p.wrap(indent, text, tail)
}

// wrap writes words from a column on, and begins each new line at that column. The tail
// stays in one piece.
func (p *page) wrap(indent int, text, tail string) {
	words := strings.Fields(text)
	if tail != "" {
		words = append(words, tail)
	}
	at := indent
	for i, word := range words {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > p.Width:
			p.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			p.WriteByte(' ')
			at++
		}
		if tail != "" && i == len(words)-1 {
			word = p.Dim(word)
		}
		p.WriteString(word)
		at += n
	}
	p.WriteByte('\n')
}
