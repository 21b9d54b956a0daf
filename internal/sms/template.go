package sms

import (
	"slices"
	"strings"
)

// A Template is a text cut at its placeholders. A placeholder is {{name}}, where
// name has letters A to Z, digits, "_", "-" and ".". Spaces may stand around it:
// {{ firstName }}. Names are case-sensitive. Any other braces are ordinary text.
type Template struct {
	// literals[i] stands before fields[i]; the last literal closes the text.
	literals []string
	fields   []string
	text     string
}

// ParseTemplate cuts a text at its placeholders. Every text is a template.
func ParseTemplate(text string) Template {
	t := Template{text: text}
	begin, from := 0, 0
	for {
		open := strings.Index(text[from:], "{{")
		if open < 0 {
			break
		}
		open += from
		name, end := placeholder(text, open)
		if name == "" {
			from = open + 1
			continue
		}
		t.literals = append(t.literals, text[begin:open])
		t.fields = append(t.fields, name)
		begin, from = end, end
	}
	t.literals = append(t.literals, text[begin:])
	return t
}

// placeholder reads the one that opens at text[open:]; end is behind its braces.
// The name is empty if there is none.
func placeholder(text string, open int) (name string, end int) {
	inside, _, closed := strings.Cut(text[open+2:], "}}")
	if !closed {
		return "", 0
	}
	name = strings.Trim(inside, " ")
	for i := range len(name) {
		c := name[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.') {
			return "", 0
		}
	}
	return name, open + len("{{") + len(inside) + len("}}")
}

// Fields are the names in the order of their first appearance, each once; nil if
// there are none.
func (t Template) Fields() []string {
	if len(t.fields) == 0 {
		return nil
	}
	var names []string
	seen := make(map[string]bool, len(t.fields))
	for _, f := range t.fields {
		if !seen[f] {
			seen[f] = true
			names = append(names, f)
		}
	}
	return names
}

// Fill puts value(name) in the place of each placeholder. What a value contains
// is not filled again.
func (t Template) Fill(value func(name string) string) string {
	if len(t.fields) == 0 {
		return t.literals[0]
	}
	var b strings.Builder
	b.Grow(len(t.text) + 16*len(t.fields)) // a guess: values are rarely much longer than names
	for i, f := range t.fields {
		b.WriteString(t.literals[i])
		b.WriteString(value(f))
	}
	b.WriteString(t.literals[len(t.fields)])
	return b.String()
}

// Placeholders are the names of a text's placeholders, in order, each once.
func Placeholders(text string) []string { return ParseTemplate(text).Fields() }

// Lookalikes are texts that look like a placeholder and are none, each once and
// as it is written: {firstName}, {{first name}}. They are sent as they stand.
func Lookalikes(text string) []string {
	const longest = 40 // a name, not a sentence in braces
	var found []string
	for _, literal := range ParseTemplate(text).literals {
		for rest := literal; ; {
			open := strings.IndexByte(rest, '{')
			if open < 0 {
				break
			}
			rest = rest[open:]
			inside := strings.TrimLeft(rest, "{")
			end := strings.IndexAny(inside, "{}\n")
			if end < 0 || inside[end] != '}' || end > longest || strings.TrimSpace(inside[:end]) == "" {
				rest = inside
				continue
			}
			after := strings.TrimLeft(inside[end:], "}")
			if l := rest[:len(rest)-len(after)]; !slices.Contains(found, l) {
				found = append(found, l)
			}
			rest = after
		}
	}
	return found
}

// Fill replaces the placeholders of a text. A field that the map does not have is
// replaced by nothing: a recipient without a first name gets a message without
// one, and not a message with braces.
func Fill(text string, fields map[string]string) string {
	return ParseTemplate(text).Fill(func(name string) string { return fields[name] })
}
