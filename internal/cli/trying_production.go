//go:build production

package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

const tryFirst = ""

// forTrying are the commands that this build has not: nothing in it can pretend to be a
// gateway, or be a NATS server. Whoever types one of them hears which build has it.
func forTrying(Terminal) (all []*cobra.Command) {
	for _, name := range []string{"demo", "dev", "sandbox"} {
		all = append(all, &cobra.Command{
			Use: name, Hidden: true, DisableFlagParsing: true,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return usageError{fmt.Errorf("%s is not in this build, which is for production: it has no sandbox and no NATS server; build the other one with make build, or take the image staffetta-dev", cmd.Name())}
			},
		})
	}
	return all
}
