package sms_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/sms"
)

// Where the vectors come from: the standard, or a case of a public calculator's
// own tests, rebuilt here with other characters of the same width.
const (
	gsm    = "3GPP TS 23.038 §6.2.1, 23.040 §9.2.3.24.1"
	twilio = "github.com/TwilioDevEd/message-segment-calculator tests/index.test.js, tests/segments.test.js"
	split  = "github.com/Codesleuth/split-sms test/testdata/gsm.test.json, unicode.test.json"
	seed   = "UC-006, step 2"
)

const seedText = "Black Friday! Solo per te: -30% su tutto con il codice BF2026. Valido fino al 30/11. Scopri di più: https://shop.example.it/bf"

func digits(n int) string { return strings.Repeat("1234567890", n/10+1)[:n] }

var vectors = []struct {
	name, source, text string
	want               sms.Size
}{
	{"the text of the seed is one part", seed, seedText, sms.Size{Encoding: sms.GSM7, Units: 126, Parts: 1}},
	{"an empty text is one message", gsm, "", sms.Size{Encoding: sms.GSM7, Units: 0, Parts: 1}},
	{"160 septets fit alone", split, digits(160), sms.Size{Encoding: sms.GSM7, Units: 160, Parts: 1}},
	{"161 need a header in each part", split, digits(161), sms.Size{Encoding: sms.GSM7, Units: 161, Parts: 2}},
	{"306 are two parts of 153", split, digits(306), sms.Size{Encoding: sms.GSM7, Units: 306, Parts: 2}},
	{"307 leave one for a third", twilio, digits(307), sms.Size{Encoding: sms.GSM7, Units: 307, Parts: 3}},
	{"an escape takes two of the 160", twilio, "{" + digits(158), sms.Size{Encoding: sms.GSM7, Units: 160, Parts: 1}},
	{"an escape takes the text to 161", twilio, "{" + digits(159), sms.Size{Encoding: sms.GSM7, Units: 161, Parts: 2}},
	{"160 characters that end with a euro", split, digits(159) + "€", sms.Size{Encoding: sms.GSM7, Units: 161, Parts: 2}},
	{"a euro on the 153rd septet moves on", split, digits(152) + "€" + digits(7), sms.Size{Encoding: sms.GSM7, Units: 161, Parts: 2}},
	{"moved euros cost a third part", gsm, digits(152) + "€" + digits(150) + "€" + "x", sms.Size{Encoding: sms.GSM7, Units: 307, Parts: 3}},
	{"306 septets with a torn euro need three", gsm, digits(152) + "€" + digits(152), sms.Size{Encoding: sms.GSM7, Units: 306, Parts: 3}},
	{"80 extension characters are 160 septets", split, strings.Repeat("|^€{}[~]", 10), sms.Size{Encoding: sms.GSM7, Units: 160, Parts: 1}},
	{"an emoji turns everything into UCS-2", twilio, "😜" + digits(68), sms.Size{Encoding: sms.UCS2, Units: 70, Parts: 1}},
	{"71 units are two parts", twilio, "😜" + digits(69), sms.Size{Encoding: sms.UCS2, Units: 71, Parts: 2}},
	{"35 pairs fit alone", split, strings.Repeat("🐳", 35), sms.Size{Encoding: sms.UCS2, Units: 70, Parts: 1}},
	{"a whale on the 67th unit moves on", split, strings.Repeat("☃", 66) + "🐳☃☃☃", sms.Size{Encoding: sms.UCS2, Units: 71, Parts: 2}},
	{"134 units are two parts of 67", gsm, "ж" + digits(133), sms.Size{Encoding: sms.UCS2, Units: 134, Parts: 2}},
	{"135 units leave one for a third", twilio, "😜" + digits(133), sms.Size{Encoding: sms.UCS2, Units: 135, Parts: 3}},
	{"a moved pair costs a third part", gsm, digits(66) + "😜" + digits(66), sms.Size{Encoding: sms.UCS2, Units: 134, Parts: 3}},
	{"in UCS-2 a euro is one unit", gsm, "ç" + strings.Repeat("€", 69), sms.Size{Encoding: sms.UCS2, Units: 70, Parts: 1}},
	{"a grave accent alone is outside", gsm, "`", sms.Size{Encoding: sms.UCS2, Units: 1, Parts: 1}},
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(v.want, sms.Measure(v.text)); diff != "" {
				t.Errorf("Measure, source %s (-want +got):\n%s", v.source, diff)
			}
		})
	}
}

// The alphabet of the standard, in its own order, row by row of table 6.2.1; ESC
// stands at 0x1B. Written down a second time, on purpose.
const (
	basicTable     = "@£$¥èéùìòÇ\nØø\rÅå" + "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ" + " !\"#¤%&'()*+,-./" + "0123456789:;<=>?" + "¡ABCDEFGHIJKLMNO" + "PQRSTUVWXYZÄÖÑÜ§" + "¿abcdefghijklmno" + "pqrstuvwxyzäöñüà"
	extensionTable = "\f^{}\\[~]|€"
)

