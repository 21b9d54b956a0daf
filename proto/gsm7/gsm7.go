// Package gsm7 is the alphabet of a text message: the 3GPP default alphabet and its
// extension table. One character outside it turns a whole text into UCS-2, of which far
// less fits into one message.
//
// It is pure and knows no text as a whole: no parts, no placeholders, no prices.
//
// Source: 3GPP TS 23.038 §6.2.1.
package gsm7

import "unicode/utf8"

// Septets is the room that a character takes in GSM-7, of 160 in a message: 1, or 2 for
// one of the extension table. 0: GSM-7 does not have it.
func Septets(r rune) int {
	if r < utf8.RuneSelf {
		if r < 0 {
			return 0
		}
		return int(ascii[r])
	}
	switch r {
	case '£', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', 'Ø', 'ø', 'Å', 'å',
		'Δ', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ',
		'Æ', 'æ', 'ß', 'É', '¤', '¡', 'Ä', 'Ö', 'Ñ', 'Ü', '§', '¿',
		'ä', 'ö', 'ñ', 'ü', 'à':
		return 1
	case '€':
		return 2
	}
	return 0
}

// ascii is Septets for the characters below 128, which most texts consist of.
var ascii = func() (t [utf8.RuneSelf]uint8) {
	for r := ' '; r <= '~'; r++ {
		t[r] = 1
	}
	t['\n'], t['\r'] = 1, 1
	t['`'] = 0
	for _, r := range "\f^{}\\[~]|" {
		t[r] = 2
	}
	return t
}()
