package doctor

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// lookEvery is how often an answer of each kind is compared, repeatEvery how often
	// the same change is told again.
	lookEvery   = time.Minute
	repeatEvery = time.Hour
)

// A Change is a way of the gateway that is not what it was when it was examined.
type Change struct {
	Way     string
	Was, Is string
	Call    string // what showed it
}

// Watch compares the answers that pass, now and then, with what is known of a
// gateway, and reports what has changed. It makes no call of its own. It
// concludes nothing from what may be the answer of a proxy: a 404, a web page, or a
// refusal that is not in the gateway's own shape.
func Watch(next http.RoundTripper, v Variant, changed func(Change)) http.RoundTripper {
	return &watch{next: next, v: v, changed: changed, now: time.Now, looked: map[string]time.Time{}, reported: map[Change]time.Time{}}
}

type watch struct {
	next    http.RoundTripper
	v       Variant
	changed func(Change)
	now     func() time.Time

	mu       sync.Mutex
	looked   map[string]time.Time // by kind of call
	reported map[Change]time.Time
}

func (w *watch) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	call := callOf(r)
	if err != nil || call == "" || len(w.v) == 0 || !w.due(call) {
		return resp, err
	}
	a := answer{status: resp.StatusCode, header: resp.Header}
	var broken error
	a.body, broken = io.ReadAll(io.LimitReader(resp.Body, maxBody))
	resp.Body = replayedBody{io.MultiReader(bytes.NewReader(a.body), failingBody{broken}, resp.Body), resp.Body}
	if broken != nil {
		return resp, nil
	}
	if json.Unmarshal(a.body, &a.object) != nil {
		a.object = nil
	}
	for _, c := range w.compare(call, a) {
		w.report(c)
	}
	return resp, nil
}

// CloseIdleConnections closes those of the transport behind.
func (w *watch) CloseIdleConnections() {
	if t, ok := w.next.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// replayedBody is a body of which a part was read already.
type replayedBody struct {
	io.Reader
	io.Closer
}

// failingBody returns the error of an earlier read, in its place.
type failingBody struct{ err error }

func (f failingBody) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

var aCampaign = regexp.MustCompile(`/campaigns/\d+$`)

// callOf names the call that a request is; nothing for those that show nothing.
func callOf(r *http.Request) string {
	switch p := r.URL.Path; {
	case r.Method == http.MethodGet && strings.HasSuffix(p, "/campaigns/stats"):
		return stats
	case r.Method == http.MethodGet && strings.HasSuffix(p, "/campaigns"):
		return search
	case r.Method == http.MethodGet && aCampaign.MatchString(p):
		return read
	case r.Method == http.MethodDelete && aCampaign.MatchString(p):
		return deletes
	case r.Method == http.MethodPut && aCampaign.MatchString(p):
		return configure
	case r.Method == http.MethodPut && strings.HasSuffix(p, "/confirm"):
		return confirm
	case r.Method == http.MethodPost:
		return r.Method
	}
	return ""
}

func (w *watch) due(call string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if last, looked := w.looked[call]; looked && now.Sub(last) < lookEvery {
		return false
	}
	w.looked[call] = now
	return true
}

// compare says what an answer shows to have changed.
func (w *watch) compare(call string, a answer) (all []Change) {
	is := func(way, value string) {
		if was := w.v[way]; was != "" && was != value {
			all = append(all, Change{Way: way, Was: was, Is: value, Call: call})
		}
	}
	refused := w.v.refused(a)
	missing := refused && a.is(http.StatusMethodNotAllowed, http.StatusNotImplemented)
	state := -1
	if raw, there := a.object["status"]; a.ok() && there {
		state = canonical(raw)
		if state >= 0 {
			is(states, map[bool]string{true: "names", false: "numbers"}[strings.HasPrefix(string(raw), `"`)])
		}
	}
	switch call {
	case read:
		if missing {
			is(read, "no")
		}
		if state >= 0 {
			is(read, "yes")
		}
		if state >= 1 && w.v[readConfirmed] == "no" {
			is(readConfirmed, "yes")
		}
	case search:
		if missing {
			is(search, "no")
		}
		if a.ok() && a.object["content"] != nil {
			is(search, "yes")
		}
	case stats:
		if state == 0 {
			is(stats, "draft")
		}
		if state >= 0 {
			is(statsDates, "no")
		}
		if refused && a.is(http.StatusBadRequest) && bytes.Contains(a.body, []byte("startDate")) {
			is(statsDates, "needed")
		}
	case deletes:
		if missing {
			is(deletes, "no")
		}
		if a.ok() && w.v[deletes] == "no" {
			is(deletes, "yes")
		}
	case confirm:
		if a.ok() && a.is(http.StatusOK, http.StatusAccepted) {
			is(confirm, strconv.Itoa(a.status))
			is(confirmBody, map[bool]string{true: "yes", false: "no"}[happened(state)])
		}
		if refused && bytes.Contains(a.body, []byte("readyToSend")) {
			is(ready, "needed")
		}
	}
	if a.refused() && a.object != nil {
		if shape := envelopeOf(a); agree(w.v[envelope], shape) != w.v[envelope] {
			is(envelope, shape)
		}
	}
	return all
}

// report reports a change, and the same change only once in a while.
func (w *watch) report(c Change) {
	w.mu.Lock()
	last, told := w.reported[c]
	now := w.now()
	again := !told || now.Sub(last) >= repeatEvery
	if again {
		w.reported[c] = now
	}
	w.mu.Unlock()
	if again {
		w.changed(c)
	}
}
