// Command generate writes what others read of the contract: schemas for programs, pages
// for people, and how streams are made by hand. All of it is taken from the .proto files
// and from the Go values of which the service makes its streams.
//
// It knows the forms in which the contract is told: JSON Schema, AsyncAPI, Markdown, the
// nats command line, manifests of NACK. It refuses to know what a campaign does, and
// connects to nothing.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// write writes every file anew, and removes what is not generated any more.
func write(root string) error {
	all, err := files(root)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if err := os.RemoveAll(filepath.Join(root, folder)); err != nil {
			return err
		}
	}
	for name, data := range all {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
