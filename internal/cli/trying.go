//go:build !production

package cli

import "github.com/spf13/cobra"

const tryFirst = `  staffetta demo                     see one campaign go its whole way
  staffetta dev                      everything on this machine, to try things out
`

// forTrying are the commands that need the sandbox, or a NATS server on board.
func forTrying(t Terminal) []*cobra.Command {
	return []*cobra.Command{newDemo(t), newDev(t), newSandbox(t)}
}
