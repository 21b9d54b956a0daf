package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// groups are the commands by who needs them, in the order of the help.
var groups = []struct {
	id, title string
	commands  []string
}{
	{"try", "Try it:", []string{"demo", "dev", "sandbox"}},
	{"ask", "Ask for campaigns and follow them:", []string{"request", "check", "lint", "promote", "schedule", "audience", "watch", "ls", "show", "why"}},
	{"decide", "Decide about campaigns and money:", []string{"proof", "approve", "decline", "cancel", "hold", "release", "budget"}},
	{"mend", "When something went wrong:", []string{"resolve", "follow", "dlq", "drafts", "recover", "suppress", "forget"}},
	{"run", "Run the service:", []string{"serve", "web", "doctor", "access", "streams", "archive"}},
	{"know", "Know more:", []string{"explain", "version", "man", "completion", "help"}},
}

// grouped puts each command of the root into its group, and the flags of the connection
// into one of their own.
func grouped(root *cobra.Command, width int) {
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	for _, g := range groups {
		if !slices.ContainsFunc(root.Commands(), func(cmd *cobra.Command) bool { return !cmd.Hidden && slices.Contains(g.commands, cmd.Name()) }) {
			continue // none of them is in this build
		}
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, cmd := range root.Commands() {
			if slices.Contains(g.commands, cmd.Name()) {
				cmd.GroupID = g.id
			}
		}
	}
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), "{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}", fmt.Sprintf(
		"{{ownFlags . %d | trimTrailingWhitespaces}}{{end}}{{with connectionFlags . %[1]d}}\n\nConnection to NATS:\n{{. | trimTrailingWhitespaces}}{{end}}", width), 1))
}

func init() {
	cobra.AddTemplateFunc("ownFlags", func(cmd *cobra.Command, width int) string {
		return flagsOf(cmd, width, func(f *pflag.Flag) bool { return !connects(f) })
	})
	cobra.AddTemplateFunc("connectionFlags", func(cmd *cobra.Command, width int) string { return flagsOf(cmd, width, connects) })
}

// flagsOf is the help for some of a command's flags, in their order, and in so many
// columns; 0: as many as it takes.
func flagsOf(cmd *cobra.Command, width int, these func(*pflag.Flag) bool) string {
	some := pflag.NewFlagSet("", pflag.ContinueOnError)
	some.SortFlags = false
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if these(f) {
			some.AddFlag(f)
		}
	})
	return some.FlagUsagesWrapped(width)
}

// connects says that a flag is about the connection to NATS: it is the same with every
// command.
func connects(f *pflag.Flag) bool {
	s, ok := f.Value.(*settingFlag)
	return f.Name == "config" || ok && strings.HasPrefix(s.Key, "nats.")
}
