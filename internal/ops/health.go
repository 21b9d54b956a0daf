package ops

import (
	"encoding/json"
	"net/http"
	"time"
)

// A Probe says in a sentence how something is, and whether the service may be given
// work. It must answer at once: a caller is waiting.
type Probe func() (how string, ok bool)

type check struct {
	name  string
	probe Probe
	must  bool
}

// Check makes readiness depend on a probe.
func (s *Ops) Check(name string, p Probe) { s.addCheck(check{name, p, true}) }

// Note shows a probe's answer beside the checks. It is for information: readiness does
// not depend on it.
func (s *Ops) Note(name string, p Probe) { s.addCheck(check{name, p, false}) }

func (s *Ops) addCheck(c check) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checks = append(s.checks, c)
}

// Stopping makes readiness say no from now on: the program is about to end.
func (s *Ops) Stopping() { s.stopping.Store(true) }

// Ready is the answer of /readyz.
type Ready struct {
	Ready  bool    `json:"ready"`
	Checks []State `json:"checks"`
}

// State is the answer of one probe.
type State struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	How  string `json:"how"`
	// Optional: shown, but readiness does not depend on it.
	Optional bool `json:"optional,omitempty"`
}

// Ready asks every probe.
func (s *Ops) Ready() Ready {
	s.mu.Lock()
	checks := s.checks
	s.mu.Unlock()

	r := Ready{Ready: true, Checks: []State{}}
	if s.stopping.Load() {
		r.Ready = false
		r.Checks = append(r.Checks, State{Name: "process", How: "it is stopping"})
	}
	for _, c := range checks {
		how, ok := c.probe()
		r.Checks = append(r.Checks, State{Name: c.name, OK: ok, How: how, Optional: !c.must})
		r.Ready = r.Ready && (ok || !c.must)
	}
	return r
}

func (s *Ops) readyz(w http.ResponseWriter, _ *http.Request) {
	r := s.Ready()
	status := http.StatusOK
	if !r.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, r)
}

// livez says only that the process runs. A restart would not cure what readyz reports.
func (s *Ops) livez(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, struct {
		Alive   bool   `json:"alive"`
		Version string `json:"version"`
		Up      string `json:"up"`
	}{true, s.version, time.Since(s.started).Round(time.Second).String()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	//lint:ignore errcheck the caller has hung up: there is no one to report to
	enc.Encode(v)
}
