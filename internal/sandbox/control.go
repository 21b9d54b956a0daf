package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// The control API under /sandbox/ is the Go API of Sandbox over HTTP. It needs no
// key, is not limited, and is not in the call log. docs/sandbox.md has it with
// examples.

// control answers with a value as JSON, or an error as 400 {"error":…}. The value
// nil is 204.
type control func(r *http.Request) (any, error)

func (s *Sandbox) controlRoutes(mux *http.ServeMux) {
	routes := map[string]control{
		"GET /sandbox/seen":                       s.getRecord,
		"GET /sandbox/calls":                      s.getCalls,
		"GET /sandbox/faults":                     func(*http.Request) (any, error) { return s.Faults(), nil },
		"POST /sandbox/faults":                    s.postFault,
		"DELETE /sandbox/faults":                  s.deleteFaults,
		"GET /sandbox/variants":                   func(*http.Request) (any, error) { return s.Variants(), nil },
		"POST /sandbox/variants":                  s.postVariants,
		"GET /sandbox/credit":                     func(*http.Request) (any, error) { return s.balance(), nil },
		"POST /sandbox/credit":                    s.postCredit,
		"POST /sandbox/contacts":                  s.postContacts,
		"POST /sandbox/contactlimit":              s.postContactLimit,
		"POST /sandbox/strangers":                 s.postStrangers,
		"POST /sandbox/optouts":                   s.postOptOuts,
		"DELETE /sandbox/optouts":                 s.deleteOptOuts,
		"POST /sandbox/unreachable":               s.postUnreachable,
		"POST /sandbox/keys":                      s.postKeys,
		"POST /sandbox/rate":                      s.postRate,
		"GET /sandbox/clock":                      func(*http.Request) (any, error) { return s.clock(), nil },
		"POST /sandbox/clock":                     s.postClock,
		"POST /sandbox/campaigns/{campaign}/fail": s.postFail,
		"POST /sandbox/reset":                     func(*http.Request) (any, error) { s.Reset(); return nil, nil },
	}
	for pattern, c := range routes {
		mux.Handle(pattern, c)
	}
	mux.Handle("GET /sandbox/{$}", control(func(*http.Request) (any, error) {
		var all []string
		for pattern := range routes {
			all = append(all, pattern)
		}
		slices.Sort(all)
		return map[string][]string{"control": all}, nil
	}))
	mux.HandleFunc("/sandbox/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, `{"error":"no such control: GET /sandbox/ lists them"}`, http.StatusNotFound)
	})
}

