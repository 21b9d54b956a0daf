package sms

import (
	"fmt"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// An Odd is what GSM-7 cannot carry of a text: one character as a person sees it,
// with the marks, joiners and colours that belong to it.
type Odd struct {
	Text     string // as it stands in the text
	Position int    // of its first character in the text, from 1
	// Instead may stand in its place in GSM-7 and reads the same to a person.
	// Found false: there is no such text. Empty and Found: the character is
	// invisible, and may be left out.
	Instead string
	Found   bool
	// Shorter also reads the same and takes less room. Empty: there is no such
	// text.
	Shorter string
}

// Advice says what to write in its place, as part of a sentence.
func (o Odd) Advice() string {
	switch {
	case !o.Found:
		return "nothing in GSM-7 reads the same"
	case o.Instead == "":
		return "leave it out: it is invisible"
	case o.Instead == " ":
		return "write a plain space"
	case o.Instead == "\n":
		return "write a plain line break"
	case o.Shorter != "":
		return fmt.Sprintf("write %s, or %s, which is shorter", o.Instead, o.Shorter)
	case norm.NFC.String(o.Text) == o.Instead:
		return fmt.Sprintf("write %s as one character (%s): here it is a letter and a mark apart", o.Instead, codePoint(o.Instead))
	}
	return "write " + o.Instead
}

// Name is what to call it in a sentence: the character in quotes and its code
// points. The code points find it where it looks like another character.
func (o Odd) Name() string {
	for _, r := range o.Text {
		if !unicode.IsGraphic(r) && r != joiner || unicode.Is(unicode.Z, r) {
			return o.CodePoints()
		}
	}
	return fmt.Sprintf("“%s” (%s)", o.Text, o.CodePoints())
}

// CodePoints are the code points of the character: U+0065 U+0301.
func (o Odd) CodePoints() string {
	var points []string
	for _, r := range o.Text {
		points = append(points, codePoint(string(r)))
	}
	return strings.Join(points, " ")
}

func codePoint(char string) string {
	r, _ := utf8.DecodeRuneInString(char)
	return fmt.Sprintf("U+%04X", r)
}

// Odds are the characters that GSM-7 cannot carry, in order. They are for
// messages to people; the text itself is never changed.
func Odds(text string) iter.Seq[Odd] {
	return func(yield func(Odd) bool) {
		walk(text, func(string) bool { return true }, yield)
	}
}

// FirstOdd is the first of the Odds; not found if GSM-7 carries the whole text.
func FirstOdd(text string) (first Odd, found bool) {
	if _, _, outside := Outside(text); !outside {
		return Odd{}, false
	}
	for o := range Odds(text) {
		return o, true
	}
	return Odd{}, false
}

// Plain is the text in which every odd character is replaced by its substitute.
// Those that have none are left out, and returned as left.
func Plain(text string) (plain string, left []Odd) {
	var b strings.Builder
	walk(text, func(fine string) bool { b.WriteString(fine); return true }, func(o Odd) bool {
		b.WriteString(o.Instead)
		if !o.Found {
			left = append(left, o)
		}
		return true
	})
	return b.String(), left
}

// walk goes over a text piece by piece: what GSM-7 carries, and what it does not.
func walk(text string, fine func(string) bool, odd func(Odd) bool) {
	position, before := 1, ""
	for text != "" {
		piece := text[:pieceLength(text)]
		text = text[len(piece):]
		more := true
		if _, _, outside := Outside(piece); outside {
			o := substituted(piece, before)
			o.Position = position
			more = odd(o)
		} else {
			more = fine(piece)
		}
		if !more {
			return
		}
		position += utf8.RuneCountInString(piece)
		before = piece
	}
}

// pieceLength is how many bytes belong to the first character that a person sees:
// a letter with its marks; a picture with its colour, or joined to others; a flag.
func pieceLength(text string) int {
	first, n := utf8.DecodeRuneInString(text)
	picture := unicode.Is(unicode.So, first)
	for n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me) && !unicode.IsControl(first):
		case picture && 0x1F3FB <= r && r <= 0x1F3FF: // the colour of a skin
		case picture && r == joiner: // joins the next picture to this one
			next, width := utf8.DecodeRuneInString(text[n+size:])
			if !unicode.Is(unicode.So, next) {
				return n
			}
			size += width
		case n == utf8.RuneLen(first) && isFlagLetter(first) && isFlagLetter(r):
		default:
			return n
		}
		n += size
	}
	return n
}

func isFlagLetter(r rune) bool { return 0x1F1E6 <= r && r <= 0x1F1FF }

