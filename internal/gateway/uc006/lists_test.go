package uc006

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

const people = runnertest.File("phoneNumber,firstName\n+393331234501,Anna\n+393331234502,Bruno\n")

// uploads is a gateway that takes uploads: what it answers by path, and what it was sent.
type uploads struct {
	t       *testing.T
	answers map[string]answerOf
	got     []string
}

type answerOf struct {
	code int
	body string
}

func (u *uploads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		u.t.Error(err)
	}
	form, err := multipart.NewReader(r.Body, params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		u.t.Error(err)
		return
	}
	f, err := form.File["file"][0].Open()
	if err != nil {
		u.t.Error(err)
	}
	file, err := io.ReadAll(f)
	if err != nil {
		u.t.Error(err)
	}
	path := strings.TrimPrefix(r.URL.Path, "/api/partner-gateway/v1")
	u.got = append(u.got, fmt.Sprintf("%s %s listId=%s fileName=%s removeHead=%s %d bytes", r.Method, path,
		form.Value["listId"][0], form.Value["fileName"][0], form.Value["removeHead"][0], len(file)))
	if string(file) != string(people) {
		u.t.Errorf("the file is %q", file)
	}
	a, there := u.answers[path]
	if !there {
		a = answerOf{404, `{"status":"fail","data":{"path":"there is nothing here"}}`}
	}
	w.WriteHeader(a.code)
	io.WriteString(w, a.body)
}

