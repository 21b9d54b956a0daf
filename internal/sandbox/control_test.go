package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// Everything that the Go API can do, done over HTTP.
func TestControl(t *testing.T) {
	t.Parallel()

	t.Run("NeedsNoKeyAndLeavesNoTrace", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Rate: sandbox.Rate{PerMinute: 1}})
		g.key = ""
		for range 3 {
			g.get(200, "GET", "/sandbox/seen", "")
		}
		equal(t, "calls", len(g.Calls()), 0)
		all := g.get(200, "GET", "/sandbox/", "")["control"].([]any)
		equal(t, "controls", len(all), 21)
		g.get(404, "GET", "/sandbox/nothing", "")
	})

	t.Run("Contacts", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.wants(200, `{"contacts": 10247, "listId": 87}`, "POST", "/sandbox/contacts", `{"generate":{}}`)
		g.wants(200, `{"contacts": 50, "listId": 88}`, "POST", "/sandbox/contacts", `{"generate":{"name":"x","contacts":50,"malformed":5}}`)
		g.wants(200, `{"contacts": 2, "listId": 89}`, "POST", "/sandbox/contacts", `{"name":"mine","contacts":[{"phoneNumber":"+393331111111","customFields":{"code":"A"}},{"phoneNumber":"1"}]}`)
		g.wants(200, `{"contacts": 1, "listId": 89}`, "POST", "/sandbox/contacts", `{"listId":89,"contacts":[{"phoneNumber":"+393331111111"}]}`)
		for list, want := range map[int]string{
			87: "10247 total, 9831 valid, 416 invalid, 9831 parts",
			88: "50 total, 45 valid, 5 invalid, 45 parts",
			89: "3 total, 1 valid, 2 invalid, 1 parts",
		} {
			id := g.created("campaign")
			g.configure(id, list, "Ciao {{code}}")
			equal(t, "goal", g.goal(id), want)
		}
		for _, bad := range []string{
			`{"listId":99,"contacts":[]}`, `{"generate":{"contacts":1,"malformed":2}}`, `{"generate":{},"listId":87}`, `{"contact":[]}`, `[]`, ``,
		} {
			g.get(400, "POST", "/sandbox/contacts", bad)
		}
	})

	t.Run("OptOutsAndUnreachable", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.get(200, "POST", "/sandbox/contacts", `{"contacts":[{"phoneNumber":"+393331111111"},{"phoneNumber":"+393332222222"},{"phoneNumber":"+443333333333"},{"phoneNumber":"+393334444444"}]}`)
		id := g.created("campaign")
		g.configure(id, 87, "Ciao")
		g.get(204, "POST", "/sandbox/optouts", `{"numbers":["+393331111111","00393332222222"]}`)
		equal(t, "goal", g.goal(id), "4 total, 2 valid, 2 invalid, 2 parts")
		g.get(204, "DELETE", "/sandbox/optouts", `{"numbers":["+393331111111"]}`)
		g.get(204, "POST", "/sandbox/unreachable", `{"numbers":["+393334444444"],"prefixes":["+44"]}`)
		equal(t, "goal", g.goal(id), "4 total, 3 valid, 1 invalid, 3 parts")
		g.get(200, "PUT", campaign(id, "/confirm"), immediately)
		g.clock.Add(time.Hour)
		equal(t, "figures", g.figures(id), "COMPLETED: 3 total, 3 sent, 1 delivered, 2 undelivered, 0 pending, 33.33 %")
		equal(t, "error", g.get(400, "POST", "/sandbox/optouts", `{"numbers":["333"]}`)["error"],
			any(`number 1, "333": number is not in international format: it must begin with + or 00`))
		g.get(400, "DELETE", "/sandbox/optouts", `{"numbers":["333"]}`)
		g.get(400, "POST", "/sandbox/unreachable", `{"number":"333"}`)
	})

	t.Run("Credit", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.wants(200, `{"availableCredit": 120.00, "credit": 120.00, "frozenCredit": 0.00}`, "POST", "/sandbox/credit", `{"credit":"120.00"}`)
		g.wants(200, `{"availableCredit": 0.30, "credit": 0.30, "frozenCredit": 0.00}`, "POST", "/sandbox/credit", `{"credit":0.3}`)
		g.wants(200, `{"credit":0.30,"frozenCredit":0.00,"availableCredit":0.30}`, "GET", credit, "")
		for _, bad := range []string{`{"credit":-1}`, `{}`, `{"credit":"much"}`} {
			g.get(400, "POST", "/sandbox/credit", bad)
		}
		equal(t, "credit", fmt.Sprint(g.get(200, "GET", "/sandbox/credit", "")["credit"]), "0.30")
	})

	t.Run("KeysAndRate", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.get(204, "POST", "/sandbox/keys", `{"keys":["a","b"]}`)
		g.get(401, "GET", credit, "")
		g.key = "b"
		g.get(200, "GET", credit, "")
		g.get(204, "POST", "/sandbox/rate", `{"perMinute":2,"perSecond":1}`)
		g.get(200, "GET", credit, "")
		g.get(429, "GET", credit, "")
		g.get(400, "POST", "/sandbox/keys", `{"keys":[""]}`)
		g.get(400, "POST", "/sandbox/rate", `{"perMinute":-2}`)
	})

	t.Run("Clock", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.wants(200, `{"now": "2026-04-09T09:00:00Z", "speed": 1}`, "GET", "/sandbox/clock", "")
		g.wants(200, `{"now": "2026-04-09T10:30:00Z", "speed": 60}`, "POST", "/sandbox/clock", `{"advance":"1h30m","speed":60}`)
		for _, bad := range []string{`{"advance":"-1s"}`, `{"advance":"soon"}`, `{"speed":-1}`, `{"speed":1e9}`} {
			g.get(400, "POST", "/sandbox/clock", bad)
		}
		equal(t, "now", g.Now(), seedStart.Add(90*time.Minute))
	})

	t.Run("FaultsAndVariants", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.wants(200, `{"id": 1}`, "POST", "/sandbox/faults", `{"operation":"credit","status":503,"times":-1,"delay":"1ms"}`)
		g.wants(200, `{"id": 2}`, "POST", "/sandbox/faults", `{"operation":"search","status":500}`)
		g.get(503, "GET", credit, "")
		_, list := g.call("GET", "/sandbox/faults", "")
		equal(t, "faults", compact(t, list), `[{"id":1,"operation":"credit","times":-1,"status":503,"met":1,"struck":1,"delay":"1ms"},`+
			`{"id":2,"operation":"search","status":500,"met":0,"struck":0}]`)
		g.get(204, "DELETE", "/sandbox/faults?id=1", "")
		g.get(200, "GET", credit, "")
		g.get(500, "GET", base+"/campaigns", "")
		g.get(204, "DELETE", "/sandbox/faults", "")
		_, list = g.call("GET", "/sandbox/faults", "")
		equal(t, "faults", compact(t, list), "[]")
		g.get(400, "POST", "/sandbox/faults", `{"operation":"credit","statsu":503}`)
		g.get(400, "POST", "/sandbox/faults", `{"cut":true,"status":503}`)
		g.get(400, "DELETE", "/sandbox/faults?id=x", "")

		g.wants(200, `{"numericStatus": true}`, "POST", "/sandbox/variants", `{"numericStatus":true}`)
		g.wants(200, `{"numericStatus": true, "confirmIs202": true}`, "POST", "/sandbox/variants", `{"confirmIs202":true}`)
		g.wants(200, `{"confirmIs202": true}`, "POST", "/sandbox/variants", `{"numericStatus":false}`)
		g.wants(200, `{"confirmIs202": true}`, "GET", "/sandbox/variants", "")
		g.get(400, "POST", "/sandbox/variants", `{"confirmIs201":true}`)
	})

	t.Run("FailAndReset", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		id := g.confirmed(g.list(1000))
		g.get(204, "POST", "/sandbox"+strings.TrimPrefix(campaign(id, "/fail"), base), "")
		equal(t, "status", g.status(id), "FAILED")
		g.get(400, "POST", "/sandbox/campaigns/1/fail", "")
		g.get(400, "POST", "/sandbox/campaigns/x/fail", "")
		g.SetKeys("other", g.key)
		if err := g.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
		g.SetVariants(sandbox.Variants{NumericStatus: true})
		g.fault(sandbox.Fault{Later: time.Minute})
		g.call("POST", base+"/campaigns", seedCreate)
		g.fault(sandbox.Fault{Status: 500})

		g.get(204, "POST", "/sandbox/reset", "")
		g.clock.Add(time.Hour)
		equal(t, "seen", g.Seen(), sandbox.Seen{})
		equal(t, "calls", len(g.Calls())+len(g.Faults()), 0)
		equal(t, "now", g.Now(), seedStart.Add(time.Hour))
		equal(t, "credit", g.Balance().Credit.StringFixed(2), "1500.00")
		equal(t, "list", g.list(1), 87)
		equal(t, "campaign", g.created("first"), 1542)
		equal(t, "status", g.status(1542), "DRAFT")
		g.key = "other"
		g.get(401, "GET", credit, "")
	})
}