func (c control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	value, err := c(r)
	status := http.StatusOK
	switch {
	case err != nil:
		status, value = http.StatusBadRequest, map[string]string{"error": err.Error()}
	case value == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

// body reads a request strictly: a misspelt member would otherwise do nothing.
func body(r *http.Request, into any) error {
	b, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	return strict(b, into)
}

func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

// number reads an optional one from the query.
func number(q url.Values, name string, otherwise int) (int, error) {
	if !q.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil {
		return 0, fmt.Errorf("%s %q is not a number", name, q.Get(name))
	}
	return n, nil
}

// getRecord takes campaign= and name= (a part of name or description) to choose
// campaigns, limit= (default 1000) to show no more of them, phone= for one number.
// The sums are always over everything.
func (s *Sandbox) getRecord(r *http.Request) (any, error) {
	q := r.URL.Query()
	if phone := q.Get("phone"); phone != "" {
		messages, err := s.SeenPhone(phone)
		if err != nil {
			return nil, err
		}
		texts, err := s.SeenTexts(phone)
		return map[string]any{"phone": phone, "messages": messages, "texts": texts}, err
	}
	id, err := number(q, "campaign", 0)
	if err != nil {
		return nil, err
	}
	limit, err := number(q, "limit", 1000)
	if err != nil {
		return nil, err
	}
	seen := s.Seen()
	seen.Campaigns = slices.DeleteFunc(seen.Campaigns, func(c SeenCampaign) bool {
		return id != 0 && c.ID != id || !strings.Contains(c.Name+"\n"+c.Description, q.Get("name"))
	})
	seen.Campaigns = seen.Campaigns[:min(max(limit, 0), len(seen.Campaigns))]
	return seen, nil
}

// getCalls takes operation= and campaign= to choose lines.
func (s *Sandbox) getCalls(r *http.Request) (any, error) {
	q := r.URL.Query()
	op := Any
	if name := q.Get("operation"); name != "" {
		if err := op.UnmarshalText([]byte(name)); err != nil {
			return nil, err
		}
	}
	id, err := number(q, "campaign", 0)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(s.Calls(), func(c Call) bool {
		return !op.covers(c.Operation) || id != 0 && c.Campaign != id
	}), nil
}

func (s *Sandbox) postFault(r *http.Request) (any, error) {
	var f Fault
	if err := body(r, &f); err != nil {
		return nil, err
	}
	id, err := s.AddFault(f)
	return map[string]int{"id": id}, err
}

// deleteFaults takes id=; without it, all go.
func (s *Sandbox) deleteFaults(r *http.Request) (any, error) {
	id, err := number(r.URL.Query(), "id", 0)
	if err != nil {
		return nil, err
	}
	if id == 0 {
		s.RemoveFaults()
	} else {
		s.RemoveFaults(id)
	}
	return nil, nil
}

// postVariants changes what the body names and leaves the rest.
func (s *Sandbox) postVariants(r *http.Request) (any, error) {
	v := s.Variants()
	if err := body(r, &v); err != nil {
		return nil, err
	}
	s.SetVariants(v)
	return v, nil
}

func (s *Sandbox) balance() any {
	b := s.Balance()
	return map[string]Money{"credit": {b.Credit}, "frozenCredit": {b.Frozen}, "availableCredit": {b.Available}}
}

func (s *Sandbox) postCredit(r *http.Request) (any, error) {
	var in struct {
		Credit *decimal.Decimal `json:"credit"`
	}
	if err := body(r, &in); err != nil {
		return nil, err
	}
	if in.Credit == nil {
		return nil, errors.New("credit is required")
	}
	if err := s.SetCredit(*in.Credit); err != nil {
		return nil, err
	}
	return s.balance(), nil
}

func (s *Sandbox) postContactLimit(r *http.Request) (any, error) {
	var in struct {
		Limit *int `json:"limit"`
	}
	if err := body(r, &in); err != nil {
		return nil, err
	}
	if in.Limit == nil {
		return nil, errors.New("limit is required")
	}
	return nil, s.SetContactLimit(*in.Limit)
}

// postContacts puts contacts into a list, as they are, or makes a DemoList. A list
// id that is left out makes a new list.
func (s *Sandbox) postContacts(r *http.Request) (any, error) {
	var in struct {
		ListID   int       `json:"listId"`
		Name     string    `json:"name"`
		Contacts []Contact `json:"contacts"`
		Generate *DemoList `json:"generate"`
	}
	if err := body(r, &in); err != nil {
		return nil, err
	}
	answer := func(list, contacts int) any { return map[string]int{"listId": list, "contacts": contacts} }
	if in.Generate != nil {
		if in.Contacts != nil || in.ListID != 0 || in.Name != "" {
			return nil, errors.New("generate makes a list of its own: contacts, listId and name do not go with it")
		}
		if *in.Generate == (DemoList{}) {
			*in.Generate = ShopItalia()
		}
		list, err := s.FillDemo(*in.Generate)
		return answer(list, in.Generate.Contacts), err
	}
	if in.ListID == 0 {
		in.ListID = s.NewList(in.Name)
	}
	return answer(in.ListID, len(in.Contacts)), s.AddContacts(in.ListID, in.Contacts...)
}

// postStrangers makes campaigns of other customers.
func (s *Sandbox) postStrangers(r *http.Request) (any, error) {
	var in struct {
		Campaigns int `json:"campaigns"`
	}
	if err := body(r, &in); err != nil {
		return nil, err
	}
	ids, err := s.FillStrangers(in.Campaigns)
	return map[string][]int{"campaigns": ids}, err
}

type numbers struct {
	Numbers []string `json:"numbers"`
}

func (s *Sandbox) postOptOuts(r *http.Request) (any, error) {
	var in numbers
	if err := body(r, &in); err != nil {
		return nil, err
	}
	return nil, s.OptOut(in.Numbers...)
}

func (s *Sandbox) deleteOptOuts(r *http.Request) (any, error) {
	var in numbers
	if err := body(r, &in); err != nil {
		return nil, err
	}
	return nil, s.OptIn(in.Numbers...)
}

func (s *Sandbox) postUnreachable(r *http.Request) (any, error) {
	var in struct {
		numbers
		Prefixes []string `json:"prefixes"`
	}
	if err := body(r, &in); err != nil {
		return nil, err
	}
	s.UnreachablePrefix(in.Prefixes...)
	return nil, s.Unreachable(in.Numbers...)
}

func (s *Sandbox) postKeys(r *http.Request) (any, error) {
	var in struct {
		Keys []string `json:"keys"`
	}
	if err := body(r, &in); err != nil {
		return nil, err
	}
	if slices.Contains(in.Keys, "") {
		return nil, errors.New("an API key is empty")
	}
	s.SetKeys(in.Keys...)
	return nil, nil
}

func (s *Sandbox) postRate(r *http.Request) (any, error) {
	var in Rate
	if err := body(r, &in); err != nil {
		return nil, err
	}
	if in.PerMinute < 0 || in.PerSecond < 0 {
		return nil, errors.New("a rate cannot be negative")
	}
	s.SetRate(in)
	return nil, nil
}

func (s *Sandbox) clock() any {
	return map[string]any{"now": s.Now().Format(time.RFC3339Nano), "speed": s.time.speed()}
}

// postClock advances the time, then sets the speed; either may be left out.
func (s *Sandbox) postClock(r *http.Request) (any, error) {
	var in struct {
		Advance string  `json:"advance"`
		Speed   float64 `json:"speed"`
	}
	if err := body(r, &in); err != nil {
		return nil, err
	}
	if in.Advance != "" {
		d, err := time.ParseDuration(in.Advance)
		if err != nil {
			return nil, fmt.Errorf("advance: %w", err)
		}
		if err := s.Advance(d); err != nil {
			return nil, err
		}
	}
	if in.Speed != 0 {
		if err := s.SetSpeed(in.Speed); err != nil {
			return nil, err
		}
	}
	return s.clock(), nil
}

func (s *Sandbox) postFail(r *http.Request) (any, error) {
	id, err := strconv.Atoi(r.PathValue("campaign"))
	if err != nil {
		return nil, fmt.Errorf("campaign %q is not a number", r.PathValue("campaign"))
	}
	return nil, s.FailCampaign(id)
}
