package calendar_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/calendar/calendartest"
)

var rewrite = flag.Bool("rewrite", false, "write zones.txt anew")

func TestMain(m *testing.M) { calendartest.Main(m) }

// The names that the binary knows are those whose rules it carries.
func TestZones(t *testing.T) {
	t.Parallel()
	names := calendartest.Every(t)
	if *rewrite {
		head := "# The IANA zones that Go knows, one a line. Written by `go test ./internal/calendar -rewrite`.\n"
		if err := os.WriteFile("zones.txt", []byte(head+strings.Join(names, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, name := range names {
		if _, err := calendar.Load(name); err != nil {
			t.Errorf("this toolchain has a zone that is not in zones.txt: %v; -rewrite writes it anew", err)
		}
	}
}
