package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	links    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped  = regexp.MustCompile(`[^\w\- ]`)
)

// anchors are the parts of a page that a link may lead to.
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, h := range headings.FindAllStringSubmatch(page, -1) {
		all[strings.ReplaceAll(strings.ToLower(dropped.ReplaceAllString(h[1], "")), " ", "-")] = true
	}
	return all
}

// A link of the reference leads to a file that is there, and to a part of it that is there.
func TestTheReferenceHasNoDeadLinks(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(root, "docs/reference/*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatal("there is no reference", err)
	}
	followed := 0
	for _, page := range append(pages, filepath.Join(root, "docs/languages.md")) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range links.FindAllStringSubmatch(string(data), -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			followed++
			name, part, _ := strings.Cut(l[1], "#")
			to := page
			if name != "" {
				to = filepath.Join(filepath.Dir(page), name)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %s leads nowhere: %v", page, l[1], err)
				continue
			}
			if part == "" {
				continue
			}
			there, err := os.ReadFile(to)
			if err != nil || !anchors(string(there))[part] {
				t.Errorf("%s: %s has no part %q (%v)", page, l[1], part, err)
			}
		}
	}
	if followed < 50 {
		t.Errorf("%d links were followed: the reference is empty", followed)
	}
}
