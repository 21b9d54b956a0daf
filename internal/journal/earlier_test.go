package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// What an earlier version has stored is decided as that version decided: its records
// have the numbers of answers, and no causes. testdata/decisions has what followed upon
// each record of testdata/records with a number in it, as the last version without
// causes decided, whatever was answered.
func TestStoredRecordsAreDecidedAsBefore(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"0c04fff", "ce67acc"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join("testdata", "records", version, "*.json"))
			if err != nil || len(files) < 20 {
				t.Fatalf("%d records: %v", len(files), err)
			}
			var b strings.Builder
			for _, file := range files {
				stored := contents(t, file)
				c, err := DecodeRecord(goldenKey(t, stored), stored)
				if err != nil {
					t.Fatal(err)
				}
				for _, age := range []time.Duration{0, time.Hour} {
					fmt.Fprintf(&b, "\n%s, %s old\n", filepath.Base(file), age)
					f := campaign.Facts{Now: c.Wake, Age: age, Gateway: "https://gateway.example"}
					decide(&b, 1, "woken", c, campaign.Woken{}, f)
				}
			}
			want, err := os.ReadFile(filepath.Join("testdata", "decisions", version+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("another decision than before (-then +now):\n%s", diff)
			}
		})
	}
}

// replies are the answers to a call that are tried, one after the other.
var replies = map[campaign.Op][]struct {
	name string
	campaign.Outcome
}{
	campaign.OpLook: {{"nothing", campaign.Outcome{Kind: campaign.OK}}},
	campaign.OpStatus: {
		{"not found by id", campaign.Outcome{Kind: campaign.Refused, Cause: campaign.NotFound, ByID: true}},
		{"unconfirmed by id", campaign.Outcome{Kind: campaign.OK, ByID: true, Status: campaign.StatusUnconfirmed}},
		{"sending", campaign.Outcome{Kind: campaign.OK, Status: campaign.StatusSending}},
	},
	campaign.OpConfigure: {
		{"unconfirmed", campaign.Outcome{Kind: campaign.OK, Status: campaign.StatusUnconfirmed}},
		{"refused", campaign.Outcome{Kind: campaign.Refused}},
	},
	campaign.OpDelete: {
		{"accepted", campaign.Outcome{Kind: campaign.OK}},
		{"not found", campaign.Outcome{Kind: campaign.Refused, Cause: campaign.NotFound}},
		{"unsupported", campaign.Outcome{Kind: campaign.Refused, Cause: campaign.Unsupported}},
	},
	campaign.OpCreate: {
		{"refused", campaign.Outcome{Kind: campaign.Refused}},
		{"failing", campaign.Outcome{Kind: campaign.Unavailable, Cause: campaign.Failing}},
	},
}

// decide writes what follows upon an input, and upon every answer to what is called
// then, some calls deep.
func decide(b *strings.Builder, depth int, what string, c campaign.Campaign, in campaign.Input, f campaign.Facts) {
	d := campaign.Rules{}.Step(c, in, f)
	fmt.Fprintf(b, "%s%s → %s", strings.Repeat("  ", depth), what, d.Next.State)
	for _, e := range d.Next.Outbox {
		fmt.Fprintf(b, ", tell %s.%d", e.Type, e.N)
	}
	if d.Save {
		b.WriteString(", save")
	}
	if d.Call == nil {
		if d.Next.Reason != nil {
			fmt.Fprintf(b, ", %s", d.Next.Reason.Code)
		}
		if !d.Next.Wake.IsZero() {
			fmt.Fprintf(b, ", wake in %s", d.Next.Wake.Sub(f.Now).Round(time.Second))
		}
		b.WriteByte('\n')
		return
	}
	op := d.Call.Op
	fmt.Fprintf(b, ", call %s\n", op)
	if depth == 6 {
		return
	}
	for _, a := range replies[op] {
		a.Op = op
		decide(b, depth+1, string(op)+" "+a.name, d.Next, a.Outcome, f)
	}
}
