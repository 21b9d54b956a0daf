package doctor_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/doctor"
	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// service makes the calls of one campaign through a watch.
type service struct {
	t       *testing.T
	through http.RoundTripper
	list    int64
}

func (s service) call(method, path, body string) (status int, answer string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://gateway.example/api/partner-gateway/v1"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", sandbox.DefaultKey)
	resp, err := s.through.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func (s service) campaign(id int) {
	s.t.Helper()
	c := fmt.Sprintf("/campaigns/%d", id)
	s.call("POST", "/campaigns", `{"name":"a","channel":"SMS"}`)
	s.call("POST", c+"/calculateGoal", "")
	s.call("PUT", c, fmt.Sprintf(`{"sender":"Shop","text":"Ciao","contactListId":%d}`, s.list))
	s.call("POST", c+"/calculateGoal", "")
	s.call("PUT", c+"/confirm", `{"sendImmediately":true,"simulation":true}`)
	s.call("GET", c, "")
	s.call("GET", "/campaigns/stats?campaignId="+fmt.Sprint(id), "")
	s.call("GET", "/campaigns?page=0&limit=1", "")
	s.call("DELETE", c, "")
}

// The service meets a gateway that is what it was examined as, and then another one
// for each variant. The watch says what has changed, and nothing that has not.
func TestWatchTellsWhatHasChanged(t *testing.T) {
	t.Parallel()
	before := truth(sandbox.Variants{})
	each(func(name string, v sandbox.Variants) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told []string
			c := open(t, v)
			w := doctor.Watch(wired{c}, before, func(ch doctor.Change) { told = append(told, ch.Way+"="+ch.Is) })
			service{t, w, c.list}.campaign(1542)
			now := truth(v)
			for _, change := range told {
				way, is, _ := strings.Cut(change, "=")
				if now[way] != is {
					t.Errorf("%s was told, and it is %s", change, now[way])
				}
			}
			for _, way := range []string{"states", "confirm", "confirm_body", "envelope", "delete", "stats_dates", "ready"} {
				bare := way == "envelope" && now[way] == "none" // which a proxy has, too
				if before[way] != now[way] && !bare && !slices.Contains(told, way+"="+now[way]) {
					t.Errorf("%s is %s, and only %v was told", way, now[way], told)
				}
			}
		})
	})
}

func TestWatchLeavesAnswersAlone(t *testing.T) {
	t.Parallel()
	with, without := open(t, sandbox.Variants{}), open(t, sandbox.Variants{})
	through := service{t, doctor.Watch(wired{with}, truth(sandbox.Variants{NumericStatus: true}), func(doctor.Change) {}), with.list}
	plain := service{t, wired{without}, without.list}
	for _, call := range []struct{ method, path, body string }{
		{"POST", "/campaigns", `{"name":"a","channel":"SMS"}`}, {"GET", "/campaigns/1542", ""}, {"GET", "/campaigns/1", ""},
		{"GET", "/contacts/list?limit=1000", ""}, {"DELETE", "/campaigns/1542", ""}, {"PUT", "/campaigns/1542/confirm", `{`},
	} {
		status, body := through.call(call.method, call.path, call.body)
		wantStatus, want := plain.call(call.method, call.path, call.body)
		if diff := cmp.Diff(fmt.Sprint(wantStatus, want), fmt.Sprint(status, body)); diff != "" {
			t.Errorf("%s %s (-without +with):\n%s", call.method, call.path, diff)
		}
	}
}

// A proxy's pages are no change of the gateway's.
func TestWatchIsNotFooledByWhoeverStandsBetween(t *testing.T) {
	t.Parallel()
	for _, f := range []sandbox.Fault{
		{Status: 404, Body: sandbox.HTML, Times: 9}, {Status: 404, Body: sandbox.Empty, Times: 9}, {Status: 200, Body: sandbox.HTML, Times: 9},
		{Status: 405, Body: sandbox.HTML, Times: 9}, {Status: 501, Body: sandbox.Empty, Times: 9},
		{Status: 503, Body: sandbox.Spring, Times: 9}, {Status: 401, Body: sandbox.Spring, Times: 9}, {Status: 429, Times: 9},
	} {
		c := open(t, sandbox.Variants{})
		if _, err := c.AddFault(f); err != nil {
			t.Fatal(err)
		}
		w := doctor.Watch(wired{c}, truth(sandbox.Variants{}), func(ch doctor.Change) { t.Errorf("%d %s: %+v was told", f.Status, f.Body, ch) })
		service{t, w, c.list}.campaign(1542)
	}
}

func TestWatchLooksNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, sandbox.Variants{NumericStatus: true})
		told := 0
		s := service{t, doctor.Watch(wired{c}, doctor.Variant{"states": "names"}, func(doctor.Change) { told++ }), c.list}
		s.call("POST", "/campaigns", `{"name":"a","channel":"SMS"}`)
		for range 3 * 60 { // an hour and a half, every half minute
			s.call("GET", "/campaigns/1542", "")
			time.Sleep(30 * time.Second)
		}
		// The create and the read are two calls that show it, each once an hour; the read
		// comes a second time.
		if told != 3 {
			t.Errorf("told %d times, want 3", told)
		}
	})
}
