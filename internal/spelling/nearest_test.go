package spelling_test

import (
	"testing"

	"github.com/staffetta-io/staffetta/internal/spelling"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "rome", 4},
		{"rome", "rome", 0},
		{"roma", "rome", 1},
		{"rme", "rome", 1},
		{"rrome", "rome", 1},
		{"orme", "rome", 2}, // two that change places are two changes
		{"kitten", "sitting", 3},
		{"saturday", "sunday", 3},
	} {
		for _, d := range []int{spelling.Distance(tt.a, tt.b), spelling.Distance(tt.b, tt.a)} {
			if d != tt.want {
				t.Errorf("%q and %q: %d changes, want %d", tt.a, tt.b, d, tt.want)
			}
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"gateway.url", "gateway.key_file", "nats.url", "nats.creds"}
	for written, want := range map[string]string{
		"gatewy.url":     "gateway.url",
		"gateway.keyfle": "gateway.key_file",
		"nats.cred":      "nats.creds",
		"nats.url":       "nats.url",
		"nts.":           "",         // four changes of four
		"ats.uX":         "nats.url", // three of six
		"colour":         "",
		"":               "",
	} {
		if got := spelling.Nearest(written, known); got != want {
			t.Errorf("%q: %q was meant, want %q", written, got, want)
		}
	}
	if got := spelling.Nearest("log", []string{"lag", "lug"}); got != "lag" {
		t.Errorf("of two that are equally near it is %q, want the first", got)
	}
}
