package doctor

import (
	"maps"
	"slices"
	"strings"
)

// envelopeOf names the shape of a refusal: jsend, spring and problem, as the
// vendor's pages and RFC 9457 have them; otherwise the members of the object, as in
// "explanation+reason"; none if it is no object, or one without a word.
func envelopeOf(a answer) string {
	if a.object == nil {
		return "none"
	}
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { _, there := a.object[n]; return !there })
	}
	switch status := a.text("status"); {
	case has("data") && status == "fail", has("message") && status == "error":
		return "jsend"
	case has("title", "status") && (has("detail") || has("type")):
		return "problem"
	case has("status", "error"):
		return "spring"
	}
	names := slices.Sorted(maps.Keys(a.object))
	if len(names) == 0 || len(names) > 8 {
		return "none"
	}
	return strings.Join(names, "+")
}

// known tells an envelope that the client understands without being told.
func known(envelope string) bool {
	return slices.Contains([]string{"jsend", "spring", "problem"}, envelope)
}
