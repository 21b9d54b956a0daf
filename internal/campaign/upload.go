package campaign

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/sms"
)

// How long an upload is good for. Between the upload and the confirm the people may have
// become others, and their fields at the gateway may have become another campaign's.
// Nothing is confirmed then: the draft is given up, the people are uploaded anew, and the
// campaign is quoted anew, with all the checks of a first quote.
//
// This is the only way back from the upload. Whatever else makes an upload bad is a case
// of outdated.

// outdated says why the people have to be uploaded anew before the campaign is confirmed;
// empty: they need not, or the campaign has none of its own. It is asked before the draft
// is made, and as the last thing before the intent.
func (t *transition) outdated() string {
	switch l := t.c.List; {
	case t.c.Request.Audience == nil:
		return ""
	case l == nil || l.Uploaded.IsZero():
		return "they are not uploaded"
	case t.claims() && l.Held.IsZero():
		return "others may have given the same people other values since"
	case t.now.Sub(l.Uploaded) > uploadedFor:
		return "they were uploaded more than an hour ago"
	}
	return ""
}

// uploadedFor is how long an upload is good for. Somebody may have written other values
// into the fields of the same contacts on the gateway's own page meanwhile.
const uploadedFor = time.Hour

// uploadAnew gives up a draft whose upload is not good any more. The next one is made for
// people that are uploaded anew.
func (t *transition) uploadAnew(why string) Decision {
	t.list(func(l *List) { l.Uploaded, l.Anew = time.Time{}, why })
	return t.withdraw(Abandoning, nil)
}

// letGo says that a campaign rests that may do so for long. Meanwhile others may give the
// same people other values, so its own are uploaded anew when it goes on.
func (t *transition) letGo() {
	if t.c.List == nil || !t.claims() {
		return
	}
	t.list(func(l *List) {
		l.Held = time.Time{}
		if l.Uploaded.IsZero() {
			return
		}
		l.Uploaded, l.Anew = time.Time{}, "it has waited, and others may have given the same people other values"
	})
}

// Personal says that each recipient gets a text of his own, from fields that came with the
// request.
func (r Request) Personal() bool {
	if r.Audience == nil {
		return false
	}
	for _, name := range sms.Placeholders(r.Text) {
		if name != phoneField {
			return true
		}
	}
	return false
}

// phoneField is the placeholder that every contact has by itself.
const phoneField = "phoneNumber"
