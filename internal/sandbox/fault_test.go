package sandbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

const told = "The sandbox was told to answer "

func TestFaultBodies(t *testing.T) {
	t.Parallel()
	real := `{"credit":1500.00,"frozenCredit":0.00,"availableCredit":1500.00}`
	for name, c := range map[string]struct {
		fault  sandbox.Fault
		status int
		body   string
	}{
		"JSendFailBelow500":       {sandbox.Fault{Status: 404}, 404, `{"status":"fail","data":{"credit":"` + told + `Not Found"}}`},
		"JSendErrorFrom500":       {sandbox.Fault{Status: 502}, 502, `{"status":"error","message":"` + told + `Bad Gateway","code":8}`},
		"Spring":                  {sandbox.Fault{Status: 503, Body: sandbox.Spring}, 503, `{"status":503,"error":"Service Unavailable","message":"` + told + `Service Unavailable"}`},
		"SpringWithRetryAfter":    {sandbox.Fault{Status: 503, Body: sandbox.Spring, RetryAfter: 7}, 503, `{"status":503,"error":"Service Unavailable","message":"` + told + `Service Unavailable","retryAfter":7}`},
		"HTML":                    {sandbox.Fault{Status: 502, Body: sandbox.HTML}, 502, "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>\n"},
		"Empty":                   {sandbox.Fault{Status: 500, Body: sandbox.Empty}, 500, ""},
		"EmptyWithTheRealStatus":  {sandbox.Fault{Body: sandbox.Empty, When: sandbox.After}, 200, ""},
		"Malformed":               {sandbox.Fault{Status: 500, Body: sandbox.Malformed}, 500, `{"status":"fail","data":{"credit":"The sandbo`},
		"MalformedHalfOfTheTruth": {sandbox.Fault{Body: sandbox.Malformed, When: sandbox.After}, 200, real[:len(real)/2]},
		"ThrottledWithRetryAfter": {sandbox.Fault{Status: 429, RetryAfter: 12}, 429, `{"status":429,"error":"Too Many Requests","message":"Rate limit exceeded. Please retry after 12 seconds.","retryAfter":12}`},
		"ThrottledWithout":        {sandbox.Fault{Status: 429}, 429, `{"status":429,"error":"Too Many Requests","message":"Rate limit exceeded."}`},
		"NothingAtAll":            {sandbox.Fault{}, 200, real},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := setup(t, sandbox.Options{})
			g.fault(c.fault)
			status, body := g.call("GET", credit, "")
			equal(t, "status", status, c.status)
			equal(t, "body", body, c.body)
			status, body = g.call("GET", credit, "")
			equal(t, "the next", fmt.Sprint(status, body), "200"+real)
		})
	}
}

func TestFaultMoments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault    sandbox.Fault
		answered int // 0: cut
		happened bool
	}{
		"CutBeforeTheEffect":       {sandbox.Fault{Cut: true}, 0, false},
		"CutAfterTheEffect":        {sandbox.Fault{Cut: true, When: sandbox.After}, 0, true},
		"StatusBeforeTheEffect":    {sandbox.Fault{Status: 502}, 502, false},
		"StatusAfterTheEffect":     {sandbox.Fault{Status: 502, When: sandbox.After}, 502, true},
		"MalformedAfterTheEffect":  {sandbox.Fault{Body: sandbox.Malformed, When: sandbox.After}, 200, true},
		"DelayThenTheEffect":       {sandbox.Fault{Delay: time.Millisecond}, 200, true},
		"TheEffectThenDelay":       {sandbox.Fault{Delay: time.Millisecond, When: sandbox.After}, 200, true},
		"DelayThenStatus":          {sandbox.Fault{Delay: time.Millisecond, Status: 504}, 504, false},
		"TheEffectDelayThenStatus": {sandbox.Fault{Delay: time.Millisecond, Status: 504, When: sandbox.After}, 504, true},
		"TheEffectDelayThenCut":    {sandbox.Fault{Delay: time.Millisecond, Cut: true, When: sandbox.After}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := setup(t, sandbox.Options{})
			id := g.calculated(g.list(3), "Ciao")
			c.fault.Operation = sandbox.Confirm
			g.fault(c.fault)
			status, body := g.call("PUT", campaign(id, "/confirm"), immediately)
			if status != c.answered {
				t.Errorf("answered %d %s, want %d", status, body, c.answered)
			}
			want := map[bool]string{false: "COST_CALCULATED", true: "CONFIRMED"}[c.happened]
			equal(t, "status", g.status(id), want)
			equal(t, "confirms", g.Seen().Confirms, map[bool]int{true: 1}[c.happened])
			calls := g.Calls()
			line := calls[len(calls)-2] // the status read is behind it
			equal(t, "journal", fmt.Sprint(line.Operation, line.Status, line.Fault), fmt.Sprintf("confirm %d 1", c.answered))
		})
	}
}

