package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// tidied is go.mod and go.sum of the service as go mod tidy would leave them. It
// runs over copies that take the contract from its folder, because go mod tidy does
// not heed go.work and would ask a proxy for a version that may not be there yet.
// The contract's own lines in go.sum are handed on as they are: once published they
// do not change, and before that only prepare knows them.
func (t tree) tidied() (mod, sum []byte, err error) {
	folder, err := os.MkdirTemp("", "staffetta-release-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(folder)
	beside, err := filepath.Abs(t.path(folders[contract]))
	if err != nil {
		return nil, nil, err
	}
	raw, err := os.ReadFile(t.path("go.mod"))
	if err != nil {
		return nil, nil, err
	}
	kept, err := os.ReadFile(t.path("go.sum"))
	if err != nil {
		return nil, nil, err
	}
	name := filepath.Join(folder, "go.mod")
	copied := fmt.Sprintf("%s\nreplace %s => %q\n", raw, contract, beside)
	err = errors.Join(os.WriteFile(name, []byte(copied), 0o644),
		os.WriteFile(filepath.Join(folder, "go.sum"), kept, 0o644))
	if err != nil {
		return nil, nil, err
	}
	if _, err := t.run("go", "mod", "tidy", "-modfile="+name); err != nil {
		return nil, nil, err
	}
	if raw, err = os.ReadFile(name); err != nil {
		return nil, nil, err
	}
	parsed, err := modfile.Parse(name, raw, nil)
	if err != nil {
		return nil, nil, err
	}
	if err := parsed.DropReplace(contract, ""); err != nil {
		return nil, nil, err
	}
	parsed.Cleanup()
	if mod, err = parsed.Format(); err != nil {
		return nil, nil, err
	}
	if sum, err = os.ReadFile(filepath.Join(folder, "go.sum")); err != nil {
		return nil, nil, err
	}
	return mod, joined(ownSums(kept), sum), nil
}

func (t tree) tidy() error {
	if _, err := t.run("go", "-C", folders[contract], "mod", "tidy"); err != nil {
		return err
	}
	mod, sum, err := t.tidied()
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(t.path("go.mod"), mod, 0o644), os.WriteFile(t.path("go.sum"), sum, 0o644))
}

// untidy says what tidy would change, as an error.
func (t tree) untidy() error {
	_, inContract := t.run("go", "-C", folders[contract], "mod", "tidy", "-diff")
	mod, sum, err := t.tidied()
	if err != nil {
		return err
	}
	for name, want := range map[string][]byte{"go.mod": mod, "go.sum": sum} {
		have, readErr := os.ReadFile(t.path(name))
		if readErr == nil && !bytes.Equal(have, want) {
			readErr = fmt.Errorf("%s is not tidy: run make tidy", name)
		}
		err = errors.Join(err, readErr)
	}
	return errors.Join(inContract, err)
}

// prepare writes a version into go.mod and go.work, and the contract's checksum as
// it lies here into go.sum. What others get for that version from then on has to be
// this contract: a later change of it asks for prepare again.
func (t tree) prepare(version string) error {
	if !semver.IsValid(version) || semver.Canonical(version) != version {
		return fmt.Errorf("%q is no version: say v1.2.3, or v1.2.3-rc.1", version)
	}
	before, err := t.replaced()
	if err != nil {
		return err
	}
	work, err := os.ReadFile(t.path("go.work"))
	if err != nil {
		return err
	}
	work = bytes.Replace(work, []byte(contract+" "+before+" =>"), []byte(contract+" "+version+" =>"), 1)
	if err := os.WriteFile(t.path("go.work"), work, 0o644); err != nil {
		return err
	}
	if _, err := t.run("go", "mod", "edit", "-require="+contract+"@"+version); err != nil {
		return err
	}
	if err := t.tidy(); err != nil {
		return err
	}
	ours, err := t.sums(version)
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(t.path("go.sum"))
	if err != nil {
		return err
	}
	return os.WriteFile(t.path("go.sum"), joined(ours, sum), 0o644)
}

// ownSums are the contract's lines of a go.sum.
func ownSums(sum []byte) (lines []string) {
	for line := range strings.Lines(string(sum)) {
		if strings.HasPrefix(line, contract+" ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// joined puts the contract's lines where go sorts them in a go.sum, instead of those
// that it has.
func joined(ours []string, sum []byte) []byte {
	lines := slices.DeleteFunc(slices.Collect(strings.Lines(string(sum))), func(line string) bool {
		return strings.HasPrefix(line, contract+" ")
	})
	at := slices.IndexFunc(lines, func(line string) bool { return line > contract+" " })
	if at < 0 {
		at = len(lines)
	}
	return []byte(strings.Join(slices.Insert(lines, at, ours...), ""))
}
