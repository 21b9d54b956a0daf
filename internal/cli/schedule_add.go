package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/staffetta-io/staffetta/internal/calendar"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/schedule"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
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
	var file string
	var replace, dry, example bool
	var w scheduleFlags
	var l laying
	cmd := &cobra.Command{
		Use:   "add SOURCE.ID -f FILE --at HH:MM --zone ZONE --by NAME",
		Short: "Add a schedule, or change one",
		Long: `Have the service add a schedule. The file has the campaign that it asks for, as
request -f takes it, but without what differs for each occurrence: no request id, no
instant, no expiry. The schedule and the campaign are checked before they are
stored.

It comes every day, or on the given --weekdays or --days of the month, at the local
time of its zone, summer and winter. On a day on which clocks go forward that time
may not exist: then it comes later by the missing time (02:30 becomes 03:30), or not
at all with --missing-local-time skip. On a day on which clocks go back that time
may come twice: the schedule comes at the first, or with --repeated-local-time last
at the last; never at both.

If the campaign of the previous occurrence has not ended, the next one is left out,
or waits for it with --overlap queue. An occurrence that is missed by more than ten
minutes, because the service was away, is left out. With --catch-up last the latest
one is asked for nevertheless, with --catch-up all each of them, unless they are
later than --catch-up-within. Nothing is sent later than --expires-after its time.`,
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
			key, err := schedule.ParseKey(args[0])
			if err != nil {
				return usageError{err}
			}
			s, err := w.schedule(key)
			if err != nil {
				return usageError{err}
			}
			if s.Request, err = readTemplate(t, file); err != nil {
				return err
			}
			r, err := schedule.New(s, l.by, recordNow())
			if err != nil {
				return err
			}
			if err := contract.CheckSchedule(r.Schedule, r.ChangedAt); err != nil {
				return err
			}
			if dry {
				fmt.Fprintf(t.Out, "%s is in order, and is not stored: %s\n", key, r.Rule())
				return printNext(t, r.Schedule, 10, false)
			}
			c, err := connect(cmd, t, l.rows)
			if err != nil {
				return err
			}
			defer c.Close()
			if err := requireName(c, l.by, "say who changes it"); err != nil {
				return err
			}
			old, err := scheduleNamed(cmd.Context(), c, key)
			switch {
			case errors.Is(err, client.ErrNoSchedule), query.Is(err, query.NotFound):
			case err != nil:
				return err
			case !replace:
				return fmt.Errorf("there is a schedule %s already: %s, by %s: --replace changes it", key, old.Rule(), old.ChangedBy)
			}
			m, err := w.order(s)
			if err != nil {
				return err
			}
			m.By, m.Replace, m.Version = l.by, replace, int32(old.Version)
			done, err := lay[*campaignv1.ScheduleChanged](cmd, c, &l, key.Source, contract.VerbAddSchedule, m)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.Out, "%s %s\n", key, saidOf(done, s.Zone))
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&file, "file", "f", "", "the campaign to ask for, in JSON or YAML; - reads the standard input")
	w.flags(f)
	f.BoolVar(&replace, "replace", false, "change the schedule if there is one already; what came of it is kept")
	f.BoolVar(&dry, "dry-run", false, "check it, print when it comes, and store nothing")
	f.BoolVar(&example, "example", false, "print a campaign to begin with, and end")
	l.flags(f, "who adds it")
	return cmd
}

// scheduleFlags is a schedule as it is typed.
type scheduleFlags struct {
	zone, at, start, end                string
	weekdays, days                      []string
	missing, repeated, overlap, catchUp string
	within, expires                     calendar.Duration
}

func (w *scheduleFlags) flags(f *pflag.FlagSet) {
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

// schedule is the schedule that the flags describe; an error names the flag.
func (w *scheduleFlags) schedule(key schedule.Key) (s schedule.Schedule, err error) {
	s = schedule.Schedule{
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

// order is a valid schedule as the contract has it.
func (w *scheduleFlags) order(s schedule.Schedule) (*campaignv1.AddSchedule, error) {
	m := &campaignv1.AddSchedule{
		Id: s.ID, Request: new(campaignv1.CampaignRequested), Zone: s.Zone, At: s.At.String(), Weekdays: w.weekdays, Days: w.days, Start: w.start, End: w.end,
		MissingLocalTime: w.missing, RepeatedLocalTime: w.repeated, Overlap: w.overlap, CatchUp: w.catchUp,
		ExpiresAfter: durationpb.New(time.Duration(w.expires)),
	}
	if w.within != 0 {
		m.CatchUpWithin = durationpb.New(time.Duration(w.within))
	}
	return m, contract.ReadJSON(s.Request, m.Request)
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

// readTemplate reads the campaign that a schedule asks for, from the same files as
// request does.
func readTemplate(t Terminal, file string) (json.RawMessage, error) {
	if file == "" {
		return nil, usageError{errors.New("no file: give the campaign to ask for with -f, or - for the standard input; --example prints one to begin with")}
	}
	m, err := readRequest(t, file)
	if err != nil {
		return nil, err
	}
	if m.Audience != nil {
		fmt.Fprintln(t.Err, "staffetta: audience is the same list each time, and is kept for 30 days at most: where people are others each time, publish them under a name (staffetta audience publish), and say namedAudience")
	}
	return protojson.Marshal(m)
}
