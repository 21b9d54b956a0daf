package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

func refusal(field, message string) string {
	return fmt.Sprintf(`{"status":"fail","data":{%q:%q}}`, field, message)
}

func TestKey(t *testing.T) {
	t.Parallel()

	t.Run("WithoutAKnownKeyNothingIsServed", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Keys: []string{"one", "two"}})
		for _, key := range []string{"", "three", sandbox.DefaultKey} {
			g.key = key
			g.wants(401, refusal("apiKey", "API key is missing or not valid"), "POST", base+"/campaigns", seedCreate)
			g.wants(401, refusal("apiKey", "API key is missing or not valid"), "GET", "/nowhere", "")
		}
		equal(t, "campaigns", len(g.Seen().Campaigns), 0)
		for _, key := range []string{"one", "two"} {
			g.key = key
			g.get(200, "POST", base+"/campaigns", seedCreate)
		}
	})

	t.Run("KeysCanBeTakenAway", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.get(200, "GET", credit, "")
		g.SetKeys("other")
		g.get(401, "GET", credit, "")
		g.key = "other"
		g.get(200, "GET", credit, "")
	})
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string]sandbox.Options{
		"key is empty":      {Keys: []string{"a", ""}},
		"credit":            {Credit: decimal.New(-1, 0)},
		"price":             {Price: decimal.New(-1, 0)},
		"rate":              {Rate: sandbox.Rate{PerSecond: -1}},
		"speed":             {Speed: -2},
		"message cannot":    {Every: -time.Second},
		"journal cannot":    {Calls: -1},
		"speed 1e+09 is no": {Speed: 1e9},
	} {
		if _, err := sandbox.New(opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%+v) = %v, want an error about %q", opts, err, want)
		}
	}
}

func TestUnknownPathsAndMethodsAreRefused(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{})
	g.wants(404, refusal("path", "There is nothing at "+base+"/nowhere"), "GET", base+"/nowhere", "")
	g.wants(405, refusal("method", "PATCH is not allowed here, only DELETE, GET, PUT"), "PATCH", campaign(1542, ""), "")
	res, _, err := g.try("PATCH", campaign(1542, ""), "")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "Allow", res.Header.Get("Allow"), "DELETE, GET, PUT")
	for _, c := range []struct{ method, rest string }{
		{"PUT", ""}, {"GET", ""}, {"DELETE", ""}, {"POST", "/calculateGoal"}, {"GET", "/price"}, {"PUT", "/confirm"},
	} {
		g.wants(404, refusal("id", "Campaign 9999 not found"), c.method, campaign(9999, c.rest), "{}")
		g.wants(404, refusal("id", "Campaign abc not found"), c.method, base+"/campaigns/abc"+c.rest, "{}")
	}
	g.wants(404, refusal("campaignId", "Campaign 9999 not found"), "GET", base+"/campaigns/stats?campaignId=9999", "")
	g.wants(400, refusal("campaignId", "campaignId is required"), "GET", base+"/campaigns/stats", "")
}

