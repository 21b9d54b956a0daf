package contract

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// headerSchedule on a request names the schedule that asked for it.
const headerSchedule = "Staffetta-Schedule"

// OccurrenceEnvelope is an occurrence as an ordinary CampaignRequested: the same
// occurrence is the same bytes, whenever it is made. An error names the fields
// at fault.
func OccurrenceEnvelope(v Validator, key schedule.Key, f schedule.Firing) (Envelope, error) {
	m, err := readTemplate(key.Source, f.Request)
	if err != nil {
		return Envelope{}, err
	}
	m.Source, m.RequestId = key.Source, f.ID
	m.Start = &campaignv1.CampaignRequested_Immediately{Immediately: true}
	m.ExpiresAt = timestamppb.New(f.ExpiresAt)
	if err := v.Validate(m); err != nil {
		return Envelope{}, err
	}
	out, err := RequestEnvelope(m, "")
	if err != nil {
		return Envelope{}, err
	}
	out.Header[headerSchedule] = []string{key.String()}
	return out, nil
}

// readTemplate reads what every occurrence asks for: a request without what is
// each occurrence's own.
func readTemplate(source string, data []byte) (*campaignv1.CampaignRequested, error) {
	m := new(campaignv1.CampaignRequested)
	if err := protojson.Unmarshal(data, m); err != nil {
		// protojson varies its spaces on purpose.
		return nil, fmt.Errorf("request: %s", strings.ReplaceAll(err.Error(), "\u00a0", " "))
	}
	var wrong []error
	if m.Source != "" && m.Source != source {
		wrong = append(wrong, fmt.Errorf("source %q: the schedule's is %q: leave it out, or make them the same", m.Source, source))
	}
	if m.RequestId != "" {
		wrong = append(wrong, errors.New("request_id: every occurrence has its own: leave it out"))
	}
	if m.GetAt() != nil {
		wrong = append(wrong, errors.New("at: the schedule says when: leave it out"))
	}
	if m.ExpiresAt != nil {
		wrong = append(wrong, errors.New("expires_at: every occurrence has its own: leave it out, and say expires_after in the schedule"))
	}
	if len(m.Recipients) > 0 {
		wrong = append(wrong, errors.New("recipients: a schedule is kept for longer than people may be: publish them under a name (staffetta audience publish), and say named_audience"))
	}
	return m, errors.Join(wrong...)
}

// NamedBy is the audience that a schedule's campaigns name; nil: they name none.
func NamedBy(s schedule.Schedule) (*campaign.Audience, error) {
	if len(s.Request) == 0 {
		return nil, nil
	}
	m, err := readTemplate(s.Source, s.Request)
	if err != nil || m.GetNamedAudience() == nil {
		return nil, err
	}
	return audienceOf(m), nil
}

// CheckSchedule says whether a schedule's first occurrence after an instant
// could be asked for; an error names the fields at fault.
func CheckSchedule(s schedule.Schedule, now time.Time) error {
	v, err := NewValidator()
	if err != nil {
		return err
	}
	return CheckTemplate(v, s, now)
}

// CheckTemplate is [CheckSchedule] with rules that are there already.
func CheckTemplate(v Validator, s schedule.Schedule, now time.Time) error {
	for _, o := range s.Next(now, 1) {
		f := schedule.Firing{Occurrence: o, Request: s.Request, ExpiresAt: o.At.Add(time.Duration(s.ExpiresAfter))}
		if _, err := OccurrenceEnvelope(v, s.Key, f); err != nil {
			return err
		}
	}
	return nil
}

// RequestEnvelope is a request as it goes into the stream. The traceparent may
// be empty.
func RequestEnvelope(m *campaignv1.CampaignRequested, traceparent string) (Envelope, error) {
	key := m.GetSource() + "." + m.GetRequestId()
	out := Envelope{Subject: streams.RequestPrefix + key, Header: Header{}}
	var err error
	if out.Data, err = (proto.MarshalOptions{Deterministic: true}).Marshal(m); err != nil {
		return Envelope{}, err
	}
	out.Header["ce-specversion"] = []string{"1.0"}
	out.Header["ce-id"] = []string{key}
	out.Header["ce-source"] = []string{m.GetSource()}
	out.Header["ce-type"] = []string{string(m.ProtoReflect().Descriptor().FullName())}
	out.Header["ce-subject"] = []string{key}
	out.Header["content-type"] = []string{ContentProtobuf}
	if traceparent != "" {
		out.Header["traceparent"] = []string{traceparent}
	}
	return out, nil
}