// The pages disagree whether an upload takes one step or two. Both readings work, and so
// does a gateway that says nothing.
func TestUploadSpeaksEveryForm(t *testing.T) {
	t.Parallel()
	const one, two = "POST /contacts/upload listId=91 fileName=recipients.csv removeHead=true 61 bytes", "POST /contacts/mapped/file listId=91 fileName=recipients.csv removeHead=true 61 bytes"
	const summary = `{"importId":"imp_1","listId":91,"status":"COMPLETED","summary":{"total":2,"imported":2,"duplicates":0,"errors":0,"skipped":0},"errors":[]}`
	const rows = `[{"phoneNumber":"+393331234501","firstName":"Anna"}]`
	for _, test := range []struct {
		name    string
		two     bool // it is known to take two steps
		answers map[string]answerOf
		sent    []string
		kind    campaign.Kind
	}{
		{"InOneStep", false, map[string]answerOf{"/contacts/upload": {200, summary}}, []string{one}, campaign.OK},
		{"InOneStepWithBareFigures", false, map[string]answerOf{"/contacts/upload": {201, `{"imported":2,"updated":0}`}}, []string{one}, campaign.OK},
		{"RowsAreShownAndCommitted", false, map[string]answerOf{"/contacts/upload": {200, rows}, "/contacts/mapped/file": {200, summary}}, []string{one, two}, campaign.OK},
		{"ItSaysNothingAndHasNoSecondStep", false, map[string]answerOf{"/contacts/upload": {200, ""}}, []string{one, two}, campaign.OK},
		{"ItIsKnownToTakeTwoSteps", true, map[string]answerOf{"/contacts/upload": {200, summary}, "/contacts/mapped/file": {200, ""}}, []string{one, two}, campaign.OK},
		{"ItIsKnownToTakeTwoStepsAndHasOne", true, map[string]answerOf{"/contacts/upload": {200, summary}}, []string{one, two}, campaign.Refused},
		{"TheCommitIsRefused", false, map[string]answerOf{"/contacts/upload": {200, rows}, "/contacts/mapped/file": {400, `{"status":"fail","data":{"file":"no"}}`}}, []string{one, two}, campaign.Refused},
		{"ASuccessThatFailed", false, map[string]answerOf{"/contacts/upload": {200, `{"status":"FAILED"}`}}, []string{one}, campaign.Unavailable},
		{"AWebPage", false, map[string]answerOf{"/contacts/upload": {200, "<html>"}}, []string{one}, campaign.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			u := &uploads{t: t, answers: test.answers}
			g := open(t, u.ServeHTTP, func(o *Options) { o.TwoSteps = test.two })
			if o := do(t, g, campaign.Call{Op: campaign.OpUpload, List: 91, File: people.Whole}); o.Kind != test.kind {
				t.Errorf("it is %s (%s %s), want %s", o.Kind, o.Words, o.Err, test.kind)
			}
			if diff := cmp.Diff(test.sent, u.got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// What the gateway says of an upload may quote people, so none of it goes on.
func TestNothingThatAnUploadIsAnsweredIsKept(t *testing.T) {
	t.Parallel()
	for _, a := range []answerOf{
		{400, `{"status":"fail","data":{"+393331234501":"the number of Anna is not valid"}}`},
		{400, `{"status":400,"error":"Bad Request","message":"line 2: +393331234501 Anna"}`},
		{200, `<html>+393331234501 Anna</html>`},
		{200, `{"status":"error","message":"+393331234501 Anna"}`},
		{422, `+393331234501 Anna`},
		{503, `{"status":"error","message":"+393331234501 Anna"}`},
	} {
		g := open(t, answers(a.code, a.body))
		o := do(t, g, campaign.Call{Op: campaign.OpUpload, List: 91, File: people.Whole})
		said := fmt.Sprintf("%+v", o)
		if o.Kind == campaign.OK || strings.Contains(said, "Anna") || strings.Contains(said, "39333") || o.Err == "" {
			t.Errorf("%d %s: %s", a.code, a.body, said)
		}
	}
}

// A gateway may show lists as an array or on pages, ignore the search, or page on for ever.
func TestFindReadsEveryPageAndBelievesOnlyTheName(t *testing.T) {
	t.Parallel()
	const mark = "[staffetta shop-italia.bf-2026] "
	for name, pages := range map[string][]string{
		"OnPages":            {`{"content":[{"id":5,"name":"x"},{"id":6,"name":"[staffetta shop-italia.bf-2026] 1"}],"totalElements":3}`, `{"content":[{"id":7,"name":"[staffetta shop-italia.bf-2026] 2"}],"totalElements":3}`},
		"AnArray":            {`[{"id":"6","name":"[staffetta shop-italia.bf-2026] 1"},{"id":8,"name":"[staffetta shop-italia.bf-20267] 1"},{"id":7,"name":"[staffetta shop-italia.bf-2026] 2"}]`},
		"TheSamePageForEver": {`{"lists":[{"id":6,"name":"[staffetta shop-italia.bf-2026] 1"},{"id":7,"name":"[staffetta shop-italia.bf-2026] 2"},{"id":9}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := open(t, func(w http.ResponseWriter, r *http.Request) {
				if q := r.URL.Query(); q.Get("search") != "[staffetta shop-italia.bf-2026]" || r.URL.Path != "/api/partner-gateway/v1/contacts/list" {
					t.Errorf("asked for %s", r.URL)
				}
				page := 0
				fmt.Sscan(r.URL.Query().Get("page"), &page)
				io.WriteString(w, pages[min(page, len(pages)-1)])
			})
			o := do(t, g, campaign.Call{Op: campaign.OpFind, Name: mark})
			if diff := cmp.Diff([]int64{6, 7}, o.Lists); diff != "" || o.Kind != campaign.OK {
				t.Errorf("%s, found (-want +got):\n%s", o.Kind, diff)
			}
		})
	}
}

func TestCountAndQuotaBelieveOnlyFigures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		op       campaign.Op
		code     int
		body     string
		kind     campaign.Kind
		contacts int64
	}{
		{campaign.OpCount, 200, `{"content":[{"id":90,"contactCount":5},{"id":91,"contactCount":10247}]}`, campaign.OK, 10247},
		{campaign.OpCount, 200, `[{"id":91,"name":"a","contactCount":"3"}]`, campaign.OK, 3},
		{campaign.OpCount, 200, `{"content":[{"id":90,"contactCount":5}]}`, campaign.Refused, 0},
		{campaign.OpCount, 200, `{"content":[]}`, campaign.Refused, 0},
		{campaign.OpCount, 200, `{"content":[{"id":91}]}`, campaign.Unavailable, 0},
		{campaign.OpCount, 200, `{"id":91,"contactCount":3}`, campaign.Unavailable, 0},
		{campaign.OpCount, 503, ``, campaign.Unavailable, 0},
		{campaign.OpQuota, 200, `{"planLimit":100,"extraLimit":0,"totalLimit":100,"used":88,"remaining":12}`, campaign.OK, 12},
		{campaign.OpQuota, 200, `{"planLimit":100}`, campaign.Unavailable, 0},
	} {
		g := open(t, func(w http.ResponseWriter, r *http.Request) {
			if want := "/api/v1/partner-gateway/subscription/contacts"; test.op == campaign.OpQuota && r.URL.Path != want {
				t.Errorf("asked for %s, want %s", r.URL.Path, want)
			}
			w.WriteHeader(test.code)
			io.WriteString(w, test.body)
		})
		if o := do(t, g, campaign.Call{Op: test.op, List: 91}); o.Kind != test.kind || o.Contacts != test.contacts {
			t.Errorf("%s %s: %s, %d, want %s, %d (%s)", test.op, test.body, o.Kind, o.Contacts, test.kind, test.contacts, o.Err)
		}
	}
}

// Without a number, a removal is not asked for: nobody says what it would remove.
func TestUnlistWithoutANumberIsNotMade(t *testing.T) {
	t.Parallel()
	var asked []string
	g := open(t, func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.Method+" "+r.URL.RequestURI()) })
	if o := do(t, g, campaign.Call{Op: campaign.OpUnlist}); o.Kind != campaign.NotAttempted || len(asked) != 0 {
		t.Errorf("it is %s, and %q was asked", o.Kind, asked)
	}
	do(t, g, campaign.Call{Op: campaign.OpUnlist, Lists: []int64{90, 91}})
	if diff := cmp.Diff([]string{"DELETE /api/partner-gateway/v1/contacts/list?ids=90,91"}, asked); diff != "" {
		t.Error(diff)
	}
}

// A gateway that does not heed the number shows all lists, and ours on any page. It is not
// taken for gone before the last one was read.
func TestCountLooksOnEveryPage(t *testing.T) {
	t.Parallel()
	pages := []string{`{"content":[{"id":5,"contactCount":1}],"totalElements":3}`, `{"content":[{"id":91,"contactCount":7}],"totalElements":3}`, `{"content":[{"id":6,"contactCount":2}],"totalElements":3}`}
	asked := 0
	g := open(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		page := 0
		fmt.Sscan(r.URL.Query().Get("page"), &page)
		io.WriteString(w, pages[page])
	})
	if o := do(t, g, campaign.Call{Op: campaign.OpCount, List: 91}); o.Kind != campaign.OK || o.Contacts != 7 || asked != 2 {
		t.Errorf("%s, %d contacts after %d pages, want 7 after 2", o.Kind, o.Contacts, asked)
	}
	if o := do(t, g, campaign.Call{Op: campaign.OpCount, List: 92}); o.Kind != campaign.Refused || o.Cause != campaign.NotFound || asked != 5 {
		t.Errorf("%s %s after %d pages, want that it is not there, after 3 more", o.Kind, o.Cause, asked-2)
	}
}
