package app_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/schedule"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// outcome waits for what becomes of a standing order.
func (b *bundle) outcome(sequence uint64) (o query.Outcome) {
	b.t.Helper()
	eventually(b.t, "the order is answered", func() bool {
		var err error
		o, err = b.client.FromService().Outcome(b.t.Context(), query.OutcomeAsk{Sequence: sequence})
		return err == nil && o.Outcome != query.OutcomeWaiting
	})
	return o
}

// lay gives an order, and waits for what becomes of it.
func (b *bundle) lay(source, verb string, body proto.Message) query.Outcome {
	b.t.Helper()
	p, err := b.client.Lay(b.t.Context(), source, verb, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.outcome(p.Sequence)
}

func dayOf(amount string) *campaignv1.SetBudget_Limit {
	return &campaignv1.SetBudget_Limit{Limit: &campaignv1.SetBudget_Limit_Amount{Amount: &campaignv1.Money{Amount: amount, Currency: "EUR"}}}
}

func daily() *campaignv1.AddSchedule {
	return &campaignv1.AddSchedule{By: "anna", Id: "daily", Zone: "Europe/Rome", At: "09:00",
		Request: &campaignv1.CampaignRequested{Name: "Ogni giorno", Sender: "ShopItalia", Text: "Ciao", ContactListId: 87}}
}

// A service that dies before it has answered gets the order again. By then others may
// have said the contrary, and that stands.
func TestAnOrderThatComesAgainChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.build(b.options())
	t.Cleanup(func() { a.Stop() })
	n := uint64(0)
	order := func(verb string, body proto.Message) contract.Order {
		n++
		return contract.Order{Source: "shop-italia", Verb: verb, Body: body, By: "anna", Stream: streams.Commands, Sequence: n, Stored: time.Now()}
	}
	obey := func(o contract.Order) proto.Message {
		t.Helper()
		m, err := a.CarryOut(t.Context(), o)
		if err != nil {
			t.Fatalf("%s: %v", o.Verb, err)
		}
		return m
	}
	same := func(o contract.Order, was proto.Message) {
		t.Helper()
		if diff := cmp.Diff(was, obey(o), protocmp.Transform(), protocmp.IgnoreFields(&campaignv1.ScheduleChanged{}, "at", "version", "rule", "next", "paused")); diff != "" {
			t.Errorf("%s tells something else when it comes again (-first +again):\n%s", o.Verb, diff)
		}
	}
	scheduled := func() schedule.Record {
		r, _, err := b.client.Schedule(t.Context(), schedule.Key{Source: "shop-italia", ID: "daily"})
		if err != nil && !errors.Is(err, client.ErrNoSchedule) {
			t.Fatal(err)
		}
		return r
	}

	hold := order(contract.VerbHold, &campaignv1.HoldCampaigns{Why: "wrong prices"})
	held := obey(hold)
	obey(order(contract.VerbRelease, &campaignv1.ReleaseCampaigns{}))
	same(hold, held)
	if why := a.Held("shop-italia"); why != "" {
		t.Errorf("it was released, and a hold that came again holds it: %s", why)
	}

	set := order(contract.VerbSetBudget, &campaignv1.SetBudget{Zone: "Europe/Rome", Day: dayOf("100.00")})
	first := obey(set)
	obey(order(contract.VerbSetBudget, &campaignv1.SetBudget{Day: dayOf("200.00")}))
	same(set, first)
	book, err := b.client.FindBudgets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := book.Definitions(t.Context())
	if err != nil || len(all) != 1 || all[0].Count() != 2 || all[0].Current().Day.String() != "200.00 EUR" {
		t.Errorf("the budgets are %+v, %v; want 200.00 EUR after two changes", all, err)
	}

	add := order(contract.VerbAddSchedule, daily())
	added := obey(add)
	pause := order(contract.VerbPauseSchedule, &campaignv1.PauseSchedule{Id: "daily"})
	paused := obey(pause)
	obey(order(contract.VerbResumeSchedule, &campaignv1.ResumeSchedule{Id: "daily"}))
	same(pause, paused)
	same(add, added)
	if r := scheduled(); r.Paused || r.Version != 3 {
		t.Errorf("it was resumed, and is %+v", r)
	}
	remove := order(contract.VerbRemoveSchedule, &campaignv1.RemoveSchedule{Id: "daily"})
	removed := obey(remove)
	if diff := cmp.Diff(removed, obey(remove), protocmp.Transform(), protocmp.IgnoreFields(&campaignv1.ScheduleChanged{}, "at")); diff != "" {
		t.Errorf("a removal tells something else when it comes again (-first +again):\n%s", diff)
	}
	obey(order(contract.VerbAddSchedule, daily()))
	same(remove, removed)
	if r := scheduled(); r.Version != 1 {
		t.Errorf("it was added anew, and a removal that came again removed it: %+v", r)
	}
}