func TestWhatCannotBeSentIsRefusedByField(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{})
	list := g.list(3)
	id := g.created("campaign")
	for _, c := range []struct{ method, path, body, field, message string }{
		{"POST", base + "/campaigns", `{"channel":"SMS"}`, "name", "Campaign name is required"},
		{"POST", base + "/campaigns", `{"name":"x"}`, "channel", "Channel is required"},
		{"POST", base + "/campaigns", `{"name":"x","channel":"RCS"}`, "channel", "Channel RCS is not supported"},
		{"POST", base + "/campaigns", `{"name":1,"channel":"SMS"}`, "name", "Must be a string"},
		{"POST", base + "/campaigns", `{"name":`, "body", "Request body is not valid JSON"},
		{"POST", base + "/campaigns", ``, "body", "Request body is not valid JSON"},
		{"PUT", campaign(id, ""), `{"text":"Ciao"}`, "sender", "Sender is empty"},
		{"PUT", campaign(id, ""), `{"sender":"Shop Italia","text":"Ciao"}`, "sender", "Sender has ' ' at position 5: only letters A to Z and digits are allowed"},
		{"PUT", campaign(id, ""), `{"sender":"ShopItalia"}`, "text", "Text is required"},
		{"PUT", campaign(id, ""), `{"sender":"ShopItalia","text":"già 😜","unicode":false}`, "text", "Character '😜' at position 5 is outside GSM-7 and unicode is false"},
		{"PUT", campaign(id, ""), `{"sender":"ShopItalia","text":"Ciao","contactListId":"87"}`, "contactListId", "Must be a number"},
		{"PUT", campaign(id, ""), `{"sender":"ShopItalia","text":"Ciao","contactListId":999}`, "contactListId", "Contact list 999 does not exist"},
		{"PUT", campaign(id, ""), `{"sender":"ShopItalia","text":"Ciao","unicode":"no"}`, "unicode", "Must be a boolean"},
		{"PUT", campaign(id, "/confirm"), immediately, "status", "Cost must be calculated before confirming"},
	} {
		g.wants(400, refusal(c.field, c.message), c.method, c.path, c.body)
	}
	equal(t, "status", g.status(id), "DRAFT")

	g.configure(id, list, "Ciao")
	g.wants(400, refusal("status", "Cost must be calculated before the price is known"), "GET", campaign(id, "/price"), "")
	g.get(200, "POST", campaign(id, "/calculateGoal"), "")
	for _, c := range []struct{ body, field, message string }{
		{`{}`, "sendImmediately", "Either sendImmediately or scheduledDate is required"},
		{`{"sendImmediately":false}`, "sendImmediately", "Either sendImmediately or scheduledDate is required"},
		{`{"sendImmediately":true,"scheduledDate":"2026-11-29T08:00:00.000+0000"}`, "scheduledDate", "Either sendImmediately or scheduledDate, not both"},
		{`{"scheduledDate":"2026-11-29T08:00:00Z"}`, "scheduledDate", `Date "2026-11-29T08:00:00Z" is not in the format yyyy-MM-ddTHH:mm:ss.SSSZ`},
		{`{"scheduledDate":"2026-11-29T08:00:00.000+00:00"}`, "scheduledDate", `Date "2026-11-29T08:00:00.000+00:00" is not in the format yyyy-MM-ddTHH:mm:ss.SSSZ`},
		{`{"scheduledDate":"2026-11-29 08:00:00.000+0000"}`, "scheduledDate", `Date "2026-11-29 08:00:00.000+0000" is not in the format yyyy-MM-ddTHH:mm:ss.SSSZ`},
		{`{"scheduledDate":"2026-11-29T08:00:00+0000"}`, "scheduledDate", `Date "2026-11-29T08:00:00+0000" is not in the format yyyy-MM-ddTHH:mm:ss.SSSZ`},
		{`{"scheduledDate":"2026-04-09T09:00:00.000+0000"}`, "scheduledDate", "Date 2026-04-09T09:00:00.000+0000 is not in the future"},
		{`{"scheduledDate":"2026-04-09T10:30:00.000+0200"}`, "scheduledDate", "Date 2026-04-09T10:30:00.000+0200 is not in the future"},
	} {
		g.wants(400, refusal(c.field, c.message), "PUT", campaign(id, "/confirm"), c.body)
	}
	equal(t, "status", g.status(id), "COST_CALCULATED")
	equal(t, "confirms", g.Seen().Confirms, 0)
}

