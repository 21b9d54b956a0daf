package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes, the same for every command; docs/operations.md has them for people.
const (
	exitOK      = 0 // it was done; a campaign that was waited for was sent
	exitWrong   = 1 // it failed, or was not waited for to the end: a campaign may go on
	exitUsage   = 2 // it was not understood, and nothing was done
	exitNot     = 3 // the campaign ended and was not sent, or could not obey
	exitAside   = 4 // it was put aside as a dead letter: nothing comes of it
	exitUnknown = 5 // nobody can say whether, or how much of it, was sent: look at the gateway
)

// A Terminal is where a command runs: what it reads and writes.
type Terminal struct {
	// Name is how the program was called, for commands to copy; empty:
	// "staffetta".
	Name     string
	In       io.Reader
	Out, Err io.Writer
	Env      []string // "NAME=value"
	// Width of Out in columns if a person looks at it, 0 if it is a file or pipe.
	Width int
	// Colour says that Out understands colours and that they are wanted.
	Colour bool

	raw io.Writer // Out itself; see safe
}

// Main runs the command line of this process and returns its exit code.
func Main() int {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-told
		// The second signal kills as ever, for somebody in a hurry: from before
		// anybody can see that stopping has begun, or it would be swallowed.
		signal.Stop(told)
		stop()
	}()
	return Run(ctx, system(), os.Args[1:])
}

// Run runs one command line until it is done, or ctx ends, and returns its
// exit code.
func Run(ctx context.Context, t Terminal, args []string) int {
	t.Name = cmp.Or(t.Name, "staffetta")
	t = t.safe()
	root := newRoot(t)
	root.SetArgs(args)
	root.SetIn(t.In)
	root.SetOut(t.Out)
	root.SetErr(t.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var code exitError
	if errors.As(err, &code) {
		return int(code)
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(t.Err, "staffetta: %s\n", strings.TrimSuffix(line, "\n"))
	}
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitWrong
}

// usageError is a mistake in what was typed, in the environment or in a file.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitError is a code for which everything has been said already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func newRoot(t Terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "staffetta",
		Short: "Bulk SMS campaigns as events: one event in, one campaign out",
		Long: `Staffetta takes a bulk SMS campaign through the partner's gateway: a backend
publishes one event, CampaignRequested; Staffetta creates, quotes, confirms and
follows the campaign, and tells everybody else through events on NATS.`,
		Example: `  staffetta demo                     see one campaign go its whole way
  staffetta dev                      everything on this machine, to try things out
  staffetta serve --config prod.yaml the service`,
		SilenceUsage:               true,
		SilenceErrors:              true,
		CompletionOptions:          cobra.CompletionOptions{HiddenDefaultCmd: true},
		SuggestionsMinimumDistance: 2,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			meant := ":"
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				meant = fmt.Sprintf(", did you mean %q?", near[0])
			}
			return usageError{fmt.Errorf("unknown command %q%s staffetta --help lists them", args[0], meant)}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w: %s --help lists the flags", err, cmd.CommandPath())}
	})
	root.AddCommand(newDemo(t), newDev(t), newServe(t), newRequest(t), newWatch(t), newLs(t), newShow(t), newWhy(t),
		newCancel(t), newResolve(t), newFollow(t), newDLQ(t), newSandbox(t), newVersion(t))
	root.AddCommand(newApprove(t), newDecline(t), newPromote(t), newBudget(t), newLint(t), newSchedule(t), newStreams(t), newAccess(t), newRecover(t), newDrafts(t), newDoctor(t), newHold(t), newRelease(t), newForget(t))
	return root
}

// noArgs refuses words after the command.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no %q: %s --help says what it takes", cmd.CommandPath(), args[0], cmd.CommandPath())}
	}
	return nil
}

// elsewhere adds to an address that is taken the flags that choose another.
func elsewhere(err error, flags ...string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: choose another with %s", err, strings.Join(flags, " or "))
	}
	return err
}

// plain takes out of protobuf's errors the spaces that it varies on purpose.
func plain(err error) error {
	return errors.New(strings.ReplaceAll(err.Error(), "\u00a0", " "))
}
