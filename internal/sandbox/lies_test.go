package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// rule puts a rule in force as people write it.
func (g *client) rule(json string) {
	g.t.Helper()
	g.get(200, "POST", "/sandbox/faults", json)
}

// finds tells of which routes a campaign's 404s are.
func (g *client) finds(id int) string {
	g.t.Helper()
	var found []string
	for name, path := range map[string]string{"status": campaign(id, ""), "price": campaign(id, "/price")} {
		if status, _ := g.call("GET", path, ""); status != 404 {
			found = append(found, name)
		}
	}
	if len(found) == 2 {
		return "all"
	}
	return strings.Join(found, "")
}

func TestWhatExistsIsNotFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ rule, finds, after string }{
		"AllRoutesForAWhile": {`{"status":404,"body":"html","for":"145s"}`, "", "all"},
		"TheReadsForAWhile":  {`{"operation":"reads","status":404,"body":"empty","for":"145s"}`, "price", "all"},
		"TheReadsForEver":    {`{"operation":"reads","status":404,"times":-1}`, "price", "price"},
		"OneRoute":           {`{"operation":"price","status":404,"for":"145s"}`, "status", "all"},
		"OneAnswer":          {`{"operation":"status","status":404}`, "price", "all"},
		"SoManyInAWhile":     {`{"operation":"status","status":404,"for":"145s","times":1}`, "price", "all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := setup(t, sandbox.Options{})
			id := g.calculated(g.list(3), "Ciao")
			g.rule(c.rule)
			g.clock.Add(time.Hour) // the time begins with the first strike
			equal(t, "finds", g.finds(id), c.finds)
			if strings.Contains(c.rule, `"for"`) && !strings.Contains(c.rule, "times") {
				g.clock.Add(145*time.Second - 1)
				equal(t, "finds just before the end", g.finds(id), c.finds)
			}
			g.clock.Add(1)
			equal(t, "finds afterwards", g.finds(id), c.after)
		})
	}
}

// Every body that was seen to be taken for a confirmation: none has an effect.
func TestSuccessWithoutEffect(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		`"status":200,"body":"empty"`:                                        "200 ",
		`"status":204`:                                                       "204 ",
		`"status":200,"answer":{}`:                                           "200 {}",
		`"status":200,"answer":null`:                                         "200 null",
		`"status":200,"answer":[]`:                                           "200 []",
		`"status":200,"answer":"OK"`:                                         "200 OK",
		`"status":200,"answer":true`:                                         "200 true",
		`"status":200,"answer":"\"CONFIRMED\""`:                              `200 "CONFIRMED"`,
		`"status":202,"answer":{"success":false}`:                            `202 {"success":false}`,
		`"answer":"{\"id\":$id,\"status\":\"FAILED\"}"`:                      `200 {"id":1542,"status":"FAILED"}`,
		`"status":200,"answer":"{\"id\":$id,\"status\":\"CONFIRMED\"}"`:      `200 {"id":1542,"status":"CONFIRMED"}`,
		`"status":200,"answer":{"id":1542,"status":"REJECTED"}`:              `200 {"id":1542,"status":"REJECTED"}`,
		`"status":200,"answer":"{\"id\":$id,\"status\":\"DRAFT\"}"`:          `200 {"id":1542,"status":"DRAFT"}`,
		`"status":200,"answer":"{\"id\":$id,\"status\":\"COST_CALCULATED"`:   `200 {"id":1542,"status":"COST_CALCULATED`,
		`"status":200,"answer":{"id":1542,"status":"COST_CALCULATED","x":1}`: `200 {"id":1542,"status":"COST_CALCULATED","x":1}`,
	} {
		for op, call := range map[string]struct{ method, rest, body string }{
			"confirm":   {"PUT", "/confirm", immediately},
			"delete":    {"DELETE", "", ""},
			"configure": {"PUT", "", `{"sender":"Other"}`},
		} {
			t.Run(op+" "+want, func(t *testing.T) {
				t.Parallel()
				g := setup(t, sandbox.Options{})
				id := g.calculated(g.list(3), "Ciao")
				g.rule(fmt.Sprintf(`{"operation":%q,%s}`, op, rule))
				status, body := g.call(call.method, campaign(id, call.rest), call.body)
				equal(t, "answer", fmt.Sprint(status, " ", body), want)
				read := g.get(200, "GET", campaign(id, ""), "")
				equal(t, "what is so", fmt.Sprint(read["status"], " ", read["sender"]), "COST_CALCULATED ShopItalia")
				equal(t, "confirms", g.Seen().Confirms, 0)
			})
		}
	}

	t.Run("EndlessBody", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		id := g.calculated(g.list(3), "Ciao")
		g.rule(`{"operation":"confirm","status":200,"body":"endless","answer":"{\"status\":\"CONFIRMED\",\"x\":\""}`)
		req, err := http.NewRequestWithContext(t.Context(), "PUT", g.url+campaign(id, "/confirm"), strings.NewReader(immediately))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Api-Key", g.key)
		res, err := g.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		begin := make([]byte, 30)
		if _, err := io.ReadFull(res.Body, begin); err != nil {
			t.Fatal(err)
		}
		equal(t, "begins", string(begin), `{"status":"CONFIRMED","x":"xxx`)
		if n, err := io.CopyN(io.Discard, res.Body, 8<<20); err != nil {
			t.Errorf("ended after %d bytes: %v", n, err)
		}
		res.Body.Close() // and the sandbox goes on serving
		equal(t, "status", g.status(id), "COST_CALCULATED")
	})

	t.Run("DeletedLater", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		id := g.calculated(g.list(3), "Ciao")
		g.rule(`{"operation":"delete","status":204,"later":"5m"}`)
		g.get(204, "DELETE", campaign(id, ""), "")
		equal(t, "status", g.status(id), "COST_CALCULATED")
		g.clock.Add(5 * time.Minute)
		g.get(404, "GET", campaign(id, ""), "")
	})
}

