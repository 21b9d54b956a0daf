package audience

import (
	"bytes"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Wanted is a number that is looked for in what people have written.
type Wanted struct {
	e164     string
	national string // as it is dialled within its country, digits alone
	digits   string // in international form, without the plus
}

// NewWanted looks for a number in international form.
func NewWanted(e164 string) Wanted {
	w := Wanted{e164: e164, digits: strings.TrimPrefix(e164, "+")}
	if n, err := phonenumbers.Parse(e164, ""); err == nil {
		w.national = phonenumbers.GetNationalSignificantNumber(n)
	}
	return w
}

// Is says that a number as it was written is the one that is looked for. Where nothing says
// which country a national number is of, any is taken for the one of its country: who has
// something forgotten would rather forget too much.
func (w Wanted) Is(given, region string) bool {
	if n, err := Number(given, region); err == nil {
		return n == w.e164
	}
	if s, err := plain(given); err == nil {
		given = s
	}
	bare := strings.TrimLeft(strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, given), "0")
	return bare != "" && (bare == w.digits || bare == strings.TrimLeft(w.national, "0"))
}

// Within says that the number is somewhere in what cannot be read otherwise.
func (w Wanted) Within(data []byte) bool {
	return bytes.Contains(data, []byte(w.digits)) || len(w.national) >= minDigits && bytes.Contains(data, []byte(w.national))
}
