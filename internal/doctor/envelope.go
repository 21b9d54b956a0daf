package doctor

import (
	"encoding/json"
	"maps"
	"mime"
	"regexp"
	"slices"
	"strings"
)

// none is the envelope of refusals that have no shape of their own.
const none = "none"

// memberName is one that a line of the configuration can hold.
var memberName = regexp.MustCompile(`^[A-Za-z_][\w-]*$`)

// envelopeOf names the shape of a refusal: jsend, spring and problem, as the
// vendor's pages and RFC 9457 have them; otherwise the members of the object, as in
// "explanation+reason"; none if it is no object, or one without a name to tell it by.
func envelopeOf(a answer) string {
	if a.object == nil {
		return none
	}
	media, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	var word, number bool
	switch raw := a.object["status"]; {
	case len(raw) == 0:
	case raw[0] == '"':
		word = true
	default:
		number = json.Unmarshal(raw, new(json.Number)) == nil
	}
	has := func(name string) bool { return strings.HasPrefix(string(a.object[name]), `"`) && a.text(name) != "" }
	switch {
	case word && a.text("status") == "fail" && strings.HasPrefix(string(a.object["data"]), "{"), word && a.text("status") == "error" && has("message"):
		return "jsend"
	case number && (has("error") || has("message")):
		return "spring"
	case (media == "application/problem+json" || has("type")) && (has("title") || has("detail")):
		return "problem"
	}
	names := slices.Sorted(maps.Keys(a.object))
	return own(slices.DeleteFunc(names, func(n string) bool { return !memberName.MatchString(n) }))
}

// own is an envelope that no page has, by its members.
func own(names []string) string {
	if len(names) == 0 || len(names) > 8 {
		return none
	}
	return strings.Join(names, "+")
}

// refused says that the gateway itself answered no: in a shape that the client takes for
// the gateway's own. Whoever stands in between (a proxy, a firewall, a portal) answers
// with the same status codes, and what it refuses says nothing of the gateway's ways.
// Where the gateway's refusals have no shape of their own, none of them is evidence.
func (v Variant) refused(a answer) bool {
	if !a.refused() || a.object == nil {
		return false
	}
	if known(envelopeOf(a)) {
		return true
	}
	own := v[envelope]
	if own == "" || own == none || known(own) {
		return false
	}
	for name := range strings.SplitSeq(own, "+") {
		if _, there := a.object[name]; !there {
			return false
		}
	}
	return true
}

// refused says that the gateway itself answered no, with one of these status codes; with
// any if none is named.
func (e *examination) refused(a answer, status ...int) bool {
	return e.report.Variant.refused(a) && (len(status) == 0 || a.is(status...))
}

// known says that the client understands an envelope without a setting.
func known(envelope string) bool {
	return slices.Contains([]string{"jsend", "spring", "problem"}, envelope)
}

// agree is the envelope of both refusals: of shapes that no page has, the members
// that they have in common. Empty if there is none.
func agree(one, other string) string {
	if one == other {
		return one
	}
	names := strings.Split(other, "+")
	common := own(slices.DeleteFunc(strings.Split(one, "+"), func(n string) bool { return !slices.Contains(names, n) }))
	if common == none {
		return ""
	}
	return common
}
