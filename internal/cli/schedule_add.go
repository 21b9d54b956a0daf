package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/schedule"
)

// exampleTemplate is what `schedule add --example` prints.
const exampleTemplate = `{
  "name": "Promemoria",
  "sender": "Bianchi",
  "text": "Gentile {{firstName}}, la aspettiamo questa settimana: {{appointment}}.",
  "contactListId": 88
}
`

func newScheduleAdd(t Terminal) *cobra.Command {
	var file, by string
	var replace, dry, example bool
	var w writing
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "add SOURCE.ID -f FILE --at HH:MM --zone ZONE --by NAME",
		Short: "Add a schedule, or change one",
		Long: `Add a schedule. The file holds the campaign that it asks for, as request -f takes
it, without what every occurrence has of its own: no request id, no instant, no
expiry. The schedule is checked before it is stored, and so is the campaign.

It comes every day, or on the --weekdays or --days of the month that are given,
at the local time of its zone, summer and winter. A day on which clocks go
forward may not have that time: it is shifted by what is left out (02:30 becomes
03:30), or left out with --missing-local-time skip. A day on which clocks go back
may have it twice: the first is meant, or with --repeated-local-time last the
last; never both.

If the campaign of the previous occurrence has not ended, the next one is left
out, or waits for it with --overlap queue. What was missed by more than ten
minutes, because the service was away, is left out; with --catch-up last the
latest is asked for all the same, with all each of them, unless they are later
than --catch-up-within. Nothing is sent later than --expires-after its time.`,
		Example: `  staffetta schedule add --example > reminder.json
  staffetta schedule add studio-bianchi.monday-reminder -f reminder.json \
    --weekdays monday --at 09:00 --zone Europe/Rome --by anna
  staffetta schedule add acqualuce.bills -f bill.json --days 1,last --at 10:30 \
    --zone Europe/Rome --catch-up last --catch-up-within 6h --by anna --dry-run`,
		Args: func(cmd *cobra.Command, args []string) error {
			if example {
				return noArgs(cmd, args)
			}
			return oneSchedule(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if example {
				_, err := io.WriteString(t.Out, exampleTemplate)
				return err
			}
			key, err := signed(args[0], by)
			if err != nil {
				return err
			}
			s, err := w.schedule(key)
			if err != nil {
				return usageError{err}
			}
			if s.Request, err = readTemplate(t, file); err != nil {
				return err
			}
			r, err := schedule.New(s, by, moment())
			if err != nil {
				return err
			}
			if err := app.CheckSchedule(r.Schedule, r.ChangedAt); err != nil {
				return err
			}
			if dry {
				fmt.Fprintf(t.Out, "%s is in order, and is not stored: %s\n", key, r.Rule())
				return printNext(t, r.Schedule, 10, false)
			}
			client, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer client.Close()
			old, rev, err := client.Schedule(cmd.Context(), key)
			done := "added"
			switch {
			case errors.Is(err, app.ErrNoSchedule):
			case err != nil:
				return err
			case !replace:
				return fmt.Errorf("there is a schedule %s already: %s, by %s: --replace changes it", key, old.Rule(), old.ChangedBy)
			default:
				done = "changed"
				if r, err = old.Change(s, by, moment()); err != nil {
					return err
				}
			}
			if err := client.PutSchedule(cmd.Context(), r, rev); err != nil {
				return changedMeanwhile(err)
			}
			fmt.Fprintf(t.Out, "%s %s: %s%s\n", key, done, r.Rule(), comesNext(r.Schedule))
			if r.Paused {
				fmt.Fprintln(t.Out, "it is still paused")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&file, "file", "f", "", "the campaign to ask for, in JSON; - reads the standard input")
	w.flags(f)
	f.StringVar(&by, "by", "", "who adds it, for the record")
	f.BoolVar(&replace, "replace", false, "change the schedule if there is one already; what came of it is kept")
	f.BoolVar(&dry, "dry-run", false, "check it, print when it comes, and store nothing")
	f.BoolVar(&example, "example", false, "print a campaign to begin with, and end")
	addSettings(f, rows)
	return cmd
}

// writing is a schedule as it is typed.
type writing struct {
	zone, at, start, end                string
	weekdays, days                      []string
	missing, repeated, overlap, catchUp string
	within, expires                     calendar.Duration
}

func (w *writing) flags(f *pflag.FlagSet) {
	f.StringVar(&w.at, "at", "", "local time of day, 09:00")
	f.StringVar(&w.zone, "zone", "", "time zone by its IANA name, Europe/Rome")
	f.StringSliceVar(&w.weekdays, "weekdays", nil, "on these days of the week: monday,thursday")
	f.StringSliceVar(&w.days, "days", nil, "on these days of the month: 1,15,last; a month without the day has none")
	f.StringVar(&w.start, "start", "", "first date, 2026-11-30")
	f.StringVar(&w.end, "end", "", "last date, 2027-06-30")
	f.StringVar(&w.missing, "missing-local-time", "shift", "on a day without that time: shift or skip")
	f.StringVar(&w.repeated, "repeated-local-time", "first", "on a day with that time twice: first or last")
	f.StringVar(&w.overlap, "overlap", "skip", "while the previous campaign has not ended: skip or queue")
	f.StringVar(&w.catchUp, "catch-up", "none", "what was missed while the service was away: none, last or all")
	f.Var(&lengthFlag{&w.within}, "catch-up-within", "how late a missed one may still be asked for, 6h")
	w.expires = calendar.Duration(24 * 3600 * 1e9)
	f.Var(&lengthFlag{&w.expires}, "expires-after", "how long after its time a campaign is worth sending")
}

// schedule is what was typed; an error names the flag.
func (w *writing) schedule(key schedule.Key) (s app.Schedule, err error) {
	s = app.Schedule{
		Key: key, Zone: w.zone,
		MissingTime: schedule.MissingTime(w.missing), RepeatedTime: schedule.RepeatedTime(w.repeated),
		Overlap: schedule.Overlap(w.overlap), CatchUp: schedule.CatchUp(w.catchUp),
		CatchUpWithin: w.within, ExpiresAfter: w.expires,
	}
	var wrong []error
	say := func(flag string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("--%s: %w", flag, err))
		}
	}
	s.At, err = calendar.ParseClock(w.at)
	say("at", err)
	for _, name := range w.weekdays {
		day, err := calendar.ParseWeekday(name)
		say("weekdays", err)
		s.Weekdays = append(s.Weekdays, day)
	}
	for _, name := range w.days {
		day, err := calendar.ParseDay(name)
		say("days", err)
		s.Days = append(s.Days, day)
	}
	if w.start != "" {
		s.Start, err = calendar.ParseDate(w.start)
		say("start", err)
	}
	if w.end != "" {
		s.End, err = calendar.ParseDate(w.end)
		say("end", err)
	}
	return s, errors.Join(wrong...)
}

// lengthFlag is a length of time as a flag.
type lengthFlag struct{ d *calendar.Duration }

func (l *lengthFlag) String() string {
	if l.d == nil || *l.d == 0 {
		return ""
	}
	return l.d.String()
}

func (l *lengthFlag) Set(s string) error { return l.d.UnmarshalText([]byte(s)) }

func (l *lengthFlag) Type() string { return "duration" }

// readTemplate reads the campaign that a schedule asks for.
func readTemplate(t Terminal, file string) (json.RawMessage, error) {
	var data []byte
	var err error
	switch file {
	case "":
		return nil, usageError{errors.New("no file: give the campaign to ask for with -f, or - for the standard input; --example prints one to begin with")}
	case "-":
		file = "standard input"
		data, err = io.ReadAll(t.In)
	default:
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	if !json.Valid(data) {
		return nil, fmt.Errorf("%s: it is not JSON", file)
	}
	return data, nil
}
