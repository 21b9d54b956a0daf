package access_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/security.md names a test for each line, and the test exists.
func TestDocsNameTestsThatAreThere(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tables, _ := strings.Cut(string(doc), "## Threats")
	tests := tested(t)
	// A test, perhaps one part of it, or a file of tests in this folder.
	named := regexp.MustCompile("`(?:(Test\\w+)(?:/(\\w+))?|(\\w+_test\\.go))`")
	rows := 0
	for line := range strings.Lines(tables) {
		for _, m := range named.FindAllStringSubmatch(line, -1) {
			test, part, file := m[1], m[2], m[3]
			if file != "" {
				if _, err := os.Stat(file); err != nil {
					t.Errorf("%s is named, and is not there", file)
				}
				continue
			}
			if source := tests[test]; source == nil {
				t.Errorf("%s is named, and is not there", test)
			} else if part != "" && !bytes.Contains(source, []byte(`t.Run("`+part+`"`)) {
				t.Errorf("%s has no part %s", test, part)
			}
		}
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 || strings.HasPrefix(cells[1], "---") {
			continue
		}
		by := strings.TrimSpace(cells[3])
		if by == "tried" || by == "shown by" {
			continue // the head
		}
		if rows++; !named.MatchString(by) && by != "the same" && !strings.HasPrefix(by, "no test: ") {
			t.Errorf("nothing shows it: %s", line)
		}
	}
	if rows < 20 {
		t.Errorf("%d rows of threats and of what remains, too few: has the page another form?", rows)
	}
}

// tested is the source of each test file, by the names of the tests in it.
func tested(t *testing.T) map[string][]byte {
	t.Helper()
	all, declared := map[string][]byte{}, regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	err := filepath.WalkDir("../..", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".." {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(file, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(file)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			all[string(m[1])] = source
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