func TestAnswersThatSaySomethingElse(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{})
	id := g.calculated(g.list(10), "Ciao")

	g.rule(`{"operation":"configure","say":{"text":"Addio","contactListId":88,"sender":null}}`)
	echo := g.get(200, "PUT", campaign(id, ""), `{"text":"Buongiorno"}`)
	_, hasSender := echo["sender"]
	equal(t, "echo", fmt.Sprint(echo["text"], " ", echo["contactListId"], " ", hasSender, " ", echo["status"]), "Addio 88 false CONFIGURED")
	equal(t, "what is so", g.get(200, "GET", campaign(id, ""), "")["text"], any("Buongiorno"))

	g.rule(`{"operation":"calculate","say":{"totalRecipients":3}}`)
	goal := g.get(200, "POST", campaign(id, "/calculateGoal"), "")
	equal(t, "goal", fmt.Sprint(goal["totalRecipients"], " ", goal["validRecipients"]), "3 10")

	g.rule(`{"operation":"price","say":{"totalRecipients":20000}}`)
	price := g.get(200, "GET", campaign(id, "/price"), "")
	equal(t, "price", fmt.Sprint(price["totalRecipients"], " ", price["totalPrice"]), "20000 0.35")

	g.rule(`{"operation":"stats","say":{"stats.total":"10.0","cost":null}}`)
	stats := g.stats(id)
	equal(t, "stats", fmt.Sprint(stats["stats"].(map[string]any)["total"], stats["cost"]), "10.0<nil>")
}

func TestStaleReads(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{Every: time.Second})
	id := g.confirmed(g.list(10))
	g.clock.Add(5 * time.Second)
	g.rule(`{"operation":"reads","stale":true,"times":-1}`)
	equal(t, "status", g.status(id), "COST_CALCULATED")
	equal(t, "figures", g.figures(id), "COST_CALCULATED: 0 total, 0 sent, 0 delivered, 0 undelivered, 0 pending, 0.00 %")
	found := g.get(200, "GET", base+"/campaigns?isDraft=true", "")
	equal(t, "found", fmt.Sprint(found["totalElements"]), "1")
	g.get(400, "PUT", campaign(id, ""), `{"text":"Ciao"}`) // who writes knows better
	_, calls := g.call("GET", "/sandbox/calls?operation=reads", "")
	equal(t, "reads in the journal", strings.Count(calls, `"operation"`), 3)
	g.RemoveFaults()
	equal(t, "status", g.status(id), "SENDING")
}

func TestAnotherGatewayHasTheSameNumbers(t *testing.T) {
	t.Parallel()
	ours, theirs := setup(t, sandbox.Options{}), setup(t, sandbox.Options{})
	ids := theirs.get(200, "POST", "/sandbox/strangers", `{"campaigns":5}`)["campaigns"].([]any)
	equal(t, "numbers", ids, []any{json.Number("1542"), json.Number("1543"), json.Number("1544"), json.Number("1545"), json.Number("1546")})
	equal(t, "our number", ours.created("ours"), 1542)

	theirs.clock.Add(10 * time.Second)
	var states []string
	for id := 1542; id <= 1546; id++ {
		states = append(states, theirs.status(id))
	}
	equal(t, "states", states, []string{"DRAFT", "COST_CALCULATED", "CONFIRMED", "SENDING", "COMPLETED"})
	theirs.get(204, "DELETE", campaign(1544, ""), "")

	seen := theirs.Seen()
	equal(t, "sums", fmt.Sprint(seen.Confirms, seen.Messages, seen.Phones, " ", seen.Charged.StringFixed(2)), "0 0 0 0.00")
	equal(t, "credit", theirs.Balance().Available.StringFixed(2), "1500.00")
	equal(t, "the stranger's that we deleted", []any{seen.Campaigns[2].Stranger, seen.Campaigns[2].Deleted, seen.Campaigns[2].Calls},
		[]any{true, true, map[sandbox.Operation]int{sandbox.Status: 1, sandbox.Delete: 1}})
	equal(t, "one that we left alone", seen.Campaigns[0].Calls, map[sandbox.Operation]int{sandbox.Status: 1})
	theirs.get(400, "POST", "/sandbox/strangers", `{"campaigns":-1}`)
}

func TestRulesThatContradictThemselves(t *testing.T) {
	t.Parallel()
	g := setup(t, sandbox.Options{})
	for _, bad := range []string{
		`{"for":"-1s"}`, `{"cut":true,"answer":"OK"}`, `{"body":"html","answer":"OK"}`, `{"body":"long"}`,
		`{"variants":{"envelope":"malformed"}}`, `{"variants":{"simulationIn":"price"}}`, `{"say":"text"}`,
	} {
		g.get(400, "POST", "/sandbox/faults", bad)
	}
	g.get(400, "POST", "/sandbox/variants", `{"envelope":"endless"}`)
	if _, err := sandbox.New(sandbox.Options{Variants: sandbox.Variants{SimulationIn: "price"}}); err == nil {
		t.Error("an unknown simulationIn is accepted")
	}
}
