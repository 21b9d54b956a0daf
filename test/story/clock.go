package story

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Stories that wait for the next full minute of the clock on the wall: send
// windows and schedules know no seconds.

// shutNow is a send window that will not open while a story is told.
const shutNow = "in-half-a-day"

// Windows are the files of send windows that the services are to be given, by
// name. Of the minutes around now, each window "minute-N" is open in every
// third.
func Windows() map[string]string {
	now := time.Now().UTC()
	files := map[string]string{}
	add := func(name string, hours ...string) {
		week := object{}
		for day := time.Sunday; day <= time.Saturday; day++ {
			week[strings.ToLower(day.String())] = hours
		}
		data, err := json.Marshal(object{"schema": 1, "name": name, "about": "for a story", "zone": "UTC", "versions": []object{{
			"effective": "2025-01-01", "open": week,
			"sources": []object{{"url": "https://example.com", "says": "so", "read": "2026-11-23"}},
		}}})
		if err != nil {
			panic(err)
		}
		files[name+".json"] = string(data)
	}
	half := now.Add(12 * time.Hour).Truncate(time.Hour)
	add(shutNow, half.Format("15:04")+"-"+half.Add(59*time.Minute).Format("15:04"))
	for n := range 3 {
		var early, hours []string
		for i := range 15 {
			from := time.Duration((int(now.Unix()/60)/3+i)*3+n) * time.Minute
			at := time.Unix(0, 0).UTC().Add(from)
			to := at.Add(time.Minute).Format("15:04")
			if to == "00:00" {
				to = "24:00"
			}
			if span := at.Format("15:04") + "-" + to; at.Day() != now.Day() {
				early = append(early, span) // tomorrow, so it comes first in a day
			} else {
				hours = append(hours, span)
			}
		}
		add(fmt.Sprintf("minute-%d", n), append(early, hours...)...)
	}
	return files
}

// minute is the next full minute, not closer than a few seconds.
func minute() time.Time {
	return time.Now().Add(4 * time.Second).Truncate(time.Minute).Add(time.Minute)
}

// windowOpens: it is put off until the window opens, says why and until when,
// and is sent then.
func windowOpens(s *fixture, opens time.Time) (then func(*testing.T)) {
	m := s.newRequest("put-off", s.box.generateList(object{"contacts": 10}))
	m.SendWindow = fmt.Sprintf("minute-%d", opens.Unix()/60%3)
	c := s.request(m)
	put := until[*campaignv1.CampaignDeferred](c)
	check(s, "waits for", put.WaitsFor, campaignv1.CampaignDeferred_WAITS_FOR_WINDOW)
	check(s, "until", put.Until.AsTime(), opens.UTC())
	if !strings.Contains(put.Why, "policy "+m.SendWindow+" is shut") {
		s.Errorf("it is put off because %q", put.Why)
	}
	if waiting := s.command("ls", "--waiting", "--source", s.source); !strings.Contains(waiting, opens.UTC().Format("15:04")) {
		s.Errorf("who looks what is waiting does not see until when:\n%s", waiting)
	}
	check(s, "confirms while it is shut", c.atGateway().confirms(), 0)
	return func(t *testing.T) {
		s.T = t
		c.patience = max(time.Until(opens), 0) + patience
		check(s, "delivered", c.last().Delivered, 10)
		c.wantSentOnce()
		for _, k := range c.atGateway().Campaigns {
			if k.Confirms > 0 && k.Start.Before(opens) {
				s.Errorf("sent at %s, before the window opened at %s", k.Start, opens)
			}
		}
	}
}

// schedule is what `schedule show --json` prints.
type schedule struct {
	Paused  bool
	Fired   int
	LeftOut int `json:"left_out"`
	Skipped []struct{ ID, Local, Reason, Why string }
}

// schedule adds a schedule that comes every day at the next minute, and says
// which request id it will have.
func (s *fixture) schedule(id, template string, at time.Time) (requestID string) {
	s.Helper()
	s.command("schedule", "add", s.source+"."+id, "-f", template, "--at", at.UTC().Format("15:04"), "--zone", "UTC", "--by", "anna")
	return id + "-" + at.UTC().Format("20060102T1504")
}

func (s *fixture) scheduleNow(id string) (r schedule) {
	s.Helper()
	if err := json.Unmarshal([]byte(s.command("schedule", "show", s.source+"."+id, "--json")), &r); err != nil {
		s.Fatal(err)
	}
	return r
}

// schedules: three are added; one is left alone, one is paused, one is removed.
// Then their minute comes.
func schedules(s *fixture, at time.Time) (then func(*testing.T)) {
	template := s.file(object{"name": "Promemoria", "sender": "Bianchi", "text": "Ciao", "contactListId": s.box.generateList(object{"contacts": 10})})
	alive := s.schedule("alive", template, at)
	paused := s.schedule("paused", template, at)
	removed := s.schedule("removed", template, at)
	if next := s.command("schedule", "next", s.source+".alive", "-n", "1"); !strings.Contains(next, alive) {
		s.Fatalf("it comes next, in place of %s:\n%s", alive, next)
	}
	s.command("schedule", "pause", s.source+".paused", "--by", "anna")
	s.command("schedule", "rm", s.source+".removed", "--by", "anna")
	listed := s.command("schedule", "ls", s.source)
	for words, want := range map[string]bool{".alive ": true, "paused by anna": true, ".removed ": false} {
		if strings.Contains(listed, words) != want {
			s.Errorf("%q is listed: %v, want %v:\n%s", words, !want, want, listed)
		}
	}

	return func(t *testing.T) {
		s.T = t
		c := s.listen(alive)
		c.patience = max(time.Until(at), 0) + patience
		check(s, "delivered", c.last().Delivered, 10)
		c.wantEvents("CampaignCostCalculated", "CampaignConfirmed", "CampaignStats")
		c.wantSentOnce()
		requests, err := s.js.Stream(s.Context(), "CAMPAIGN_REQUESTS")
		if err != nil {
			s.Fatal(err)
		}
		first, err := requests.GetLastMsgForSubject(s.Context(), "campaign.v1.request."+c.key)
		if err != nil {
			s.Fatal(err)
		}
		if first.Time.Before(at) {
			s.Errorf("asked for at %s, before its time %s", first.Time, at)
		}

		// Its minute has passed; what fell into the pause is left out, and said.
		s.command("schedule", "resume", s.source+".paused", "--by", "anna")
		r := s.scheduleNow("paused")
		check(s, "asked for", r.Fired, 0)
		check(s, "left out", r.LeftOut, 1)
		if len(r.Skipped) != 1 || r.Skipped[0].ID != paused || r.Skipped[0].Reason != "paused" {
			s.Errorf("left out %+v, want %s, paused", r.Skipped, paused)
		}
		check(s, "still paused", r.Paused, false)
		check(s, "asked for by the one left alone", s.scheduleNow("alive").Fired, 1)

		// Each that was asked for is in the stream once; what was paused or removed
		// is not in it at all.
		s.request(s.newRequest("after", s.box.generateList(object{"contacts": 1}))).last()
		info, err := requests.Info(s.Context(), jetstream.WithSubjectFilter("campaign.v1.request."+s.source+".*"))
		if err != nil {
			s.Fatal(err)
		}
		for id, want := range map[string]uint64{alive: 1, paused: 0, removed: 0} {
			check(s, "requests "+id, info.State.Subjects["campaign.v1.request."+s.source+"."+id], want)
		}
	}
}