func TestFaultLater(t *testing.T) {
	t.Parallel()

	t.Run("TheEffectComesAfterTheConnectionWasCut", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		id := g.calculated(g.list(3), "Ciao")
		g.fault(sandbox.Fault{Operation: sandbox.Confirm, Later: 5 * time.Second})
		if status, _ := g.call("PUT", campaign(id, "/confirm"), immediately); status != 0 {
			t.Errorf("status %d, want a connection that is cut", status)
		}
		g.clock.Add(5*time.Second - time.Nanosecond)
		equal(t, "status before", g.status(id), "COST_CALCULATED")
		equal(t, "confirms before", g.Seen().Confirms, 0)
		g.clock.Add(time.Minute)
		equal(t, "confirms after", g.Seen().Confirms, 1)
		// As of its time, not of the first look.
		equal(t, "confirmed at", g.get(200, "GET", campaign(id, ""), "")["confirmedAt"], any("2026-04-09T09:00:05Z"))
		var lines []string
		for _, c := range g.Calls() {
			if c.Operation == sandbox.Confirm {
				lines = append(lines, fmt.Sprint(c.Status, " late ", c.Late, " at ", c.At.Format("05")))
			}
		}
		equal(t, "journal", lines, []string{"0 late false at 00", "200 late true at 05"})
	})

	t.Run("ADeletedDraftIsNotConfirmedAnyMore", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		id := g.calculated(g.list(3), "Ciao")
		g.fault(sandbox.Fault{Operation: sandbox.Confirm, Later: 5 * time.Second, Status: 504})
		g.get(504, "PUT", campaign(id, "/confirm"), immediately)
		g.get(204, "DELETE", campaign(id, ""), "")
		g.clock.Add(time.Hour)
		equal(t, "confirms", g.Seen().Confirms, 0)
		calls := g.Calls()
		last := calls[len(calls)-1]
		equal(t, "the late one was answered", fmt.Sprint(last.Operation, last.Status, last.Late), "confirm 404 true")
	})

	t.Run("SeveralComeInTheOrderOfTheirTimes", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		for _, later := range []time.Duration{3, 1, 2} {
			g.fault(sandbox.Fault{Operation: sandbox.Create, Later: later * time.Second})
			g.call("POST", base+"/campaigns", fmt.Sprintf(`{"name":"after %d s","channel":"SMS"}`, later))
		}
		g.clock.Add(2 * time.Second)
		names := func() (names []string) {
			for _, c := range g.Seen().Campaigns {
				names = append(names, c.Name)
			}
			return names
		}
		equal(t, "after two seconds", names(), []string{"after 1 s", "after 2 s"})
		g.clock.Add(time.Second)
		equal(t, "after three", names(), []string{"after 1 s", "after 2 s", "after 3 s"})
	})
}