func TestConfigure(t *testing.T) {
	t.Parallel()

	t.Run("AfterACalculationTakesTheCampaignBack", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		list := g.list(3)
		id := g.calculated(list, "Ciao")
		g.configure(id, list, "Ciao ancora")
		equal(t, "status", g.status(id), "CONFIGURED")
		g.wants(400, refusal("status", "Cost must be calculated before confirming"), "PUT", campaign(id, "/confirm"), immediately)
		g.get(400, "GET", campaign(id, "/price"), "")
	})

	t.Run("KeepsWhatTheBodyLeavesOut", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		id := g.created("campaign")
		g.configure(id, g.list(3), "Ciao")
		got := g.get(200, "PUT", campaign(id, ""), `{"text":"Ciao ж","unicode":true}`)
		equal(t, "sender", got["sender"], any("ShopItalia"))
		equal(t, "status", got["status"], any("CONFIGURED"))
		g.wants(400, refusal("text", "Character 'ж' at position 6 is outside GSM-7 and unicode is false"), "PUT", campaign(id, ""), `{"unicode":false}`)
	})

	t.Run("OfAConfirmedCampaignIsRefused", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		id := g.confirmed(g.list(3))
		g.wants(400, refusal("status", "Campaign is CONFIRMED and can no longer be edited"), "PUT", campaign(id, ""), seedConfigure)
		g.wants(400, refusal("status", "Campaign is CONFIRMED and can no longer be calculated"), "POST", campaign(id, "/calculateGoal"), "")
		g.clock.Add(time.Hour)
		g.wants(400, refusal("status", "Campaign is COMPLETED and can no longer be edited"), "PUT", campaign(id, ""), seedConfigure)
	})
}

func TestSecondConfirmIsRefusedAndCostsNothing(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{})
	id := g.confirmed(g.list(10))
	before := g.Balance().Credit
	g.wants(409, refusal("status", "Campaign is already CONFIRMED"), "PUT", campaign(id, "/confirm"), immediately)
	g.clock.Add(time.Hour)
	g.wants(409, refusal("status", "Campaign is already COMPLETED"), "PUT", campaign(id, "/confirm"), immediately)
	equal(t, "credit", g.Balance().Credit.String(), before.String())
	seen := g.Seen()
	equal(t, "confirms", seen.MaxConfirms, 1)
	equal(t, "calls", seen.Campaigns[0].Calls[sandbox.Confirm], 3)
	equal(t, "messages to one phone", seen.MaxPerPhone, 1)
}

