package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
)

func newRecover(t Terminal) *cobra.Command {
	var yes, asJSON, restored bool
	var by string
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Campaigns whose record is lost: see them, and let the service handle them",
		Long: `A campaign that has events once had a record. A service that finds more than ten
without one stops, and a service that finds events without any record does not
start: a bucket was lost, or comes from a backup. This lists each request without a
record, what its events show, and what the service would do. It changes nothing.

With --yes it says, for the record, that a person has looked. Services go on within
seconds, and for a day they handle what was lost before. They send no campaign that
has an event with its quote: it is followed, or it has ended, or it becomes
unresolved and a person looks at the gateway. A campaign without events was never
confirmed, as long as the events are as new as the requests. After a restore look at
the gateway first, for campaigns that are newer than the backup (docs/disaster.md):
staffetta drafts shows those that bear our mark there. Where the budgets are lost,
--yes makes their stream anew, with none in it: start with budgets: required, which
confirms nothing before they are set again.

With --restored it is about streams that have just been restored, before any service
is started. It lists the campaigns that were under way in the backup, which may have
been sent since. With --yes it publishes for each, as an event, that this is not
known; the service then makes it unresolved and does not send it. Campaigns that you
name are treated in the same way: those that bear [staffetta KEY] at the gateway and
are newer than the backup. Name each with its number there, so that the service can
look at it.`,
		Example: `  staffetta recover
  staffetta recover --yes --by anna
  staffetta recover --restored
  staffetta recover --restored --yes --by anna shop-italia.black-friday-2026=1542`,
		Args: func(cmd *cobra.Command, args []string) error {
			if !restored {
				return noArgs(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if yes && strings.TrimSpace(by) == "" {
				return usageError{errors.New("--yes wants --by: say who has looked")}
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			if restored {
				return afterRestore(cmd.Context(), t, c, args, yes)
			}
			found, err := c.Streams(cmd.Context())
			if err != nil {
				return err
			}
			orphans, err := c.Orphans(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				for _, o := range orphans {
					if err := printLine(t.Out, orphanJSON(o)); err != nil {
						return err
					}
				}
			} else if err := printOrphans(t, orphans); err != nil {
				return err
			}
			if found.Wrong != nil {
				fmt.Fprintf(t.Err, "%s\n", found.Wrong)
			}
			if !yes {
				if !asJSON && (len(orphans) > 0 || found.Wrong != nil) {
					fmt.Fprintf(t.Out, "nothing was changed; %s recover --yes --by YOUR-NAME lets them be handled so\n", t.Name)
				}
				return nil
			}
			if err := c.Recover(cmd.Context(), by); err != nil {
				return err
			}
			_, err = fmt.Fprintln(t.Out, "services that stopped go on within seconds; start those that do not run")
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&yes, "yes", false, "let the service handle them")
	f.StringVar(&by, "by", "", "who has looked, for the record")
	f.BoolVar(&restored, "restored", false, "the streams have just been restored from a backup")
	f.BoolVar(&asJSON, "json", false, "a JSON object on each line")
	addSettings(f, rows)
	return cmd
}

// afterRestore handles campaigns that may have been sent after the backup was taken.
func afterRestore(ctx context.Context, t Terminal, c *client.Client, named []string, yes bool) error {
	doubts, err := c.Doubts(ctx)
	if err != nil {
		return err
	}
	for _, name := range named {
		name, number, numbered := strings.Cut(name, "=")
		key, err := campaign.ParseKey(name)
		if err != nil {
			return usageError{err}
		}
		i := slices.IndexFunc(doubts, func(d client.Doubt) bool { return d.Key == key })
		if i < 0 {
			i, doubts = len(doubts), append(doubts, client.Doubt{Key: key})
		}
		if !numbered {
			continue
		}
		if doubts[i].CampaignID, err = strconv.ParseInt(number, 10, 64); err != nil || doubts[i].CampaignID <= 0 {
			return usageError{fmt.Errorf("%q is no number of a campaign at the gateway: want %s=1542", number, key)}
		}
	}
	if len(doubts) == 0 {
		_, err := fmt.Fprintln(t.Out, "nothing was under way in the backup")
		return err
	}
	list := table{columns: []column{keyColumn("CAMPAIGN"), {head: "IN THE BACKUP"}, {head: "AT THE GATEWAY"}}}
	for _, d := range doubts {
		id := "look for [staffetta " + d.Key.String() + "]"
		if d.CampaignID != 0 {
			id += fmt.Sprintf(", campaign %d", d.CampaignID)
		}
		list.add(d.Key.String(), cmp.Or(string(d.State), "no record"), id)
	}
	if err := list.flush(t); err != nil {
		return err
	}
	fmt.Fprintf(t.Out, "\n%s may have been sent since\n", plural(int64(len(doubts)), "campaign"))
	if !yes {
		_, err := fmt.Fprintf(t.Out, "nothing was changed; with --yes --by YOUR-NAME they become unresolved when the service starts: %s resolve tells it what you saw\n", t.Name)
		return err
	}
	for _, d := range doubts {
		if err := c.Doubt(ctx, d); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(t.Out, "they are unresolved once the service has started: %s resolve tells it what you saw\n", t.Name)
	return err
}

func printOrphans(t Terminal, orphans []client.Orphan) error {
	if len(orphans) == 0 {
		_, err := fmt.Fprintln(t.Out, "every request that was handled has a record")
		return err
	}
	list := table{columns: []column{keyColumn("CAMPAIGN"), {head: "ASKED", spare: 1}, textColumn("ITS EVENTS", 2), textColumn("THE SERVICE", 0)}}
	for _, o := range orphans {
		list.add(o.Key.String(), age(time.Since(o.Stored)), orDash(strings.Join(types(o), ", ")), wouldDo(o))
		if len(list.rows) >= blockRows {
			if err := list.flush(t); err != nil {
				return err
			}
		}
	}
	if err := list.flush(t); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.Out, "\n%s without a record\n", plural(int64(len(orphans)), "request"))
	return err
}

// types are the events' types, each once.
func types(o client.Orphan) (all []string) {
	for _, e := range o.Told {
		if !slices.Contains(all, e.Type) {
			all = append(all, e.Type)
		}
	}
	return all
}

// wouldDo says what the rules do with a request without a record.
func wouldDo(o client.Orphan) string {
	confirmed := false
	for _, told := range o.Told {
		e, _ := told.Event()
		switch e.Type {
		case campaign.EventRejected, campaign.EventCancelled, campaign.EventFailed:
			return "knows its end: sends and tells nothing"
		case campaign.EventUnresolved:
			return "leaves it unresolved: look at the gateway"
		case campaign.EventStats:
			if e.Last {
				return "knows its end: sends and tells nothing"
			}
		}
		confirmed = confirmed || e.Type == campaign.EventConfirmed
	}
	switch {
	case confirmed:
		return "follows it: it was confirmed"
	case len(o.Told) > 0:
		return "asks a person: it may have been sent, look at the gateway"
	}
	return "handles it as if it was new: it was never quoted"
}

// orphan is a request without a record, for programs.
type orphan struct {
	Key      string    `json:"key"`
	Sequence uint64    `json:"sequence"`
	Stored   time.Time `json:"stored"`
	Events   []string  `json:"events,omitempty"`
	Does     string    `json:"does"`
}

func orphanJSON(o client.Orphan) orphan {
	return orphan{o.Key.String(), o.Sequence, o.Stored, types(o), wouldDo(o)}
}
