package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Variant is what was seen of the ways of one gateway, by name. A way that is
// not in it is not known. As text it is one line for the configuration: "read=yes
// search=no delete=yes …".
type Variant map[string]string

// A way is a question that the vendor's pages answer differently or not at all.
type way struct {
	name   string
	values []string       // what may be seen
	form   *regexp.Regexp // or its form
	asks   string
}

const (
	read               = "read"
	readConfirmed      = "read_confirmed"
	search             = "search"
	deletes            = "delete"
	markShown          = "mark"
	envelope           = "envelope"
	states             = "states"
	stats              = "stats"
	statsDates         = "stats_dates"
	unicodeText        = "unicode"
	configure          = "configure"
	configureScheduled = "configure_scheduled"
	configureSent      = "configure_sent"
	confirm            = "confirm"
	confirmBody        = "confirm_body"
	ready              = "ready"
	simulation         = "simulation"
	uploads            = "upload"
)

var (
	yesNo = []string{"yes", "no"}
	ways  = []way{
		{name: read, values: yesNo, asks: "can a draft be read by its id?"},
		{name: readConfirmed, values: []string{"yes", "no", "old"}, asks: "and one that is confirmed? old: the read does not know it yet"},
		{name: search, values: yesNo, asks: "are campaigns found by a part of their description?"},
		{name: deletes, values: []string{"yes", "no", "ignored"}, asks: "is a draft deleted? ignored: it says so, and is still there"},
		{name: markShown, form: regexp.MustCompile(`^(none|(create|read|search)(\+(read|search))*)$`), asks: "which answers show the description?"},
		{name: envelope, form: regexp.MustCompile(`^[A-Za-z_][\w+-]*$`), asks: "in which shape is something refused? jsend, spring, problem, none, or its members"},
		{name: states, values: []string{"names", "numbers"}, asks: "are states names or numbers?"},
		{name: stats, values: []string{"draft", "later"}, asks: "are there statistics of a draft, or later?"},
		{name: statsDates, values: []string{"needed", "no"}, asks: "do statistics need startDate and endDate?"},
		{name: unicodeText, values: []string{"refused", "replaced"}, asks: "what becomes of a letter outside GSM-7 with unicode false?"},
		{name: configure, values: []string{"again", "once"}, asks: "may a draft be configured again once it is calculated?"},
		{name: configureScheduled, values: []string{"refused", "kept", "undone", "blind"}, asks: "and one that is scheduled? undone: it is a draft again; blind: it says so, and is not"},
		{name: configureSent, values: []string{"refused", "accepted"}, asks: "and what is being sent, or was?"},
		{name: confirm, values: []string{"200", "202"}, asks: "with which status is a confirm answered?"},
		{name: confirmBody, values: yesNo, asks: "does the answer to a confirm say what happened?"},
		{name: ready, values: []string{"needed", "no"}, asks: "must readyToSend be set?"},
		{name: simulation, values: []string{"create", "configure", "confirm", "unsaid", "ignored"}, asks: "the first body whose answer repeats the flag; unsaid: heeded and not repeated; ignored: it was paid"},
		{name: uploads, values: []string{"one", "two"}, asks: "in how many steps are contacts uploaded? two: the first one only shows them"},
	}
)

func wayOf(name string) (way, bool) {
	i := slices.IndexFunc(ways, func(w way) bool { return w.name == name })
	if i < 0 {
		return way{}, false
	}
	return ways[i], true
}

func (w way) allows(value string) bool {
	if w.form != nil {
		return w.form.MatchString(value)
	}
	return slices.Contains(w.values, value)
}

// Ways are the names of everything that a Variant may know, in their order.
func Ways() []string {
	names := make([]string, len(ways))
	for i, w := range ways {
		names[i] = w.name
	}
	return names
}

// ParseVariant reads the line. The error names the word and what may stand there.
func ParseVariant(line string) (Variant, error) {
	v := Variant{}
	for word := range strings.FieldsSeq(line) {
		name, value, _ := strings.Cut(word, "=")
		w, known := wayOf(name)
		switch {
		case !known:
			return nil, fmt.Errorf("%q is nothing that can be known of a gateway: want one of %s", name, strings.Join(Ways(), ", "))
		case !w.allows(value) && w.form == nil:
			return nil, fmt.Errorf("%s=%s: want %s", name, value, strings.Join(w.values, " or "))
		case !w.allows(value):
			return nil, fmt.Errorf("%s=%s cannot be: %s", name, value, w.asks)
		case v[name] != "" && v[name] != value:
			return nil, fmt.Errorf("%s is both %s and %s: keep one", name, v[name], value)
		}
		v[name] = value
	}
	return v, nil
}

// NoRead says that no read by id shows a campaign here.
func (v Variant) NoRead() bool { return v[read] == "no" }

// TwoSteps says that an upload of contacts shows them, and that a second call commits them.
func (v Variant) TwoSteps() bool { return v[uploads] == "two" }

func (v Variant) String() string {
	var words []string
	for _, w := range ways {
		if v[w.name] != "" {
			words = append(words, w.name+"="+v[w.name])
		}
	}
	return strings.Join(words, " ")
}

// Unknown are the ways that nothing is known about.
func (v Variant) Unknown() []string {
	var names []string
	for _, w := range ways {
		if v[w.name] == "" {
			names = append(names, w.name)
		}
	}
	return names
}
