package staffettatest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/timestamppb"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/proto/staffetta/internal/wire"
)

// Ending is a way in which a campaign ends, and what is told of it until then.
type Ending string

// Campaigns that are sent.
const (
	// Completed: it is quoted, confirmed and sent. If the request is a simulation or has
	// an instant, what is told is that of a simulation, or of a scheduled campaign.
	Completed Ending = "completed"
	// Approved: it waits for an approval, gets it, and is sent.
	Approved Ending = "approved"
	// CreditToppedUp: it waits for credit, gets it, and is sent.
	CreditToppedUp Ending = "credit_topped_up"
)

// Campaigns that are rejected, by the reason in CampaignRejected.
const (
	TextNotGSM7        Ending = "text_not_gsm7"
	TooLate            Ending = "too_late"
	Expired            Ending = "expired"
	InsufficientCredit Ending = "insufficient_credit"
	NoValidRecipient   Ending = "no_valid_recipient"
	RefusedByGateway   Ending = "refused_by_gateway"
	TooManyParts       Ending = "too_many_parts"
	OverMaxTotal       Ending = "over_max_total"
	OverBudget         Ending = "over_budget"
	Declined           Ending = "declined"
	NotApprovedInTime  Ending = "not_approved_in_time"
	NoSendWindow       Ending = "no_send_window"
	GaveUp             Ending = "gave_up"
	NotAsAsked         Ending = "not_as_asked"
	AudienceUnusable   Ending = "audience_unusable"
	AudienceTooOld     Ending = "audience_too_old"
	NoRoomForContacts  Ending = "no_room_for_contacts"
	NotSent            Ending = "not_sent" // it was unresolved before
)

// Campaigns that end otherwise.
const (
	Cancelled     Ending = "cancelled"
	GatewayFailed Ending = "gateway_failed" // CampaignFailed
	Vanished      Ending = "vanished"       // CampaignFailed
	Unresolved    Ending = "unresolved"     // nobody can say whether it was sent
	// DeadLetter: the service cannot act on the request. Nothing is told; the client's
	// Letters show it.
	DeadLetter Ending = "dead_letter"
)

// What Completed is of a simulation, and of a campaign with an instant.
const (
	simulated Ending = "simulated"
	scheduled Ending = "scheduled"
)

// Endings are all of them.
func Endings() []Ending {
	all := []Ending{DeadLetter}
	for name := range lives {
		if name != simulated && name != scheduled {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// life is what is told of one campaign, in order.
type life []struct {
	Header map[string]string `json:"header"`
	Data   json.RawMessage   `json:"data"`
}

//go:embed endings.json
var written []byte

// lives are written by a test of the service, from its rules.
var lives = func() map[Ending]life {
	all := map[Ending]life{}
	if err := json.Unmarshal(written, &all); err != nil {
		panic(fmt.Sprintf("endings.json: %v", err)) // it is in this package, and tested
	}
	return all
}()

// tell is what is told of a campaign that was requested so and ended now.
func (e Ending) tell(m *campaignv1.CampaignRequested, asked wire.Header, now time.Time) ([]wire.Msg, error) {
	switch {
	case e == DeadLetter:
		return nil, nil
	case e == Completed && m.GetSimulation():
		e = simulated
	case e == Completed && m.GetAt() != nil:
		e = scheduled
	}
	events, known := lives[e]
	if !known {
		return nil, fmt.Errorf("ending %q is none: want one of %q", e, Endings())
	}
	last, err := time.Parse(time.RFC3339Nano, events[len(events)-1].Header["ce-time"])
	if err != nil {
		return nil, err
	}
	later := now.Sub(last)
	var all []wire.Msg
	for _, event := range events {
		kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(event.Header["ce-type"]))
		if err != nil {
			return nil, err
		}
		body := kind.New()
		if err := protojson.Unmarshal(event.Data, body.Interface()); err != nil {
			return nil, err
		}
		shift(body, later)
		fields := body.Descriptor().Fields()
		body.Set(fields.ByName("source"), protoreflect.ValueOfString(m.GetSource()))
		body.Set(fields.ByName("request_id"), protoreflect.ValueOfString(m.GetRequestId()))
		body.Set(fields.ByName("simulation"), protoreflect.ValueOfBool(m.GetSimulation()))
		for name, value := range m.GetLabels() {
			body.Mutable(fields.ByName("labels")).Map().Set(protoreflect.ValueOfString(name).MapKey(), protoreflect.ValueOfString(value))
		}
		if confirmed, ok := body.Interface().(*campaignv1.CampaignConfirmed); ok {
			confirmed.Start = &campaignv1.CampaignConfirmed_Immediate{Immediate: true}
			if m.GetAt() != nil {
				confirmed.Start = &campaignv1.CampaignConfirmed_ScheduledFor{ScheduledFor: m.GetAt()}
			}
		}
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(body.Interface())
		if err != nil {
			return nil, err
		}
		at, err := time.Parse(time.RFC3339Nano, event.Header["ce-time"])
		if err != nil {
			return nil, err
		}
		h := wire.Header{}
		for name, value := range event.Header {
			h[name] = []string{value}
		}
		key := m.GetSource() + "." + m.GetRequestId()
		id := key + event.Header["ce-id"][len(event.Header["ce-subject"]):]
		h["ce-id"], h["ce-subject"], h["ce-time"] = []string{id}, []string{key}, []string{at.Add(later).UTC().Format(time.RFC3339Nano)}
		h["ce-partitionkey"] = []string{key}
		for name, value := range m.GetLabels() {
			h["ce-label"+name] = []string{url.PathEscape(value)}
		}
		for _, name := range []string{"traceparent", "tracestate"} {
			if trace := wire.Get(asked, name); trace != "" {
				h[name], h["ce-"+name] = []string{trace}, []string{trace}
			}
		}
		all = append(all, wire.Msg{Subject: eventPrefix + id, Header: h, Data: data, Stored: now})
	}
	return all, nil
}

// shift moves every instant of a message.
func shift(m protoreflect.Message, by time.Duration) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil || f.IsList() || f.IsMap() {
			return true
		}
		if at, ok := v.Message().Interface().(*timestamppb.Timestamp); ok {
			m.Set(f, protoreflect.ValueOfMessage(timestamppb.New(at.AsTime().Add(by)).ProtoReflect()))
			return true
		}
		shift(v.Message(), by)
		return true
	})
}

// state is how a campaign stands behind such events.
func state(events []wire.Msg) string {
	if len(events) == 0 {
		return "requested"
	}
	switch kind := wire.Get(events[len(events)-1].Header, "ce-type"); kind {
	case "staffetta.campaign.v1.CampaignRejected":
		return "rejected"
	case "staffetta.campaign.v1.CampaignCancelled":
		return "cancelled"
	case "staffetta.campaign.v1.CampaignFailed":
		return "failed"
	case "staffetta.campaign.v1.CampaignUnresolved":
		return "unresolved"
	}
	return "completed"
}
