// Command staffetta takes bulk SMS campaigns through the partner's gateway. It
// knows nothing but package cli, which knows what people type.
package main

import (
	"os"

	// Authorities to trust where the machine has none: an image from scratch.
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/staffetta-io/staffetta/internal/cli"
)

func main() { os.Exit(cli.Main()) }
