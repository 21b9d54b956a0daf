package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
)

// The list has a column for accounts as soon as a campaign names one. Whoever has one
// account never sees it.
func TestTheListNamesAccounts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	print := func(all ...query.Campaign) string {
		var out bytes.Buffer
		table := newCampaignTable(&listing{t: Terminal{Out: &out}}, now)
		for _, c := range all {
			if err := table.take(c); err != nil {
				t.Fatal(err)
			}
		}
		if err := table.end(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	one := query.Campaign{Key: "shop-italia.bf", State: campaign.Sending, Since: now, Waiting: "because"}
	two := query.Campaign{Key: "studio-bianchi.bf", State: campaign.Sending, Since: now, Waiting: "because", Summary: campaign.Summary{Account: "bianchi"}}
	for name, tt := range map[string]struct {
		all         []query.Campaign
		first, last []string // what the first rows, and the last ones, have in the column; nil: there is none
	}{
		"None":  {[]query.Campaign{one, one}, nil, nil},
		"Some":  {[]query.Campaign{one, two}, []string{"-", "bianchi"}, nil},
		"Later": {append(aBlock(one), two), nil, []string{"bianchi"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blocks := strings.Split(print(tt.all...), "CAMPAIGN ")[1:]
			for i, want := range [][]string{tt.first, tt.last}[:len(blocks)] {
				lines := strings.Split(blocks[i], "\n")
				if has := strings.Contains(lines[0], "ACCOUNT"); has != (want != nil) {
					t.Fatalf("the heading is %q", lines[0])
				}
				for n, account := range want {
					if got := strings.Fields(lines[n+1])[accountColumn]; got != account {
						t.Errorf("row %d has the account %q, want %q", n+1, got, account)
					}
				}
			}
			if (tt.last != nil) != (len(blocks) == 2) {
				t.Errorf("%d headings", len(blocks))
			}
		})
	}
}

// aBlock is as many campaigns as one block has.
func aBlock(c query.Campaign) (all []query.Campaign) {
	for range blockRows {
		all = append(all, c)
	}
	return all
}
