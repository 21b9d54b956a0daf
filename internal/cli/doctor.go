package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

func newDoctor(t Terminal) *cobra.Command {
	var o doctor.Options
	var account *string
	var asJSON, agreed bool
	rows := settingsOf("gateway.url", "gateway.key_file", "gateway.rate_per_minute", "gateway.timeout", "accounts")
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out which documentation a gateway speaks, before it is used",
		Long: `Find out which of the gateway's documentations this account speaks. It makes
harmless reads, and drafts under a mark of its own, which it removes. It confirms
nothing, and uses a tenth of the rate, so it takes some minutes on a trial account.

With --simulate it takes a simulated campaign to a list of at most five people, from
create to completed. Only that shows whether the gateway refuses to configure a
campaign that was sent. It also has to find out where the field "simulation"
belongs, so it may really send: it says so, and asks first.

It ends with a verdict in three sentences, and the lines for the configuration.
Exit code 0: safe. 1: unsafe. 2: wrong usage. 5: could not tell.`,
		Example: `  staffetta doctor --gateway-url https://gateway.example/api/partner-gateway/v1 --gateway-key-file key
  staffetta doctor --config staffetta.yaml --list 87 --simulate`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := resolve(cmd.Flags(), t.Env, rows)
			if err != nil {
				return err
			}
			if err := r.inAccount(*account); err != nil {
				return err
			}
			if err := prepare(&o, r); err != nil {
				return err
			}
			if o.Simulate && o.List == 0 {
				return usageError{errors.New("--simulate needs --list: the number of a list of at most five people who know of it")}
			}
			says := t.Out
			if asJSON {
				says = t.Err
			}
			o.Tell = func(f doctor.Finding) { printFinding(says, f) }
			o.Agree = func(s doctor.Stake) bool { return agreed || agree(t, says, s) }
			report, err := doctor.Examine(cmd.Context(), o)
			return conclude(t, report, err, asJSON)
		},
	}
	addSettings(cmd.Flags(), rows)
	f := cmd.Flags()
	account = addAccount(f)
	f.Int64Var(&o.List, "list", 0, "number of a contact list, for what needs one: a draft is calculated and priced, nothing is sent")
	f.StringVar(&o.Sender, "sender", "Staffetta", "sender of the drafts; one that the account may use")
	f.BoolVar(&o.Simulate, "simulate", false, "confirm a simulated campaign to --list; it may really send, at most 5 messages and 1 EUR")
	f.BoolVar(&agreed, "yes", false, "agree to the simulation without being asked")
	f.BoolVar(&asJSON, "json", false, "print the report as JSON, and what is done on standard error")
	return cmd
}

// prepare takes what the examination needs from the settings.
func prepare(o *doctor.Options, r resolved) error {
	var wrong []error
	o.URL, o.Timeout, o.Version = r.Gateway.URL, r.Gateway.Timeout, version()
	if r.origin["gateway.rate_per_minute"] != "default" {
		o.PerMinute = r.Gateway.RatePerMinute
	}
	if o.URL == "" {
		wrong = append(wrong, errors.New("--gateway-url is not set: give the gateway's base URL, for example https://gateway.example/api/partner-gateway/v1"))
	}
	if gateway.Unprotected(o.URL) && !r.Gateway.Insecure {
		wrong = append(wrong, fmt.Errorf("--gateway-url %q is http:// and leads beyond this machine, so the API key can be read on the way: use https://, or say --gateway-insecure", o.URL))
	}
	if r.Gateway.KeyFile == "" {
		wrong = append(wrong, errors.New("--gateway-key-file is not set: give the file that holds the API key"))
	} else if key, _, err := gateway.ReadKeyFile(r.Gateway.KeyFile); err != nil {
		wrong = append(wrong, fmt.Errorf("--gateway-key-file: %w: write the API key into it", err))
	} else {
		o.Key = string(key)
	}
	if len(wrong) > 0 {
		return usageError{errors.Join(wrong...)}
	}
	return nil
}

func printFinding(w io.Writer, f doctor.Finding) {
	fmt.Fprintf(w, "%s\n  came     %s\n  pages    %s\n  so       %s\n\n", f.Asked, f.Came, f.Page, f.Does)
}

// agree says what may happen, and asks for a yes.
func agree(t Terminal, w io.Writer, s doctor.Stake) bool {
	repeated := "No answer so far repeated the flag."
	if s.Repeated {
		repeated = "An answer repeated the flag, so it probably counts."
	}
	fmt.Fprintf(w, "A simulated campaign is about to be confirmed. %s\nIf the gateway ignores it, %d people get a message, for %s %s.\nConfirm it? Type yes: ", repeated, s.Recipients, s.Total, s.Currency)
	line, _ := bufio.NewReader(t.In).ReadString('\n')
	fmt.Fprintln(w)
	return strings.TrimSpace(line) == "yes"
}

// conclude prints the verdict, and returns its exit code.
func conclude(t Terminal, report doctor.Report, err error, asJSON bool) error {
	if err != nil {
		fmt.Fprintf(t.Err, "staffetta: %v\n", err)
		if asJSON {
			printReport(t.Out, report)
		}
		return exitError(exitUnknown)
	}
	v := report.Variant.Verdict()
	if asJSON {
		printReport(t.Out, report)
	} else {
		fmt.Fprintf(t.Out, "%s\n%s\n%s\n%s\n\n", strings.ToUpper(string(v.Judgement)), v.Works, v.Unresolved, v.Unsafe)
		if unknown := report.Variant.Unknown(); len(unknown) > 0 {
			fmt.Fprintf(t.Out, "Not known: %s.\n\n", strings.Join(unknown, ", "))
		}
		fmt.Fprintf(t.Out, "For the configuration:\n\n%s", report.Configuration())
	}
	switch v.Judgement {
	case doctor.Safe:
		return nil
	case doctor.Unsafe:
		return exitError(exitWrong)
	}
	return exitError(exitUnknown)
}

func printReport(w io.Writer, report doctor.Report) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(report) // it has only texts and numbers: it cannot fail, except for a closed pipe
}
