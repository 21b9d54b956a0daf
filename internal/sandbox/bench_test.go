package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

func benchSandbox(b *testing.B, contacts int) (s *sandbox.Sandbox, list int) {
	b.Helper()
	s, err := sandbox.New(sandbox.Options{Credit: decimal.New(1, 12)})
	if err != nil {
		b.Fatal(err)
	}
	if list, err = s.FillDemo(sandbox.DemoList{Contacts: contacts, Duplicates: contacts / 20, Unreachable: contacts / 30}); err != nil {
		b.Fatal(err)
	}
	return s, list
}

func direct(b *testing.B, s *sandbox.Sandbox, method, path, body string) string {
	b.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Api-Key", sandbox.DefaultKey)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}

// The whole life of a campaign to ten contacts, without the network.
func BenchmarkLifecycle(b *testing.B) {
	s, list := benchSandbox(b, 10)
	configure := fmt.Sprintf(`{"sender":"ShopItalia","text":"Ciao {{firstName}}, -30%% con {{code}}","contactListId":%d,"unicode":false}`, list)
	b.ReportAllocs()
	id := 1542
	for b.Loop() {
		direct(b, s, "POST", base+"/campaigns", `{"name":"Black Friday 2026","channel":"SMS","description":"sconto"}`)
		direct(b, s, "PUT", campaign(id, ""), configure)
		direct(b, s, "POST", campaign(id, "/calculateGoal"), "")
		direct(b, s, "GET", campaign(id, "/price"), "")
		direct(b, s, "PUT", campaign(id, "/confirm"), immediately)
		id++
	}
}

// Calculations to 100,000 contacts: the first after a change of the list, and
// those after it.
func BenchmarkCalculate100k(b *testing.B) {
	for _, c := range []struct{ name, text string }{{"plain", "Ciao!"}, {"personal", "Ciao {{firstName}}, -30% con {{code}}"}} {
		s, list := benchSandbox(b, 100_000)
		direct(b, s, "POST", base+"/campaigns", `{"name":"Black Friday 2026","channel":"SMS"}`)
		direct(b, s, "PUT", campaign(1542, ""), fmt.Sprintf(`{"sender":"ShopItalia","text":%q,"contactListId":%d}`, c.text, list))
		b.Run(c.name+"/changed list", func(b *testing.B) {
			for b.Loop() {
				if err := s.AddContacts(list, sandbox.Contact{PhoneNumber: "not a number"}); err != nil {
					b.Fatal(err)
				}
				direct(b, s, "POST", campaign(1542, "/calculateGoal"), "")
			}
		})
		b.Run(c.name+"/same list", func(b *testing.B) {
			for b.Loop() {
				direct(b, s, "POST", campaign(1542, "/calculateGoal"), "")
			}
		})
	}
}

func BenchmarkStats100k(b *testing.B) {
	s, list := benchSandbox(b, 100_000)
	direct(b, s, "POST", base+"/campaigns", `{"name":"Black Friday 2026","channel":"SMS"}`)
	direct(b, s, "PUT", campaign(1542, ""), fmt.Sprintf(`{"sender":"ShopItalia","text":"Ciao","contactListId":%d}`, list))
	direct(b, s, "POST", campaign(1542, "/calculateGoal"), "")
	direct(b, s, "PUT", campaign(1542, "/confirm"), immediately)
	b.ReportAllocs()
	for b.Loop() {
		direct(b, s, "GET", base+"/campaigns/stats?campaignId=1542", "")
	}
}

func BenchmarkFill100k(b *testing.B) {
	for b.Loop() {
		benchSandbox(b, 100_000)
	}
}

// The same over a real connection, several at once, as the service does it.
func BenchmarkLifecycleHTTP(b *testing.B) {
	s, list := benchSandbox(b, 10)
	server := httptest.NewServer(s)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	configure := fmt.Sprintf(`{"sender":"ShopItalia","text":"Ciao {{firstName}}, -30%% con {{code}}","contactListId":%d,"unicode":false}`, list)
	do := func(method, path, body string) string {
		r, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("X-Api-Key", sandbox.DefaultKey)
		res, err := client.Do(r)
		if err != nil {
			b.Error(err)
			return ""
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			b.Errorf("%s %s: %d %s %v", method, path, res.StatusCode, answer, err)
		}
		return string(answer)
	}
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			created := do("POST", base+"/campaigns", `{"name":"Black Friday 2026","channel":"SMS","description":"sconto"}`)
			var id int
			if _, err := fmt.Sscanf(created, `{"id":%d`, &id); err != nil {
				b.Error(err)
				return
			}
			do("PUT", campaign(id, ""), configure)
			do("POST", campaign(id, "/calculateGoal"), "")
			do("GET", campaign(id, "/price"), "")
			do("PUT", campaign(id, "/confirm"), immediately)
		}
	})
}
