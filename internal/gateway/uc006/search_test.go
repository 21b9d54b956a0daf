package uc006

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/gateway"
)

// library is a gateway with so many campaigns, which shows at most so many at once.
type library struct {
	total, most int
	page        func(items []string, page, total int) string
	mu          sync.Mutex
	asked       []url.Values
}

func (l *library) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	l.mu.Lock()
	l.asked = append(l.asked, q)
	l.mu.Unlock()
	page, _ := strconv.Atoi(q.Get("page"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	limit = min(limit, l.most)
	var items []string
	for i := page * limit; i < min((page+1)*limit, l.total); i++ {
		items = append(items, fmt.Sprintf(`{"id":%d,"name":"n%d","description":"d [staffetta shop.%d]","status":"DRAFT","channel":"SMS"}`, i+1, i+1, i+1))
	}
	answers(200, l.page(items, page, l.total))(w, r)
}

// The search has every campaign once, in whatever way the gateway makes pages.
func TestSearchReadsEveryPage(t *testing.T) {
	t.Parallel()
	join := func(items []string) string { return "[" + strings.Join(items, ",") + "]" }
	array := func(items []string, _, _ int) string { return join(items) }
	for name, tt := range map[string]struct {
		total, most int
		page        func(items []string, page, total int) string
		requests    int
	}{
		"Spring": {250, 100, func(items []string, _, total int) string {
			return fmt.Sprintf(`{"content":%s,"totalElements":%d}`, join(items), total)
		}, 3},
		"SpringThatSaysTheLast": {250, 100, func(items []string, page, _ int) string {
			return fmt.Sprintf(`{"content":%s,"last":%v}`, join(items), page == 2)
		}, 3},
		"SpringWithALowerLimit": {250, 50, func(items []string, _, total int) string {
			return fmt.Sprintf(`{"content":%s,"totalElements":%d}`, join(items), total)
		}, 5},
		"Array":                 {250, 100, array, 4},
		"ArrayWithALowerLimit":  {120, 50, array, 4},
		"ArrayOfFullPages":      {200, 100, array, 3},
		"Campaigns":             {3, 100, func(items []string, _, _ int) string { return `{"campaigns":` + join(items) + `}` }, 2},
		"Nothing":               {0, 100, array, 1},
		"NothingOfSpring":       {0, 100, func([]string, int, int) string { return `{"content":[],"totalElements":0}` }, 1},
		"NoPagesAtAll":          {5, 100, func([]string, int, int) string { return `[{"id":1},{"id":"2"},{"id":3.0},{"id":4},{"id":5}]` }, 2},
		"TotalThatCannotBeRead": {3, 100, func(items []string, _, _ int) string { return `{"content":` + join(items) + `,"totalElements":"many"}` }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &library{total: tt.total, most: tt.most, page: tt.page}
			g := open(t, l.ServeHTTP)
			found, out := g.Search(t.Context(), "[staffetta shop")
			if out.Kind != campaign.OK || len(found) != tt.total {
				t.Fatalf("found %d: %s %s, want %d", len(found), out.Kind, out.Err, tt.total)
			}
			for i, f := range found {
				if f.ID != int64(i+1) {
					t.Fatalf("at %d: %+v", i, f)
				}
			}
			if len(l.asked) != tt.requests {
				t.Errorf("%d requests, want %d", len(l.asked), tt.requests)
			}
			if q := l.asked[0]; q.Get("search") != "[staffetta shop" || q.Get("page") != "0" {
				t.Errorf("asked %v", q)
			}
		})
	}
}

// What a campaign does not say is empty; whatever else it says is of no matter.
func TestSearchShowsWhatIsSaid(t *testing.T) {
	t.Parallel()
	g := open(t, answers(200, `{"content":[
		{"id":1542,"name":"Black Friday","description":"x [staffetta shop.bf]","status":0,"smsBody":"Ciao"},
		{"id":"1543","name":null,"description":7,"status":"PAUSED"},
		{"id":1544,"status":{"code":1}}]}`))
	found, out := g.Search(t.Context(), "shop")
	want := []gateway.Found{
		{ID: 1542, Name: "Black Friday", Description: "x [staffetta shop.bf]", Status: campaign.StatusUnconfirmed},
		{ID: 1543, Status: campaign.StatusUnknown},
		{ID: 1544},
	}
	if diff := cmp.Diff(want, found); diff != "" || out.Kind != campaign.OK || out.Op != gateway.OpSearch {
		t.Errorf("%s %s, found (-want +got):\n%s", out.Kind, out.Err, diff)
	}
}

// What cannot be searched says why, sorted as everything is.
func TestSearchThatIsNotAnswered(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code int
		body string
		want campaign.Kind
		says string
	}{
		"Unsupported":    {404, spring404, campaign.Refused, "no campaign 1542"},
		"NotAllowed":     {405, "", campaign.Unavailable, "405 Method Not Allowed without a reason"},
		"Unauthorised":   {401, "", campaign.Unauthorised, ""},
		"Forbidden":      {403, "", campaign.Unauthorised, ""}, // the probe is forbidden too
		"Down":           {503, "later", campaign.Unavailable, "later"},
		"AWebPage":       {200, "<html>", campaign.Unavailable, "cannot be used"},
		"NoList":         {200, "{}", campaign.Unavailable, "it lacks content or campaigns"},
		"OneWithoutAnID": {200, `[{"id":1},{"name":"x"}]`, campaign.Unavailable, "a campaign without an id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := open(t, answers(tt.code, tt.body))
			found, out := g.Search(t.Context(), "x")
			if out.Kind != tt.want || out.HTTP != tt.code || len(found) != 0 || !strings.Contains(out.Words+out.Err, tt.says) {
				t.Errorf("got %s %d %q %q and %d found", out.Kind, out.HTTP, out.Words, out.Err, len(found))
			}
			if g.Authorised() == (tt.want == campaign.Unauthorised) {
				t.Errorf("authorised %v after %s", g.Authorised(), out.Kind)
			}
			if _, out := g.Search(t.Context(), "x"); tt.want == campaign.Unauthorised && out.Kind != campaign.Unauthorised {
				t.Errorf("the gate is shut, and the next search is %s", out.Kind)
			}
		})
	}
}

// What was found is not thrown away when a later page fails, and pages that never
// end are not read for ever.
func TestSearchThatBreaksOff(t *testing.T) {
	t.Parallel()
	g := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "0" {
			answers(200, `[{"id":1},{"id":2}]`)(w, r)
			return
		}
		answers(503, "later")(w, r)
	})
	if found, out := g.Search(t.Context(), "x"); out.Kind != campaign.Unavailable || len(found) != 2 {
		t.Errorf("got %s and %d found", out.Kind, len(found))
	}
	endless := open(t, func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		answers(200, fmt.Sprintf(`[{"id":%d}]`, page+1))(w, r)
	})
	if found, out := endless.Search(t.Context(), "x"); out.Kind != campaign.Unavailable || len(found) != 1000 || !strings.Contains(out.Err, "does not end") {
		t.Errorf("got %s %q and %d found", out.Kind, out.Err, len(found))
	}
}

// While no calls are made to the gateway, no search is made either.
func TestSearchWaitsForTheBreaker(t *testing.T) {
	t.Parallel()
	g := open(t, answers(503, ""))
	for range gateway.DefaultBreakerFailures {
		do(t, g, blackFriday[campaign.OpPrice])
	}
	if _, out := g.Search(t.Context(), "x"); out.Kind != campaign.NotAttempted || out.RetryAfter <= 0 {
		t.Errorf("got %s, retry after %s", out.Kind, out.RetryAfter)
	}
}
