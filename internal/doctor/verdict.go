package doctor

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A Judgement is what a gateway's ways mean for its users.
type Judgement string

const (
	Safe    Judgement = "safe"
	Unsafe  Judgement = "unsafe"
	Unclear Judgement = "could not tell"
)

// A Verdict is the judgement in three sentences: what works, what will end
// unresolved more often and why, and what is unsafe.
type Verdict struct {
	Judgement  Judgement `json:"judgement"`
	Works      string    `json:"works"`
	Unresolved string    `json:"unresolved"`
	Unsafe     string    `json:"unsafe"`
}

// Verdict judges what is known.
func (v Variant) Verdict() Verdict {
	works := v.works()
	unresolved := v.unresolved()
	unsafe := v.Unsafe(v.measured())
	j := Verdict{Judgement: Safe, Works: works, Unresolved: unresolved, Unsafe: "Nothing that was seen is unsafe."}
	if v[simulation] == "ignored" {
		j.Unsafe = "A simulation is really sent and paid here: ask for none; nothing else that was seen is unsafe."
	}
	switch {
	case len(unsafe) > 0:
		j.Judgement, j.Unsafe = Unsafe, strings.Join(unsafe, "; ")+"."
	case v[read] == "" || v[states] == "" || v[stats] == "" && v[read] != "yes":
		j.Judgement, j.Unsafe = Unclear, "What is unsafe cannot be told: the answers about "+strings.Join(v.Unknown(), ", ")+" were none, were not the gateway's own, or contradicted each other; run it again."
	}
	return j
}

func (v Variant) works() string {
	how := "by its statistics alone, as UC-006 has it"
	switch {
	case v.byID():
		how = "by its id"
	case v[read] == "yes" && v[readConfirmed] == "":
		how = "by its id while it is a draft, and perhaps later"
	case v[read] == "yes":
		how = "by its id while it is a draft, by its statistics later"
	}
	cancel := "what is scheduled can be cancelled if its DELETE is seen to work"
	switch {
	case v[deletes] == "no", v[deletes] == "ignored":
		cancel = "what is scheduled cannot be cancelled"
	case v[read] != "yes" || v[readConfirmed] != "" && !v.byID():
		cancel = "a cancel of what is scheduled is refused, for nothing shows that it vanished"
	}
	return fmt.Sprintf("A campaign is created, quoted, confirmed once and followed %s; %s.", how, cancel)
}

func (v Variant) unresolved() string {
	var why []string
	if !v.byID() {
		switch {
		case v.measured():
			if v[confirmBody] == "no" {
				why = append(why, "every confirm is answered without a word, so that each campaign waits for its statistics")
			} else {
				why = append(why, "a confirm whose reply is lost waits for statistics, and is unresolved if they come later than an hour")
			}
		case v[configureSent] != "":
			why = append(why, "a configure says CONFIGURED of what is confirmed or sent, which proves nothing, so that a confirm which never arrived ends unresolved as well")
		default:
			why = append(why, "it was not measured whether a configure is refused for what was sent (--simulate does), so that a confirm which never arrived ends unresolved as well")
		}
	}
	if v[readConfirmed] == "old" {
		why = append(why, "a read by id shows what was confirmed as if it were not")
	}
	if v[configure] == "once" && v[deletes] != "yes" {
		why = append(why, "a draft can be neither configured again nor deleted, so that a confirm which never arrived ends unresolved")
	} else if v[configure] == "once" && !v.byID() {
		why = append(why, "a draft that is calculated cannot be configured again, and nothing shows that it vanished")
	}
	if v[statsDates] == "needed" && v.byID() {
		why = append(why, "statistics need dates, which staffetta does not send, so that it stays unknown what was delivered")
	}
	if v[envelope] == none {
		why = append(why, "refusals have no shape of their own, so that each is repeated for an hour before it is believed")
	}
	if len(why) == 0 {
		return "Nothing will end unresolved more often than it must: only where neither an answer nor a read comes within an hour."
	}
	return "More campaigns will end unresolved, or later: " + strings.Join(why, "; ") + "."
}

// measured tells whether CONFIGURED was seen to prove that nothing was sent.
func (v Variant) measured() bool {
	return v[configureSent] == "refused" && v[configureScheduled] != "blind"
}

// byID tells whether a read by id is known to show what was confirmed.
func (v Variant) byID() bool { return v[read] == "yes" && v[readConfirmed] == "yes" }

// Unsafe says which promises cannot be kept with these ways, in a configuration in
// which CONFIGURED counts as proof (gateway.configure_refused_once_sent) or does not.
// Nothing: none that is known.
func (v Variant) Unsafe(configuredCounts bool) []string {
	var why []string
	if configuredCounts {
		const setting = "gateway.configure_refused_once_sent is yes, and "
		switch {
		case v[configureSent] == "accepted":
			why = append(why, setting+"it was seen to be accepted: a campaign could be sent twice")
		case v[configureScheduled] == "blind":
			why = append(why, setting+"a configure answers CONFIGURED for what stays scheduled: a campaign could be sent twice")
		case len(v) > 0 && v[configureSent] == "" && !v.byID():
			why = append(why, setting+"it was not measured (no configure_sent=refused): staffetta doctor --simulate measures it")
		}
	}
	if v[ready] == "needed" {
		why = append(why, "a confirm needs readyToSend, which staffetta does not send: no campaign would be confirmed")
	}
	if v[statsDates] == "needed" && v[readConfirmed] != "" && !v.byID() {
		why = append(why, "statistics need dates, which staffetta does not send, and nothing else shows a confirmed campaign: none would be followed")
	}
	return why
}

// Configuration are the lines for the configuration file.
func (r Report) Configuration() string {
	v := r.Variant
	var b strings.Builder
	b.WriteString("gateway:\n")
	fmt.Fprintf(&b, "  variant: %s\n", v)
	if v.measured() {
		b.WriteString("  configure_refused_once_sent: yes\n")
	}
	if e := v[envelope]; e != "" && e != none && !known(e) {
		fmt.Fprintf(&b, "  envelope: %s\n", strings.ReplaceAll(e, "+", ","))
	}
	return b.String()
}

// MarshalJSON adds what follows from the findings.
func (r Report) MarshalJSON() ([]byte, error) {
	type plain Report
	return json.Marshal(struct {
		plain
		Lasted        string            `json:"lasted,omitempty"`
		Variant       map[string]string `json:"variant"`
		Unknown       []string          `json:"unknown"`
		Verdict       Verdict           `json:"verdict"`
		Configuration string            `json:"configuration"`
	}{plain(r), lasted(r), r.Variant, r.Variant.Unknown(), r.Variant.Verdict(), r.Configuration()})
}

func lasted(r Report) string {
	if r.Lasted == 0 {
		return ""
	}
	return r.Lasted.String()
}
