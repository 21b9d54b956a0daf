package campaign

import "time"

// Audience says which people a request names in the place of a list at the gateway. It
// never says who they are: no phone number and no field of anybody is in a record.
type Audience struct {
	Digest string `json:"digest,omitempty"` // SHA-256, in hexadecimal: of the chunks, or of the recipients in the request; empty: the audience is named
	Size   int64  `json:"size,omitempty"`   // bytes of all chunks; zero: the recipients are in the request
	Chunks int    `json:"chunks,omitempty"` // zero: the recipients are in the request
	Format Format `json:"format,omitempty"` // of the chunks; empty: the recipients are in the request
	Stored uint64 `json:"stored,omitempty"` // the request's sequence in its stream, where recipients are read again

	Name   string        `json:"name,omitempty"`    // of which the newest list is taken, see [Version]; empty: the audience is not named
	MaxAge time.Duration `json:"max_age,omitempty"` // how old that list may be
}

// Format is how people are written in the chunks of an audience.
type Format string

const (
	CSV      Format = "csv"
	Protobuf Format = "protobuf"
)

// Formats lists every format.
var Formats = []Format{CSV, Protobuf}

// Lacking is what becomes of a recipient who lacks a field that the text names.
type Lacking string

const (
	LeaveOut      Lacking = "leave_out" // the default: not sent to, and counted
	RejectLacking Lacking = "reject"    // the campaign is rejected
	Empty         Lacking = "empty"     // sent with nothing in its place
)

// Lackings lists every one.
var Lackings = []Lacking{LeaveOut, RejectLacking, Empty}

// InRequest says that the recipients are in the request itself.
func (a *Audience) InRequest() bool { return a.Chunks == 0 && a.Name == "" }

// diff names the fields in which two differ, as the contract spells them.
func (a *Audience) diff(o *Audience, differ func(name string, same bool)) {
	var people, chunks, named [2]Audience
	for i, one := range []*Audience{a, o} {
		switch {
		case one == nil:
		case one.InRequest():
			people[i].Digest = one.Digest
		case one.Name != "":
			named[i] = Audience{Name: one.Name, MaxAge: one.MaxAge}
		default:
			chunks[i] = Audience{Digest: one.Digest, Size: one.Size, Chunks: one.Chunks, Format: one.Format}
		}
	}
	differ("recipients", people[0] == people[1])
	differ("audience", chunks[0] == chunks[1])
	differ("named_audience", named[0] == named[1])
}
