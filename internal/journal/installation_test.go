package journal_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// yard is a server, and what its streams bear.
type yard struct {
	t  *testing.T
	nc *nats.Conn
	js jetstream.JetStream
	c  *journal.Client
}

func newYard(t *testing.T) *yard {
	t.Helper()
	nc := connect(t, startServer(t, -1, t.TempDir()))
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	c, err := journal.NewClient(nc)
	if err != nil {
		t.Fatal(err)
	}
	return &yard{t, nc, js, c}
}

func (y *yard) open() (*journal.Journal, error) {
	j, err := journal.Open(y.t.Context(), y.nc, journal.Options{})
	if err == nil {
		y.t.Cleanup(j.Close)
	}
	return j, err
}

func (y *yard) refused(want ...string) {
	y.t.Helper()
	_, err := y.open()
	if err == nil {
		y.t.Fatalf("opened, want an error with %q", want)
	}
	for _, text := range want {
		if !strings.Contains(err.Error(), text) {
			y.t.Errorf("got error %v\nwant one with %q", err, text)
		}
	}
}

// ids are the installations that the streams are of; "" for those without.
func (y *yard) ids() map[string]int {
	y.t.Helper()
	all, err := y.c.Streams(y.t.Context())
	if err != nil {
		y.t.Fatal(err)
	}
	ids := map[string]int{}
	for _, s := range all.All {
		if !s.Missing {
			ids[s.Installation]++
		}
	}
	return ids
}

func (y *yard) config(name string) jetstream.StreamConfig {
	y.t.Helper()
	s, err := y.js.Stream(y.t.Context(), name)
	if err != nil {
		y.t.Fatal(err)
	}
	return s.CachedInfo().Config
}

// change makes a stream again, empty, with something changed.
func (y *yard) change(name string, change func(*jetstream.StreamConfig)) {
	y.t.Helper()
	cfg := y.config(name)
	y.drop(name)
	change(&cfg)
	if _, err := y.js.CreateStream(y.t.Context(), cfg); err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) drop(names ...string) {
	y.t.Helper()
	for _, name := range names {
		if err := y.js.DeleteStream(y.t.Context(), name); err != nil {
			y.t.Fatal(err)
		}
	}
}

// unmark makes the streams those of a version before there were ids.
func (y *yard) unmark() {
	y.t.Helper()
	y.age()
	for s := range y.js.ListStreams(y.t.Context()).Info() {
		cfg := s.Config
		delete(cfg.Metadata, "staffetta.installation")
		delete(cfg.Metadata, "staffetta.layout")
		if _, err := y.js.UpdateStream(y.t.Context(), cfg); err != nil {
			y.t.Fatal(err)
		}
	}
}

// age makes the streams those of layout 1, in which commands lay beside the timers.
func (y *yard) age() {
	y.t.Helper()
	y.drop(journal.StreamCommands)
	for s := range y.js.ListStreams(y.t.Context()).Info() {
		cfg := s.Config
		cfg.Metadata["staffetta.layout"] = "1"
		switch cfg.Name {
		case journal.StreamWakeups:
			cfg.Subjects = append(cfg.Subjects, "campaign.v1.command.>")
		case journal.StreamRequests:
			// It cannot be purged any more, which no update takes back.
			cfg.Duplicates = 2 * time.Minute
		}
		if _, err := y.js.UpdateStream(y.t.Context(), cfg); err != nil {
			y.t.Fatal(err)
		}
	}
}

func (y *yard) tell(subject string) {
	y.t.Helper()
	if _, err := y.js.Publish(y.t.Context(), subject, nil); err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) mustOpen() *journal.Journal {
	y.t.Helper()
	j, err := y.open()
	if err != nil {
		y.t.Fatal(err)
	}
	return j
}

const anEvent, aRequest = "campaign.v1.event.shop-italia.bf-2026.rejected.1", "campaign.v1.request.shop-italia.bf-2026"

