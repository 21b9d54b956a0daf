package campaign

import (
	"fmt"
	"time"
)

// A source may publish lists under a name, one after the other. A campaign takes the one
// that was published last, and keeps to it: its digest is in the record from then on.

// Version is one list of those under a name. The zero Version is none.
type Version struct {
	Name   string    `json:"name"`
	Digest string    `json:"digest"`         // SHA-256 of its chunks, in hexadecimal
	Size   int64     `json:"size,omitempty"` // bytes of all chunks
	Chunks int       `json:"chunks,omitempty"`
	Format Format    `json:"format,omitempty"`
	AsOf   time.Time `json:"as_of"` // from when its age is counted
}

// TooOld says why the list that was published last is not taken; empty: it is.
func (a *Audience) TooOld(v Version, now time.Time) string {
	if v.Digest == "" {
		return fmt.Sprintf("no list is published under the name %s", a.Name)
	}
	if age := now.Sub(v.AsOf); age > a.MaxAge {
		return fmt.Sprintf("the newest list under the name %s is of %s, which is %s ago, and may be %s old",
			a.Name, v.AsOf.UTC().Format(time.RFC3339), days(age), days(a.MaxAge))
	}
	return ""
}

// days is an age as people say it: in days, if it is some.
func days(d time.Duration) string {
	if n := int(d / (24 * time.Hour)); n > 1 {
		return fmt.Sprintf("%d days", n)
	}
	return roundedDuration(d)
}

// Taken is the request, and says of a named audience which list it is, once one was taken.
func (c Campaign) Taken() Request {
	r := c.Request
	if r.Audience == nil || r.Audience.Name == "" || c.Prepared == nil {
		return r
	}
	r.Audience = c.Prepared.Version.Of(*r.Audience)
	return r
}

// Alone is the list as an audience that is not named.
func (v Version) Alone() *Audience { return v.Of(Audience{}) }

// Of is a named audience, with the list that was taken.
func (v Version) Of(a Audience) *Audience {
	a.Digest, a.Size, a.Chunks, a.Format = v.Digest, v.Size, v.Chunks, v.Format
	return &a
}
