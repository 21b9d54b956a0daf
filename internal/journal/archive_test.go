package journal_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// line is what a stranger reads of an archive, with nothing of ours.
type line struct {
	Key    string
	Stored time.Time
	Record struct {
		State    string
		Attempts []map[string]any
		Quote    map[string]any
		Approval map[string]any
		Request  map[string]any
	}
}

func readArchive(t *testing.T, file string) map[string]line {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string]line{}
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		if _, twice := all[l.Key]; twice {
			t.Errorf("%s is there twice", l.Key)
		}
		all[l.Key] = l
	}
	return all
}

func TestArchive(t *testing.T) {
	t.Parallel()
	b := setup(t, journal.Options{})
	august := time.Date(2026, 8, 31, 23, 59, 59, 0, time.UTC)
	now := time.Date(2026, 10, 2, 9, 0, 0, 0, time.UTC)
	save := func(id string, since time.Time, change func(*campaign.Campaign)) {
		t.Helper()
		c := runnertest.Sample(campaign.Key{Source: "shop-italia", RequestID: id})
		c.State, c.Since, c.Wake = campaign.Completed, since, time.Time{}
		c.Request.Name, c.Request.Text = "Black Friday", "Solo per te"
		c.Attempts = []campaign.Attempt{{Op: campaign.OpConfirm, Kind: campaign.OK, At: since}}
		if change != nil {
			change(&c)
		}
		_, rev, err := b.j.Load(t.Context(), c.Key)
		if err == nil {
			_, err = b.j.Save(t.Context(), c, rev)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	small := func(c *campaign.Campaign) { c.Attempts, c.Shortened = nil, now }
	save("august", august, nil)
	save("august-too", august, nil)
	save("september", august.Add(time.Second), nil)
	save("october", now.Add(-time.Hour), nil)
	save("open", august, func(c *campaign.Campaign) { c.State, c.Wake = campaign.Sending, now })
	save("unresolved", august, func(c *campaign.Campaign) { c.State = campaign.Unresolved })
	b.publish(t, &nats.Msg{Subject: "$KV.campaigns.shop-italia.gone", Header: nats.Header{"KV-Operation": {"DEL"}}})
	folder := t.TempDir()
	months, err := b.client.Archive(t.Context(), folder, now)
	if err != nil || len(months) != 2 || months[0].Month != "2026-08" || months[0].Campaigns != 2 || months[1].Campaigns != 1 {
		t.Fatalf("archived %+v, %v", months, err)
	}

	// The attempts leave one record, another one changes, and the archive is written again.
	save("august", august, small)
	save("august-too", august, func(c *campaign.Campaign) { c.State = campaign.Unreconciled })
	months, err = b.client.Archive(t.Context(), folder, now)
	if err != nil || months[0].Campaigns != 2 || months[0].Kept != 1 {
		t.Fatalf("archived %+v, %v", months, err)
	}
	file := filepath.Join(folder, "campaigns-2026-08.jsonl")
	all := readArchive(t, file)
	for id, state := range map[string]string{"shop-italia.august": "completed", "shop-italia.august-too": "unreconciled"} {
		l := all[id]
		if l.Record.State != state || len(l.Record.Attempts) != 1 || l.Record.Quote == nil || l.Stored.IsZero() {
			t.Errorf("%s is archived as %+v", id, l)
		}
		if l.Record.Request["said"] == "" {
			t.Errorf("%s: its request cannot be recognised: %+v", id, l.Record.Request)
		}
	}
	if len(all) != 2 {
		t.Errorf("archived are %v", all)
	}
	data, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(data), "Black Friday") || strings.Contains(string(data), "Solo per te") {
		t.Errorf("the archive has what was said to people (%v)", err)
	}

	// A record that is gone stays in the archive, and what is broken is not written over.
	b.publish(t, &nats.Msg{Subject: "$KV.campaigns.shop-italia.august", Header: nats.Header{"KV-Operation": {"DEL"}}})
	if _, err := b.client.Archive(t.Context(), folder, now); err != nil {
		t.Fatal(err)
	}
	if _, there := readArchive(t, file)["shop-italia.august"]; !there {
		t.Error("a campaign has left the archive")
	}
	if err := os.WriteFile(file, data[:len(data)-10], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.Archive(t.Context(), folder, now); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("a broken file is written over: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(folder, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind are %v, %v", left, err)
	}
}
