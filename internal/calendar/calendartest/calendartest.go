// Package calendartest knows the zones of the Go toolchain, which are also those
// inside the binary, so that tests of calendars give the same on every machine.
// It is for tests only.
package calendartest

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Main runs a package's tests with the rules of the Go toolchain, whatever this
// machine has.
func Main(m *testing.M) {
	dir, err := unpack()
	if err != nil {
		fmt.Fprintln(os.Stderr, "the toolchain's zones:", err)
		os.Exit(1)
	}
	if err := os.Setenv("ZONEINFO", dir); err != nil {
		fmt.Fprintln(os.Stderr, "the toolchain's zones:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// unpack writes the toolchain's zones into a folder, one file each.
func unpack() (string, error) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	z, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(goroot)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return "", err
	}
	defer z.Close()
	dir, err := os.MkdirTemp("", "zoneinfo-")
	if err != nil {
		return "", err
	}
	return dir, os.CopyFS(dir, z)
}

// Every is the name of every zone that the toolchain knows.
func Every(t testing.TB) (names []string) {
	t.Helper()
	dir := os.Getenv("ZONEINFO")
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if name, _ := filepath.Rel(dir, file); err == nil && !d.IsDir() && name != "Factory" {
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 500 {
		t.Fatalf("the toolchain knows %d zones", len(names))
	}
	return names
}
