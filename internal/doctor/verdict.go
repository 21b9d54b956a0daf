package doctor

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A Judgement is what a gateway's ways mean for those who send through it.
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
	unsafe := v.Unsafe(v[configureSent] == "refused")
	j := Verdict{Judgement: Safe, Works: works, Unresolved: unresolved, Unsafe: "Nothing that was seen is unsafe."}
	switch {
	case len(unsafe) > 0:
		j.Judgement, j.Unsafe = Unsafe, strings.Join(unsafe, "; ")+"."
	case v[read] == "" || v[states] == "" || v[stats] == "" && v[read] != "yes":
		j.Judgement, j.Unsafe = Unclear, "What is unsafe cannot be told: the answers about "+strings.Join(v.Unknown(), ", ")+" were none, or contradicted each other; run it again."
	}
	return j
}

func (v Variant) works() string {
	how := "by its statistics alone, as UC-006 has it"
	switch {
	case v[read] == "yes" && v[readConfirmed] == "yes":
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
	case v[read] != "yes" || v[readConfirmed] == "no":
		cancel = "a cancel of what is scheduled is refused, for nothing shows that it vanished"
	}
	return fmt.Sprintf("A campaign is created, quoted, confirmed once and followed %s; %s.", how, cancel)
}

func (v Variant) unresolved() string {
	var why []string
	byID := v[read] == "yes" && v[readConfirmed] == "yes"
	if !byID {
		switch v[configureSent] {
		case "refused":
			if v[confirmBody] == "no" {
				why = append(why, "every confirm is answered without a word, so that each campaign waits for its statistics")
			} else {
				why = append(why, "a confirm whose reply is lost waits for statistics, and is unresolved if they come later than an hour")
			}
		case "":
			why = append(why, "it was not measured whether a configure is refused for what was sent (--simulate does), so that a confirm which never arrived ends unresolved as well")
		}
	}
	if v[configure] == "once" && v[deletes] != "yes" {
		why = append(why, "a draft can be neither configured again nor deleted, so that a confirm which never arrived ends unresolved")
	} else if v[configure] == "once" && !byID {
		why = append(why, "a draft that is calculated cannot be configured again, and nothing shows that it vanished")
	}
	if v[envelope] == "none" {
		why = append(why, "refusals have no shape of their own, so that each is repeated for an hour before it is believed")
	}
	if len(why) == 0 {
		return "Nothing will end unresolved more often than it must: only where neither an answer nor a read comes within an hour."
	}
	return "More campaigns will end unresolved, or later: " + strings.Join(why, "; ") + "."
}

// Unsafe says what cannot be safe of these ways, with the configuration that
// CONFIGURED counts as proof (gateway.configure_refused_once_sent), or does not.
// Nothing: nothing that is known.
func (v Variant) Unsafe(configuredCounts bool) []string {
	var why []string
	byID := v[read] == "yes" && v[readConfirmed] == "yes"
	if v[configureSent] == "accepted" && !byID {
		why = append(why, "a configure is accepted for what was sent, and nothing reads a confirmed campaign by its id: a lost reply cannot be told from a lost confirm")
	}
	if configuredCounts && v[configureSent] == "accepted" {
		why = append(why, "gateway.configure_refused_once_sent is yes, and it was seen to be accepted: a campaign could be sent twice")
	}
	if v[configureScheduled] == "blind" && !byID {
		why = append(why, "a configure answers CONFIGURED for what stays scheduled: a campaign could be sent twice")
	}
	if v[readConfirmed] == "old" {
		why = append(why, "a read by id shows what was confirmed as not confirmed: a reply that is lost may be taken for a confirm that is")
	}
	if v[ready] == "needed" {
		why = append(why, "a confirm needs readyToSend, which staffetta does not send: no campaign would be confirmed")
	}
	if v[statsDates] == "needed" && !byID && v[readConfirmed] != "" {
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
	if v[configureSent] == "refused" {
		b.WriteString("  configure_refused_once_sent: yes\n")
	}
	if e := v[envelope]; e != "" && e != "none" && !known(e) {
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
