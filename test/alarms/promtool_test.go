package alarms_test

import (
	"os"
	"os/exec"
	"testing"
)

// The rules are rules, and ring when deploy/prometheus/rules_test.yaml says.
func TestTheRulesRingWhenTheyShould(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("promtool")
	if err != nil {
		const missing = "promtool is not here: apt-get install prometheus, and run the test again"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	for _, args := range [][]string{{"check", "rules", "--lint-fatal", "rules.yaml"}, {"test", "rules", "rules_test.yaml"}} {
		cmd := exec.Command(program, args...)
		cmd.Dir = root + "/deploy/prometheus"
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", args, err, said)
		}
	}
	// Files that a test opens are part of its cache key: without this a change of the
	// rules would not be seen.
	read(t, root+"/deploy/prometheus/rules_test.yaml")
	read(t, rulesFile)
}
