package contract_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/staffetta-io/staffetta/internal/sms"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// blackFriday is the request of UC-006, field by field.
func blackFriday() *campaignv1.CampaignRequested {
	return &campaignv1.CampaignRequested{
		Source:        "shop-italia",
		RequestId:     "black-friday-2026",
		Name:          "Black Friday 2026",
		Description:   "Promozione Black Friday - sconto 30% su tutto il catalogo",
		Sender:        "ShopItalia",
		Text:          "Black Friday! Solo per te: -30% su tutto con il codice BF2026. Valido fino al 30/11. Scopri di più: https://shop.example.it/bf",
		ContactListId: 87,
		Start:         &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
}

// booked asks to remind people who are in the request.
func booked() *campaignv1.CampaignRequested {
	return &campaignv1.CampaignRequested{
		Source: "studio-bianchi", RequestId: "reminders-2026-49", Name: "Reminders of week 49", Sender: "StBianchi",
		Text: "Ciao {{firstName}}, ti aspettiamo {{when}}. Studio Bianchi", DefaultRegion: "IT",
		Recipients: []*campaignv1.Recipient{
			{PhoneNumber: "+393331234567", Fields: map[string]string{"firstName": "Anna", "when": "lunedi alle 9:00"}},
			{PhoneNumber: "333 765 4321", Fields: map[string]string{"firstName": "Bruno", "when": "martedi alle 15:30"}},
		},
		Start: &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
}

// unpaid asks to write to people who were published in chunks.
func unpaid() *campaignv1.CampaignRequested {
	return &campaignv1.CampaignRequested{
		Source: "acqua-luce", RequestId: "due-2026-11-30", Name: "Unpaid invoices", Sender: "AcquaLuce",
		Text: "La fattura {{invoice}} scade domani: https://paga.example.it", DefaultRegion: "IT", MissingField: campaignv1.MissingField_MISSING_FIELD_REJECT,
		Audience: &campaignv1.Audience{Sha256: strings.Repeat("0f", 32), Size: 2_400_000, Chunks: 10, Format: campaignv1.Audience_FORMAT_CSV},
		Start:    &campaignv1.CampaignRequested_Immediately{Immediately: true},
	}
}

// thisWeeks asks to write to people who are others each week.
func thisWeeks() *campaignv1.CampaignRequested {
	m := booked()
	m.Recipients = nil
	m.NamedAudience = &campaignv1.NamedAudience{Name: "this-week", MaxAge: durationpb.New(48 * time.Hour)}
	return m
}

// named are what else is published about lists under a name.
func named() map[string]proto.Message {
	return map[string]proto.Message{
		"audience_version": &campaignv1.AudienceVersion{Source: "studio-bianchi", Name: "this-week", Audience: unpaid().Audience, AsOf: instant("06:00:00")},
		"occurrence_left_out": &campaignv1.OccurrenceLeftOut{Source: "studio-bianchi", Id: "monday-reminder", RequestId: "monday-reminder-20260413T0900",
			Local: "2026-04-13T09:00", Due: instant("07:00:00"), At: instant("07:10:00"), Reason: campaignv1.OccurrenceLeftOut_REASON_AUDIENCE_TOO_OLD,
			Message: "the newest list under the name this-week is of 2026-04-06T06:00:00Z, which is 7 days ago, and may be 2 days old"},
	}
}

func TestWhatIsSaidOfNamedListsIsValid(t *testing.T) {
	t.Parallel()
	for name, m := range named() {
		if err := protovalidate.Validate(m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	at := func(r *campaignv1.CampaignRequested, when *timestamppb.Timestamp) {
		r.Start = &campaignv1.CampaignRequested_At{At: when}
	}
	day := timestamppb.New(time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC))

	valid := map[string]func(*campaignv1.CampaignRequested){
		"AcceptsTheSpecificationsExample":    func(*campaignv1.CampaignRequested) {},
		"AcceptsAScheduledOne":               func(r *campaignv1.CampaignRequested) { at(r, day) },
		"AcceptsASimulation":                 func(r *campaignv1.CampaignRequested) { r.Simulation = true },
		"AcceptsUnicode":                     func(r *campaignv1.CampaignRequested) { r.Unicode, r.Text = true, "Scadenza 📅 {{numero}}" },
		"AcceptsALimitInTime":                func(r *campaignv1.CampaignRequested) { r.ExpiresAt = day },
		"AcceptsNoDescription":               func(r *campaignv1.CampaignRequested) { r.Description = "" },
		"AcceptsANumberAsSender":             func(r *campaignv1.CampaignRequested) { r.Sender = "+393331234567" },
		"AcceptsAnEmojiOfSeveralCodesInName": func(r *campaignv1.CampaignRequested) { r.Name = "Per noi 👩‍👧" },
		"AcceptsLineBreaks":                  func(r *campaignv1.CampaignRequested) { r.Text, r.Description = "Ciao\r\nA presto\n", "a\n\nb" },
		"AcceptsWhatIsWrittenFromTheRight":   func(r *campaignv1.CampaignRequested) { r.Text, r.Name = "مرحبا שלום", "مرحبا" },
		"AcceptsTheLongestText":              func(r *campaignv1.CampaignRequested) { r.Text = strings.Repeat("à", 1530) },
		"AcceptsTheLongestKey": func(r *campaignv1.CampaignRequested) {
			r.Source, r.RequestId = strings.Repeat("A", 64), strings.Repeat("_", 64)
		},
	}
	for name, change := range valid {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := blackFriday()
			change(r)
			if err := protovalidate.Validate(r); err != nil {
				t.Error(err)
			}
		})
	}

	invalid := map[string]struct {
		change func(*campaignv1.CampaignRequested)
		field  string
		words  string // part of the sentence for people
	}{
		"RefusesNoSource":                {func(r *campaignv1.CampaignRequested) { r.Source = "" }, "source", "1 to 64 letters"},
		"RefusesADotInSource":            {func(r *campaignv1.CampaignRequested) { r.Source = "shop.italia" }, "source", "1 to 64 letters"},
		"RefusesAWildcardAsId":           {func(r *campaignv1.CampaignRequested) { r.RequestId = ">" }, "request_id", "1 to 64 letters"},
		"RefusesALongId":                 {func(r *campaignv1.CampaignRequested) { r.RequestId = strings.Repeat("a", 65) }, "request_id", "1 to 64 letters"},
		"RefusesALineEndAfterId":         {func(r *campaignv1.CampaignRequested) { r.RequestId = "a\n" }, "request_id", "1 to 64 letters"},
		"RefusesNoName":                  {func(r *campaignv1.CampaignRequested) { r.Name = "" }, "name", "1 to 200 characters"},
		"RefusesALongName":               {func(r *campaignv1.CampaignRequested) { r.Name = strings.Repeat("è", 201) }, "name", "1 to 200 characters"},
		"RefusesALineEndInName":          {func(r *campaignv1.CampaignRequested) { r.Name = "Black\nFriday" }, "name", "control character"},
		"RefusesALongDescription":        {func(r *campaignv1.CampaignRequested) { r.Description = strings.Repeat("è", 1001) }, "description", "1000"},
		"RefusesATurnInName":             {func(r *campaignv1.CampaignRequested) { r.Name = "abc\u202e" }, "name", "take it out"},
		"RefusesAnEscapeInDescription":   {func(r *campaignv1.CampaignRequested) { r.Description = "a\x1b[2J" }, "description", "take it out"},
		"RefusesATurnInDescription":      {func(r *campaignv1.CampaignRequested) { r.Description = "a\u2066b" }, "description", "take it out"},
		"RefusesAnEscapeInText":          {func(r *campaignv1.CampaignRequested) { r.Text = "0.01 EUR\x1b[5A" }, "text", "take it out"},
		"RefusesATabInText":              {func(r *campaignv1.CampaignRequested) { r.Text = "a\tb" }, "text", "take it out"},
		"RefusesAnEightBitControlInText": {func(r *campaignv1.CampaignRequested) { r.Text = "a\u009bb" }, "text", "take it out"},
		"RefusesATurnInText":             {func(r *campaignv1.CampaignRequested) { r.Text = "a\u200fb" }, "text", "take it out"},
		"RefusesNoSender":                {func(r *campaignv1.CampaignRequested) { r.Sender = "" }, "sender", "at most 11"},
		"RefusesALongSender":             {func(r *campaignv1.CampaignRequested) { r.Sender = "ShopItaliana" }, "sender", "at most 11"},
		"RefusesASenderWithAccent":       {func(r *campaignv1.CampaignRequested) { r.Sender = "Caffè" }, "sender", "at most 11"},
		"RefusesNoText":                  {func(r *campaignv1.CampaignRequested) { r.Text = "" }, "text", "1 character"},
		"RefusesALongText":               {func(r *campaignv1.CampaignRequested) { r.Text = strings.Repeat("à", 1531) }, "text", "1530"},
		"RefusesNoList":                  {func(r *campaignv1.CampaignRequested) { r.ContactListId = 0 }, "", "one of contact_list_id, recipients, audience, named_audience must be set"},
		"RefusesAListAndRecipients":      {func(r *campaignv1.CampaignRequested) { r.Recipients = booked().Recipients }, "", "only one of contact_list_id, recipients, audience, named_audience can be set"},
		"RefusesANegativeList":           {func(r *campaignv1.CampaignRequested) { r.ContactListId = -87 }, "contact_list_id", "greater than 0"},
		"RefusesANamedListOfAnyAge": {func(r *campaignv1.CampaignRequested) {
			r.ContactListId, r.NamedAudience = 0, &campaignv1.NamedAudience{Name: "this-week"}
		}, "named_audience.max_age", "required"},
		"RefusesNoStart":             {func(r *campaignv1.CampaignRequested) { r.Start = nil }, "start", "required"},
		"RefusesImmediatelyFalse":    {func(r *campaignv1.CampaignRequested) { r.Start = &campaignv1.CampaignRequested_Immediately{} }, "immediately", "true"},
		"RefusesTheZeroInstant":      {func(r *campaignv1.CampaignRequested) { at(r, &timestamppb.Timestamp{}) }, "at", "2020"},
		"RefusesAnInstantBeyondTime": {func(r *campaignv1.CampaignRequested) { at(r, &timestamppb.Timestamp{Seconds: 1 << 60}) }, "at", ""},
		"RefusesAZeroLimit":          {func(r *campaignv1.CampaignRequested) { r.ExpiresAt = &timestamppb.Timestamp{} }, "expires_at", "2020"},
	}
	for name, tt := range invalid {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := blackFriday()
			tt.change(r)
			field, words := violation(t, r)
			if field != tt.field || !strings.Contains(words, tt.words) {
				t.Errorf("violation is %q: %q, want %q: …%s…", field, words, tt.field, tt.words)
			}
		})
	}
}

