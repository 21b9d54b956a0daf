package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// RE2, which the contract's patterns are written for, and ECMA 262, which those of JSON
// Schema are, agree on what is plain. What only RE2 knows is written out: each character
// as itself, each class as its ranges.
var (
	ofRE2   = regexp.MustCompile(`\\x\{([0-9A-Fa-f]+)\}|\\p\{(\w+)\}`)
	matches = regexp.MustCompile(`^this\.matches\('(.*)'\)$`)
)

// patternOf is the pattern of a rule in CEL that consists of one; ok is false for any
// other rule.
func patternOf(expression string) (pattern string, ok bool) {
	m := matches.FindStringSubmatch(expression)
	if m == nil || strings.Contains(m[1], "'") {
		return "", false
	}
	return strings.ReplaceAll(m[1], `\\`, `\`), true
}

// portable is a pattern of RE2 as every engine reads it.
func portable(pattern string) (string, error) {
	var wrong error
	out := ofRE2.ReplaceAllStringFunc(pattern, func(found string) string {
		m := ofRE2.FindStringSubmatch(found)
		if m[1] != "" {
			code, err := strconv.ParseInt(m[1], 16, 32)
			if err != nil {
				wrong = err
			}
			return string(rune(code))
		}
		ranges, err := rangesOf(m[2])
		if err != nil {
			wrong = err
		}
		return ranges
	})
	return out, wrong
}

// rangesOf is a category of Unicode for the inside of brackets. Surrogates are no
// characters of a text in UTF-8.
func rangesOf(category string) (string, error) {
	table := unicode.Categories[category]
	if table == nil {
		return "", fmt.Errorf("category %q of Unicode is not known", category)
	}
	var b strings.Builder
	write := func(r rune) {
		if strings.ContainsRune(`\]^-[`, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	add := func(low, high, stride rune) {
		if stride != 1 {
			for ; low <= high; low += stride {
				write(low)
			}
			return
		}
		if write(low); high > low {
			b.WriteByte('-')
			write(high)
		}
	}
	for _, r := range table.R16 {
		if !unicode.Is(unicode.Cs, rune(r.Lo)) {
			add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	for _, r := range table.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return b.String(), nil
}
