package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/access"
)

func newAccessCerts(t Terminal) *cobra.Command {
	var hosts []string
	cmd := &cobra.Command{
		Use:   "certs FOLDER",
		Short: "Make the certificates with which NATS is reached over TLS",
		Long: `Make an authority and one certificate by it, for the NATS servers of these names and
addresses. Write three files into a folder, which is made if it is absent: ca.pem,
for the clients (nats.ca of the service, --tlsca of the nats command line), and
nats.pem and nats.key, for the servers. They are valid for ten years. The
authority's key is thrown away: for another name make all of them again, and give
all clients the new ca.pem. If you have an authority of your own, use its files
instead.

A file that is in the folder already is never overwritten.`,
		Example: `  staffetta access certs secrets/tls
  staffetta access certs secrets/tls --hosts nats.example.com,10.0.0.7`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("say into which folder: %s secrets/tls", cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			certs, err := access.NewCerts(hosts, time.Now())
			if err != nil {
				return usageError{err}
			}
			// The folder above may be that of the seeds: other users must not look into
			// it.
			if err := os.MkdirAll(filepath.Dir(args[0]), 0o700); err != nil {
				return err
			}
			if err := os.Mkdir(args[0], 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
			for _, f := range []struct {
				name    string
				content []byte
				mode    fs.FileMode
			}{{"nats.key", certs.Key, 0o600}, {"nats.pem", certs.Cert, 0o644}, {"ca.pem", certs.CA, 0o644}} {
				file, err := os.OpenFile(filepath.Join(args[0], f.name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
				if errors.Is(err, fs.ErrExist) {
					return fmt.Errorf("%w: nothing is written over; move it away, or take another folder", err)
				}
				if err != nil {
					return err
				}
				_, err = file.Write(f.content)
				if err := errors.Join(err, file.Close()); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintf(t.Out, "ca.pem, nats.pem and nats.key are in %s, for NATS at %s\n", args[0], strings.Join(hosts, ", "))
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&hosts, "hosts", []string{"localhost", "127.0.0.1", "nats", "nats-1", "nats-2", "nats-3"}, "names and addresses by which NATS is reached")
	return cmd
}
