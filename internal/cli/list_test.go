package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/query"
)

// lister answers with what there is.
type lister struct {
	query.Reader
	asked int
	all   func(asked int) []query.Campaign
}

func (l *lister) List(context.Context, query.ListAsk) (query.Campaigns, error) {
	l.asked++
	return query.Campaigns{Campaigns: l.all(l.asked)}, nil
}

// With --watch the list is drawn again every two seconds, on a screen that is cleared
// before, no longer than the screen is, until it is interrupted.
func TestListIsWatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := listing{t: Terminal{Out: &out, Width: 80, Height: 10}.safe()}
		if err := l.check("", true, time.Now()); err == nil {
			t.Error("without a zone there is no list")
		}
		l.zone.name = "UTC"
		if err := l.check("", true, time.Now()); err != nil {
			t.Fatal(err)
		}
		reader := &lister{all: func(asked int) (all []query.Campaign) {
			for i := range 20 {
				all = append(all, query.Campaign{Key: fmt.Sprintf("shop-italia.c-%d-%d", asked, i), State: campaign.Sending, Since: time.Now()})
			}
			return all
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := l.watch(ctx, reader); err != nil {
			t.Fatal(err)
		}
		pages := strings.Split(out.String(), "\x1b[H\x1b[2J")
		if reader.asked != 3 || len(pages) != 4 {
			t.Fatalf("it asked %d times, and drew %d pages", reader.asked, len(pages)-1)
		}
		for i, page := range pages[1:] {
			if !strings.Contains(page, fmt.Sprintf("c-%d-19", i+1)) || !strings.Contains(page, "the last 6 of 20 campaigns: 20 sending") || strings.Count(page, "\n") >= 10 {
				t.Errorf("page %d is\n%s", i+1, page)
			}
		}
	})
}

// A campaign whose record an earlier version saved is listed with what is known.
func TestListOfEarlierRecords(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := listing{t: Terminal{Out: &out}, zone: zoneFlag{name: "UTC"}}
	if err := l.check("", false, time.Now()); err != nil {
		t.Fatal(err)
	}
	reader := &lister{all: func(int) []query.Campaign {
		return []query.Campaign{{Key: "shop-italia.old", State: campaign.Sending, Since: time.Now(), Waiting: "it is held"}}
	}}
	if err := l.print(t.Context(), reader, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(strings.Fields(strings.Split(out.String(), "\n")[1]), " "); got != "shop-italia.old sending - - - - 0s - it is held" {
		t.Errorf("it is listed as %q", got)
	}
}

// earlier is a service of an earlier version: it knows no question for the newest.
type earlier struct {
	lister
}

func (l *earlier) List(ctx context.Context, a query.ListAsk) (query.Campaigns, error) {
	if a.Newest {
		return query.Campaigns{}, &query.Error{Code: query.BadQuestion, Text: `unknown field "newest"`}
	}
	return l.lister.List(ctx, a)
}

// The end of the list is there whether or not the service can begin with it.
func TestListEndsTheSameWay(t *testing.T) {
	t.Parallel()
	all := func(int) (all []query.Campaign) {
		for i := range 5 {
			all = append(all, query.Campaign{Key: fmt.Sprintf("shop-italia.c-%d", i), State: campaign.Completed, Since: time.Now()})
		}
		return all
	}
	newest := func(int) []query.Campaign {
		two := all(0)[3:]
		slices.Reverse(two)
		return two
	}
	for want, reader := range map[string]query.Reader{
		"the last 2 of 5 campaigns: 5 completed": &earlier{lister{all: all}},
		"the last 2 campaigns: 2 completed":      &lister{all: newest},
	} {
		var out bytes.Buffer
		l := listing{t: Terminal{Out: &out}, zone: zoneFlag{name: "UTC"}, limit: 2}
		if err := l.check("", false, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := l.printNewest(t.Context(), reader, time.Now()); err != nil {
			t.Fatal(err)
		}
		three, four := strings.Index(out.String(), "c-3"), strings.Index(out.String(), "c-4")
		if strings.Contains(out.String(), "c-2") || three < 0 || four < three || !strings.Contains(out.String(), want) {
			t.Errorf("want c-3, c-4 and %q, got\n%s", want, out.String())
		}
	}
}
