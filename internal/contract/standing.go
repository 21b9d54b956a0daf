package contract

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Standing orders are commands that are about no single campaign: what is held, what may
// be spent, what comes again. Their subject is that of a command, with a word in the
// place of the request id that no request can have; what became of one is an event on
// such a subject, or a dead letter.

// everybody stands in the place of a source.
const everybody = "@all"

// Verbs of standing orders.
const (
	VerbHold           = "hold"
	VerbRelease        = "release"
	VerbSetBudget      = "set-budget"
	VerbRemoveBudget   = "remove-budget"
	VerbAddSchedule    = "add-schedule"
	VerbPauseSchedule  = "pause-schedule"
	VerbResumeSchedule = "resume-schedule"
	VerbRemoveSchedule = "remove-schedule"
)

// orderBody is what every standing order says.
type orderBody interface {
	proto.Message
	GetBy() string
}

// standingVerbs is what each verb's body is. A new one is a line here, and one where
// orders are carried out.
var standingVerbs = map[string]orderBody{
	VerbHold:           (*campaignv1.HoldCampaigns)(nil),
	VerbRelease:        (*campaignv1.ReleaseCampaigns)(nil),
	VerbSetBudget:      (*campaignv1.SetBudget)(nil),
	VerbRemoveBudget:   (*campaignv1.RemoveBudget)(nil),
	VerbAddSchedule:    (*campaignv1.AddSchedule)(nil),
	VerbPauseSchedule:  (*campaignv1.PauseSchedule)(nil),
	VerbResumeSchedule: (*campaignv1.ResumeSchedule)(nil),
	VerbRemoveSchedule: (*campaignv1.RemoveSchedule)(nil),
}

// StandingVerbs are what can be laid down beyond a single campaign.
func StandingVerbs() []string { return slices.Sorted(maps.Keys(standingVerbs)) }

// ScheduleVerbs are those about schedules: a source lays down its own.
func ScheduleVerbs() []string {
	return []string{VerbAddSchedule, VerbPauseSchedule, VerbRemoveSchedule, VerbResumeSchedule}
}

// Order is a standing order.
type Order struct {
	Source string // empty: everybody
	Verb   string
	Body   proto.Message
	By     string // who says so, for people
	Actor  string // who is proven to; empty: nobody is

	Stream   string
	Sequence uint64
	Stored   time.Time
}

// ID names the order wherever what it did is kept: it may come again. A stream that was
// lost counts anew, so its sequence alone is no name.
func (o Order) ID() string { return fmt.Sprintf("%s-%d-%d", o.Stream, o.Sequence, o.Stored.UnixNano()) }

// Scope is the source's token in a subject.
func Scope(source string) string {
	if source == "" {
		return everybody
	}
	return source
}

// SplitStanding says that a subject is that of a standing order, or of an event of
// one, and gives its source's token and what follows.
func SplitStanding(subject, prefix string) (source, rest string, ok bool) {
	tail, ok := strings.CutPrefix(subject, prefix)
	source, tail, _ = strings.Cut(tail, ".")
	id, rest, _ := strings.Cut(tail, ".")
	return source, rest, ok && id == streams.Standing
}

// IsStanding says that a subject is that of a standing order.
func IsStanding(subject string) bool {
	_, _, ok := SplitStanding(subject, streams.CommandPrefix)
	return ok
}

// ReadOrder reads a standing order. An *unreadable error is final.
func ReadOrder(v Validator, subject string, h Header, data []byte, proven bool) (Order, error) {
	if get(h, headerOrder) != "" || get(h, headerScheduler) != "" {
		return Order{}, byASchedule()
	}
	source, verb, _ := SplitStanding(subject, streams.CommandPrefix)
	verb, name, named := strings.Cut(verb, ".")
	o := Order{Source: source, Verb: verb}
	if o.Source == everybody {
		o.Source = ""
	}
	key := campaign.Key{Source: o.Source, RequestID: "-"}
	if o.Source != "" && key.Validate() != nil || named && !IsToken(name) {
		return o, &Unreadable{Reason: deadletter.BadSubject, Note: "want " + streams.CommandPrefix + "<source or " + everybody + ">." + streams.Standing + ".<verb>.<actor>"}
	}
	kind, known := standingVerbs[verb]
	switch {
	case !known:
		return o, &Unreadable{Reason: deadletter.BadCommand, Note: fmt.Sprintf("unknown verb %q, want one of %s", Clip(verb, 100), strings.Join(StandingVerbs(), ", "))}
	case o.Source == "" && slices.Contains(ScheduleVerbs(), verb):
		return o, &Unreadable{Reason: deadletter.BadSubject, fields: []string{"source"}, Note: "a schedule is one source's: name the source in the subject in the place of " + everybody}
	}
	body := kind.ProtoReflect().New().Interface().(orderBody)
	if err := decodeOrder(body, h, data); err != nil {
		return o, err
	}
	if err := v.Validate(body); err != nil {
		return o, err
	}
	s := speaker{name, proven}
	o.Body, o.By, o.Actor = body, s.by(body.GetBy()), s.actor()
	if strings.TrimSpace(o.By) == "" {
		return o, &Unreadable{Reason: deadletter.BadCommand, fields: []string{"by"}, Note: "say who says so (by)"}
	}
	return o, nil
}

