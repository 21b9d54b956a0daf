package app_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// suppress lays numbers down and has them suppressed, as anna; nil: it was refused.
func (b *bundle) suppress(source, note string, numbers ...string) (*campaignv1.SuppressionChanged, query.Outcome) {
	b.t.Helper()
	return b.suppressBy("anna", source, note, numbers...)
}

func (b *bundle) suppressBy(by, source, note string, numbers ...string) (*campaignv1.SuppressionChanged, query.Outcome) {
	b.t.Helper()
	return b.numbers(source, contract.VerbSuppress, numbers, func(a *campaignv1.Audience) proto.Message {
		return &campaignv1.SuppressNumbers{By: by, Note: note, Numbers: a, DefaultRegion: "IT"}
	})
}

func (b *bundle) allow(source string, numbers ...string) (*campaignv1.SuppressionChanged, query.Outcome) {
	b.t.Helper()
	return b.numbers(source, contract.VerbAllow, numbers, func(a *campaignv1.Audience) proto.Message {
		return &campaignv1.AllowNumbers{By: "bruno", Numbers: a}
	})
}

func (b *bundle) numbers(source, verb string, numbers []string, body func(*campaignv1.Audience) proto.Message) (*campaignv1.SuppressionChanged, query.Outcome) {
	b.t.Helper()
	list := "phoneNumber;" + rand.Text() + "\n" + strings.Join(numbers, "\n") + "\n"
	a, err := client.Audience(strings.NewReader(list), campaignv1.Audience_FORMAT_CSV)
	if err == nil {
		err = b.client.LayDown(b.t.Context(), contract.Scope(source), a, strings.NewReader(list), nil)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	o := b.lay(source, verb, body(a))
	var told campaignv1.SuppressionChanged
	if o.Outcome != query.OutcomeDone {
		return nil, o
	}
	if err := proto.Unmarshal(o.Event, &told); err != nil {
		b.t.Fatal(err)
	}
	return &told, o
}

// Who is suppressed gets nothing, the others get what they were to get, and it is told how
// many. Whoever asks learns who said so; nothing but the requests holds the number.
func TestWhoIsSuppressedGetsNothing(t *testing.T) {
	t.Parallel()
	b := reminding(t, sandbox.Variants{})
	b.run(b.options())
	if told, o := b.suppress("", "asked by phone", "333 1234502"); told == nil || told.Numbers != 1 || told.Source != "" {
		t.Fatalf("%v, %+v", told, o)
	}
	b.ask()
	b.until("confirmed")
	c := b.completed()
	if p := c.Prepared; p.Sent != 1 || p.Suppressed != 1 || p.Given != 4 {
		t.Errorf("the record has the figures %+v", p)
	}
	for phone, want := range map[string]int{"+393331234501": 1, "+393331234502": 0} {
		if got, err := b.Sandbox.SeenTexts(phone); err != nil || len(got) != want {
			t.Errorf("%s got %+v (%v), want %d", phone, got, err, want)
		}
	}
	for place, content := range b.held() {
		for _, secret := range secrets {
			if strings.Contains(content, secret) && place != "CAMPAIGN_REQUESTS" && place != "CAMPAIGN_AUDIENCES" {
				t.Errorf("%s holds %q", place, secret)
			}
		}
	}
	about := func(q query.SuppressionsAsk) query.Suppressions {
		t.Helper()
		s, err := query.AskSuppressions(t.Context(), b.client, q)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one := about(query.SuppressionsAsk{Number: "333 1234502", Region: "IT"})
	if len(one.Suppressions) != 1 || strings.Join(one.SuppressedFor, ",") != "*" || one.Suppressions[0].By != "anna" || one.Suppressions[0].Note != "asked by phone" {
		t.Errorf("about the number: %+v", one)
	}
	if other := about(query.SuppressionsAsk{Number: "+393331234501"}); len(other.Suppressions) != 0 || other.SuppressedFor != nil {
		t.Errorf("about another one: %+v", other)
	}
	if told, o := b.allow("", "+393331234502"); told == nil || told.Change != campaignv1.SuppressionChanged_CHANGE_ALLOWED {
		t.Fatalf("%v, %+v", told, o)
	}
	if one = about(query.SuppressionsAsk{Number: "+393331234502"}); len(one.Suppressions) != 2 || one.SuppressedFor != nil || one.Suppressions[1].By != "bruno" {
		t.Errorf("about the number, allowed again: %+v", one)
	}
	first := about(query.SuppressionsAsk{Page: query.Page{Limit: 1}})
	if len(first.Suppressions) != 1 || first.Next == "" {
		t.Fatalf("a page of one: %+v", first)
	}
	if second := about(query.SuppressionsAsk{Page: query.Page{Limit: 1, After: first.Next}}); len(second.Suppressions) != 1 || second.Suppressions[0].Change != "allowed" || second.Next != "" {
		t.Errorf("the page after it: %+v", second)
	}
	if _, err := query.AskSuppressions(t.Context(), b.client, query.SuppressionsAsk{Number: "anna"}); !query.Is(err, query.BadQuestion) {
		t.Errorf("about what is no number: %v", err)
	}
	if _, o := b.suppress("", "", "ask Anna"); o.Outcome != query.OutcomeRefused || strings.Join(o.Fields, "") != "numbers" || !strings.Contains(o.Note, "no phone number") {
		t.Errorf("an order that names nobody: %+v", o)
	}
}

// A campaign that waits for an approval and has somebody suppressed meanwhile is prepared, and
// quoted, anew: the approval was for other people.
func TestAnApprovalCoversNobodyWhoIsSuppressedSince(t *testing.T) {
	t.Parallel()
	b := reminding(t, sandbox.Variants{})
	o := b.options()
	o.Rules.BackoffMin = 10 * time.Millisecond
	b.run(o)
	b.request.Text = "Ciao a tutti" // so that nothing else has it uploaded anew
	b.request.NeedsApproval = true
	b.ask()
	b.until("approval_required")
	if told, o := b.suppress("shop-italia", "", "333 1234502"); told == nil {
		t.Fatalf("%+v", o)
	}
	b.approve()
	eventually(t, "it asks for another approval", func() bool {
		c, _, err := b.client.Get(t.Context(), b.key)
		return err == nil && c.ApprovalN == 2 && c.Prepared.Suppressed == 1 && c.Quote != nil && c.Quote.Goal.Valid == 1
	})
	b.approve()
	b.until("confirmed")
	b.completed()
	if got, err := b.Sandbox.SeenTexts("+393331234502"); err != nil || len(got) != 0 {
		t.Errorf("who was suppressed got %+v (%v)", got, err)
	}
}

// approve says yes to the quote that the campaign waits with.
func (b *bundle) approve() {
	b.t.Helper()
	c, _, err := b.client.Get(b.t.Context(), b.key)
	if err == nil {
		_, err = b.client.Approve(b.t.Context(), b.key, campaign.QuoteID(c.Request, *c.Quote), "anna")
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// A number is forgotten where it lies: in requests, in lists and in letters. What a campaign
// needs that is not over is kept and named, until that is over. Others' are untouched.
func TestANumberIsForgotten(t *testing.T) {
	t.Parallel()
	b := reminding(t, sandbox.Variants{})
	b.run(b.options())
	const anna, bartolomeo, other = "+393331234501", "1234502", "+393331239999"
	b.ask()
	b.until("confirmed")
	b.completed()
	others := b.named("others", other)
	others.Text = "Ciao"
	b.askThis(others)
	broken := b.named("broken", "333 1234501")
	broken.Sender = ""
	b.askThis(broken)
	eventually(t, "it is put aside", func() bool {
		return strings.Contains(b.held()["CAMPAIGN_DEAD_LETTERS"], "1234501")
	})
	waits := b.named("waits")
	waits.Text, waits.Recipients, waits.NeedsApproval = "Ciao", nil, true
	waits.Audience = b.layDown("shop-italia", "telefono\n333 1234501\n"+other+"\n")
	b.askThis(waits)
	b.untilOf("waits", "approval_required")
	b.layDown("shop-italia", "+393331234501\n") // nobody has asked for it yet
	week := "telefono\n" + other + "\n333 1234501\n"
	if _, err := b.client.PublishAudience(t.Context(), "shop-italia", "this-week", b.layDown("shop-italia", week), time.Now()); err != nil {
		t.Fatal(err)
	}

	f, err := b.client.ForgetNumber(t.Context(), anna)
	if err != nil || f.Requests != 2 || f.Letters != 1 || f.Lists != 0 || len(f.Kept) != 3 ||
		!strings.Contains(f.Kept[0], "published as shop-italia.this-week") || !strings.Contains(f.Kept[1], "a list that was laid down at") || !strings.Contains(f.Kept[2], "shop-italia.waits, which is quoted") {
		t.Errorf("forgotten: %+v, %v", f, err)
	}
	held := b.held()
	if holds := held["CAMPAIGN_REQUESTS"] + held["CAMPAIGN_DEAD_LETTERS"]; strings.Contains(holds, "1234501") || strings.Contains(holds, bartolomeo) || !strings.Contains(holds, other) {
		t.Error("requests and letters hold the number still, or another's request is gone")
	}
	if !strings.Contains(held["CAMPAIGN_AUDIENCES"], "1234501") {
		t.Error("the list of a campaign that is not over is gone")
	}
	if _, err := b.client.Cancel(t.Context(), campaign.Key{Source: "shop-italia", RequestID: "waits"}, "anna", ""); err != nil {
		t.Fatal(err)
	}
	b.untilOf("waits", "cancelled")
	if f, err = b.client.ForgetNumber(t.Context(), anna); err != nil || f.Requests+f.Letters != 0 || f.Lists != 1 || len(f.Kept) != 2 {
		t.Errorf("forgotten once more: %+v, %v", f, err)
	}
}

// named is a request under a name of its own, to some people.
func (b *bundle) named(id string, numbers ...string) *campaignv1.CampaignRequested {
	m := proto.CloneOf(b.request)
	m.RequestId, m.Recipients = id, nil
	for _, n := range numbers {
		m.Recipients = append(m.Recipients, &campaignv1.Recipient{PhoneNumber: n})
	}
	return m
}

// askThis publishes a request as it is.
func (b *bundle) askThis(m *campaignv1.CampaignRequested) {
	b.t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.connect().Publish(contract.RequestSubject(campaign.Key{Source: m.Source, RequestID: m.RequestId}), data); err != nil {
		b.t.Fatal(err)
	}
}

// layDown lays a list down as it is.
func (b *bundle) layDown(source, list string) *campaignv1.Audience {
	b.t.Helper()
	a, err := client.Audience(strings.NewReader(list), campaignv1.Audience_FORMAT_CSV)
	if err == nil {
		err = b.client.LayDown(b.t.Context(), source, a, strings.NewReader(list), nil)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// untilOf waits for an event of another campaign of the source.
func (b *bundle) untilOf(id, event string) {
	b.t.Helper()
	was := b.key
	b.key.RequestID = id
	b.until(event)
	b.key = was
}
