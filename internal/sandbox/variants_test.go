package sandbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

func TestUC006ToTheLetter(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{Variants: sandbox.Variants{UC006: true, ConfirmNoBody: true, ConfirmIs202: true}, Every: time.Minute})
	list := g.list(3)
	draft := g.created("draft")
	g.wants(404, refusal("path", "There is nothing at "+campaign(draft, "")), "GET", campaign(draft, ""), "")
	g.wants(404, refusal("path", "There is nothing at "+base+"/campaigns"), "GET", base+"/campaigns", "")
	g.get(204, "DELETE", campaign(draft, ""), "")
	g.get(404, "PUT", campaign(draft, ""), `{"text":"Ciao"}`)

	id := g.calculated(list, "Ciao")
	stats := fmt.Sprintf("%s/campaigns/stats?campaignId=%d", base, id)
	g.wants(404, refusal("campaignId", fmt.Sprintf("No statistics for campaign %d", id)), "GET", stats, "")
	g.wants(202, "", "PUT", campaign(id, "/confirm"), immediately)
	g.get(404, "GET", stats, "")
	g.get(404, "DELETE", campaign(id, ""), "") // because it runs
	g.get(400, "PUT", campaign(id, ""), `{"text":"Ciao"}`)
	g.clock.Add(time.Minute)
	equal(t, "figures", g.figures(id), "SENDING: 3 total, 1 sent, 0 delivered, 0 undelivered, 3 pending, 0.00 %")
	equal(t, "confirms", g.Seen().Confirms, 1)

	g.SetVariants(sandbox.Variants{UC006: true, NoDelete: true})
	g.get(405, "DELETE", campaign(g.created("another"), ""), "")
	g.get(405, "DELETE", campaign(9999, ""), "")
}

func TestReadsThatShowLess(t *testing.T) {
	t.Parallel()
	t.Run("DraftsOnly", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Variants: sandbox.Variants{ReadDraftsOnly: true}})
		id := g.calculated(g.list(3), "Ciao")
		equal(t, "status", g.status(id), "COST_CALCULATED")
		g.get(200, "PUT", campaign(id, "/confirm"), immediately)
		g.get(404, "GET", campaign(id, ""), "")
		equal(t, "figures", g.stats(id)["status"], any("CONFIRMED"))
	})
	t.Run("WithoutDescription", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Variants: sandbox.Variants{NoDescription: true}})
		made := g.get(200, "POST", base+"/campaigns", `{"name":"a","channel":"SMS","description":"the mark"}`)
		equal(t, "created", made["description"], any("the mark"))
		read := g.get(200, "GET", campaign(1542, ""), "")
		if _, has := read["description"]; has {
			t.Errorf("read shows %v", read["description"])
		}
		equal(t, "found by it", fmt.Sprint(g.get(200, "GET", base+"/campaigns?search=MARK", "")["totalElements"]), "1")
		g.SetVariants(sandbox.Variants{CreateNoDescription: true})
		made = g.get(200, "POST", base+"/campaigns", `{"name":"b","channel":"SMS","description":"the mark"}`)
		if _, has := made["description"]; has {
			t.Errorf("create shows %v", made["description"])
		}
		equal(t, "read", g.get(200, "GET", campaign(1543, ""), "")["description"], any("the mark"))
	})
}