// What cannot be obeyed is a dead letter with the field and the remedy, and who asks
// what became of it is told both. The second of two people is told of the first.
func TestAnOrderThatIsRefusedIsADeadLetter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(b.options())
	if o := b.lay("shop-italia", contract.VerbSetBudget, &campaignv1.SetBudget{By: "anna", Zone: "Europe/Rome", Day: dayOf("100.00"), AfterChanges: proto.Int32(0)}); o.Outcome != query.OutcomeDone || o.Type != "budget_changed" {
		t.Fatalf("the first: %+v", o)
	}
	if o := b.lay("shop-italia", contract.VerbAddSchedule, daily()); o.Outcome != query.OutcomeDone || o.Type != "schedule_changed" {
		t.Fatalf("a schedule: %+v", o)
	}
	for name, tt := range map[string]struct {
		verb, field, note string
		body              proto.Message
	}{
		"TheSecondOfTwoWhoChangeABudget":   {contract.VerbSetBudget, "after_changes", "it was changed meanwhile, by anna at ", &campaignv1.SetBudget{By: "bruno", Day: dayOf("900.00"), AfterChanges: proto.Int32(0)}},
		"TheSecondOfTwoWhoPauseASchedule":  {contract.VerbPauseSchedule, "version", "it was changed meanwhile, by anna at ", &campaignv1.PauseSchedule{By: "bruno", Id: "daily", Version: 7}},
		"OneWhoAddsWhatIsThere":            {contract.VerbAddSchedule, "id", "there is one already: every day at 09:00 Europe/Rome, by anna; set replace", daily()},
		"OneWhoResumesWhatIsNotThere":      {contract.VerbResumeSchedule, "id", "there is no such schedule", &campaignv1.ResumeSchedule{By: "bruno", Id: "weekly"}},
		"OneWhoReleasesWhatIsNotHeld":      {contract.VerbRelease, "", "shop-italia is not held", &campaignv1.ReleaseCampaigns{By: "bruno"}},
		"ACampaignThatCannotBeAskedFor":    {contract.VerbAddSchedule, "request", "text: ", &campaignv1.AddSchedule{By: "bruno", Id: "mute", Zone: "UTC", At: "09:00", Request: &campaignv1.CampaignRequested{Name: "x", Sender: "x", ContactListId: 1}}},
		"AZoneThatIsNone":                  {contract.VerbSetBudget, "zone", "is no time zone: give its IANA name", &campaignv1.SetBudget{By: "bruno", Zone: "Roma"}},
		"ABudgetThatIsTakenAwayByWhoIsOld": {contract.VerbRemoveBudget, "after_changes", "it was changed meanwhile", &campaignv1.RemoveBudget{By: "bruno", AfterChanges: proto.Int32(5)}},
	} {
		t.Run(name, func(t *testing.T) {
			o := b.lay("shop-italia", tt.verb, tt.body)
			if o.Outcome != query.OutcomeRefused || strings.Join(o.Fields, " ") != tt.field || !strings.Contains(o.Note, tt.note) {
				t.Errorf("%+v; want it refused with field %q: …%s…", o, tt.field, tt.note)
			}
			letters, err := b.client.Reader().DLQ(t.Context(), query.DLQAsk{ID: o.Letter})
			if err != nil || len(letters.Letters) != 1 || letters.Letters[0].Note != o.Note || letters.Letters[0].Reason != "refused_command" {
				t.Errorf("its letter is %+v, %v", letters, err)
			}
		})
	}
}

