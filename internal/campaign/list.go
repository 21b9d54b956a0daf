package campaign

import (
	"strconv"
	"strings"
	"time"
)

// Prepared is what became of an audience when it was read: how many are sent to, and how
// many are left out for what.
type Prepared struct {
	Digest     string `json:"digest"`               // SHA-256 of what is uploaded, in hexadecimal
	Given      int64  `json:"given"`                // people in the audience, whatever became of them
	Sent       int64  `json:"sent"`                 // people that are uploaded, each phone once
	Malformed  int64  `json:"malformed,omitempty"`  // numbers that are none
	Duplicate  int64  `json:"duplicate,omitempty"`  // numbers that came before
	Suppressed int64  `json:"suppressed,omitempty"` // people that are not to be written to
	Lacking    int64  `json:"lacking,omitempty"`    // people without a field that the text names

	Version Version `json:"version,omitzero"` // the list that was taken of a named audience
}

// List is the contact list that was made at the gateway for a campaign's own recipients.
// Its name is saved before it is made, so that one whose creation lost its reply is found
// by its name.
type List struct {
	N        int       `json:"n"`                  // its ordinal among the campaign's lists, from 1
	ID       int64     `json:"id,omitempty"`       // the gateway's number; zero: it may have been made, and it may not
	Gateway  string    `json:"gateway,omitempty"`  // the gateway at which it was to be made
	Uploaded time.Time `json:"uploaded,omitzero"`  // when the people were last put into it; zero: not yet, or that is not good any more
	Anew     string    `json:"anew,omitempty"`     // why they are uploaded anew
	GivenUp  bool      `json:"given_up,omitempty"` // it is removed, and another one made
	// With personal texts: since when its people are held against others that give them
	// other values (zero: they are not), until when an upload may still take effect
	// (zero: each was answered), the number of the claim, and the campaign behind which it waits.
	Held    time.Time `json:"held,omitzero"`
	Landing time.Time `json:"landing,omitzero"`
	Claim   uint64    `json:"claim,omitempty"`
	Behind  string    `json:"behind,omitempty"`
	// How many contacts the gateway counted when that was not what was sent, and since
	// when it has counted so; zero: it counts right, or was not asked.
	Counted    int64     `json:"counted,omitempty"`
	Miscounted time.Time `json:"miscounted,omitzero"`
	Misfits    int       `json:"misfits,omitempty"` // lists so far, this one too, that never held what was sent
}

// ListMark is how the names of all lists of a campaign begin, and of no other one's.
func ListMark(key Key) string { return Mark(key) + " " }

// listName is the name of a campaign's n-th list.
func listName(key Key, n int) string { return ListMark(key) + strconv.Itoa(n) }

// NamedBy says whether a list's name is a mark and an ordinal behind it that is not above
// upto; zero: any.
func NamedBy(mark, name string, upto int) bool {
	rest, marked := strings.CutPrefix(name, mark)
	if !marked {
		return false
	}
	n, err := strconv.ParseUint(rest, 10, 31)
	return err == nil && (upto == 0 || int(n) <= upto)
}

// listID is the list that the campaign is configured with.
func (c Campaign) listID() int64 {
	if c.Request.Audience != nil && c.List != nil {
		return c.List.ID
	}
	return c.Request.ListID
}

// sentDigest stands for whom a campaign with recipients of its own is sent to; empty: it
// has none.
func (c Campaign) sentDigest() string {
	if c.Request.Audience == nil || c.Prepared == nil {
		return ""
	}
	return c.Prepared.Digest
}

// Field is the field of the request in which the recipients came.
func (a *Audience) Field() string {
	switch {
	case a.InRequest():
		return "recipients"
	case a.Name != "":
		return "named_audience"
	}
	return "audience"
}
