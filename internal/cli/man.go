package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newMan(t Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the manual pages into a folder",
		Long: `Write a manual page for each command, in section 1, from the same words as --help. A
package puts them where man looks for them.`,
		Example: `  staffetta man ~/.local/share/man/man1 && man staffetta-request`,
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("say into which folder: staffetta man ~/.local/share/man/man1")}
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the same build writes the same pages
			at := built()
			if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "staffetta " + version(), Manual: "Staffetta", Date: &at}, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(t.Out, "the pages are in %s: man %s/staffetta.1\n", args[0], args[0])
			return err
		},
	}
}