// Waiting is done in a bubble, with the handler called directly.
func TestDelay(t *testing.T) {
	t.Parallel()
	// begin confirms in the background and waits until the delay holds it.
	begin := func(t *testing.T) (g *client, id int, leave func(), end <-chan any) {
		t.Helper()
		s, err := sandbox.New(sandbox.Options{})
		if err != nil {
			t.Fatal(err)
		}
		g = &client{Sandbox: s, t: t}
		list := g.list(3)
		g.direct("POST", base+"/campaigns", seedCreate)
		g.direct("PUT", campaign(1542, ""), fmt.Sprintf(`{"sender":"ShopItalia","text":"Ciao","contactListId":%d}`, list))
		g.direct("POST", campaign(1542, "/calculateGoal"), "")
		g.fault(sandbox.Fault{Operation: sandbox.Confirm, Delay: time.Hour})

		ctx, leave := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, "PUT", campaign(1542, "/confirm"), strings.NewReader(immediately))
		r.Header.Set("X-Api-Key", sandbox.DefaultKey)
		ended := make(chan any, 1)
		go func() {
			defer func() { ended <- recover() }()
			s.ServeHTTP(httptest.NewRecorder(), r)
		}()
		synctest.Wait()
		return g, 1542, leave, ended
	}

	t.Run("TakesEffectThoughTheClientHasGone", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g, _, leave, ended := begin(t)
			time.Sleep(time.Minute)
			leave()
			equal(t, "the handler ended by", fmt.Sprint(<-ended), "net/http: abort Handler")
			time.Sleep(59*time.Minute - 1)
			equal(t, "confirms before the hour", g.Seen().Confirms, 0)
			time.Sleep(time.Nanosecond)
			equal(t, "confirms after the hour", g.Seen().Confirms, 1)
		})
	})

	t.Run("EndsWithTheSandbox", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g, _, _, ended := begin(t)
			g.Close()
			g.Close()
			equal(t, "the handler ended by", fmt.Sprint(<-ended), "net/http: abort Handler")
		})
	})

	t.Run("HoldsUpNobodyElse", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g, id, _, ended := begin(t)
			began := time.Now()
			g.direct("GET", campaign(id, ""), "")
			equal(t, "waited", time.Since(began), time.Duration(0))
			equal(t, "the handler ended by", fmt.Sprint(<-ended), "<nil>")
			equal(t, "waited", time.Since(began), time.Hour)
			equal(t, "confirms", g.Seen().Confirms, 1)
		})
	})
}

func TestFaultRules(t *testing.T) {
	t.Parallel()
	statuses := func(g *client, n int, method, path string) (all []int) {
		for range n {
			status, _ := g.call(method, path, "")
			all = append(all, status)
		}
		return all
	}

	t.Run("StrikeSoManyTimesAfterSoMany", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.fault(sandbox.Fault{Operation: sandbox.Credit, Status: 503, After: 2, Times: 3})
		equal(t, "statuses", statuses(g, 7, "GET", credit), []int{200, 200, 503, 503, 503, 200, 200})
		rule := g.Faults()[0]
		equal(t, "counts", fmt.Sprint(rule.Met, rule.Struck), "5 3")
	})

	t.Run("StrikeUntilTheyAreRemoved", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.fault(sandbox.Fault{Status: 503, Times: -1})
		equal(t, "statuses", statuses(g, 3, "GET", credit), []int{503, 503, 503})
		g.RemoveFaults(1)
		equal(t, "statuses", statuses(g, 1, "GET", credit), []int{200})
	})

	t.Run("FollowOneAnother", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		for _, status := range []int{500, 502, 503} {
			g.fault(sandbox.Fault{Status: status})
		}
		equal(t, "statuses", statuses(g, 4, "GET", credit), []int{500, 502, 503, 200})
	})

	t.Run("ChooseByOperationCampaignAndName", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		one, two := g.created("Black Friday"), g.created("Bolletta")
		for _, c := range []struct {
			rule sandbox.Fault
			want []int // status of one, status of two, stats of two, create of a third
		}{
			{sandbox.Fault{Operation: sandbox.Status}, []int{418, 418, 200, 200}},
			{sandbox.Fault{Operation: sandbox.Stats}, []int{200, 200, 418, 200}},
			{sandbox.Fault{Campaign: two}, []int{200, 418, 418, 200}},
			{sandbox.Fault{Campaign: one, Operation: sandbox.Stats}, []int{200, 200, 200, 200}},
			{sandbox.Fault{Name: "Friday"}, []int{418, 200, 200, 200}},
			{sandbox.Fault{Name: "about Bolletta"}, []int{200, 418, 418, 200}},
			{sandbox.Fault{Name: "Terza"}, []int{200, 200, 200, 418}},
			{sandbox.Fault{Name: "Terza", Operation: sandbox.Create}, []int{200, 200, 200, 418}},
			{sandbox.Fault{}, []int{418, 418, 418, 418}},
		} {
			c.rule.Status, c.rule.Times = http.StatusTeapot, -1
			g.fault(c.rule)
			var got []int
			for _, r := range []struct{ method, path, body string }{
				{"GET", campaign(one, ""), ""},
				{"GET", campaign(two, ""), ""},
				{"GET", fmt.Sprintf("%s/campaigns/stats?campaignId=%d", base, two), ""},
				{"POST", base + "/campaigns", `{"name":"Terza","channel":"SMS"}`},
			} {
				status, _ := g.call(r.method, r.path, r.body)
				got = append(got, status)
			}
			g.RemoveFaults()
			equal(t, fmt.Sprintf("%+v", c.rule), got, c.want)
		}
	})

	t.Run("ThatContradictThemselvesAreRefused", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		for _, f := range []sandbox.Fault{
			{When: "never"}, {Body: "yaml"}, {Status: 99}, {Status: 600}, {After: -1}, {Delay: -1},
			{Cut: true, Status: 500}, {Cut: true, Body: sandbox.Empty}, {Later: 1, Delay: 1}, {RetryAfter: -1}, {FailAfter: -1},
		} {
			if _, err := g.AddFault(f); err == nil {
				t.Errorf("%+v is accepted", f)
			}
		}
	})
}

