package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
)

func newVersion(t Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print which build this is",
		Long: `Print which build this is: the version that was installed, or the commit that it was
built from, with +dirty if something had been changed since. Go writes that into the
binary by itself. It is "dev" if Go does not know: without git, in a git worktree,
from a source archive, or with -buildvcs=false in GOFLAGS. What make release, make
image and make packages build is stamped with git describe.`,
		Example: "  staffetta version",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(t.Out, buildLine())
			return err
		},
	}
}

// buildLine is the build on one line: version, Go, system.
func buildLine() string {
	return fmt.Sprintf("staffetta %s %s %s/%s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// stamped is what make release writes into the binary: v1.2.3, or the nearest version with
// how many commits lie between, and the commit. It holds in a git worktree and in an
// image, where Go knows nothing of a commit.
var stamped, stampedAt string // of the commit, in RFC 3339

// version is what the build knows of itself: the module's version if it was installed
// as one, otherwise the commit.
func version() string {
	if stamped != "" {
		return stamped
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	return versionOf(info)
}

// built is when the commit was made that this is built from; 1970 if Go does not know.
func built() time.Time {
	if at, err := time.Parse(time.RFC3339, stampedAt); err == nil {
		return at.UTC()
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return at.UTC()
			}
		}
	}
	return time.Unix(0, 0).UTC()
}

func versionOf(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if revision == "" {
		return "dev"
	}
	return revision + dirty
}
