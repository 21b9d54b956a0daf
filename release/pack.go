package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

// pack writes both modules into a folder as a module proxy would serve them once
// they are tagged: GOPROXY=file://folder.
func (t tree) pack(folder string) error {
	version, err := t.version()
	if err != nil {
		return err
	}
	for path := range folders {
		versions := filepath.Join(folder, path, "@v")
		if err := os.MkdirAll(versions, 0o755); err != nil {
			return err
		}
		m := module.Version{Path: path, Version: version}
		if err := t.zip(m, filepath.Join(versions, version+".zip")); err != nil {
			return err
		}
		mod, err := os.ReadFile(t.path(filepath.Join(folders[path], "go.mod")))
		if err != nil {
			return err
		}
		for name, data := range map[string]string{
			"list":            version + "\n",
			version + ".info": fmt.Sprintf(`{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, version),
			version + ".mod":  string(mod),
		} {
			if err := os.WriteFile(filepath.Join(versions, name), []byte(data), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// zip writes the module as go makes it of a repository: no module within a module,
// and the root's license where a module has none.
func (t tree) zip(m module.Version, name string) (err error) {
	all, err := t.files()
	if err != nil {
		return err
	}
	var files []modzip.File
	licensed := false
	for _, file := range all {
		inside, err := filepath.Rel(folders[m.Path], file)
		if err != nil || !filepath.IsLocal(inside) {
			continue
		}
		inside = filepath.ToSlash(inside)
		files = append(files, packed{inside, t.path(file)})
		licensed = licensed || inside == "LICENSE"
	}
	if !licensed {
		files = append(files, packed{"LICENSE", t.path("LICENSE")})
	}
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if closed := out.Close(); err == nil {
			err = closed
		}
	}()
	return modzip.Create(out, m, files)
}

// packed is a file of a module: where it lies inside, and in the tree.
type packed struct{ inside, file string }

func (p packed) Path() string                 { return p.inside }
func (p packed) Lstat() (os.FileInfo, error)  { return os.Lstat(p.file) }
func (p packed) Open() (io.ReadCloser, error) { return os.Open(p.file) }

// sums are the two lines of go.sum that belong to the contract as it lies here.
func (t tree) sums(version string) ([]string, error) {
	folder, err := os.MkdirTemp("", "staffetta-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	name := filepath.Join(folder, "contract.zip")
	if err := t.zip(module.Version{Path: contract, Version: version}, name); err != nil {
		return nil, err
	}
	whole, err := dirhash.HashZip(name, dirhash.Hash1)
	if err != nil {
		return nil, err
	}
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return os.Open(t.path(filepath.Join(folders[contract], "go.mod")))
	})
	return []string{
		fmt.Sprintf("%s %s %s\n", contract, version, whole),
		fmt.Sprintf("%s %s/go.mod %s\n", contract, version, mod),
	}, err
}
