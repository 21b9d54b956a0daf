package audience

import (
	"fmt"
	"iter"
	"strings"
	"unicode"
)

// Most is how many contacts an audience has at most.
const Most = 1_000_000

// Contact is one recipient as it was given.
type Contact struct {
	Place  Place
	Number string   // as it was written
	Values []string // of the fields that were asked for, in that order; empty: it has none. Only until the next contact is read
}

// Place is where a recipient was given: a line of a file, or which one of the recipients.
type Place struct {
	Line, Nth int // from 1; one of them is zero
}

// String is the place in words.
func (p Place) String() string {
	if p.Line > 0 {
		return fmt.Sprintf("line %d", p.Line)
	}
	return fmt.Sprintf("recipient %d", p.Nth)
}

// Contacts are recipients one after the other. They end with the first error.
type Contacts = iter.Seq2[Contact, error]

// Fault is why an audience is not read at all: it is not understood, and nothing of it is
// guessed.
type Fault struct {
	Place Place  // zero: the whole of it
	What  string // what is wrong and what to do; it holds nothing of a recipient
	Found string // what was found instead, perhaps of a recipient: only for whoever has the file
}

// Error says where, what and what to do.
func (f *Fault) Error() string {
	if f.Place == (Place{}) {
		return f.What
	}
	return f.Place.String() + ": " + f.What
}

// fault is one in a line of a file; zero: in the whole of it.
func fault(line int, format string, args ...any) *Fault {
	return &Fault{Place: Place{Line: line}, What: fmt.Sprintf(format, args...)}
}

// fold makes the names by which people mean the same field one: First Name, first_name,
// firstName.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '_', r == '-', r == '.', r == '\u200b', r == '\ufeff':
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// NumberField is the name of the number among the fields of a contact.
const NumberField = "phoneNumber"

// numberNames are the names by which people mean the number, folded.
var numberNames = map[string]bool{
	"phonenumber": true, "phone": true, "phoneno": true, "number": true, "mobile": true,
	"mobilephone": true, "mobilenumber": true, "cellphone": true, "cell": true, "msisdn": true,
	"tel": true, "telephone": true, "telephonenumber": true, "recipient": true, "to": true,
	"telefono": true, "cellulare": true, "numero": true, "numeroditelefono": true,
	"numerotelefono": true, "numerocellulare": true, "numerodicellulare": true,
	"telefonocellulare": true, "recapito": true, "destinatario": true,
	"téléphone": true, "portable": true, "teléfono": true, "móvil": true, "handy": true,
	"telefon": true, "telefonnummer": true, "handynummer": true, "mobilnummer": true,
}
