package torture

import (
	"archive/zip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// olderVersion is a commit of this repository, in testdata/older-version: what runs
// somewhere while this version is being rolled out.
func olderVersion(t *testing.T) (binary string) {
	t.Helper()
	pinned, err := os.ReadFile("testdata/older-version")
	if err != nil {
		t.Fatal(err)
	}
	commit := strings.TrimSpace(string(pinned))
	binary = filepath.Join(scratch(t), "staffetta-"+commit[:12])
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	archive := filepath.Join(t.TempDir(), "source.zip")
	git := exec.Command("git", "archive", "--format=zip", "-o", archive, commit)
	git.Dir = root
	if out, err := git.CombinedOutput(); err != nil {
		t.Skipf("skipped: the rolling restart; the history has no commit %.12s here (%v: %s); fetch it with git fetch --unshallow", commit, err, strings.TrimSpace(string(out)))
	}
	source := t.TempDir()
	files, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if err := os.CopyFS(source, files); err != nil {
		t.Fatal(err)
	}
	if err := build(source, binary, "./cmd/staffetta"); err != nil {
		t.Fatal(err)
	}
	return binary
}

// Two services of an older version are replaced by this one, one after the other,
// while campaigns are under way in every state; for a while both versions work on
// the same campaigns. What the older one has stored, and what it waits for, is
// taken over as it stands.
func TestRollingRestartFromAnOlderVersion(t *testing.T) {
	t.Parallel()
	older := olderVersion(t)
	f := newFleet(t, "2m")
	f.serve(older)
	f.serve(older)
	f.ready()

	unanswered := sandbox.Fault{Operation: sandbox.Status, Status: 503, Times: 2}
	stages := [][]sandbox.Fault{
		nil,
		{held(sandbox.Create, sandbox.After)}, {held(sandbox.Configure, sandbox.Before)}, {held(sandbox.Calculate, sandbox.Before)},
		{held(sandbox.Confirm, sandbox.Before)}, {held(sandbox.Confirm, sandbox.After)},
		{cutBefore},
		{cutAfter, unanswered},
		{{Operation: sandbox.Calculate, Cut: true}, {Operation: sandbox.Delete, Status: 503, Times: 2}},
		{{Operation: sandbox.Confirm, Later: settle / 2}},
		{{Operation: sandbox.Stats, Status: 503, Times: 2}},
	}
	everywhere := func() {
		for _, rules := range stages {
			f.launch(rules...)
		}
	}
	everywhere()
	scheduled := fmt.Sprintf("c%d", len(f.ids))
	f.ids = append(f.ids, scheduled)
	f.ask(f.request(scheduled, at(time.Now().Add(8*time.Second))))

	for n := range 2 {
		f.serve(serviceProgram.path(t))
		f.ready()
		everywhere()
		f.services[n].stop()
		everywhere()
	}
	f.complete(f.ids)
	t.Log(f.judge(f.ids))
	f.buried(0)
}
