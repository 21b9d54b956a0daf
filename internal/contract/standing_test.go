package contract_test

import (
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// orders are standing orders, one of each.
func orders() map[string]proto.Message {
	return map[string]proto.Message{
		"hold_campaigns":        &campaignv1.HoldCampaigns{By: "anna", Why: "wrong prices"},
		"release_campaigns":     &campaignv1.ReleaseCampaigns{By: "anna", Why: "prices are right again"},
		"set_budget_of_account": &campaignv1.SetBudget{By: "anna", Zone: "Europe/Rome", Account: "bianchi"},
		"set_budget": &campaignv1.SetBudget{By: "anna", Zone: "Europe/Rome", AfterChanges: proto.Int32(2),
			Day:   &campaignv1.SetBudget_Limit{Limit: &campaignv1.SetBudget_Limit_Amount{Amount: euro("500.00")}},
			Month: &campaignv1.SetBudget_Limit{Limit: &campaignv1.SetBudget_Limit_None{None: true}}},
		"remove_budget": &campaignv1.RemoveBudget{By: "anna", AfterChanges: proto.Int32(3)},
		"add_schedule": &campaignv1.AddSchedule{By: "anna", Id: "monday-reminder", Zone: "Europe/Rome", At: "09:00", Weekdays: []string{"monday"},
			Request: &campaignv1.CampaignRequested{Name: "Promemoria", Sender: "Bianchi", Text: "La aspettiamo.", ContactListId: 88},
			Overlap: "queue", CatchUp: "last", CatchUpWithin: durationpb.New(6 * time.Hour), ExpiresAfter: durationpb.New(24 * time.Hour)},
		"pause_schedule":   &campaignv1.PauseSchedule{By: "anna", Id: "monday-reminder", Version: 1},
		"resume_schedule":  &campaignv1.ResumeSchedule{By: "anna", Id: "monday-reminder", Version: 2},
		"remove_schedule":  &campaignv1.RemoveSchedule{By: "anna", Id: "monday-reminder", Version: 3},
		"suppress_numbers": &campaignv1.SuppressNumbers{By: "anna", Numbers: &campaignv1.Audience{Sha256: strings.Repeat("0a", 32), Size: 42, Chunks: 1}, DefaultRegion: "IT", Note: "complaints of November"},
		"allow_numbers":    &campaignv1.AllowNumbers{By: "anna", Numbers: &campaignv1.Audience{Sha256: strings.Repeat("0a", 32), Size: 42, Chunks: 1}, Note: "a typing error"},
	}
}

// answers are what became of them.
func answers() map[string]proto.Message {
	return map[string]proto.Message{
		"campaigns_held": &campaignv1.CampaignsHeld{Command: 7, At: instant("09:00:00"), By: "anna", Actor: "support", Why: "wrong prices"},
		"campaigns_released": &campaignv1.CampaignsReleased{Source: "shop-italia", Command: 8, At: instant("09:30:00"), By: "anna", Why: "prices are right again",
			StillHeld: []string{"everything is held by bruno since 2026-04-09T09:10:00Z: wrong list"}},
		"budget_changed_of_account": &campaignv1.BudgetChanged{Account: "bianchi", Command: 9, At: instant("09:00:00"), By: "anna", Zone: "Europe/Rome", Changes: 1},
		"budget_changed": &campaignv1.BudgetChanged{Source: "shop-italia", Command: 9, At: instant("09:00:00"), By: "anna", Actor: "finance",
			Zone: "Europe/Rome", Day: euro("500.00"), Changes: 2, Before: "400.00 EUR a day, no limit a month, in Europe/Rome, by bruno"},
		"schedule_changed": &campaignv1.ScheduleChanged{Source: "studio-bianchi", Command: 10, At: instant("09:00:00"), By: "anna", Id: "monday-reminder",
			Change: campaignv1.ScheduleChanged_CHANGE_PAUSED, Version: 2, Rule: "every monday at 09:00 Europe/Rome", Paused: true, Fired: 12},
		"suppression_changed": &campaignv1.SuppressionChanged{Source: "shop-italia", Command: 11, At: instant("09:00:00"), By: "anna", Actor: "support",
			Change: campaignv1.SuppressionChanged_CHANGE_SUPPRESSED, Numbers: 412, Malformed: 3, Note: "complaints of November"},
	}
}

func TestStandingOrdersAndTheirAnswersAreValid(t *testing.T) {
	t.Parallel()
	for _, all := range []map[string]proto.Message{orders(), answers()} {
		for name, m := range all {
			if err := protovalidate.Validate(m); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Whoever reads one answer can read the head of them all.
func TestEveryAnswerNamesItsOrderInTheSameFields(t *testing.T) {
	t.Parallel()
	for name, m := range answers() {
		for i, want := range []protoreflect.Name{"source", "command", "at", "by", "actor"} {
			if f := m.ProtoReflect().Descriptor().Fields().ByNumber(protoreflect.FieldNumber(i + 1)); f == nil || f.Name() != want {
				t.Errorf("%s: field %d is %v, want %s", name, i+1, f, want)
			}
		}
	}
}

func TestStandingOrder(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		m            proto.Message
		field, words string
	}{
		"RefusesAHoldWithoutAReason":  {&campaignv1.HoldCampaigns{By: "anna"}, "why", "1 character"},
		"RefusesALimitThatIsNone":     {&campaignv1.SetBudget{Day: &campaignv1.SetBudget_Limit{}}, "day.limit", ""},
		"RefusesAnAmountThatIsNone":   {&campaignv1.SetBudget{Day: &campaignv1.SetBudget_Limit{Limit: &campaignv1.SetBudget_Limit_Amount{Amount: euro("much")}}}, "day.amount.amount", "plain decimal"},
		"RefusesAnIDThatIsNoToken":    {&campaignv1.PauseSchedule{Id: "a.b"}, "id", ""},
		"RefusesATimeThatIsNone":      {&campaignv1.AddSchedule{Id: "a", Zone: "UTC", At: "9"}, "at", ""},
		"RefusesAnUnknownOverlap":     {&campaignv1.AddSchedule{Id: "a", Zone: "UTC", At: "09:00", Overlap: "both"}, "overlap", ""},
		"RefusesAnAnswerOfNoInstant":  {&campaignv1.CampaignsHeld{By: "anna"}, "at", "required"},
		"RefusesAnAnswerFromNobody":   {&campaignv1.CampaignsReleased{At: instant("09:00:00")}, "by", "1 character"},
		"RefusesNumbersOfNowhere":     {&campaignv1.SuppressNumbers{By: "anna"}, "numbers", "required"},
		"RefusesARegionThatIsNone":    {&campaignv1.AllowNumbers{By: "anna", Numbers: &campaignv1.Audience{Sha256: strings.Repeat("0a", 32), Size: 42, Chunks: 1}, DefaultRegion: "Italy"}, "default_region", ""},
		"RefusesAChangeThatIsUnknown": {&campaignv1.ScheduleChanged{At: instant("09:00:00"), By: "anna", Id: "a"}, "change", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if field, words := violation(t, tt.m); field != tt.field || !strings.Contains(words, tt.words) {
				t.Errorf("violation is %q: %q, want %q: …%s…", field, words, tt.field, tt.words)
			}
		})
	}
}
