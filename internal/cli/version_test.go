package cli

import (
	"runtime/debug"
	"testing"
)

// A build shows the version that Go wrote into it.
func TestVersionOfABuild(t *testing.T) {
	t.Parallel()
	commit := []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "2fe1460874cf4e5b94b438c08a6b74724a26a9f0"}}
	for _, test := range []struct {
		name     string
		module   string
		settings []debug.BuildSetting
		want     string
	}{
		{"Installed", "v1.2.3", nil, "v1.2.3"},
		{"BuiltFromACommit", "v0.0.0-20261123204514-2fe1460874cf", commit, "v0.0.0-20261123204514-2fe1460874cf"},
		{"BuiltFromACommitByAnOlderGo", "(devel)", commit, "2fe1460874cf"},
		{"WithChanges", "(devel)", append(commit[:2:2], debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "2fe1460874cf+dirty"},
		{"WithoutChanges", "(devel)", append(commit[:2:2], debug.BuildSetting{Key: "vcs.modified", Value: "false"}), "2fe1460874cf"},
		{"WithoutVersionControl", "(devel)", nil, "dev"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			info := &debug.BuildInfo{Main: debug.Module{Version: test.module}, Settings: test.settings}
			if got := versionOf(info); got != test.want {
				t.Errorf("it is %q, want %q", got, test.want)
			}
		})
	}
}