func TestSeen(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{Every: time.Second})
	list := g.NewList("list")
	if err := g.AddContacts(list, phones("+393331111111", "+393332222222")...); err != nil {
		t.Fatal(err)
	}
	one := g.calculated(list, "Ciao")
	g.get(200, "GET", campaign(one, "/price"), "")
	g.get(200, "PUT", campaign(one, "/confirm"), immediately)
	g.get(409, "PUT", campaign(one, "/confirm"), immediately)
	g.clock.Add(time.Second)
	two := g.calculated(list, "Ciao")
	g.get(200, "PUT", campaign(two, "/confirm"), `{"scheduledDate":"2026-04-09T10:00:00.000+0000"}`)
	g.get(204, "DELETE", campaign(two, ""), "")
	g.stats(one)

	const rest = `"confirms": 2, "maxConfirms": 1, "charged": 0.07, "messages": 1, "phones": 1, "maxPerPhone": 1`
	campaignOne := `{"id": 1542, "name": "campaign", "description": "about campaign", "status": "SENDING",
		"calls": {"calculate": 1, "configure": 1, "confirm": 2, "create": 1, "price": 1, "stats": 1},
		"confirms": 1, "charged": 0.07, "messages": 1, "start": "2026-04-09T09:00:00Z"}`
	campaignTwo := `{"id": 1543, "name": "campaign", "description": "about campaign", "status": "CONFIRMED", "deleted": true,
		"calls": {"calculate": 1, "configure": 1, "confirm": 1, "create": 1, "delete": 1},
		"confirms": 1, "charged": 0.00, "messages": 0, "start": "2026-04-09T10:00:00Z"}`
	for query, campaigns := range map[string]string{
		"":                 campaignOne + "," + campaignTwo,
		"?campaign=1543":   campaignTwo,
		"?name=about":      campaignOne + "," + campaignTwo,
		"?name=else":       "",
		"?limit=1":         campaignOne,
		"?limit=0&name=ab": "",
	} {
		_, got := g.call("GET", "/sandbox/seen"+query, "")
		equal(t, "seen"+query, compact(t, got), compact(t, `{"campaigns": [`+campaigns+`],`+rest+`}`))
	}

	g.clock.Add(time.Hour)
	for phone, want := range map[string]int{"%2B393331111111": 1, "00393332222222": 1, "%2B393333333333": 0} {
		got := g.get(200, "GET", "/sandbox/seen?phone="+phone, "")
		equal(t, phone, got["messages"], any(json.Number(fmt.Sprint(want))))
	}
	for _, bad := range []string{"?phone=333", "?campaign=x", "?limit=x"} {
		g.get(400, "GET", "/sandbox/seen"+bad, "")
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{Calls: 4})
	id := g.created("campaign")
	g.clock.Add(time.Second)
	g.stats(id)
	g.key = "wrong"
	g.get(401, "GET", credit, "")
	g.key = sandbox.DefaultKey
	g.fault(sandbox.Fault{Cut: true})
	g.call("PUT", campaign(id, "/confirm"), immediately)
	const lines = `{"at":"2026-04-09T09:00:01Z","operation":"stats","method":"GET","path":"/api/partner-gateway/v1/campaigns/stats?campaignId=1542","campaign":1542,"status":200},
		{"at":"2026-04-09T09:00:01Z","operation":"credit","method":"GET","path":"/api/v1/partner-gateway/subscription/credit","status":401},
		{"at":"2026-04-09T09:00:01Z","operation":"confirm","method":"PUT","path":"/api/partner-gateway/v1/campaigns/1542/confirm","campaign":1542,"status":0,"fault":1}`
	_, got := g.call("GET", "/sandbox/calls", "")
	equal(t, "calls", compact(t, got), compact(t, `[{"at":"2026-04-09T09:00:00Z","operation":"create","method":"POST","path":"/api/partner-gateway/v1/campaigns","status":200},`+lines+`]`))
	g.get(404, "GET", base+"/nowhere", "")
	_, got = g.call("GET", "/sandbox/calls", "")
	equal(t, "calls once the journal is full", compact(t, got), compact(t, `[`+lines+`,
		{"at":"2026-04-09T09:00:01Z","operation":"any","method":"GET","path":"/api/partner-gateway/v1/nowhere","status":404}]`))
	_, got = g.call("GET", "/sandbox/calls?operation=confirm&campaign=1542", "")
	equal(t, "calls", strings.Count(got, "method"), 1)
	g.get(400, "GET", "/sandbox/calls?operation=sing", "")
}
