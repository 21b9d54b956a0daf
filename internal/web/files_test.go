package web

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pagesOf are the templates as they are written.
func pagesOf(t *testing.T) (all []string) {
	t.Helper()
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		data, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(data))
	}
	return all
}

// sourcesOf is the package itself.
func sourcesOf(t *testing.T) (all []string) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") {
			all = append(all, string(data))
		}
	}
	return all
}

// Nothing in a page is inline, and nothing is fetched from elsewhere: the policy that
// every answer has would keep it from working.
func TestNothingIsInline(t *testing.T) {
	t.Parallel()
	for _, page := range pagesOf(t) {
		for _, no := range []string{"style=", "<style", " onclick", " onload", "javascript:", "http://", "https://"} {
			if strings.Contains(page, no) {
				t.Errorf("a page has %q:\n%.200s", no, page)
			}
		}
	}
}