func TestConfirmingAListWithoutValidRecipientsIsRefused(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{})
	id := g.calculated(g.NewList("empty"), "Ciao")
	g.wants(400, refusal("contactListId", "Contact list has no valid recipients"), "PUT", campaign(id, "/confirm"), immediately)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	gone := func(id int) string { return refusal("id", fmt.Sprintf("Campaign %d not found", id)) }

	t.Run("OfEveryKindOfDraftMakesItGone", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		list := g.list(3)
		configured := g.created("configured")
		g.configure(configured, list, "Ciao")
		for _, id := range []int{g.created("draft"), configured, g.calculated(list, "Ciao")} {
			g.wants(204, "", "DELETE", campaign(id, ""), "")
			for _, c := range []struct{ method, rest, body string }{
				{"DELETE", "", ""}, {"GET", "", ""}, {"PUT", "", seedConfigure}, {"POST", "/calculateGoal", ""},
				{"GET", "/price", ""}, {"PUT", "/confirm", immediately},
			} {
				g.wants(404, gone(id), c.method, campaign(id, c.rest), c.body)
			}
			g.get(404, "GET", fmt.Sprintf("%s/campaigns/stats?campaignId=%d", base, id), "")
		}
		equal(t, "found", g.get(200, "GET", base+"/campaigns", "")["content"], any([]any{}))
	})

	t.Run("OfAScheduledCampaignBeforeItsDateReleasesTheMoney", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		id := g.calculated(g.list(1000), "Ciao")
		g.get(200, "PUT", campaign(id, "/confirm"), `{"scheduledDate":"2026-04-09T10:00:00.000+0000"}`)
		g.wants(200, `{"credit":1500.00,"frozenCredit":35.00,"availableCredit":1465.00}`, "GET", credit, "")
		g.clock.Add(time.Hour - time.Nanosecond)
		g.wants(204, "", "DELETE", campaign(id, ""), "")
		g.wants(200, `{"credit":1500.00,"frozenCredit":0.00,"availableCredit":1500.00}`, "GET", credit, "")
		g.clock.Add(48 * time.Hour)
		g.wants(404, gone(id), "GET", campaign(id, ""), "")
		g.wants(200, `{"credit":1500.00,"frozenCredit":0.00,"availableCredit":1500.00}`, "GET", credit, "")
		equal(t, "messages", g.Seen().Messages, 0)
		equal(t, "charged", g.Seen().Charged.StringFixed(2), "0.00")
	})

	t.Run("OfWhatIsSentOrOverIsRefused", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		list := g.list(1000)
		scheduled := g.calculated(list, "Ciao")
		g.get(200, "PUT", campaign(scheduled, "/confirm"), `{"scheduledDate":"2026-04-09T09:01:00.000+0000"}`)
		failed := g.confirmed(list)
		if err := g.FailCampaign(failed); err != nil {
			t.Fatal(err)
		}
		sending := g.confirmed(list)
		g.wants(404, gone(sending), "DELETE", campaign(sending, ""), "") // confirmed, no message gone yet
		g.clock.Add(time.Minute)
		for want, id := range map[string]int{"CONFIRMED": scheduled, "FAILED": failed, "SENDING": sending} {
			g.wants(404, gone(id), "DELETE", campaign(id, ""), "")
			equal(t, "status", g.status(id), want)
		}
		g.clock.Add(time.Hour)
		g.wants(404, gone(sending), "DELETE", campaign(sending, ""), "")
		equal(t, "status", g.status(sending), "COMPLETED")
	})
}

func TestSimulation(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]sandbox.Operation{
		"create": sandbox.Create, "configure": sandbox.Configure, "confirm": sandbox.Confirm,
	} {
		t.Run("AskedForIn_"+body+"_SendsNothingAndReportsAllTheSame", func(t *testing.T) {
			t.Parallel()
			g := setup(t, sandbox.Options{})
			list, err := g.FillDemo(sandbox.DemoList{Contacts: 100, Unreachable: 3})
			if err != nil {
				t.Fatal(err)
			}
			ask := func(op string) string {
				if op == body {
					return `,"simulation":true}`
				}
				return `}`
			}
			g.get(200, "POST", base+"/campaigns", `{"name":"prova","channel":"SMS"`+ask("create"))
			g.get(200, "PUT", campaign(1542, ""), fmt.Sprintf(`{"sender":"ShopItalia","text":"Ciao","contactListId":%d`, list)+ask("configure"))
			g.get(200, "POST", campaign(1542, "/calculateGoal"), "")
			equal(t, "price", fmt.Sprint(g.get(200, "GET", campaign(1542, "/price"), "")["totalPrice"]), "3.50")
			if err := g.SetCredit(decimal.New(1, 0)); err != nil { // too little: it costs nothing
				t.Fatal(err)
			}
			got := g.get(200, "PUT", campaign(1542, "/confirm"), `{"sendImmediately":true`+ask("confirm"))
			equal(t, "simulation", got["simulation"], any(true))
			g.clock.Add(time.Hour)
			equal(t, "figures", g.figures(1542), "COMPLETED: 100 total, 100 sent, 97 delivered, 3 undelivered, 0 pending, 97.00 %")
			equal(t, "cost", fmt.Sprint(g.stats(1542)["cost"].(map[string]any)["totalCredits"]), "0.00")
			equal(t, "credit", g.Balance().Credit.StringFixed(2), "1.00")
			seen := g.Seen()
			equal(t, "messages", seen.Messages+seen.Phones, 0)
			equal(t, "simulation", seen.Campaigns[0].Simulation, []sandbox.Operation{want})
		})
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{})
	list := g.list(3)
	g.created("Black Friday")
	g.configure(g.created("black november"), list, "Ciao")
	scheduled := g.calculated(list, "Ciao")
	g.get(200, "PUT", campaign(scheduled, "/confirm"), `{"scheduledDate":"2026-04-09T10:00:00.000+0000"}`)
	g.confirmed(list)
	for query, want := range map[string]string{
		"":                                    "[1542 1543 1544 1545] of 4",
		"?direction=DESC":                     "[1545 1544 1543 1542] of 4",
		"?search=BLACK":                       "[1542 1543] of 2",
		"?search=about+black+friday":          "[1542] of 1",
		"?isDraft=true":                       "[1542 1543] of 2",
		"?isDraft=false":                      "[1544 1545] of 2",
		"?isProgrammed=true":                  "[1544] of 1",
		"?limit=2":                            "[1542 1543] of 4",
		"?limit=3&page=1":                     "[1545] of 4",
		"?page=9":                             "[] of 4",
		"?search=black&isDraft=true&limit=1":  "[1542] of 2",
		"?search=nothing+like+that&limit=100": "[] of 0",
	} {
		page := g.get(200, "GET", base+"/campaigns"+query, "")
		var ids []any
		for _, c := range page["content"].([]any) {
			ids = append(ids, c.(map[string]any)["id"])
		}
		equal(t, "GET /campaigns"+query, fmt.Sprintf("%v of %v", ids, page["totalElements"]), want)
	}
	g.clock.Add(2 * time.Hour)
	equal(t, "programmed later", fmt.Sprint(g.get(200, "GET", base+"/campaigns?isProgrammed=true", "")["totalElements"]), "0")
	g.wants(400, refusal("limit", "Must be a number from 1 to 1000"), "GET", base+"/campaigns?limit=1001", "")
}