// What nobody can have meant never reaches a bucket: a verb or a subject that is none, a body that breaks the contract.
func TestAnOrderThatIsNoneIsADeadLetter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(b.options())
	js, err := jetstream.New(b.connect())
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		subject, body, reason, field, note string
	}{
		"OfAnUnknownVerb":     {"@all.@standing.cancel.anna", `{"by":"anna"}`, "bad_command", "", "want one of add-schedule, allow, hold"},
		"OfEverybodysOwn":     {"@all.@standing.pause-schedule.anna", `{"by":"anna","id":"x"}`, "bad_subject", "source", "name the source in the subject"},
		"OfAMisspeltField":    {"@all.@standing.hold.anna", `{"by":"anna","because":"x"}`, "not_json", "because", "there is no such field; there are by, why"},
		"OfNobody":            {"@all.@standing.release", `{}`, "bad_command", "by", "say who says so"},
		"WithoutAReason":      {"@all.@standing.hold.anna", `{}`, "invalid", "why", "why: "},
		"WithoutAnAmount":     {"@all.@standing.set-budget.anna", `{"day":{"amount":{"amount":"much","currency":"EUR"}}}`, "invalid", "day.amount.amount", "plain decimal"},
		"OfALongerSubject":    {"@all.@standing.hold.anna.berta", `{"why":"x"}`, "bad_subject", "", "@standing.<verb>.<actor>"},
		"OfASourceThatIsNone": {"@everybody.@standing.hold.anna", `{"why":"x"}`, "bad_subject", "", "<source or @all>"},
	} {
		t.Run(name, func(t *testing.T) {
			m := nats.NewMsg("campaign.v1.command." + tt.subject)
			m.Data = []byte(tt.body)
			ack, err := js.PublishMsg(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			o := b.outcome(ack.Sequence)
			if o.Outcome != query.OutcomeRefused || o.Reason != tt.reason || strings.Join(o.Fields, " ") != tt.field || !strings.Contains(o.Note, tt.note) {
				t.Errorf("%+v; want %s, field %q: …%s…", o, tt.reason, tt.field, tt.note)
			}
		})
	}
	if _, err := b.client.Lay(t.Context(), "", contract.VerbHold, &campaignv1.HoldCampaigns{By: "anna"}); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("what the service would put aside is no error of the client: %v", err)
	}
}

// When the answer is there every service heeds the button, also one that has just seen
// that nothing is held.
func TestAHoldThatIsAnsweredIsHeededByEveryService(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, _ := b.run(b.options())
	other, _ := b.run(b.options())
	for _, service := range []*app.App{a, other} {
		if why := service.Held("shop-italia"); why != "" {
			t.Fatal(why)
		}
	}
	o := b.lay("", contract.VerbHold, &campaignv1.HoldCampaigns{By: "anna", Why: "wrong prices"})
	for _, service := range []*app.App{a, other} {
		if why := service.Held("shop-italia"); !strings.Contains(why, "everything is held by anna") {
			t.Errorf("the hold was answered, and a service says %q", why)
		}
	}
	var m campaignv1.CampaignsHeld
	if err := proto.Unmarshal(o.Event, &m); err != nil || m.Command != o.Sequence || m.Why != "wrong prices" || m.Source != "" {
		t.Errorf("the event is %v, %v", &m, err)
	}
	// A source asks about its own orders alone.
	source := query.OutcomeAsk{Sequence: o.Sequence, Source: "shop-italia"}
	if _, err := b.client.FromStreams(query.InMemory).Outcome(t.Context(), source); !query.Is(err, query.NotFound) {
		t.Errorf("a source is told of everybody's order: %v", err)
	}
	if b.lay("", contract.VerbRelease, &campaignv1.ReleaseCampaigns{By: "anna"}); a.Held("shop-italia") != "" {
		eventually(t, "it is released", func() bool { return a.Held("shop-italia") == "" && other.Held("shop-italia") == "" })
	}
	var refusal *loop.Refusal
	if _, err := a.CarryOut(t.Context(), contract.Order{Verb: contract.VerbRelease, Body: &campaignv1.ReleaseCampaigns{}, By: "anna"}); !errors.As(err, &refusal) {
		t.Errorf("what is not held was released: %v", err)
	}
}
