package sandbox_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

func TestSending(t *testing.T) {
	t.Parallel()

	t.Run("TakesItsTimeFromConfirmedToCompleted", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Every: 20 * time.Second})
		list, err := g.FillDemo(sandbox.DemoList{Contacts: 20, Unreachable: 5})
		if err != nil {
			t.Fatal(err)
		}
		id := g.confirmed(list)
		// 20 messages take 400 s: one leaves every 19 s, its outcome is known 20 s later.
		for _, c := range []struct {
			after time.Duration
			want  string
		}{
			{0, "CONFIRMED: 20 total, 0 sent"},
			{18 * time.Second, "CONFIRMED: 20 total, 0 sent"},
			{19 * time.Second, "SENDING: 20 total, 1 sent, 0 delivered, 0 undelivered, 20 pending, 0.00 %"},
			{38 * time.Second, "SENDING: 20 total, 2 sent, 0 delivered, 0 undelivered, 20 pending, 0.00 %"},
			{200 * time.Second, "SENDING: 20 total, 10 sent, "},
			{399 * time.Second, "SENDING: 20 total, 20 sent, "},
			{400 * time.Second, "COMPLETED: 20 total, 20 sent, 15 delivered, 5 undelivered, 0 pending, 75.00 %"},
			{400 * time.Hour, "COMPLETED: 20 total, 20 sent, 15 delivered, 5 undelivered, 0 pending, 75.00 %"},
		} {
			g.clock.Set(seedStart.Add(c.after))
			if got := g.figures(id); !strings.HasPrefix(got, c.want) {
				t.Errorf("after %v: %s, want %s", c.after, got, c.want)
			}
		}
		equal(t, "completed", g.stats(id)["completedAt"], any("2026-04-09T09:06:40Z"))
	})

	t.Run("IsFasterWithSpeedAndInstantsStayTheClocks", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Speed: 600})
		list, err := g.FillDemo(sandbox.ShopItalia())
		if err != nil {
			t.Fatal(err)
		}
		id := g.confirmed(list)
		g.clock.Add(4 * time.Second)
		equal(t, "status", g.status(id), "SENDING")
		g.clock.Add(201 * time.Millisecond) // 42 minutes / 600 = 4.2 s
		equal(t, "status", g.status(id), "COMPLETED")
		equal(t, "completed", g.stats(id)["completedAt"], any("2026-04-09T09:00:04Z"))
	})

	t.Run("GoesOnAtTheNewSpeedWhereTheOldOneLeftIt", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Every: time.Second})
		id := g.confirmed(g.list(100))
		g.clock.Add(50 * time.Second)
		equal(t, "sent", fmt.Sprint(g.stats(id)["stats"].(map[string]any)["sent"]), "52") // 50 s / 0.95 s
		if err := g.SetSpeed(10); err != nil {
			t.Fatal(err)
		}
		equal(t, "sent", fmt.Sprint(g.stats(id)["stats"].(map[string]any)["sent"]), "52")
		g.clock.Add(4 * time.Second)
		equal(t, "status", g.status(id), "SENDING")
		g.clock.Add(time.Second)
		equal(t, "status", g.status(id), "COMPLETED")
		equal(t, "completed", g.stats(id)["completedAt"], any("2026-04-09T09:00:55Z"))
	})

	t.Run("AdvancesWithTheClock", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Every: time.Second, Speed: 2})
		id := g.confirmed(g.list(100))
		if err := g.Advance(90 * time.Second); err != nil {
			t.Fatal(err)
		}
		equal(t, "now", g.Now(), seedStart.Add(90*time.Second))
		equal(t, "status", g.status(id), "SENDING")
		g.clock.Add(5 * time.Second) // 10 simulated ones
		equal(t, "status", g.status(id), "COMPLETED")
		equal(t, "completed", g.stats(id)["completedAt"], any("2026-04-09T09:01:35Z"))
		if err := g.Advance(-1); err == nil {
			t.Error("the clock went back")
		}
	})

	t.Run("BeginsInTheMiddleOfAnAdvance", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Every: time.Second, Speed: 2})
		id := g.calculated(g.list(100), "Ciao")
		g.get(200, "PUT", campaign(id, "/confirm"), `{"scheduledDate":"2026-04-09T09:00:30.000+0000"}`)
		if err := g.Advance(90 * time.Second); err != nil {
			t.Fatal(err)
		}
		equal(t, "sent in 60 seconds", fmt.Sprint(g.stats(id)["stats"].(map[string]any)["sent"]), "63")
		if err := g.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
		equal(t, "completed", g.stats(id)["completedAt"], any("2026-04-09T09:02:10Z"))
	})

	t.Run("OfFailedCampaignsStopsWhereItStood", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{Every: time.Second})
		list := g.list(100)
		id := g.confirmed(list)
		g.clock.Add(19 * time.Second)
		if err := g.FailCampaign(id); err != nil {
			t.Fatal(err)
		}
		equal(t, "status", g.status(id), "FAILED")
		g.clock.Add(time.Hour)
		equal(t, "figures", g.figures(id), "FAILED: 100 total, 20 sent, 20 delivered, 0 undelivered, 80 pending, 100.00 %")
		if _, has := g.stats(id)["completedAt"]; has {
			t.Error("a failed campaign has a completedAt")
		}
		equal(t, "messages", g.Seen().Messages, 20)

		before := g.calculated(list, "Ciao")
		if err := g.FailCampaign(before); err != nil {
			t.Fatal(err)
		}
		g.get(200, "PUT", campaign(before, "/confirm"), immediately)
		equal(t, "status of one that was doomed as a draft", g.status(before), "FAILED")

		for _, id := range []int{id, 9999} {
			if err := g.FailCampaign(id); err == nil {
				t.Errorf("campaign %d failed again, or for the first time", id)
			}
		}
	})
}

