package sms_test

import (
	"testing"

	"github.com/staffetta-io/staffetta/internal/sms"
)

func TestSubstitute(t *testing.T) {
	for char, want := range map[rune]string{'’': "'", '–': "-", '…': "...", 'á': "a", 'Á': "A", 'ł': "l", '\u00a0': " ", 'ß': "ss", 'Š': "S"} {
		if got, found := sms.Substitute(char); !found || got != want {
			t.Errorf("%q: got %q %v, want %q", char, got, found, want)
		}
	}
	for _, char := range "😀漢я" {
		if got, found := sms.Substitute(char); found {
			t.Errorf("%q: got %q, want nothing: it would not read the same", char, got)
		}
	}
}

func TestSubstitutesAreInGSM7(t *testing.T) {
	for char := rune(0); char < 0x3000; char++ {
		s, found := sms.Substitute(char)
		if bad, _, outside := sms.Outside(s); found && outside {
			t.Errorf("%q: %q has %q, which is outside GSM-7 itself", char, s, bad)
		}
	}
}
