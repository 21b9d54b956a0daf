package campaign

import (
	"maps"
	"strconv"
	"time"
)

// Request is what was asked for, as the source wrote it. The record keeps it whole: the
// same key with other content is a conflict, not an update.
type Request struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Sender      string    `json:"sender"`
	Text        string    `json:"text"`
	ListID      int64     `json:"contact_list_id"` // zero: the request names an audience
	Audience    *Audience `json:"audience,omitempty"`
	Region      string    `json:"default_region,omitempty"` // of phone numbers in national form; empty: there may be none
	Lacking     Lacking   `json:"missing_field,omitempty"`  // what becomes of a recipient without a field of the text
	Unicode     bool      `json:"unicode,omitempty"`
	Simulation  bool      `json:"simulation,omitempty"`
	At          time.Time `json:"at,omitzero"`         // zero: immediately
	ExpiresAt   time.Time `json:"expires_at,omitzero"` // zero: never; it bounds the end of sending
	Limits      Limits    `json:"limits,omitzero"`

	// Labels are the caller's own words, by name. No rule reads them. Nobody changes the
	// map: records share it.
	Labels map[string]string `json:"labels,omitempty"`

	// Said is a digest of name, description and text after they are forgotten.
	Said string `json:"said,omitempty"`
}

// Scheduled says that the campaign is to be sent at an instant, not immediately.
func (r Request) Scheduled() bool { return !r.At.IsZero() }

// Whom says to whom, in words.
func (r Request) Whom() string {
	switch a := r.Audience; {
	case a == nil:
		return "contact list " + strconv.FormatInt(r.ListID, 10)
	case a.InRequest():
		return "the recipients in the request"
	case a.Name != "":
		return "the newest list under the name " + a.Name
	default:
		return "the recipients in audience " + a.Digest[:min(12, len(a.Digest))]
	}
}

// Diff names the fields in which two requests differ, as the contract spells them; none
// if they ask for the same.
func (r Request) Diff(o Request) []string {
	var fields []string
	differ := func(name string, same bool) {
		if !same {
			fields = append(fields, name)
		}
	}
	forgotten := r.Said != "" || o.Said != ""
	if forgotten {
		differ("name, description or text", r.digest() == o.digest())
	}
	differ("name", forgotten || r.Name == o.Name)
	differ("description", forgotten || r.Description == o.Description)
	differ("sender", r.Sender == o.Sender)
	differ("text", forgotten || r.Text == o.Text)
	differ("contact_list_id", r.ListID == o.ListID)
	r.Audience.diff(o.Audience, differ)
	differ("default_region", r.Region == o.Region)
	differ("missing_field", r.Lacking == o.Lacking)
	differ("unicode", r.Unicode == o.Unicode)
	differ("simulation", r.Simulation == o.Simulation)
	differ("at", r.At.Equal(o.At))
	differ("expires_at", r.ExpiresAt.Equal(o.ExpiresAt))
	r.Limits.diff(o.Limits, differ)
	differ("labels", maps.Equal(r.Labels, o.Labels))
	return fields
}
