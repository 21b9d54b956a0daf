package torture

import (
	"archive/zip"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
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
		{delayRule(sandbox.Create, sandbox.After)}, {delayRule(sandbox.Configure, sandbox.Before)}, {delayRule(sandbox.Calculate, sandbox.Before)},
		{delayRule(sandbox.Confirm, sandbox.Before)}, {delayRule(sandbox.Confirm, sandbox.After)},
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
	f.waitUntilCompleted(f.ids)
	t.Log(f.judge(f.ids))
	f.wantDeadLetters(0)
}

// The streams that an older version made are upgraded while campaigns are under way,
// and while one service of that version still reads them beside two of this one. What is
// told to campaigns meanwhile is obeyed, or whoever tells it hears that it was not.
func TestStreamsAreUpgradedUnderCampaigns(t *testing.T) {
	t.Parallel()
	older := olderVersion(t)
	f := newFleet(t, "2m")
	old := f.serve(older)
	f.ready()
	for _, s := range []string{"CAMPAIGN_WAKEUPS", "CAMPAIGN_COMMANDS"} {
		_, err := f.js.Stream(t.Context(), s)
		if made := err == nil; made != (s == "CAMPAIGN_WAKEUPS") {
			t.Fatalf("%s: made %t, %v: the test does not test what it says", s, made, err)
		}
	}
	// Those that will be cancelled: later is scheduled for so long that nobody sends it.
	var later []string
	schedule := func() (id string) {
		t.Helper()
		id = fmt.Sprintf("later%d", len(later))
		later = append(later, id)
		f.ask(f.request(id, at(time.Now().Add(time.Hour))))
		f.waitForState(id, campaign.Confirmed)
		return id
	}
	cancel := func(ctx context.Context, id string) error {
		_, err := f.client.Cancel(ctx, campaign.Key{Source: f.source, RequestID: id}, "anna", "wrong price")
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	stages := [][]sandbox.Fault{
		nil,
		{delayRule(sandbox.Create, sandbox.After)}, {delayRule(sandbox.Calculate, sandbox.Before)}, {delayRule(sandbox.Confirm, sandbox.Before)}, {delayRule(sandbox.Confirm, sandbox.After)},
		{cutBefore}, {cutAfter, {Operation: sandbox.Status, Status: 503, Times: 2}},
		{{Operation: sandbox.Stats, Status: 503, Times: 2}},
	}
	everywhere := func() {
		for _, rules := range stages {
			f.launch(rules...)
		}
	}
	everywhere()
	must(cancel(t.Context(), schedule())) // beside the timers, by whom there is
	f.serve(serviceProgram.path(t))
	f.serve(serviceProgram.path(t))
	f.ready()
	everywhere()
	must(cancel(t.Context(), schedule()))

	// The upgrade is interrupted between its last two steps: no stream takes a command.
	between, after := schedule(), schedule()
	plan, err := f.client.PlanUpgrade(t.Context())
	must(err)
	if last := plan.Steps[len(plan.Steps)-1]; last.Stream != "CAMPAIGN_COMMANDS" {
		t.Fatalf("the last step is %+v", last)
	}
	everywhere()
	first := plan
	first.Steps = plan.Steps[:len(plan.Steps)-1]
	must(f.client.Upgrade(t.Context(), first))
	if err := cancel(t.Context(), between); err == nil || !strings.Contains(err.Error(), "no stream takes") {
		t.Errorf("a command between the two steps: %v", err)
	}
	everywhere()
	upgrade := exec.Command(serviceProgram.path(t), "streams", "upgrade", "--yes")
	upgrade.Env = append(os.Environ(), "STAFFETTA_NATS_URL="+f.url)
	if out, err := upgrade.CombinedOutput(); err != nil {
		t.Fatalf("streams upgrade: %v\n%s", err, out)
	}
	must(cancel(t.Context(), between)) // it is repeated
	must(cancel(t.Context(), after))
	everywhere()
	f.waitForState(after, campaign.Cancelled) // by a service that was there before the stream
	old.stop()
	// One that starts now finds the streams as they must be.
	f.serve(serviceProgram.path(t))
	f.ready()
	everywhere()

	f.waitUntilCompleted(f.ids)
	for _, id := range later {
		f.waitForState(id, campaign.Cancelled)
	}
	t.Log(f.judge(append(later, f.ids...)))
	f.wantDeadLetters(0)
	// An older service does not start any more, and says why.
	back := newProcess(t, "older", older, []string{"serve"}, old.env)
	back.start()
	if err := back.cmd.Wait(); err == nil {
		t.Error("a service of the older version ends well on upgraded streams")
	}
	back.cmd = nil
	if said, err := os.ReadFile(back.log.Name()); err != nil || !strings.Contains(string(said), "stream CAMPAIGN_WAKEUPS has subjects") {
		t.Errorf("it says %q, %v", tail(string(said), 500), err)
	}
}
