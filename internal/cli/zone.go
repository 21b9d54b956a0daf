package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/words"
)

// zoneFlag is the flag --zone: in which time zone instants are shown.
type zoneFlag struct {
	*time.Location        // once it is loaded
	name           string // as others know it: UTC, Europe/Rome
}

func (z *zoneFlag) add(f *pflag.FlagSet) {
	z.name = "UTC"
	f.StringVar(&z.name, "zone", z.name, "time zone of the instants: UTC, local, or a name as Europe/Rome")
}

// of is the terminal with its instants in the zone that was named.
func (z *zoneFlag) of(t Terminal) (Terminal, error) {
	if err := z.load(); err != nil {
		return t, usageError{err}
	}
	t.zone = z.Location
	return t, nil
}

// in is the zone in which instants are shown.
func (t Terminal) in() *time.Location {
	if t.zone == nil {
		return time.UTC
	}
	return t.zone
}

// zoned is a sentence of the service with its instants in the zone that was chosen.
func (t Terminal) zoned(text string) string { return words.Zoned(text, t.in()) }

// instant is an instant as people read it, in the zone that they chose.
func (t Terminal) instant(at time.Time) string { return at.In(t.in()).Format(time.RFC3339) }

// load reads the zone that was named.
func (z *zoneFlag) load() error {
	if z.name == "local" {
		z.name = localZone()
	}
	var err error
	if z.Location, err = calendar.Load(z.name); err != nil {
		return fmt.Errorf("--zone %w", err)
	}
	return nil
}

// localZone is the name of this machine's time zone.
func localZone() string {
	if name := time.Local.String(); name != "Local" {
		return name
	}
	if name := strings.TrimPrefix(os.Getenv("TZ"), ":"); name != "" {
		return name
	}
	file, err := filepath.EvalSymlinks("/etc/localtime")
	if _, name, found := strings.Cut(file, "zoneinfo/"); err == nil && found {
		return name
	}
	return "Local"
}