func TestEveryCharacterOfUnicodeIsInTheStandardsTableOrOutside(t *testing.T) {
	t.Parallel()
	if n := len([]rune(basicTable)); n != 128 {
		t.Fatalf("the table has %d characters, want 128", n)
	}
	for r := rune(0); r <= 0x1FFFF; r++ {
		if r >= 0xD800 && r <= 0xDFFF {
			continue // halves of a pair are not characters
		}
		want := sms.Size{Encoding: sms.UCS2, Units: len(utf16.Encode([]rune{r})), Parts: 1}
		switch {
		case r == 0x1B:
		case strings.ContainsRune(basicTable, r):
			want = sms.Size{Encoding: sms.GSM7, Units: 1, Parts: 1}
		case strings.ContainsRune(extensionTable, r):
			want = sms.Size{Encoding: sms.GSM7, Units: 2, Parts: 1}
		}
		if got := sms.Measure(string(r)); got != want {
			t.Fatalf("Measure(%q) = %+v, want %+v", r, got, want)
		}
	}
}

// naive puts the units into parts one by one and never looks ahead: it packs the
// text as a list of unbreakable groups, first into one message, then into parts.
func naive(text string) sms.Size {
	enc, alone, room := sms.GSM7, 160, 153
	var groups []string
	for _, r := range text {
		switch {
		case r != 0x1B && strings.ContainsRune(basicTable, r):
			groups = append(groups, "1")
		case strings.ContainsRune(extensionTable, r):
			groups = append(groups, "12")
		default:
			enc, alone, room = sms.UCS2, 70, 67
		}
	}
	if enc == sms.UCS2 {
		groups = nil
		for _, r := range text {
			groups = append(groups, strings.Repeat("u", len(utf16.Encode([]rune{r}))))
		}
	}
	all := strings.Join(groups, "")
	if len(all) <= alone {
		return sms.Size{Encoding: enc, Units: len(all), Parts: 1}
	}
	var parts []string
	for len(groups) > 0 {
		part := ""
		for len(groups) > 0 && len(part+groups[0]) <= room {
			part += groups[0]
			groups = groups[1:]
		}
		parts = append(parts, part)
	}
	return sms.Size{Encoding: enc, Units: len(all), Parts: len(parts)}
}

func TestMeasureAgreesWithANaiveReading(t *testing.T) {
	t.Parallel()
	alphabets := []string{basicTable[:26] + "abc", "ab€{}", "a€ж😜", extensionTable, "😜a"}
	rapid.Check(t, func(t *rapid.T) {
		runes := []rune(rapid.SampledFrom(alphabets).Draw(t, "alphabet"))
		text := string(rapid.SliceOfN(rapid.SampledFrom(runes), 0, 500).Draw(t, "text"))
		if diff := cmp.Diff(naive(text), sms.Measure(text)); diff != "" {
			t.Fatalf("Measure(%q) (-naive +got):\n%s", text, diff)
		}
	})
}

func FuzzMeasure(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := sms.Measure(text)
		if want := naive(text); got != want {
			t.Errorf("Measure(%q) = %+v, naive says %+v", text, got, want)
		}
		_, _, outside := sms.Outside(text)
		if outside != (got.Encoding == sms.UCS2) {
			t.Errorf("Outside(%q) = %v, but the encoding is %s", text, outside, got.Encoding)
		}
		if as := sms.MeasureAs(text, got.Encoding); as != got {
			t.Errorf("MeasureAs(%q, %s) = %+v, want %+v", text, got.Encoding, as, got)
		}
	})
}

func TestMeasureAs(t *testing.T) {
	t.Parallel()
	t.Run("CountsACharacterOutsideGSM7AsOneSeptet", func(t *testing.T) {
		t.Parallel()
		want := sms.Size{Encoding: sms.GSM7, Units: 161, Parts: 2}
		if got := sms.MeasureAs("ж"+digits(160), sms.GSM7); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("TakesUCS2WhereGSM7WouldDo", func(t *testing.T) {
		t.Parallel()
		want := sms.Size{Encoding: sms.UCS2, Units: 71, Parts: 2}
		if got := sms.MeasureAs(digits(71), sms.UCS2); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestOutsideNamesTheFirstCharacterAndItsPosition(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		char     rune
		position int
		found    bool
	}{
		{seedText, 0, 0, false},
		{"", 0, 0, false},
		{"più caffè, perchè ç?", 'ç', 19, true},
		{"“virgolette”", '“', 1, true},
		{"già 😜 ж", '😜', 5, true},
		{"a\xffb", '\uFFFD', 2, true},
	} {
		char, position, found := sms.Outside(c.text)
		if char != c.char || position != c.position || found != c.found {
			t.Errorf("Outside(%q) = %q, %d, %v; want %q, %d, %v", c.text, char, position, found, c.char, c.position, c.found)
		}
	}
}

func BenchmarkMeasure(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sms.Measure(seedText)
	}
}

func ExampleMeasure() {
	fmt.Println(sms.Measure("Sconto del 30% per te"))
	fmt.Println(sms.Measure("Sconto del 30% per te 🎁"))
	// Output:
	// {GSM-7 21 1}
	// {UCS-2 24 1}
}