func TestInstallation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*yard){
		"GivesAllStreamsOneID": func(y *yard) {
			j := y.mustOpen()
			if _, err := j.Schedules(y.t.Context()); err != nil { // what comes later bears it too
				y.t.Fatal(err)
			}
			if _, err := journal.OpenBudgets(y.t.Context(), y.nc, 0); err != nil {
				y.t.Fatal(err)
			}
			ids := y.ids()
			if len(ids) != 1 || ids[""] != 0 {
				y.t.Errorf("streams by id: %v, want all under one", ids)
			}
			y.mustOpen()
			if diff := cmp.Diff(ids, y.ids()); diff != "" {
				y.t.Errorf("opened again (-before +after):\n%s", diff)
			}
		},
		"TwoThatStartAtOnceAgree": func(y *yard) {
			var all sync.WaitGroup
			errs := make([]error, 4)
			for i := range errs {
				all.Go(func() { _, errs[i] = y.open() })
			}
			all.Wait()
			if err := errors.Join(errs...); err != nil {
				y.t.Fatal(err)
			}
			if ids := y.ids(); len(ids) != 1 || ids[""] != 0 {
				y.t.Errorf("streams by id: %v, want all under one", ids)
			}
		},
		"OneThatDiedInBetweenIsFinished": func(y *yard) {
			y.mustOpen()
			ids := y.ids()
			// It makes the records first.
			y.drop(journal.StreamRequests, journal.StreamEvents, journal.StreamWakeups, journal.StreamCommands, journal.StreamDeadLetters)
			y.mustOpen()
			if diff := cmp.Diff(ids, y.ids()); diff != "" {
				y.t.Errorf("finished (-want +got):\n%s", diff)
			}
		},
		"RefusesStreamsOfTwoInstallations": func(y *yard) {
			y.mustOpen()
			y.change(journal.StreamEvents, func(c *jetstream.StreamConfig) { c.Metadata["staffetta.installation"] = "ANOTHER" })
			y.refused("CAMPAIGN_EVENTS of ANOTHER: they do not belong together", "restore all streams from one backup")
		},
		"RefusesBudgetsOfAnotherInstallation": func(y *yard) {
			y.mustOpen()
			if _, err := journal.OpenBudgets(y.t.Context(), y.nc, 0); err != nil {
				y.t.Fatal(err)
			}
			y.change(journal.StreamBudgets, func(c *jetstream.StreamConfig) { c.Metadata["staffetta.installation"] = "ANOTHER" })
			y.refused("KV_budgets of ANOTHER")
			if _, err := journal.FindBudgets(y.t.Context(), y.nc); err == nil || !strings.Contains(err.Error(), "they do not belong together") {
				y.t.Errorf("budgets of another installation are found: %v", err)
			}
		},
		"RefusesANewerLayout": func(y *yard) {
			y.mustOpen()
			y.change(journal.StreamEvents, func(c *jetstream.StreamConfig) { c.Metadata["staffetta.layout"] = "3" })
			y.refused("stream CAMPAIGN_EVENTS has layout 3, this version knows up to 2", "upgrade this one")
		},
		"RefusesEventsWithoutRecords": func(y *yard) {
			y.mustOpen()
			y.tell(anEvent)
			y.refused("stream KV_campaigns is empty, and CAMPAIGN_EVENTS holds 1 messages", "restore all streams from one backup")
			y.drop(journal.StreamRecords)
			y.refused("stream KV_campaigns is missing, and CAMPAIGN_EVENTS holds 1 messages")
		},
		"RefusesEventsWithoutRecordsThoughThereHaveBeenBudgets": func(y *yard) {
			y.mustOpen()
			if _, err := journal.OpenBudgets(y.t.Context(), y.nc, 0); err != nil {
				y.t.Fatal(err)
			}
			y.tell(anEvent)
			y.refused("stream KV_campaigns is empty")
		},
		"RefusesRequestsWithoutAPlaceForRecords": func(y *yard) {
			y.mustOpen()
			y.tell(aRequest)
			y.mustOpen() // nobody has handled it yet
			y.drop(journal.StreamRecords)
			y.refused("stream KV_campaigns is missing, and CAMPAIGN_REQUESTS holds 1 messages")
			y.unmark() // with ids or without
			y.refused("stream KV_campaigns is missing")
		},
		"RefusesEventsThatDieBeforeRequests": func(y *yard) {
			y.mustOpen()
			y.change(journal.StreamRequests, func(c *jetstream.StreamConfig) { c.MaxAge = 1000 * time.Hour })
			y.refused("stream CAMPAIGN_EVENTS has max_age 720h0m0s, less than the 1000h0m0s of CAMPAIGN_REQUESTS", "nats stream edit CAMPAIGN_EVENTS --max-age 1000h0m0s")
			y.change(journal.StreamEvents, func(c *jetstream.StreamConfig) { c.MaxAge = 0 })
			y.mustOpen()
			y.change(journal.StreamRequests, func(c *jetstream.StreamConfig) { c.MaxAge = 0 })
			y.mustOpen()
		},
		"StartsOnStreamsWithoutIDsAndSaysSo": func(y *yard) {
			j := y.mustOpen()
			_, rev, err := j.Load(y.t.Context(), key)
			if err != nil {
				y.t.Fatal(err)
			}
			if _, err := j.Save(y.t.Context(), runnertest.Sample(key), rev); err != nil {
				y.t.Fatal(err)
			}
			y.tell(anEvent)
			y.unmark()
			var log bytes.Buffer
			j, err = journal.Open(y.t.Context(), y.nc, journal.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				y.t.Fatal(err)
			}
			j.Close()
			if !strings.Contains(log.String(), "staffetta streams upgrade") {
				y.t.Errorf("the log says %s", log.String())
			}
			if ids := y.ids(); len(ids) != 1 || ids[""] == 0 {
				y.t.Errorf("streams by id: %v: the service changes no stream", ids)
			}
		},
		"UpgradeStampsThemAll": func(y *yard) {
			y.mustOpen()
			y.unmark()
			plan, err := y.c.PlanUpgrade(y.t.Context())
			if err != nil || len(plan.Steps) != 6 || plan.Installation == "" {
				y.t.Fatalf("planned %+v, %v", plan, err)
			}
			if ids := y.ids(); ids[""] != 5 {
				y.t.Errorf("a plan has changed something: %v", ids)
			}
			// It ends in between, and is run again.
			if err := y.c.Upgrade(y.t.Context(), journal.Upgrade{Installation: plan.Installation, Steps: plan.Steps[:2]}); err != nil {
				y.t.Fatal(err)
			}
			again, err := y.c.PlanUpgrade(y.t.Context())
			if diff := cmp.Diff(journal.Upgrade{Installation: plan.Installation, Steps: plan.Steps[2:]}, again); err != nil || diff != "" {
				y.t.Fatalf("planned again: %v (-want +got):\n%s", err, diff)
			}
			if err := y.c.Upgrade(y.t.Context(), again); err != nil {
				y.t.Fatal(err)
			}
			if ids := y.ids(); ids[plan.Installation] != 6 {
				y.t.Errorf("streams by id: %v", ids)
			}
			y.mustOpen()
		},
		"UpgradeChangesNothingWhereRecordsAreLost": func(y *yard) {
			y.mustOpen()
			y.unmark()
			y.tell(anEvent)
			if plan, err := y.c.PlanUpgrade(y.t.Context()); err == nil {
				y.t.Errorf("planned %+v", plan)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newYard(t))
		})
	}
}
