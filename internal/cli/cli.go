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
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/staffetta-io/staffetta/internal/spelling"
)

// Exit codes, the same for every command; docs/operations.md has them for people.
const (
	exitOK      = 0 // it was done; if a campaign was waited for, it was sent
	exitWrong   = 1 // it failed, or the wait was over too early: a campaign may go on
	exitUsage   = 2 // it was typed wrongly, and nothing was done
	exitNot     = 3 // the campaign ended and was not sent, or could not do what was asked
	exitAside   = 4 // it was put aside as a dead letter: it has no effect
	exitUnknown = 5 // it is not known whether, or how much of it, was sent: look at the gateway; or doctor could not tell
)

// A Terminal is where a command runs: what it reads and writes.
type Terminal struct {
	// Name is how the program was called, for commands that people copy; empty:
	// "staffetta".
	Name     string
	In       io.Reader
	Out, Err io.Writer
	Env      []string // "NAME=value"
	// Width of Out in columns if it is a terminal, 0 if it is a file or pipe.
	Width int
	// Height of Out in lines if it is a terminal.
	Height int
	// Asked says that somebody sits at In, and can answer a question.
	Asked bool
	// Colour says that Out can show colours, and that they are wanted.
	Colour bool

	raw  io.Writer      // Out itself; see safe
	zone *time.Location // of the instants that it shows; nil: UTC
}

// Main runs the command line of this process and returns its exit code.
func Main() int {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-told
		// A second signal kills the process as usual. That is set up before the stop
		// begins to show: otherwise an early second signal would be lost.
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
	if code, ok := errors.AsType[exitError](err); ok {
		return int(code)
	}
	for line := range strings.Lines(called(root, t.Name, err.Error())) {
		fmt.Fprintf(t.Err, "staffetta: %s\n", strings.TrimSuffix(line, "\n"))
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if errors.As(err, new(asideError)) {
		return exitAside
	}
	if errors.As(err, new(notError)) {
		return exitNot
	}
	return exitWrong
}

// called is a text whose commands are written as this program was called, so that people
// can copy them: bin/staffetta ls.
func called(root *cobra.Command, name, text string) string {
	for _, cmd := range root.Commands() {
		text = strings.ReplaceAll(text, " "+root.Name()+" "+cmd.Name(), " "+name+" "+cmd.Name())
	}
	return text
}

// usageError is a mistake in the command line, in the environment or in a file.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitError is an exit code whose message is already printed.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func newRoot(t Terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "staffetta",
		Short: "Bulk SMS campaigns as events: one event in, one campaign out",
		Long: `Staffetta takes a bulk SMS campaign through the partner's gateway: a backend
publishes one event, CampaignRequested; Staffetta creates, quotes, confirms and
follows the campaign, and publishes events about it on NATS.`,
		Example:                    tryFirst + "  staffetta serve --config prod.yaml the service",
		Version:                    buildLine(),
		SilenceUsage:               true,
		SilenceErrors:              true,
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
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		hint := ":"
		if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
			var known []string
			cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
			if near := spelling.Nearest(unknown.GetSpecifiedName(), known); near != "" {
				hint = ", did you mean --" + near + "?"
			}
		}
		return usageError{fmt.Errorf("%w%s %s --help lists the flags", err, hint, cmd.CommandPath())}
	})
	root.AddCommand(forTrying(t)...)
	root.AddCommand(newServe(t), newRequest(t), newCheck(t), newWatch(t), newLs(t), newShow(t), newWhy(t),
		newCancel(t), newResolve(t), newFollow(t), newDLQ(t), newVersion(t))
	root.AddCommand(newApprove(t), newProof(t), newDecline(t), newPromote(t), newBudget(t), newLint(t), newSchedule(t), newStreams(t), newAccess(t), newRecover(t), newDrafts(t), newDoctor(t), newHold(t), newRelease(t), newForget(t), newArchive(t), newExplain(t), newMan(t), newWeb(t), newAudience(t))
	grouped(root, t.Width)
	completeWords(t, root)
	return root
}

// noArgs refuses words after the command.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no %q: %s --help says what it takes", cmd.CommandPath(), args[0], cmd.CommandPath())}
	}
	return nil
}

// elsewhere adds to the error for an address in use the flags that choose another one.
func elsewhere(err error, flags ...string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: choose another with %s", err, strings.Join(flags, " or "))
	}
	return err
}

// plain removes from protobuf's errors the spaces that it varies on purpose.
func plain(err error) error {
	return errors.New(strings.ReplaceAll(err.Error(), "\u00a0", " "))
}