// violation validates a message that breaks exactly one rule, and gives the
// path of the field and the sentence.
func violation(t *testing.T, m proto.Message) (field, words string) {
	t.Helper()
	err := protovalidate.Validate(m)
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		t.Fatalf("validation gives %v, want a ValidationError", err)
	}
	if len(invalid.Violations) != 1 {
		t.Fatalf("%d violations, want 1: %v", len(invalid.Violations), err)
	}
	v := invalid.Violations[0].Proto
	return protovalidate.FieldPathString(v.GetField()), v.GetMessage()
}

// The rule in the contract and the one in package sms are two texts of one
// rule; a sender must not pass one door and be stopped at the next.
func TestSenderRuleIsThatOfPackageSMS(t *testing.T) {
	t.Parallel()
	sender := rapid.OneOf(
		rapid.StringMatching(`[A-Za-z0-9]{0,13}`),
		rapid.StringMatching(`\+?[0-9]{0,18}`),
		rapid.StringMatching(`[A-Za-z0-9 .+è-]{1,12}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		r := blackFriday()
		r.Sender = sender.Draw(t, "sender")
		contract, text := protovalidate.Validate(r), sms.CheckSender(r.Sender)
		if (contract == nil) != (text == nil) {
			t.Errorf("sender %q: the contract says %v, package sms says %v", r.Sender, contract, text)
		}
	})
}
