package story

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// sandbox is the control API of the sandbox gateway.
type sandbox struct {
	t   testing.TB
	url string
}

// do makes a control call; it fails the test if the sandbox refuses.
func (s sandbox) do(method, path string, body, answer any) {
	s.t.Helper()
	var r io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, r)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s %v: %s", method, path, resp.Status, err, data)
	}
	if answer != nil {
		if err := json.Unmarshal(data, answer); err != nil {
			s.t.Fatalf("%s %s: %v: %s", method, path, err, data)
		}
	}
}

type object map[string]any

// generateList makes a list by what is in it; nil: the list of UC-006.
func (s sandbox) generateList(what object) int64 {
	s.t.Helper()
	if what == nil {
		what = object{}
	}
	var list struct{ ListID int64 }
	s.do("POST", "/sandbox/contacts", object{"generate": what}, &list)
	return list.ListID
}

// listOf makes a list of these contacts.
func (s sandbox) listOf(contacts ...object) int64 {
	s.t.Helper()
	var list struct{ ListID int64 }
	s.do("POST", "/sandbox/contacts", object{"name": "people", "contacts": contacts}, &list)
	return list.ListID
}

// fault makes the sandbox misbehave towards the campaigns whose key begins so.
// Times are negative for "always", until stop is called, and absent for once.
func (s sandbox) fault(key string, rule object) (stop func()) {
	s.t.Helper()
	rule["name"] = "[staffetta " + key
	var made struct{ ID int }
	s.do("POST", "/sandbox/faults", rule, &made)
	return func() {
		s.t.Helper()
		s.do("DELETE", fmt.Sprintf("/sandbox/faults?id=%d", made.ID), nil, nil)
	}
}

// call is one line of the sandbox's call log.
type call struct{ At time.Time }

// calls are those of one kind for one campaign.
func (s sandbox) calls(campaign int64, operation string) []call {
	s.t.Helper()
	var all []call
	s.do("GET", fmt.Sprintf("/sandbox/calls?campaign=%d&operation=%s", campaign, operation), nil, &all)
	return all
}

// seen is what really happened.
type seen struct {
	Campaigns []struct {
		ID       int64
		Status   string
		Deleted  bool
		Confirms int
		Charged  json.Number
		Messages int
		Start    time.Time // of what was confirmed
	}
}

func (s seen) confirms() (n int) {
	for _, c := range s.Campaigns {
		n += c.Confirms
	}
	return n
}

func (s seen) messages() (n int) {
	for _, c := range s.Campaigns {
		n += c.Messages
	}
	return n
}

// seen asks for the campaigns whose name or description has these words.
func (s sandbox) seen(words string) seen {
	s.t.Helper()
	var all seen
	s.do("GET", "/sandbox/seen?name="+url.QueryEscape(words), nil, &all)
	return all
}

// metric is one series of a service's /metrics; absent is 0.
func (s *fixture) metric(of Service, series string) float64 {
	s.Helper()
	resp, err := http.Get(of.URL() + "/metrics")
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		if rest, ok := bytes.CutPrefix(line, []byte(series+" ")); ok {
			var v float64
			if _, err := fmt.Sscan(string(rest), &v); err != nil {
				s.Fatalf("%s: %v", series, err)
			}
			return v
		}
	}
	return 0
}
