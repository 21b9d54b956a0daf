package sms_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/sms"
)

func TestPlainReadsTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"ItalianCapitals", "È arrivato: SÌ. CITTÀ, PERÒ, LAGGIÙ, PERCHÉ", "E' arrivato: SI'. CITTA', PERO', LAGGIU', PERCHÉ"},
		{"DecomposedCapitals", "E\u0300 qui", "E' qui"},
		{"DecomposedLetters", "perche\u0301 no: e\u0300 piu\u0300 facile", "perché no: è più facile"},
		{"LettersThatGSM7Lacks", "áÁ çŁł Šđ İ ñ", "aA cLl Sd I ñ"},
		{"MarksUntilGSM7HasTheLetter", "ǖ ộ u\u0308\u0304", "ü o ü"},
		{"LineBreaks", "uno\u2028due\u2029tre\u0085quattro\vcinque", "uno\ndue\ntre\nquattro\ncinque"},
		{"Spaces", "a\u00a0b\u202fc\u2003d\u3000e\tf", "a b c d e f"},
		{"WhatNobodySees", "a\u200bb\u200dc\u00add\ufeffe\u202ef\u2066g\u3164h\x07i", "abcdefghi"},
		{"Apostrophes", "dell’anno l‘ora lʼora l′ora l`ora l´ora l＇ora", "dell'anno l'ora l'ora l'ora l'ora l'ora l'ora"},
		{"Quotes", "“a” „b‟ «c» ″d＂ ‹e›", `"a" "b" "c" "d" <e>`},
		{"Dashes", "a–b—c―d−e‑f－g", "a-b-c-d-e-f-g"},
		{"Ordinals", "1ª rata, 2º avviso", "1a rata, 2o avviso"},
		{"Ligatures", "oﬀerta ﬁno aﬃtto ĳ Œuvre", "offerta fino affitto ij OEuvre"},
		{"OtherDresses", "ＯＫ 𝗕𝗼𝗹𝗱 ™ № ㎏ 1️⃣0️⃣ …‼", "OK Bold TM No kg 10 ...!!"},
		{"Fractions", "½ litro, 5½ litri, ⅓", "1/2 litro, 5 1/2 litri, 1/3"},
		{"GreekThatLooksLatin", "ΑΒΓ \u2126", "ABΓ Ω"},
		{"RootsAndSquares", "m² H₂O", "m2 H2O"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, left := sms.Plain(c.text)
			if diff := cmp.Diff(c.want, got); diff != "" || len(left) > 0 {
				t.Errorf("left %+v (-want +got):\n%s", left, diff)
			}
		})
	}
}

// What does not read the same is named and not guessed.
func TestWhatNothingReplacesIsNamed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"😀", "漢", "я", "≠", "≮", "9̶", "10²", "5①", "👍🏽", "👩‍🚀", "🇮🇹", "❤️", "\u00a8", "5⃠", "\ufffd"} {
		_, left := sms.Plain(text)
		if len(left) != 1 || left[0].Advice() != "nothing in GSM-7 reads the same" {
			t.Errorf("%q: left %+v, want it as one that nothing replaces", text, left)
		}
	}
}

func TestAdviceSaysWhatToWrite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, name, want string }{
		{"È", "“È” (U+00C8)", "write E', or E, which is shorter"},
		{"e\u0301", "“e\u0301” (U+0065 U+0301)", "write é as one character (U+00E9): here it is a letter and a mark apart"},
		{"’", "“’” (U+2019)", "write '"},
		{"\u200b", "U+200B", "leave it out: it is invisible"},
		{"\u2028", "U+2028", "write a plain line break"},
		{"\u00a0", "U+00A0", "write a plain space"},
		{"😀", "“😀” (U+1F600)", "nothing in GSM-7 reads the same"},
	} {
		o, found := sms.FirstOdd("abc" + c.text)
		if !found || o.Position != 4 || o.Name() != c.name || o.Advice() != c.want {
			t.Errorf("%q: found %v at %d, %s: %s; want %s: %s", c.text, found, o.Position, o.Name(), o.Advice(), c.name, c.want)
		}
	}
	if o, found := sms.FirstOdd("Solo per te: -30%"); found {
		t.Errorf("found %+v in a text that is fine", o)
	}
}

// Whatever the text: what is written instead is in GSM-7, the odd ones are found
// where they stand, and nothing that GSM-7 carries is lost.
func TestOddsAndTheRestAreTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("aeE5²½’\u0300\u0301\u0338\u200d\ufe0f\u2028👩🚀🏽🇮")))).Draw(t, "text")
		runes := []rune(text)
		var rest strings.Builder
		next := 0
		for o := range sms.Odds(text) {
			n := utf8.RuneCountInString(o.Text)
			if !slices.Equal([]rune(o.Text), runes[o.Position-1:o.Position-1+n]) {
				t.Fatalf("%q is not at position %d of %q", o.Text, o.Position, text)
			}
			rest.WriteString(string(runes[next : o.Position-1]))
			next = o.Position - 1 + n
			if bad, _, outside := sms.Outside(o.Instead + o.Shorter); outside {
				t.Fatalf("%q: %q has %q, which is outside GSM-7 itself", o.Text, o.Instead, bad)
			}
		}
		rest.WriteString(string(runes[next:]))
		if bad, _, outside := sms.Outside(rest.String()); outside {
			t.Fatalf("%q in %q is not named", bad, text)
		}
		if plain, _ := sms.Plain(text); sms.Measure(plain).Encoding != sms.GSM7 {
			t.Fatalf("%q is not GSM-7", plain)
		}
	})
}

func TestEveryCharacterHasASubstituteInGSM7OrNone(t *testing.T) {
	t.Parallel()
	for r := range rune(0x20000) {
		if plain, _ := sms.Plain(string(r)); sms.Measure(plain).Encoding != sms.GSM7 {
			t.Errorf("%q: %q is outside GSM-7 itself", r, plain)
		}
	}
}
