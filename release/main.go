// Command release gets the two modules of this repository ready to be tagged: the
// service, and the contract that others import without it. Both bear the same
// version, which is the one of the contract that go.mod requires.
//
// It knows the files that carry that version, and what a published module is made
// of. It refuses to tag, to push, and to publish: a person does.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

const usage = `usage, from the root of the repository:

  go run ./release tidy             go mod tidy, of both modules
  go run ./release tidy -diff       say what that would change, and change nothing
  go run ./release prepare v1.2.3   write a version, and the contract's checksum, where they belong
  go run ./release licenses         the licences of all that the production binary is built from
  go run ./release notes v1.2.3     what CHANGELOG.md says of a version, or of what is unreleased
  go run ./release check            say what is missing before that version is tagged
`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	t := tree(".")
	switch {
	case len(args) == 1 && args[0] == "tidy":
		return t.tidy()
	case len(args) == 2 && args[0] == "tidy" && args[1] == "-diff":
		return t.untidy()
	case len(args) == 2 && args[0] == "prepare":
		return t.prepare(args[1])
	case len(args) == 1 && args[0] == "licenses":
		return t.licenses(out)
	case len(args) == 2 && args[0] == "notes":
		return t.notes(args[1], out)
	case len(args) == 1 && args[0] == "check":
		return t.check(out)
	}
	//lint:ignore ST1005 the usage is of several lines
	return errors.New(usage)
}
