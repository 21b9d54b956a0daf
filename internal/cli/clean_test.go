package cli_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// What the README's commands write is not taken for a change of the sources.
func TestReadmeLeavesTheCloneClean(t *testing.T) {
	t.Parallel()
	commands, err := shownCommands()
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := os.ReadFile("../../.gitignore")
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, c := range commands {
		for _, m := range regexp.MustCompile(`(?:> |--data \./)(\S+)`).FindAllStringSubmatch(c.line, -1) {
			written++
			if rule := regexp.MustCompile(`(?m)^/` + regexp.QuoteMeta(m[1]) + `/?$`); !rule.Match(ignored) {
				t.Errorf("%q writes %s, which .gitignore does not have", c.line, m[1])
			}
		}
	}
	if written == 0 {
		t.Error("the README's commands write nothing")
	}
}

// make help lists every target that people can make.
func TestMakeHelpListsEveryTarget(t *testing.T) {
	t.Parallel()
	listed, err := exec.Command("make", "-C", "../..", "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := regexp.MustCompile(`(?m)^\.PHONY: (.+)$`).FindAllSubmatch(makefile, -1)
	for _, m := range targets {
		for target := range strings.FieldsSeq(string(m[1])) {
			if !regexp.MustCompile(`(?m)^  ` + regexp.QuoteMeta(target) + ` `).Match(listed) {
				t.Errorf("make help does not list %s", target)
			}
		}
	}
	if len(targets) < 20 {
		t.Errorf("%d targets", len(targets))
	}
}