// decodeOrder reads JSON, or protobuf if the headers say so.
func decodeOrder(body proto.Message, h Header, data []byte) error {
	media, _, _ := strings.Cut(strings.ToLower(HeaderOf(h, "content-type")), ";")
	name := body.ProtoReflect().Descriptor().FullName()
	switch strings.TrimSpace(media) {
	case "", "application/json":
		if len(data) == 0 {
			return nil
		}
		var f *Fault
		if err := readJSON(data, body); errors.As(err, &f) {
			u := &Unreadable{Reason: deadletter.NotJSON, Note: Clip(f.Note, 1000)}
			if f.Field != "" {
				u.fields = []string{f.Field}
			}
			return u
		}
		return nil
	case ContentProtobuf, "application/x-protobuf", "application/vnd.google.protobuf":
		if proto.Unmarshal(data, body) != nil {
			return &Unreadable{Reason: deadletter.NotProtobuf, Note: fmt.Sprintf("not a %s", name)}
		}
		return nil
	}
	return &Unreadable{Reason: deadletter.ContentType, fields: []string{"content-type"}, Note: fmt.Sprintf("want application/json or %s, got %s", ContentProtobuf, Clip(media, 200))}
}

// answers are what is told beyond single campaigns, by type: the events that answer orders,
// and what a schedule did not ask for.
var answers = map[string]proto.Message{
	"held":             (*campaignv1.CampaignsHeld)(nil),
	"released":         (*campaignv1.CampaignsReleased)(nil),
	"budget_changed":   (*campaignv1.BudgetChanged)(nil),
	"schedule_changed": (*campaignv1.ScheduleChanged)(nil),

	"occurrence_left_out": (*campaignv1.OccurrenceLeftOut)(nil),
}

// AnswerType is the type of such an event; empty: it is none.
func AnswerType(m proto.Message) string {
	for kind, answer := range answers {
		if answer.ProtoReflect().Descriptor() == m.ProtoReflect().Descriptor() {
			return kind
		}
	}
	return ""
}

// AnswerSubject ends in the instant of the order, so that each has one answer.
func AnswerSubject(o Order, kind string) string {
	return streams.EventPrefix + Scope(o.Source) + "." + streams.Standing + "." + kind + "." + strconv.FormatInt(o.Stored.UnixNano(), 10)
}

// LeftOutSubject ends in the instant of the occurrence, so that each is told once. Instants
// are whole minutes: the schedules of a source that have the same one differ behind that.
func LeftOutSubject(key schedule.Key, o schedule.Occurrence) string {
	h := fnv.New32a()
	h.Write([]byte(key.ID)) // never an error
	return streams.EventPrefix + key.Source + "." + streams.Standing + ".occurrence_left_out." + strconv.FormatInt(o.At.UnixNano()+int64(h.Sum32()), 10)
}

// LeftOut is an occurrence that was left out, as the contract has it.
func LeftOut(key schedule.Key, s schedule.Skipped) (*campaignv1.OccurrenceLeftOut, error) {
	why, err := wordOf(leftOut, s.Reason)
	return &campaignv1.OccurrenceLeftOut{
		Source: key.Source, Id: key.ID, RequestId: s.ID, Local: s.Local, Due: Stamp(s.At), At: Stamp(s.Decided), Reason: why, Message: s.Why,
	}, err
}

// OrderOf says whether the subject of a standing order names a source.
func OrderOf(subject, source string) bool {
	have, _, ok := SplitStanding(subject, streams.CommandPrefix)
	return ok && have == source
}