// What a configure is answered, and what becomes of the campaign.
func TestConfigureVariants(t *testing.T) {
	t.Parallel()
	const (
		never = iota
		scheduled
		notStarted
		sending
	)
	for name, c := range map[string]struct {
		variants sandbox.Variants
		at       int
		status   int
		answers  string
		then     string
		charged  string
	}{
		"DraftByDefault":        {sandbox.Variants{}, never, 200, "CONFIGURED", "CONFIGURED", "0.00"},
		"DraftOnce":             {sandbox.Variants{ConfigureOnce: true}, never, 400, "", "COST_CALCULATED", "0.00"},
		"ScheduledByDefault":    {sandbox.Variants{}, scheduled, 400, "", "CONFIRMED", "35.00"},
		"ScheduledIsKept":       {sandbox.Variants{ConfigureKeeps: true}, scheduled, 200, "CONFIRMED", "CONFIRMED", "35.00"},
		"ScheduledIsUndone":     {sandbox.Variants{ConfigureUnconfirm: true}, scheduled, 200, "CONFIGURED", "CONFIGURED", "0.00"},
		"ScheduledBlindly":      {sandbox.Variants{ConfigureBlind: true}, scheduled, 200, "CONFIGURED", "CONFIRMED", "35.00"},
		"NotStartedIsKept":      {sandbox.Variants{ConfigureKeeps: true}, notStarted, 200, "CONFIRMED", "CONFIRMED", "35.00"},
		"NotStartedIsUndone":    {sandbox.Variants{ConfigureUnconfirm: true}, notStarted, 200, "CONFIGURED", "CONFIGURED", "0.00"},
		"SendingIsNotKept":      {sandbox.Variants{ConfigureKeeps: true}, sending, 400, "", "SENDING", "35.00"},
		"SendingIsNotUndone":    {sandbox.Variants{ConfigureUnconfirm: true}, sending, 400, "", "SENDING", "35.00"},
		"SendingBlindly":        {sandbox.Variants{ConfigureBlind: true}, sending, 200, "CONFIGURED", "SENDING", "35.00"},
		"UndoneGoesBeforeKept":  {sandbox.Variants{ConfigureUnconfirm: true, ConfigureKeeps: true}, scheduled, 200, "CONFIGURED", "CONFIGURED", "0.00"},
		"UndoneAlsoConfirmOnce": {sandbox.Variants{ConfigureUnconfirm: true, ConfigureOnce: true}, scheduled, 200, "CONFIGURED", "CONFIGURED", "0.00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := setup(t, sandbox.Options{Every: time.Second})
			id := g.calculated(g.list(1000), "Ciao")
			confirm := immediately
			if c.at == scheduled {
				confirm = `{"scheduledDate":"2026-04-09T10:00:00.000+0000"}`
			}
			if c.at != never {
				g.get(200, "PUT", campaign(id, "/confirm"), confirm)
			}
			if c.at == sending {
				g.clock.Add(10 * time.Second)
			}
			g.SetVariants(c.variants)
			answer := g.get(c.status, "PUT", campaign(id, ""), `{"text":"Altro"}`)
			if c.status == 200 {
				equal(t, "answers", answer["status"], any(c.answers))
			}
			equal(t, "then", g.status(id), c.then)
			seen := g.Seen()
			equal(t, "charged", seen.Charged.StringFixed(2), c.charged)
			equal(t, "available", g.Balance().Available.Add(seen.Charged.Decimal).StringFixed(2), "1500.00")
			if c.at != never { // it happened, also where it was undone
				equal(t, "confirms", seen.Confirms, 1)
			}
		})
	}

	t.Run("WhatIsUndoneIsConfirmedAgainAndCountsTwice", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Variants: sandbox.Variants{ConfigureUnconfirm: true}, Every: time.Second})
		id := g.confirmed(g.list(10))
		g.get(200, "PUT", campaign(id, ""), `{"text":"Altro"}`)
		g.get(400, "PUT", campaign(id, "/confirm"), immediately) // not calculated
		g.get(200, "POST", campaign(id, "/calculateGoal"), "")
		g.get(200, "PUT", campaign(id, "/confirm"), immediately)
		g.clock.Add(time.Minute)
		seen := g.Seen()
		equal(t, "seen", fmt.Sprint(seen.Confirms, seen.Messages, seen.MaxPerPhone, " ", seen.Charged.StringFixed(2)), "2 10 1 0.35")
	})
}

func TestSimulationIn(t *testing.T) {
	t.Parallel()
	for _, heeded := range []string{"", "create", "configure", "confirm", "nowhere"} {
		for _, in := range []string{"create", "configure", "confirm"} {
			t.Run(in+" heeded in "+heeded, func(t *testing.T) {
				t.Parallel()
				g := setup(t, sandbox.Options{Variants: sandbox.Variants{SimulationIn: heeded}})
				flag := func(body string) string {
					if body == in {
						return `"simulation":true,`
					}
					return ""
				}
				list := g.list(3)
				g.get(200, "POST", base+"/campaigns", `{`+flag("create")+`"name":"a","channel":"SMS"}`)
				g.get(200, "PUT", campaign(1542, ""), `{`+flag("configure")+fmt.Sprintf(`"sender":"Shop","text":"Ciao","contactListId":%d}`, list))
				g.get(200, "POST", campaign(1542, "/calculateGoal"), "")
				g.get(200, "PUT", campaign(1542, "/confirm"), `{`+flag("confirm")+`"sendImmediately":true}`)
				g.clock.Add(time.Hour)
				want := 3
				if heeded == "" || heeded == in {
					want = 0
				}
				equal(t, "messages", g.Seen().Messages, want)
			})
		}
	}
}

func TestEnvelopes(t *testing.T) {
	t.Parallel()
	for envelope, want := range map[sandbox.Body]string{
		"":              `application/json {"status":"fail","data":{"id":"Campaign 7 not found"}}`,
		sandbox.JSend:   `application/json {"status":"fail","data":{"id":"Campaign 7 not found"}}`,
		sandbox.Spring:  `application/json {"status":404,"error":"Not Found","message":"Campaign 7 not found"}`,
		sandbox.Problem: `application/problem+json {"type":"about:blank","title":"Not Found","status":404,"detail":"Campaign 7 not found"}`,
		sandbox.Own:     `application/json {"reason":"NOT_FOUND","explanation":"Campaign 7 not found"}`,
		sandbox.HTML:    "text/html <html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center></body></html>\n",
		sandbox.Empty:   " ",
	} {
		t.Run(string(envelope), func(t *testing.T) {
			t.Parallel()
			g := setup(t, sandbox.Options{Variants: sandbox.Variants{Envelope: envelope}})
			res, body, err := g.try("GET", campaign(7, ""), "")
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "answer", fmt.Sprint(res.StatusCode, " ", res.Header.Get("Content-Type"), " ", body), "404 "+want)
			equal(t, "a success", g.created("a"), 1542)
			g.fault(sandbox.Fault{Status: 404}) // by default in the same envelope
			_, told, _ := g.try("GET", campaign(1542, ""), "")
			equal(t, "as long as a real one", len(told) > 0, len(body) > 0)
			g.key = "wrong"
			res, _, _ = g.try("GET", campaign(7, ""), "")
			equal(t, "without a key", res.StatusCode, 401)
		})
	}
}
