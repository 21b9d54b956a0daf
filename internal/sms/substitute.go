package sms

import "unicode"

// Substitute is what may stand in GSM-7 in the place of a character that is not
// in it, and reads the same to a person: a straight quote for a curly one, a
// plain letter for an accented one that GSM-7 lacks. It is not found if nothing
// does. Text is never changed by it: it is what people are told.
func Substitute(char rune) (_ string, found bool) {
	if s, ok := substitutes[char]; ok {
		return s, true
	}
	if plain, ok := unaccented[unicode.ToLower(char)]; ok {
		if unicode.IsUpper(char) {
			plain = unicode.ToUpper(plain)
		}
		return string(plain), true
	}
	if unicode.Is(unicode.Zs, char) {
		return " ", true
	}
	return "", false
}

// Typography that word processors put in by themselves: where most bills double.
var substitutes = map[rune]string{
	'‘': "'", '’': "'", '‚': "'", '‛': "'", '`': "'", '´': "'", '′': "'",
	'“': `"`, '”': `"`, '„': `"`, '‟': `"`, '″': `"`, '«': `"`, '»': `"`,
	'‐': "-", '‑': "-", '‒': "-", '–': "-", '—': "-", '−': "-",
	'…': "...", '•': "-", '·': ".", '×': "x", '‹': "<", '›': ">",
	'\t': " ", '\u200b': "", '\u200c': "", '\u200d': "", '\u00ad': "", '\ufeff': "",
	'ß': "ss", 'œ': "oe", 'Œ': "OE", '™': "TM", '©': "(c)", '®': "(R)", '№': "No",
	'½': "1/2", '¼': "1/4", '¾': "3/4", '²': "2", '³': "3", '°': "o",
}

// The lower-case letters with marks that GSM-7 lacks, by their plain ones.
var unaccented = func() map[rune]rune {
	m := map[rune]rune{}
	for plain, marked := range map[rune]string{
		'a': "áâãāăąǎ", 'c': "çćĉċč", 'd': "ďđ", 'e': "êëēĕėęě", 'g': "ĝğġģ", 'h': "ĥħ", 'i': "íîïĩīĭįı",
		'j': "ĵ", 'k': "ķ", 'l': "ĺļľł", 'n': "ńņňŉ", 'o': "óôõōŏő", 'r': "ŕŗř", 's': "śŝşšș", 't': "ţťțŧ",
		'u': "úûũūŭůűų", 'w': "ŵ", 'y': "ýÿŷ", 'z': "źżž",
	} {
		for _, r := range marked {
			m[r] = plain
		}
	}
	return m
}()
