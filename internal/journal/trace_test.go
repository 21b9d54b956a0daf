package journal_test

import (
	"testing"

	"github.com/staffetta-io/staffetta/internal/journal"
)

// W3C Trace Context, sections 3.2.2 and 3.2.4.
func TestTraceparent(t *testing.T) {
	t.Parallel()
	const ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
	for _, c := range []struct{ name, text, want string }{
		{"TheFormOfToday", "00-" + ids + "-01", "00-" + ids + "-01"},
		{"ALaterVersion", "cc-" + ids + "-01", "00-" + ids + "-01"},
		{"ALaterVersionWithMore", "cc-" + ids + "-01-what-the-future-holds", "00-" + ids + "-01"},
		{"TodayHasNoMore", "00-" + ids + "-01-what", ""},
		{"VersionFF", "ff-" + ids + "-01", ""},
		{"TraceOfZeros", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""},
		{"ParentOfZeros", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", ""},
		{"UpperCase", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", ""},
		{"MoreWithoutADash", "cc-" + ids + "-01x", ""},
		{"Nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := journal.Traceparent(c.text); got != c.want {
				t.Errorf("%q: got %q, want %q", c.text, got, c.want)
			}
		})
	}
}