func TestFaultsOfTheCampaignsStatus(t *testing.T) {
	t.Parallel()

	t.Run("AnUnknownWord", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		id := g.confirmed(g.list(3))
		g.fault(sandbox.Fault{Operation: sandbox.Status, Report: "PAUSED"})
		equal(t, "status", g.status(id), "PAUSED")
		equal(t, "status", g.status(id), "CONFIRMED")
	})

	t.Run("FailedAfterSoManyMessages", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Every: time.Second})
		list := g.list(100)
		g.fault(sandbox.Fault{Operation: sandbox.Confirm, Fail: true, FailAfter: 40})
		id := g.confirmed(list)
		g.clock.Add(30 * time.Second)
		equal(t, "status", g.status(id), "SENDING")
		g.clock.Add(time.Hour)
		equal(t, "figures", g.figures(id), "FAILED: 100 total, 40 sent, 40 delivered, 0 undelivered, 60 pending, 100.00 %")
		other := g.confirmed(list)
		g.clock.Add(time.Hour)
		equal(t, "another", g.status(other), "COMPLETED")
	})
}

func TestVariants(t *testing.T) {
	t.Parallel()

	t.Run("NumericStatus", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Variants: sandbox.Variants{NumericStatus: true}, Every: time.Second})
		list := g.list(10)
		id := g.created("campaign")
		statuses := []string{g.status(id)}
		look := func() { statuses = append(statuses, g.status(id)) }
		g.configure(id, list, "Ciao")
		look()
		g.get(200, "POST", campaign(id, "/calculateGoal"), "")
		look()
		g.get(200, "PUT", campaign(id, "/confirm"), immediately)
		look()
		g.clock.Add(5 * time.Second)
		look()
		g.clock.Add(5 * time.Second)
		look()
		if err := g.FailCampaign(g.confirmed(list)); err != nil {
			t.Fatal(err)
		}
		statuses = append(statuses, g.status(id+1))
		equal(t, "statuses", statuses, []string{"0", "0", "0", "1", "2", "3", "4"})
		equal(t, "stats", g.stats(id)["status"], any(json.Number("3")))
	})

	t.Run("OnlyForTheCallsOfARule", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		id := g.confirmed(g.list(3))
		g.fault(sandbox.Fault{Operation: sandbox.Status, Variants: sandbox.Variants{NumericStatus: true}})
		equal(t, "statuses", g.status(id)+" "+g.status(id), "1 CONFIRMED")
	})

	t.Run("ConfirmIs202", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Variants: sandbox.Variants{ConfirmIs202: true}})
		id := g.calculated(g.list(3), "Ciao")
		g.get(202, "PUT", campaign(id, "/confirm"), immediately)
		equal(t, "status", g.status(id), "CONFIRMED")
	})

	t.Run("CreditIs400", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Variants: sandbox.Variants{CreditIs400: true}})
		id := g.calculated(g.list(50_000), "Ciao")
		g.wants(400, refusal("credit", "Insufficient credit. Required: 1750.00, available: 1500.00"), "PUT", campaign(id, "/confirm"), immediately)
	})

	t.Run("SecondConfirmSendsAndChargesAgain", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Variants: sandbox.Variants{SecondConfirm: true}})
		id := g.confirmed(g.list(1000))
		g.get(200, "PUT", campaign(id, "/confirm"), immediately)
		g.clock.Add(time.Hour)
		seen := g.Seen()
		got := []any{seen.Confirms, seen.MaxConfirms, seen.Messages, seen.Phones, seen.MaxPerPhone, seen.Charged.StringFixed(2), g.Balance().Credit.StringFixed(2)}
		equal(t, "seen", got, []any{2, 2, 2000, 1000, 2, "70.00", "1430.00"})
	})

	t.Run("SecondConfirmOfAScheduledOneFreezesAgainAndDeleteReleasesAll", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Variants: sandbox.Variants{SecondConfirm: true}})
		id := g.calculated(g.list(1000), "Ciao")
		for range 2 {
			g.get(200, "PUT", campaign(id, "/confirm"), `{"scheduledDate":"2026-04-09T10:00:00.000+0000"}`)
		}
		equal(t, "frozen", g.Balance().Frozen.StringFixed(2), "70.00")
		g.get(204, "DELETE", campaign(id, ""), "")
		equal(t, "balance", g.Balance().Available.StringFixed(2)+" "+g.Balance().Frozen.StringFixed(2), "1500.00 0.00")
	})

	t.Run("ReadyToSend", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Variants: sandbox.Variants{ReadyToSend: true}})
		list := g.list(3)
		id := g.calculated(list, "Ciao")
		g.wants(400, refusal("readyToSend", "Campaign is not ready to send"), "PUT", campaign(id, "/confirm"), immediately)
		g.get(200, "PUT", campaign(id, ""), `{"readyToSend":true}`)
		g.get(200, "POST", campaign(id, "/calculateGoal"), "")
		g.get(200, "PUT", campaign(id, "/confirm"), immediately)
	})

	t.Run("ReplaceUnicode", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Variants: sandbox.Variants{ReplaceUnicode: true}})
		id := g.calculated(g.list(3), strings.Repeat("ж", 160))
		equal(t, "goal", g.goal(id), "3 total, 3 valid, 0 invalid, 3 parts")
	})

	t.Run("StatsNeedDates", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Variants: sandbox.Variants{StatsNeedDates: true}})
		id := g.confirmed(g.list(3))
		stats := fmt.Sprintf("%s/campaigns/stats?campaignId=%d", base, id)
		g.wants(400, refusal("startDate", "startDate and endDate are required"), "GET", stats, "")
		g.get(200, "GET", stats+"&startDate=2026-11-27&endDate=2026-11-27", "")
		g.get(200, "GET", campaign(id, ""), "")
	})

	t.Run("TheOnesThatAreOnlyAStatusAreRules", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		id := g.created("campaign")
		for _, c := range []struct {
			op             sandbox.Operation
			method         string
			status, really int
		}{{sandbox.Status, "GET", 404, 200}, {sandbox.Status, "GET", 405, 200}, {sandbox.Delete, "DELETE", 405, 0}, {sandbox.Delete, "DELETE", 404, 204}} {
			g.fault(sandbox.Fault{Operation: c.op, Status: c.status})
			g.get(c.status, c.method, campaign(id, ""), "")
			if c.really != 0 { // without effect
				g.get(c.really, c.method, campaign(id, ""), "")
			}
		}
	})
}
