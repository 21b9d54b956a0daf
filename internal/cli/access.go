package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/access"
)

func newAccess(t Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "access",
		Short: "Which user may do what at NATS, from one table",
		Long: `Sources, people and their roles are one table. From it follow the accounts of the
NATS server: one for the service and its streams, one for each source, one for
people. docs/security.md says what they keep apart, and what they do not.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAccessPrint(t), newAccessConsumers(t), newAccessCerts(t))
	return cmd
}

func newAccessPrint(t Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "print TABLE",
		Short: "Print the accounts for the NATS server's configuration",
		Long: `Print the accounts that follow from a table, for the NATS server's configuration.
It connects to nothing. deploy/nats/access.yaml is a table to begin with.`,
		Example: `  staffetta access print access.yaml > accounts.conf`,
		Args:    oneTable,
		RunE: func(_ *cobra.Command, args []string) error {
			tab, err := readTable(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(t.Out, tab.Print(args[0]))
			return err
		},
	}
}

func newAccessConsumers(t Terminal) *cobra.Command {
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "consumers TABLE",
		Short: "Make the durable consumers for users that read events durably",
		Long: `Make the durable consumers of the sources and people that the table calls durable.
Each has its user's name and reads its events from the first that is still there.
Its user cannot change it, because the maker of a consumer decides where it
delivers. Consumers that exist already stay as they are. It needs the operator's
rights.`,
		Example: `  staffetta access consumers access.yaml --nats-context operator`,
		Args:    oneTable,
		RunE: func(cmd *cobra.Command, args []string) error {
			tab, err := readTable(args[0])
			if err != nil {
				return err
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			for _, consumer := range tab.Consumers() {
				made, err := c.MakeConsumer(cmd.Context(), consumer.Name, consumer.Filter)
				if err != nil {
					return err
				}
				what := "is there"
				if made {
					what = "made"
				}
				if _, err := fmt.Fprintf(t.Out, "%s: %s, for %s\n", consumer.Name, what, consumer.Filter); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	addSettings(f, rows)
	return cmd
}

func oneTable(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("say which table: %s access.yaml", cmd.CommandPath())}
	}
	return nil
}

func readTable(file string) (access.Table, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return access.Table{}, err
	}
	tab, err := access.Parse(data)
	if err != nil {
		return tab, fmt.Errorf("%s: %w", file, err)
	}
	return tab, nil
}