// substituted finds what may stand in the place of a piece that follows another.
// Composed letters come first, then what people write, then the letter without
// its marks, then what Unicode holds to be the same character in another dress.
func substituted(piece, before string) Odd {
	o := Odd{Text: piece}
	composed := norm.NFC.String(piece)
	o.Instead, o.Found = lookUp(composed)
	if plain, found := withoutMarks(composed); found && strings.HasSuffix(o.Instead, "'") && len(o.Instead) > 1 {
		o.Shorter = plain
	}
	if !o.Found {
		o.Instead, o.Found = withoutMarks(composed)
	}
	if !o.Found {
		o.Instead, o.Found = compatible(composed)
	}
	r, _ := utf8.DecodeRuneInString(piece)
	switch digit := o.Instead != "" && isDigit(o.Instead[0]) && before != "" && endsInDigit(before); {
	case !digit, !unicode.Is(unicode.No, r):
	case strings.Contains(o.Instead, "/"):
		o.Instead = " " + o.Instead // 5½ is not 51/2
	default:
		o.Instead, o.Found = "", false // 10² is not 102
	}
	return o
}

// lookUp finds a substitute without taking a character apart: by composition, in
// the tables, among invisible characters and spaces.
func lookUp(composed string) (string, bool) {
	if _, _, outside := Outside(composed); !outside {
		return composed, true
	}
	r, size := utf8.DecodeRuneInString(composed)
	if size < len(composed) {
		return "", false
	}
	if s, ok := written[r]; ok {
		return s, true
	}
	switch {
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r), r == utf8.RuneError:
		return "", false
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return "", true
	case unicode.Is(unicode.Zs, r):
		return " ", true
	}
	return "", false
}

// withoutMarks takes the marks off a letter, the last ones first, until GSM-7
// carries it. A stroke through a character is none of these marks: ≠ is not =.
func withoutMarks(composed string) (string, bool) {
	runes := []rune(norm.NFD.String(composed))
	for _, mark := range runes[1:] {
		const overlay = 1 // the combining class of strokes
		if norm.NFD.PropertiesString(string(mark)).CCC() == overlay || unicode.Is(unicode.Me, mark) && mark != keycap {
			return "", false
		}
	}
	for n := len(runes) - 1; n > 0 && unicode.In(runes[n], unicode.Mn, unicode.Me); n-- {
		if s, ok := lookUp(norm.NFC.String(string(runes[:n]))); ok && strings.TrimSpace(s) != "" {
			return s, true
		}
	}
	return "", false
}

const (
	keycap = '\u20e3' // frames the digit before it
	joiner = '\u200d' // makes one picture of several
)

// compatible replaces typographic variants: ligatures, wide and bold letters,
// ordinals, fractions.
func compatible(composed string) (string, bool) {
	undressed := norm.NFKC.String(composed)
	if undressed == composed {
		return "", false
	}
	var b strings.Builder
	for undressed != "" {
		piece := undressed[:pieceLength(undressed)]
		undressed = undressed[len(piece):]
		s, ok := lookUp(piece)
		if !ok {
			s, ok = withoutMarks(piece)
		}
		if !ok || strings.TrimSpace(s) == "" {
			return "", false
		}
		b.WriteString(s)
	}
	return b.String(), true
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func endsInDigit(piece string) bool {
	plain := norm.NFKC.String(piece)
	return isDigit(plain[len(plain)-1])
}

// written is what people write for a character that GSM-7 lacks, where Unicode
// has no rule. Typography that word processors insert by themselves doubles most
// bills.
var written = func() map[rune]string {
	m := map[rune]string{
		// Italian capitals: a mobile phone has no È, and Italians write E'.
		'À': "A'", 'È': "E'", 'Ì': "I'", 'Ò': "O'", 'Ù': "U'",
		'…': "...", '·': ".", '∙': ".", '⁄': "/", '∕': "/", '×': "x", '‹': "<", '›': ">", '≤': "<=", '≥': ">=", '→': "->", '←': "<-",
		'\t': " ", '\v': "\n", '\u0085': "\n", '\u2028': "\n", '\u2029': "\n", '\u2800': " ",
		'ẞ': "SS", 'œ': "oe", 'Œ': "OE", 'đ': "d", 'Đ': "D", 'ħ': "h", 'Ħ': "H", 'ı': "i", 'ł': "l", 'Ł': "L", 'ŧ': "t", 'Ŧ': "T",
		'™': "TM", '©': "(c)", '®': "(R)", '°': "o",
	}
	for plain, same := range map[string]string{
		"'": "‘’‚‛`´′‵ʹʻʼʽˈˊˋ՚׳ꞌ❛❜",
		`"`: "“”„‟″‶«»〝〞〟״❝❞",
		"-": "‐‑‒–—―−⁃˗⸺⸻•●▪‣◦\uf0b7",
		"~": "∼〜⁓",
	} {
		for _, r := range same {
			m[r] = plain
		}
	}
	// The standard has only those Greek capitals that Latin does not.
	latin := []rune("ABEZHIKMNOPTYX")
	for i, greek := range []rune("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ") {
		m[greek] = string(latin[i])
	}
	return m
}()