// In a bubble there are no sockets: the handler is called directly.
func TestSandboxRunsOnTheClockOfABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := sandbox.New(sandbox.Options{})
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.FillDemo(sandbox.DemoList{Contacts: 9831, Unreachable: 289})
		if err != nil {
			t.Fatal(err)
		}
		do := func(method, path, body string) string {
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			r.Header.Set("X-Api-Key", sandbox.DefaultKey)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
			return w.Body.String()
		}
		do("POST", base+"/campaigns", seedCreate)
		do("PUT", campaign(1542, ""), fmt.Sprintf(`{"sender":"ShopItalia","text":"Ciao","contactListId":%d}`, list))
		do("POST", campaign(1542, "/calculateGoal"), "")
		do("PUT", campaign(1542, "/confirm"), immediately)
		time.Sleep(42*time.Minute - time.Second)
		if got := do("GET", campaign(1542, ""), ""); !strings.Contains(got, `"SENDING"`) {
			t.Errorf("a second before the end: %s", got)
		}
		time.Sleep(time.Second + time.Millisecond)
		if got := do("GET", campaign(1542, ""), ""); !strings.Contains(got, `"COMPLETED"`) {
			t.Errorf("at the end: %s", got)
		}
		// A delay is waited for in the bubble's time, too.
		if _, err := s.AddFault(sandbox.Fault{Delay: time.Hour}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		do("GET", campaign(1542, ""), "")
		if took := time.Since(began); took != time.Hour {
			t.Errorf("a delay of an hour took %v", took)
		}
	})
}

func TestStatisticsOnlyEverGrowAndAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		contacts := rapid.IntRange(1, 60).Draw(rt, "contacts")
		clock := &testClock{now: seedStart}
		s, err := sandbox.New(sandbox.Options{
			Clock: clock.Now,
			Every: time.Duration(rapid.IntRange(1, 5_000_000_000).Draw(rt, "every")),
			Speed: rapid.Float64Range(0.01, 1000).Draw(rt, "speed"),
		})
		if err != nil {
			rt.Fatal(err)
		}
		list, err := s.FillDemo(sandbox.DemoList{Contacts: contacts, Unreachable: rapid.IntRange(0, contacts).Draw(rt, "unreachable")})
		if err != nil {
			rt.Fatal(err)
		}
		do := func(method, path, body string) map[string]any {
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			r.Header.Set("X-Api-Key", sandbox.DefaultKey)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return parse(t, w.Body.String())
		}
		do("POST", base+"/campaigns", seedCreate)
		do("PUT", campaign(1542, ""), fmt.Sprintf(`{"sender":"ShopItalia","text":"Ciao","contactListId":%d}`, list))
		do("POST", campaign(1542, "/calculateGoal"), "")
		do("PUT", campaign(1542, "/confirm"), immediately)
		order := map[string]int{"CONFIRMED": 0, "SENDING": 1, "COMPLETED": 2}
		stage, last := 0, map[string]int{}
		for range rapid.IntRange(1, 30).Draw(rt, "looks") {
			switch rapid.IntRange(0, 5).Draw(rt, "meanwhile") {
			case 0:
				err = s.SetSpeed(rapid.Float64Range(0.01, 1000).Draw(rt, "speed"))
			case 1:
				err = s.Advance(time.Duration(rapid.IntRange(0, 10_000_000_000).Draw(rt, "advance")))
			default:
				clock.Add(time.Duration(rapid.IntRange(0, 20_000_000_000).Draw(rt, "wait")))
			}
			if err != nil {
				rt.Fatal(err)
			}
			all := do("GET", base+"/campaigns/stats?campaignId=1542", "")
			now := map[string]int{}
			for name, v := range all["stats"].(map[string]any) {
				if name != "deliveryRate" {
					n, _ := v.(interface{ Int64() (int64, error) }).Int64()
					now[name] = int(n)
				}
			}
			for _, name := range []string{"sent", "delivered", "undelivered"} {
				if now[name] < last[name] {
					rt.Fatalf("%s fell from %d to %d", name, last[name], now[name])
				}
			}
			if now["delivered"]+now["undelivered"]+now["pending"] != contacts || now["delivered"]+now["undelivered"] > now["sent"] || now["sent"] > contacts {
				rt.Fatalf("the figures do not add up: %v", now)
			}
			was := stage
			stage = order[all["status"].(string)]
			if stage < was || stage == 2 && now["pending"] != 0 || stage < 2 && now["pending"] == 0 || (stage == 0) != (now["sent"] == 0) {
				rt.Fatalf("status %v after %d with %v", all["status"], was, now)
			}
			last = now
		}
	})
}
