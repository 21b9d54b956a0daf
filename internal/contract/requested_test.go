package contract

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func TestRequestedAsksForTheSame(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	full := campaign.Request{
		Name: "Black Friday 2026", Description: "the big one", Sender: "ShopItalia", Text: "Ciao", ListID: 87,
		Unicode: true, Simulation: true, At: at, ExpiresAt: at.Add(48 * time.Hour),
		Labels: map[string]string{"team": "crm", "costcentre": "4711 / Più"},
		Limits: campaign.Limits{
			MaxTotal: campaign.Money{Amount: decimal.RequireFromString("344.09"), Currency: "EUR"}, OnOverMax: campaign.Ask, MaxParts: 2,
			Approval: true, ApprovalWithin: time.Hour, OnNoCredit: campaign.Wait, CreditWithin: 2 * time.Hour,
			MaxLateness: 3 * time.Hour, OnLate: campaign.Ask, Window: "it", Agreed: "0123456789abcdef",
		},
	}
	v, err := NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]campaign.Request{"Everything": full, "TheLeast": {Name: "x", Sender: "x", Text: "x", ListID: 1}} {
		t.Run(name, func(t *testing.T) {
			key := campaign.Key{Source: "shop-italia", RequestID: "bf"}
			m := Requested(key, r)
			if err := v.Validate(m); err != nil {
				t.Error(err)
			}
			k, got := FromProto(m)
			if diff := cmp.Diff(r, got); diff != "" || k != key {
				t.Errorf("%s asks for something else (-wanted +asked):\n%s", k, diff)
			}
		})
	}
}

// Every field of the contract is read, makes another request of one that differs in it
// alone, and is written back. A field of a later version has to be, too.
func TestEveryFieldOfARequestCounts(t *testing.T) {
	t.Parallel()
	least := func() *campaignv1.CampaignRequested {
		return &campaignv1.CampaignRequested{Source: "shop-italia", RequestId: "bf",
			Start: &campaignv1.CampaignRequested_Immediately{Immediately: true}}
	}
	fields := least().ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		name := string(field.Name())
		switch name {
		case "source", "request_id":
			continue // the key
		case "immediately":
			continue // the other choice of at
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := least()
			changed.ProtoReflect().Set(field, someValue(t, field))
			key, request := FromProto(changed)
			_, plain := FromProto(least())
			if diff := cmp.Diff([]string{name}, plain.Diff(request)); diff != "" {
				t.Errorf("two that differ in %s (-want +differ in):\n%s", name, diff)
			}
			if name == "recipients" {
				changed.Recipients = nil // no record has them: they cannot be written back
			}
			if back := Requested(key, request); !proto.Equal(changed, back) {
				t.Errorf("asked for %v\nrepeated %v", changed, back)
			}
		})
	}
}

// someValue is one that a field does not have by default.
func someValue(t *testing.T, field protoreflect.FieldDescriptor) protoreflect.Value {
	t.Helper()
	var message proto.Message
	if field.IsMap() {
		labelled := new(campaignv1.CampaignRequested)
		labelled.Labels = map[string]string{"team": "crm"}
		return labelled.ProtoReflect().Get(field)
	}
	if field.IsList() {
		return protoreflect.ValueOfList((&campaignv1.CampaignRequested{Recipients: []*campaignv1.Recipient{{PhoneNumber: "x"}}}).ProtoReflect().Get(field).List())
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("x")
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(1)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(1)
	case protoreflect.EnumKind: // the last one: the first ones mean the default
		values := field.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(values.Len() - 1).Number())
	case protoreflect.MessageKind:
		switch field.Message().FullName() {
		case "google.protobuf.Timestamp":
			message = &timestamppb.Timestamp{Seconds: 1}
		case "google.protobuf.Duration":
			message = &durationpb.Duration{Seconds: 1}
		case "staffetta.campaign.v1.Money":
			message = &campaignv1.Money{Amount: "1.00", Currency: "EUR"}
		case "staffetta.campaign.v1.Audience":
			message = &campaignv1.Audience{Sha256: "x", Size: 1, Chunks: 1, Format: campaignv1.Audience_FORMAT_CSV}
		case "staffetta.campaign.v1.NamedAudience":
			message = &campaignv1.NamedAudience{Name: "x", MaxAge: &durationpb.Duration{Seconds: 1}}
		}
	}
	if message == nil {
		t.Fatalf("say here what a changed %s is", field.FullName())
	}
	return protoreflect.ValueOfMessage(message.ProtoReflect())
}

// The contract states the alphabet of a key once more, in its own language.
func TestTheContractHasTheAlphabetOfKeys(t *testing.T) {
	t.Parallel()
	v, err := NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	var tokens []string
	for r := range rune(0x250) {
		tokens = append(tokens, "a"+string(r))
	}
	for _, length := range []int{0, 1, campaign.TokenLength, campaign.TokenLength + 1} {
		tokens = append(tokens, strings.Repeat("a", length))
	}
	for _, token := range tokens {
		m := Requested(campaign.Key{Source: token, RequestID: token}, campaign.Request{Name: "x", Sender: "x", Text: "x", ListID: 1})
		ours, theirs := campaign.ValidToken(token, campaign.TokenLength), v.Validate(m)
		if (ours == nil) != (theirs == nil) {
			t.Errorf("%q: %v, and the contract says %v", token, ours, theirs)
		}
	}
}
