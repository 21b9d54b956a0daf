package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = ".."

// What others read is what the contract and the streams are today.
func TestWhatIsGeneratedIsUpToDate(t *testing.T) {
	t.Parallel()
	want, err := files(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range want {
		have, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || !bytes.Equal(have, data) {
			t.Errorf("%s is not what the contract says now (%v): run make generate, and commit what it writes", name, err)
		}
	}
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if name := strings.TrimPrefix(filepath.ToSlash(path), root+"/"); want[name] == nil {
				t.Errorf("%s is not generated any more: run make generate, and commit that it is gone", name)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
