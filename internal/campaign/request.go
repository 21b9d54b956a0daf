package campaign

import (
	"time"
)

// Request is what was asked for, as its sender wrote it. It is kept whole in
// the record: the same key with other content is a conflict, not an update.
type Request struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Sender      string    `json:"sender"`
	Text        string    `json:"text"`
	ListID      int64     `json:"contact_list_id"`
	Unicode     bool      `json:"unicode,omitempty"`
	Simulation  bool      `json:"simulation,omitempty"`
	At          time.Time `json:"at,omitzero"`         // zero: immediately
	ExpiresAt   time.Time `json:"expires_at,omitzero"` // zero: never; it bounds the end of sending
	Limits      Limits    `json:"limits,omitzero"`

	// Said stands for name, description and text once they are forgotten.
	Said string `json:"said,omitempty"`
}

// Scheduled says whether the gateway is to wait for an instant.
func (r Request) Scheduled() bool { return !r.At.IsZero() }

// Diff names the fields in which two requests differ, as the contract spells
// them; none if they ask for the same.
func (r Request) Diff(o Request) []string {
	var fields []string
	differ := func(name string, same bool) {
		if !same {
			fields = append(fields, name)
		}
	}
	forgotten := r.Said != "" || o.Said != ""
	if forgotten {
		differ("name, description or text", r.said() == o.said())
	}
	differ("name", forgotten || r.Name == o.Name)
	differ("description", forgotten || r.Description == o.Description)
	differ("sender", r.Sender == o.Sender)
	differ("text", forgotten || r.Text == o.Text)
	differ("contact_list_id", r.ListID == o.ListID)
	differ("unicode", r.Unicode == o.Unicode)
	differ("simulation", r.Simulation == o.Simulation)
	differ("at", r.At.Equal(o.At))
	differ("expires_at", r.ExpiresAt.Equal(o.ExpiresAt))
	r.Limits.diff(o.Limits, differ)
	return fields
}
