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

	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// testServer is a server, and what its streams bear.
type testServer struct {
	t  *testing.T
	nc *nats.Conn
	js jetstream.JetStream
	c  *client.Client
}

func newTestServer(t *testing.T) *testServer {
	t.Helper()
	nc := connect(t, startServer(t, -1, t.TempDir()))
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return &testServer{t, nc, js, c}
}

func (y *testServer) open() (*journal.Journal, error) {
	j, err := journal.Open(y.t.Context(), y.nc, journal.Options{})
	if err == nil {
		y.t.Cleanup(j.Close)
	}
	return j, err
}

func (y *testServer) refused(want ...string) {
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
func (y *testServer) ids() map[string]int {
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

func (y *testServer) config(name string) jetstream.StreamConfig {
	y.t.Helper()
	s, err := y.js.Stream(y.t.Context(), name)
	if err != nil {
		y.t.Fatal(err)
	}
	return s.CachedInfo().Config
}

// change makes a stream again, empty, with something changed.
func (y *testServer) change(name string, change func(*jetstream.StreamConfig)) {
	y.t.Helper()
	cfg := y.config(name)
	y.drop(name)
	change(&cfg)
	if _, err := y.js.CreateStream(y.t.Context(), cfg); err != nil {
		y.t.Fatal(err)
	}
}

func (y *testServer) drop(names ...string) {
	y.t.Helper()
	for _, name := range names {
		if err := y.js.DeleteStream(y.t.Context(), name); err != nil {
			y.t.Fatal(err)
		}
	}
}

// unmark makes the streams those of a version before there were ids.
func (y *testServer) unmark() {
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
func (y *testServer) age() {
	y.t.Helper()
	y.drop(streams.Commands)
	for s := range y.js.ListStreams(y.t.Context()).Info() {
		cfg := s.Config
		cfg.Metadata["staffetta.layout"] = "1"
		switch cfg.Name {
		case streams.Wakeups:
			cfg.Subjects = append(cfg.Subjects, "campaign.v1.command.>")
		case streams.Requests:
			// It cannot be purged any more, which no update takes back.
			cfg.Duplicates = 2 * time.Minute
		}
		if _, err := y.js.UpdateStream(y.t.Context(), cfg); err != nil {
			y.t.Fatal(err)
		}
	}
}

func (y *testServer) publish(subject string) {
	y.t.Helper()
	if _, err := y.js.Publish(y.t.Context(), subject, nil); err != nil {
		y.t.Fatal(err)
	}
}

func (y *testServer) mustOpen() *journal.Journal {
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
	for name, test := range map[string]func(*testServer){
		"GivesAllStreamsOneID": func(y *testServer) {
			j := y.mustOpen()
			if _, err := j.Schedules(y.t.Context()); err != nil { // what comes later bears it too
				y.t.Fatal(err)
			}
			if _, err := journal.OpenBudgets(y.t.Context(), access(y.t, y.nc), 0); err != nil {
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
		"TwoThatStartAtOnceAgree": func(y *testServer) {
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
		"OneThatDiedInBetweenIsFinished": func(y *testServer) {
			y.mustOpen()
			ids := y.ids()
			// It makes the records first.
			y.drop(streams.Requests, streams.Events, streams.Wakeups, streams.Commands, streams.DeadLetters)
			y.mustOpen()
			if diff := cmp.Diff(ids, y.ids()); diff != "" {
				y.t.Errorf("finished (-want +got):\n%s", diff)
			}
		},
		"RefusesStreamsOfTwoInstallations": func(y *testServer) {
			y.mustOpen()
			y.change(streams.Events, func(c *jetstream.StreamConfig) { c.Metadata["staffetta.installation"] = "ANOTHER" })
			y.refused("CAMPAIGN_EVENTS of ANOTHER: they do not belong together", "restore all streams from one backup")
		},
		"RefusesBudgetsOfAnotherInstallation": func(y *testServer) {
			y.mustOpen()
			if _, err := journal.OpenBudgets(y.t.Context(), access(y.t, y.nc), 0); err != nil {
				y.t.Fatal(err)
			}
			y.change(streams.Budgets, func(c *jetstream.StreamConfig) { c.Metadata["staffetta.installation"] = "ANOTHER" })
			y.refused("KV_budgets of ANOTHER")
			if _, err := journal.FindBudgets(y.t.Context(), access(y.t, y.nc)); err == nil || !strings.Contains(err.Error(), "they do not belong together") {
				y.t.Errorf("budgets of another installation are found: %v", err)
			}
		},
		"RefusesANewerLayout": func(y *testServer) {
			y.mustOpen()
			y.change(streams.Events, func(c *jetstream.StreamConfig) { c.Metadata["staffetta.layout"] = "3" })
			y.refused("stream CAMPAIGN_EVENTS has layout 3, this version knows up to 2", "upgrade this one")
		},
		"RefusesEventsWithoutRecords": func(y *testServer) {
			y.mustOpen()
			y.publish(anEvent)
			y.refused("stream KV_campaigns is empty, and CAMPAIGN_EVENTS holds 1 messages", "restore all streams from one backup")
			y.drop(streams.Records)
			y.refused("stream KV_campaigns is missing, and CAMPAIGN_EVENTS holds 1 messages")
		},
		"TakesNoAnswerToAStandingOrderForACampaign": func(y *testServer) {
			y.mustOpen()
			y.publish("campaign.v1.event.@all.@standing.held.1")
			y.publish("campaign.v1.event.shop-italia.@standing.schedule_changed.2")
			y.mustOpen()
			y.publish(anEvent)
			y.refused("stream KV_campaigns is empty, and CAMPAIGN_EVENTS holds 1 messages")
		},
		"RefusesEventsWithoutRecordsThoughThereHaveBeenBudgets": func(y *testServer) {
			y.mustOpen()
			if _, err := journal.OpenBudgets(y.t.Context(), access(y.t, y.nc), 0); err != nil {
				y.t.Fatal(err)
			}
			y.publish(anEvent)
			y.refused("stream KV_campaigns is empty")
		},
		"RefusesRequestsWithoutAPlaceForRecords": func(y *testServer) {
			y.mustOpen()
			y.publish(aRequest)
			y.mustOpen() // nobody has handled it yet
			y.drop(streams.Records)
			y.refused("stream KV_campaigns is missing, and CAMPAIGN_REQUESTS holds 1 messages")
			y.unmark() // with ids or without
			y.refused("stream KV_campaigns is missing")
		},
		"RefusesEventsThatDieBeforeRequests": func(y *testServer) {
			y.mustOpen()
			y.change(streams.Requests, func(c *jetstream.StreamConfig) { c.MaxAge = 1000 * time.Hour })
			y.refused("stream CAMPAIGN_EVENTS has max_age 720h0m0s, less than the 1000h0m0s of CAMPAIGN_REQUESTS", "nats stream edit CAMPAIGN_EVENTS --max-age 1000h0m0s")
			y.change(streams.Events, func(c *jetstream.StreamConfig) { c.MaxAge = 0 })
			y.mustOpen()
			y.change(streams.Requests, func(c *jetstream.StreamConfig) { c.MaxAge = 0 })
			y.mustOpen()
		},
		"StartsOnStreamsWithoutIDsAndSaysSo": func(y *testServer) {
			j := y.mustOpen()
			_, rev, err := j.Load(y.t.Context(), key)
			if err != nil {
				y.t.Fatal(err)
			}
			if _, err := j.Save(y.t.Context(), runnertest.Sample(key), rev); err != nil {
				y.t.Fatal(err)
			}
			y.publish(anEvent)
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
		"SaysThatSchedulesAreLost": func(y *testServer) {
			var log bytes.Buffer
			open := func() {
				y.t.Helper()
				j, err := journal.Open(y.t.Context(), y.nc, journal.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))})
				if err == nil {
					_, err = j.Schedules(y.t.Context())
				}
				if err != nil {
					y.t.Fatal(err)
				}
				j.Close()
			}
			open()
			open()
			if log.Len() > 0 {
				y.t.Errorf("nothing is lost, and the log says %s", log.String())
			}
			y.drop(streams.Schedules)
			open()
			if !strings.Contains(log.String(), "no recurring campaign is asked for any more") || !strings.Contains(log.String(), streams.Schedules) {
				y.t.Errorf("the schedules are lost, and the log says %q", log.String())
			}
		},
		"UpgradeStampsThemAll": func(y *testServer) {
			y.mustOpen()
			y.unmark()
			plan, err := y.c.PlanUpgrade(y.t.Context())
			if err != nil || len(plan.Steps) != 7 || plan.Installation == "" {
				y.t.Fatalf("planned %+v, %v", plan, err)
			}
			if ids := y.ids(); ids[""] != 6 {
				y.t.Errorf("a plan has changed something: %v", ids)
			}
			// It ends in between, and is run again.
			if err := y.c.Upgrade(y.t.Context(), client.Upgrade{Installation: plan.Installation, Steps: plan.Steps[:2]}); err != nil {
				y.t.Fatal(err)
			}
			again, err := y.c.PlanUpgrade(y.t.Context())
			if diff := cmp.Diff(client.Upgrade{Installation: plan.Installation, Steps: plan.Steps[2:]}, again); err != nil || diff != "" {
				y.t.Fatalf("planned again: %v (-want +got):\n%s", err, diff)
			}
			if err := y.c.Upgrade(y.t.Context(), again); err != nil {
				y.t.Fatal(err)
			}
			if ids := y.ids(); ids[plan.Installation] != 7 {
				y.t.Errorf("streams by id: %v", ids)
			}
			y.mustOpen()
		},
		"UpgradeChangesNothingWhereRecordsAreLost": func(y *testServer) {
			y.mustOpen()
			y.unmark()
			y.publish(anEvent)
			if plan, err := y.c.PlanUpgrade(y.t.Context()); err == nil {
				y.t.Errorf("planned %+v", plan)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newTestServer(t))
		})
	}
}
