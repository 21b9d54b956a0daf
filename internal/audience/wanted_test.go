package audience_test

import (
	"testing"

	"github.com/staffetta-io/staffetta/internal/audience"
)

// A number is found however it was written, and no other one is taken for it.
func TestANumberIsFoundAsItWasWritten(t *testing.T) {
	t.Parallel()
	w := audience.NewWanted("+393331234501")
	for _, tt := range []struct {
		given, region string
		is            bool
	}{
		{"+39 333 123 4501", "", true}, {"0039-333-1234501", "", true}, {"393331234501.0", "", true},
		{"333 1234501", "IT", true}, {"333 1234501", "", true}, {"(333) 1234501", "", true},
		{"333 1234501", "DE", false}, // a number of that plan, so another one
		{"+393331234502", "", false}, {"+413331234501", "", false}, {"", "", false}, {"ask Anna", "IT", false},
	} {
		if got := w.Is(tt.given, tt.region); got != tt.is {
			t.Errorf("%q of %q is the number: %t, want %t", tt.given, tt.region, got, tt.is)
		}
	}
	for text, want := range map[string]bool{`{"phoneNumber":"+393331234501"`: true, "tel 3331234501;": true, "tel 3331234502": false} {
		if got := w.Within([]byte(text)); got != want {
			t.Errorf("%q has the number: %t, want %t", text, got, want)
		}
	}
}