func TestReadShowsEverythingThatIsKnown(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{})
	list := g.list(2)
	id := g.created("Bolletta")
	g.wants(200, `{"id":1542,"name":"Bolletta","channel":"SMS","description":"about Bolletta","status":"DRAFT",
		"unicode":false,"simulation":false,"createdAt":"2026-04-09T09:00:00Z"}`, "GET", campaign(id, ""), "")
	g.configure(id, list, "Ciao")
	g.get(200, "POST", campaign(id, "/calculateGoal"), "")
	g.get(200, "PUT", campaign(id, "/confirm"), immediately)
	g.clock.Add(time.Minute)
	g.wants(200, `{"id":1542,"name":"Bolletta","channel":"SMS","description":"about Bolletta","status":"COMPLETED",
		"sender":"ShopItalia","text":"Ciao","contactListId":87,"unicode":false,"simulation":false,
		"createdAt":"2026-04-09T09:00:00Z","updatedAt":"2026-04-09T09:00:00Z",
		"totalRecipients":2,"validRecipients":2,"invalidRecipients":0,"estimatedParts":2,"calculatedAt":"2026-04-09T09:00:00Z",
		"sendImmediately":true,"confirmedAt":"2026-04-09T09:00:00Z","completedAt":"2026-04-09T09:00:00Z"}`, "GET", campaign(id, ""), "")
}

func TestTextComesBackAsItWent(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{})
	list := g.list(1)
	for _, text := range []string{`back\slash "quoted" </b>`, "two\nlines\r\f", "perché no: {[~]}^|€", "emoji 😜 e \u2028", "\u0000\u001f\u007f"} {
		body, err := json.Marshal(map[string]any{"sender": "ShopItalia", "text": text, "contactListId": list, "unicode": true})
		if err != nil {
			t.Fatal(err)
		}
		id := g.created("campaign")
		got := g.get(200, "PUT", campaign(id, ""), string(body))
		equal(t, "text", got["text"], any(text))
	}
}
