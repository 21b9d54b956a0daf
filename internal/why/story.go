package why

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/words"
)

// Story is what happened, in order of time.
type Story struct {
	Key     string         `json:"key"`
	Name    string         `json:"name,omitempty"`
	State   campaign.State `json:"state,omitempty"` // empty: the service has not begun with it
	Summary string         `json:"summary"`
	Lines   []Line         `json:"story"`
	Now     string         `json:"now"`
	Next    time.Time      `json:"next,omitzero"` // when the campaign is looked at again
	Advice  []Advice       `json:"you_can,omitempty"`
	Missing []string       `json:"missing,omitempty"` // what could not be read
	Asked   bool           `json:"asked"`             // it was asked for, as far as could be read
}

// Line is one thing that happened.
type Line struct {
	At   time.Time         `json:"at"`
	Text string            `json:"text"`
	Call *campaign.Attempt `json:"call,omitempty"` // the call to the gateway, if the line is about one
	// Times, if not zero, says how many calls this line stands for: calls with the same
	// outcome as this one, or with Pair, as this one and the one before. Until is when
	// the last of them was.
	Times int       `json:"times,omitempty"`
	Pair  bool      `json:"pair,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Advice is something that a person can do.
type Advice struct {
	Text    string `json:"text"`
	Command string `json:"command,omitempty"`
}

// teller is a story that is being made.
type teller struct {
	Evidence
	c    campaign.Campaign // the record, zero if there is none
	zone *time.Location
	Story
}

// Tell tells the story, with its instants in a time zone.
func Tell(e Evidence, zone *time.Location) Story {
	t := &teller{Evidence: e, zone: zone}
	t.Story.Key, t.Story.Missing = e.Key.String(), e.Missing
	t.Story.Asked = e.Record != nil || len(e.Requests) > 0
	if e.Record != nil {
		t.c = *e.Record
		t.Name, t.State = t.c.Request.Name, t.c.State
	} else if first := t.first(); first != nil {
		t.c.Request = first.Content
		t.Name = first.Content.Name
	}
	t.requests()
	t.commands()
	t.events()
	t.called()
	t.putAside()
	// Lines of the same moment stay in the order in which the record has them.
	slices.SortStableFunc(t.Lines, func(a, b Line) int { return a.At.Compare(b.At) })
	t.Lines = folded(t.Lines)
	t.summary()
	t.outlook()
	return t.Story
}

// first is the request that counts: the first one that could be read.
func (t *teller) first() *Request {
	for i := range t.Requests {
		if t.Requests[i].Err == "" {
			return &t.Requests[i]
		}
	}
	return nil
}

func (t *teller) say(at time.Time, format string, args ...any) {
	t.Lines = append(t.Lines, Line{At: at, Text: fmt.Sprintf(format, args...)})
}

// alike is how many calls in a row with the same outcome get a line each. More of them
// get one line: an outage is one thing, not thirty.
const alike = 3

// folded writes one line for a row of calls with the same outcome, or for a row of such
// pairs: how many, and until when.
func folded(lines []Line) []Line {
	var out []Line
	for len(lines) > 0 {
		size, row := row(lines)
		if row == nil {
			out, lines = append(out, lines[0]), lines[1:]
			continue
		}
		told := slices.Clone(row[:size])
		last := &told[size-1]
		last.Times, last.Pair, last.Until = times(row, size), size == 2, row[len(row)-1].At
		if last.Pair {
			told[0].Times = 0
		}
		out, lines = append(out, told...), lines[len(row):]
	}
	return out
}

// row is the row that the lines begin with: the same call, or the same two calls, often
// enough.
func row(lines []Line) (size int, row []Line) {
	for size := 1; size <= 2; size++ {
		if n := repeats(lines, size); n > 1 && times(lines[:n*size], size) > alike {
			return size, lines[:n*size]
		}
	}
	return 0, nil
}

// times is how many calls, or pairs of calls, a row stands for.
func times(row []Line, size int) (n int) {
	for i := size - 1; i < len(row); i += size {
		n += max(row[i].Times, 1)
	}
	return n
}

// repeats is how often the lines begin with the same calls. A line that already stands
// for several calls begins a row of its own.
func repeats(lines []Line, size int) int {
	n := 1
	for ; (n+1)*size <= len(lines); n++ {
		for j := range size {
			if next := lines[n*size+j]; !same(lines[j], next) || next.Times > 1 {
				return n
			}
		}
	}
	return n
}

func same(a, b Line) bool {
	return a.Call != nil && b.Call != nil && a.Text == b.Text && a.Call.HTTP == b.Call.HTTP
}

// summary is the whole story in a sentence or two.
func (t *teller) summary() {
	c := t.c
	var s string
	//exhaustive:enforce
	switch c.State {
	case "":
		s = "The service has not begun with it."
		if len(t.Requests) == 0 {
			s = "Nobody has asked for this campaign, as far as the streams remember (30 days)."
		}
	case campaign.Requested:
		s = "It waits to be created at the gateway. Nothing has been sent."
	case campaign.Drafted:
		s = "It is being prepared at the gateway. Its sending has not been ordered."
	case campaign.Quoted:
		s = "The gateway has made a quote, and nothing is ordered yet. Nothing has been sent."
	case campaign.Confirming:
		s = "Its sending was ordered, and it is being established whether the gateway carries out the order."
	case campaign.Confirmed:
		s = "The gateway has accepted it and is about to " + t.as("send it.", "pretend to send it.")
		if at := c.Confirmed.For; at.After(t.Evidence.Now) {
			s = fmt.Sprintf("It is scheduled: the gateway has accepted it and will %s %s.", t.as("send it", "pretend to send it"), t.on(at))
		}
		switch {
		case t.stranded():
			s = "It was accepted by another gateway than the one that is configured now."
		case c.Missing > 0:
			s = "The gateway accepted it, and now says that it is not confirmed. If it goes on saying so, the campaign has failed."
		}
	case campaign.Sending:
		s = t.as("It is being sent.", "Its sending is pretended.")
		if st := c.Stats; st != nil && !st.Uncounted {
			s = fmt.Sprintf("%s: %s of %s messages so far.", t.as("It is being sent", "Its sending is pretended"), words.Count(st.Sent), words.Count(st.Total))
		}
	case campaign.Completed, campaign.Unreconciled:
		s = t.ending()
	case campaign.Abandoning:
		s = "A draft that may not be used any more is being removed; then a new one is made. As far as is known nothing has been sent."
		if t.doubtful() {
			s = "Its sending was ordered, and whether the gateway carried out the order is not known. Once the gateway shows that it did not, a new draft is made."
		}
	case campaign.Rejecting:
		s = "It will not be sent: " + t.reason() + ". Its draft at the gateway is being removed."
		if t.doubtful() {
			s = "It is to be given up: " + t.reason() + ". First the gateway has to show that the order to send was not carried out."
		}
	case campaign.Cancelling:
		s = "It is being cancelled" + t.by() + "."
		switch {
		case c.Confirmed != nil && c.Draft.Delete == "":
			s += " It is scheduled at the gateway, and is about to be deleted there."
		case c.Confirmed != nil:
			s += fmt.Sprintf(" It was scheduled for %s. A delete was sent, and it is not yet certain that it is gone.", t.clock(c.Confirmed.For))
		case t.doubtful():
			s += " Its sending had been ordered; first the gateway has to show that the order was not carried out."
		}
	case campaign.Rejected:
		s = "It was not sent: " + t.reason() + "."
	case campaign.Cancelled:
		s = "It was cancelled" + t.by() + ", and nothing was sent."
		if t.cancelledBeforeRequest() {
			s = "It was cancelled" + t.by() + " before the service had begun with it. Nothing is sent under this name."
		}
	case campaign.Failed:
		s = "It was accepted, and then it failed: " + t.reason() + "."
	case campaign.Unresolved:
		s = unknown(t.reason())
	default:
		s = fmt.Sprintf("It is in state %q, which this version does not know: upgrade to read it.", c.State)
	}
	if c.Request.Simulation {
		s = "A simulation, which costs nothing and reaches nobody. " + s
	}
	t.Summary = s
}

// doubtful says that a confirm of its draft may have left, and the gateway has not
// shown that it did not take effect.
func (t *teller) doubtful() bool {
	return t.c.Draft != nil && t.c.Draft.Intended && !t.c.Draft.Disarmed
}

// ending is how a campaign that was sent has ended.
func (t *teller) ending() string {
	st := t.c.Stats
	if st == nil {
		return t.as("It was sent.", "Its sending was pretended.")
	}
	if !st.Reconciled() {
		return fmt.Sprintf(t.as("It was sent", "Its sending was pretended")+", but the gateway's figures never added up: of %s messages %s were delivered, %s were not, and of %s nothing is known.",
			words.Count(st.Total), words.Count(st.Delivered), words.Count(st.Undelivered), words.Count(st.Total-st.Delivered-st.Undelivered))
	}
	if differs := st.Differs(t.c.Quote); differs != "" {
		return fmt.Sprintf(t.as("It was sent", "Its sending was pretended")+", but the gateway's figures never added up: %s. %s messages were delivered, %s were not.",
			differs, words.Count(st.Delivered), words.Count(st.Undelivered))
	}
	return fmt.Sprintf("%s: %s of %s messages were delivered (%s %%), %s were not. %s", t.as("It was sent", "Its sending was pretended"),
		words.Count(st.Delivered), words.Count(st.Total), st.DeliveryRate.Decimal, words.Count(st.Undelivered), t.cost(st.Cost))
}

// reason is why the campaign did not end well.
func (t *teller) reason() string {
	why := t.c.Reason
	if why == nil {
		return "the reason was not kept"
	}
	s := strings.TrimSuffix(t.zoned(why.Message), ".")
	if why.Gateway != "" {
		s += fmt.Sprintf(" (%q)", why.Gateway)
	}
	return s
}

func (t *teller) by() string {
	if t.c.Cancel == nil {
		return ""
	}
	return " by " + t.c.Cancel.By
}
