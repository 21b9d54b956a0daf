package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// screenOf is what a terminal shows after these bytes: it knows lines, and the codes by
// which they are taken back.
func screenOf(t *testing.T, out string) []string {
	t.Helper()
	lines := []string{""}
	for out != "" {
		if rest, up := strings.CutPrefix(out, "\x1b["); up {
			n, after, _ := strings.Cut(rest, "A\x1b[1G\x1b[J")
			count := 0
			for _, digit := range n {
				if digit < '0' || digit > '9' {
					t.Fatalf("the code %q is none that is expected", n)
				}
				count = 10*count + int(digit-'0')
			}
			if count > len(lines)-1 {
				t.Fatalf("it goes %d lines up, of %d", count, len(lines)-1)
			}
			lines = append(lines[:len(lines)-1-count], "")
			out = after
			continue
		}
		r, n := utf8.DecodeRuneInString(out)
		if out = out[n:]; r == '\n' {
			lines = append(lines, "")
		} else {
			lines[len(lines)-1] += string(r)
		}
	}
	return lines[:len(lines)-1]
}

// On a terminal each campaign that is being sent has one line, below what has happened.
func TestLive(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	at := func(key string, minutes int, kind string, m proto.Message) contract.StoredEvent {
		return contract.StoredEvent{Key: campaign.Key{Source: "shop-italia", RequestID: key}, Type: kind, Stored: began.Add(time.Duration(minutes) * time.Minute), Message: m}
	}
	eur := func(amount string) *campaignv1.Money { return &campaignv1.Money{Amount: amount, Currency: "EUR"} }
	confirmed := &campaignv1.CampaignConfirmed{ConfirmedAt: timestamppb.New(began), Start: &campaignv1.CampaignConfirmed_Immediate{Immediate: true}, Recipients: 9831, Total: eur("344.09")}
	stats := func(sent int64, last bool) *campaignv1.CampaignStats {
		return &campaignv1.CampaignStats{Status: campaignv1.CampaignStats_STATUS_SENDING, Total: 9831, Sent: sent, Pending: 9831 - sent, Last: last, ReadAt: timestamppb.New(began)}
	}
	events := []contract.StoredEvent{
		at("one", 0, "confirmed", confirmed), at("two", 0, "confirmed", confirmed), at("one", 5, "stats", stats(1000, false)),
		at("one", 10, "stats", stats(2000, false)), at("two", 20, "stats", stats(9831, true)),
	}
	for _, width := range []int{30, 60, 100} {
		var out bytes.Buffer
		l := live{t: Terminal{Out: &out, Width: width, Height: 24}.safe()}
		for _, e := range events {
			if err := l.event(e); err != nil {
				t.Fatal(err)
			}
		}
		shown := screenOf(t, out.String())
		last := shown[len(shown)-1]
		if !strings.Contains(last, "one") || !strings.Contains(last, "20 %") || strings.Contains(last, "\x1b") || utf8.RuneCountInString(last) >= width {
			t.Errorf("%d columns: the last line is %q", width, last)
		}
		if width == 100 && !(strings.Contains(last, "█") && strings.HasSuffix(last, "2,000 of 9,831 · 200/min · 39m left · 344.09 EUR")) {
			t.Errorf("the last line is %q", last)
		}
		all := strings.Join(shown, "\n")
		if strings.Count(all, "Z  shop-italia.one  confirmed") != 1 || strings.Count(all, "Z  shop-italia.two  stats") != 1 || strings.Contains(all, "one  stats") {
			t.Errorf("%d columns: the history is\n%s", width, all)
		}
		l.clear()
		if shown := screenOf(t, out.String()); strings.Contains(strings.Join(shown, "\n"), "20 %") {
			t.Errorf("%d columns: the line stays", width)
		}
	}

	// A file has each event as a line, in the zone that was asked for.
	var out bytes.Buffer
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	l := live{t: Terminal{Out: &out, zone: rome}.safe()}
	for _, e := range events {
		if err := l.event(e); err != nil {
			t.Fatal(err)
		}
	}
	if lines := strings.Count(out.String(), "\n"); lines != len(events) || !strings.HasPrefix(out.String(), "2026-11-27T09:00:00+01:00  shop-italia.one  confirmed  ") {
		t.Errorf("%d lines:\n%s", lines, &out)
	}
}

// The line of a simulation says that it is one, and that its cost is not spent.
func TestLiveSimulation(t *testing.T) {
	t.Parallel()
	eur := &campaignv1.Money{Amount: "344.09", Currency: "EUR"}
	began := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	l := live{t: Terminal{Out: &out, Width: 100, Height: 24}.safe()}
	e := contract.StoredEvent{Key: campaign.Key{Source: "shop-italia", RequestID: "dry-run"}, Type: "confirmed", Stored: began, Message: &campaignv1.CampaignConfirmed{
		Recipients: 9831, Total: eur, Simulation: true, ConfirmedAt: timestamppb.New(began), Start: &campaignv1.CampaignConfirmed_Immediate{Immediate: true}}}
	if err := l.event(e); err != nil {
		t.Fatal(err)
	}
	shown := screenOf(t, out.String())
	if last := shown[len(shown)-1]; !strings.HasSuffix(last, "  sim · 0 % · 0 of 9,831 · (344.09 EUR)") {
		t.Errorf("the line is %q", last)
	}
}
