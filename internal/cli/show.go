package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
)

func newShow(t Terminal) *cobra.Command {
	var asJSON bool
	var zone zoneFlag
	rows := settingsOf("nats.")
	cmd := &cobra.Command{
		Use:   "show SOURCE.REQUEST-ID",
		Short: "Show the record of a campaign, whole",
		Long: `Print everything that is stored of a campaign: the request, the quote, the calls to
the gateway that are kept, what it waits for, what it still has to publish. For the
story in sentences, use why.

With --json it prints the record as it is stored.`,
		Example: `  staffetta show shop-italia.black-friday-2026
  staffetta show shop-italia.black-friday-2026 --json | jq .attempts`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := zone.of(t)
			if err != nil {
				return err
			}
			a := query.GetAsk{Key: args[0]}
			if err := a.Check(); err != nil {
				return usageError{err}
			}
			c, err := connect(cmd, t, rows)
			if err != nil {
				return err
			}
			defer c.Close()
			record, err := c.Reader().Get(cmd.Context(), a)
			if query.Is(err, query.NotFound) {
				key, _ := campaign.ParseKey(a.Key) // it has been checked
				return fmt.Errorf("%w%s %s why %s says whether somebody asked for it", err, cmp.Or(meantKey(cmd.Context(), c, key), ":"), t.Name, a.Key)
			}
			if err != nil {
				return err
			}
			if asJSON {
				_, err := fmt.Fprintf(t.Out, "%s\n", record.Record)
				return err
			}
			out, err := readable(record.Record, t.in())
			if err != nil {
				return fmt.Errorf("the record of %s is not JSON: %w", a.Key, err)
			}
			p := paint{t.Colour}
			_, err = fmt.Fprintf(t.Out, "%s  %s\n%s", p.bold(a.Key), p.dim("stored "+record.Stored.In(t.in()).Format("2006-01-02 15:04:05 MST")), out)
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	zone.add(f)
	f.BoolVar(&asJSON, "json", false, "the record as it is stored")
	addSettings(f, rows)
	return cmd
}

// oneKey wants the key of one campaign.
func oneKey(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("%s wants one campaign, as shop-italia.black-friday-2026; %s ls lists them", cmd.CommandPath(), cmd.Root().Name())}
	}
	return nil
}

// readable writes a JSON object for people, whatever is in it and in its own
// order: a name and its value on a line, groups indented, a list of objects as
// a line for each. So it shows what was added to the record yesterday, too.
func readable(data []byte, zone *time.Location) (string, error) {
	var out strings.Builder
	err := group(&out, data, zone, 1)
	return out.String(), err
}

// field is one member of an object.
type field struct {
	name  string
	value json.RawMessage
}

// fields takes an object apart, in its own order.
func fields(data json.RawMessage) ([]field, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("want an object: %w", err)
	}
	var all []field
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		f := field{name: strings.ReplaceAll(fmt.Sprint(name), "_", " ")}
		if err := d.Decode(&f.value); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// group writes an object, a member a line.
func group(out *strings.Builder, data json.RawMessage, zone *time.Location, depth int) error {
	all, err := fields(data)
	if err != nil {
		return err
	}
	margin := strings.Repeat("  ", depth)
	for _, f := range all {
		switch {
		case f.value[0] == '[':
			var list []json.RawMessage
			if err := json.Unmarshal(f.value, &list); err != nil {
				return err
			}
			fmt.Fprintf(out, "%s%s\n", margin, f.name)
			for _, one := range list {
				fmt.Fprintf(out, "%s  %s\n", margin, inline(one, zone))
			}
		case f.value[0] == '{' && len(f.value) > short:
			fmt.Fprintf(out, "%s%s\n", margin, f.name)
			if err := group(out, f.value, zone, depth+1); err != nil {
				return err
			}
		default:
			fmt.Fprintf(out, "%-*s  %s\n", 2*depth+16, margin+f.name, inline(f.value, zone))
		}
	}
	return nil
}

// short is how long an object may be to be written on one line.
const short = 80

// inline is any value on one line: an object as its names and values.
func inline(data json.RawMessage, zone *time.Location) string {
	all, err := fields(data)
	if err != nil {
		return inlineValue(data, zone)
	}
	if len(all) == 2 && all[0].name == "amount" && all[1].name == "currency" {
		return inline(all[0].value, zone) + " " + inline(all[1].value, zone)
	}
	var parts []string
	for _, f := range all {
		text := inline(f.value, zone)
		if f.value[0] == '{' && strings.Contains(text, " · ") {
			text = "(" + text + ")"
		}
		parts = append(parts, f.name+" "+text)
	}
	return strings.Join(parts, " · ")
}

// inlineValue is a value that is no object: text without its quotes, an instant to
// the millisecond.
func inlineValue(data json.RawMessage, zone *time.Location) string {
	var s string
	switch {
	case string(data) == "true":
		return "yes"
	case string(data) == "false":
		return "no"
	case json.Unmarshal(data, &s) != nil:
		return string(data)
	}
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return at.In(zone).Format("2006-01-02 15:04:05.000 MST")
	}
	return strings.Join(strings.Fields(s), " ")
}
