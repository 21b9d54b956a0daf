package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// The exit codes stand in one table of the docs, each of them once.
func TestExitCodesAreOneTable(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?m)^\| (?:exit )?code \| means \|\n\|[-:|]+\n((?:\|.*\n)+)`)
	row := regexp.MustCompile(`(?m)^\| (\d) \| `)
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var codes []int
		for _, rows := range table.FindAllSubmatch(text, -1) {
			for _, m := range row.FindAllSubmatch(rows[1], -1) {
				code, _ := strconv.Atoi(string(m[1]))
				codes = append(codes, code)
			}
		}
		want := []int(nil)
		if filepath.Base(page) == "operations.md" {
			want = []int{exitOK, exitWrong, exitUsage, exitNot, exitAside, exitUnknown}
		}
		if !slices.Equal(codes, want) {
			t.Errorf("%s has the codes %v, want %v", page, codes, want)
		}
	}
}
