package sandbox_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// Everybody spends from one account: it must not be overdrawn, and the figures
// must add up to the last cent.
func TestConcurrentConfirmsNeverOverdrawTheAccount(t *testing.T) {
	t.Parallel()
	const workers, each, recipients = 16, 12, 10
	// Enough for half of them: 96 × 10 × 0.035.
	s, err := sandbox.New(sandbox.Options{Credit: decimal.New(3360, -2)})
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.FillDemo(sandbox.DemoList{Contacts: recipients})
	if err != nil {
		t.Fatal(err)
	}
	do := func(method, path, body string) int {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("X-Api-Key", sandbox.DefaultKey)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	for range workers * each {
		do("POST", base+"/campaigns", `{"name":"x","channel":"SMS"}`)
	}
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := range each {
				id := 1542 + worker*each + i
				do("PUT", campaign(id, ""), fmt.Sprintf(`{"sender":"ShopItalia","text":"Ciao {{code}}","contactListId":%d}`, list))
				do("POST", campaign(id, "/calculateGoal"), "")
				do("GET", campaign(id, "/price"), "")
				// Every other one is scheduled; both forms are tried by two at once.
				body := immediately
				if i%2 == 0 {
					body = `{"scheduledDate":"2999-11-29T08:00:00.000+0000"}`
				}
				var twice sync.WaitGroup
				twice.Go(func() { do("PUT", campaign(id, "/confirm"), body) })
				do("PUT", campaign(id, "/confirm"), body)
				twice.Wait()
				do("GET", fmt.Sprintf("%s/campaigns/stats?campaignId=%d", base, id), "")
				do("GET", base+"/campaigns?search=x", "")
				s.Seen()
				s.Calls()
				if err := s.AddContacts(list); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := s.Seen()
	equal(t, "confirms", seen.Confirms, workers*each/2)
	equal(t, "most confirms", seen.MaxConfirms, 1)
	equal(t, "charged", seen.Charged.StringFixed(2), "33.60")
	b := s.Balance()
	equal(t, "available", b.Available.StringFixed(2), "0.00")
	equal(t, "credit is what is frozen", b.Credit.String(), b.Frozen.String())
}
