package contract_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"buf.build/go/protovalidate"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
	"github.com/staffetta-io/staffetta/proto/staffetta/staffettatest"
)

// anyRequest is a request with good and bad values in every field.
func anyRequest(t *rapid.T) *campaignv1.CampaignRequested {
	text := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
	token := func(name string) string {
		return text(name, "shop-italia", "a", "", "shop italia", "shop.italia", strings.Repeat("x", 64), strings.Repeat("x", 65), "è")
	}
	words := func(name string) string {
		return text(name, "", "Black Friday", "a\nb", "a\tb", "a\u202eb", "a\u0000b", "\u061c", "\u2067", strings.Repeat("è", 200), strings.Repeat("è", 201),
			strings.Repeat("a", 1000), strings.Repeat("a", 1001), strings.Repeat("😀", 1530), strings.Repeat("a", 1531), rapid.String().Draw(t, name+" at random"))
	}
	number := func(name string) int32 { return rapid.SampledFrom([]int32{-1, 0, 1, 10, 11}).Draw(t, name) }
	limit := func(name string) campaignv1.OnLimit { return campaignv1.OnLimit(rapid.Int32Range(-1, 5).Draw(t, name)) }
	lasting := func(name string) *durationpb.Duration {
		return rapid.SampledFrom([]*durationpb.Duration{nil, {}, {Seconds: 1}, {Nanos: 1}, {Seconds: -1}, {Nanos: -1}, {Seconds: 2592000}, {Seconds: 2592000, Nanos: 1}, {Seconds: 1 << 60}, {Nanos: 2e9}, {Seconds: 1, Nanos: -1}}).Draw(t, name)
	}
	instant := func(name string) *timestamppb.Timestamp {
		return rapid.SampledFrom([]*timestamppb.Timestamp{nil, {}, {Seconds: 1577836800}, {Seconds: 1577836799, Nanos: 999999999}, {Seconds: 4102444799}, {Seconds: 4102444800}, {Seconds: 1800000000, Nanos: -1}, {Seconds: 1800000000, Nanos: 1e9}, {Seconds: -1 << 60}}).Draw(t, name)
	}
	m := &campaignv1.CampaignRequested{
		Source: token("source"), RequestId: token("request_id"), Name: words("name"), Description: words("description"), Text: words("text"),
		Sender:        text("sender", "", "ShopItalia", "ShopItalia12", "Shop Italia", "+393331234567", "+0", "+12345", "1234567890123456", "12345678901234567", "è"),
		ContactListId: rapid.SampledFrom([]int64{-1, 0, 1, 87}).Draw(t, "contact_list_id"),
		Unicode:       rapid.Bool().Draw(t, "unicode"), Simulation: rapid.Bool().Draw(t, "simulation"), NeedsApproval: rapid.Bool().Draw(t, "needs_approval"),
		ExpiresAt: instant("expires_at"), OnOverMax: limit("on_over_max"), MaxPartsPerMessage: number("max_parts_per_message"),
		ApprovalWithin: lasting("approval_within"), OnInsufficientCredit: limit("on_insufficient_credit"), CreditWithin: lasting("credit_within"),
		MaxLateness: lasting("max_lateness"), OnLate: limit("on_late"), SendWindow: token("send_window"),
		AgreedQuoteId: text("agreed_quote_id", "", "965266dd25f8002b", "965266DD25F8002B", "965266dd25f8002"),
	}
	if n := rapid.SampledFrom([]int{0, 0, 1, 2, 16, 17}).Draw(t, "labels"); n > 0 {
		m.Labels = map[string]string{}
		for i := range n {
			m.Labels[fmt.Sprintf("label%d", i)] = "x"
		}
		m.Labels[text("label", "team", "a", "15letters123456", "16letters1234567", "Team", "cost-centre", "", "è", "a b", "\n")] =
			text("value", "crm", "", "Più scarpe", strings.Repeat("è", 64), strings.Repeat("è", 65), "a\nb", "a\u202eb", "\u00ad", "\u2028", " ", rapid.String().Draw(t, "value at random"))
	}
	if rapid.Bool().Draw(t, "with people") {
		m.ContactListId = rapid.SampledFrom([]int64{0, 0, 0, 87}).Draw(t, "a list too")
		m.DefaultRegion = text("default_region", "", "IT", "it", "ITA")
		m.MissingField = campaignv1.MissingField(rapid.Int32Range(-1, 4).Draw(t, "missing_field"))
		for range rapid.SampledFrom([]int{0, 1, 2, 3, 1000, 1001}).Draw(t, "recipients") {
			m.Recipients = append(m.Recipients, &campaignv1.Recipient{PhoneNumber: "+393331234567"})
		}
		if len(m.Recipients) == 2 {
			m.Recipients[1].PhoneNumber = text("phone_number", "", "333 1234567", strings.Repeat("1", 41))
			m.Recipients[1].Fields = map[string]string{"code": "BF", text("field", "firstName", "", "first name", strings.Repeat("x", 65)): text("value", "", "Anna", strings.Repeat("è", 1000), strings.Repeat("è", 1001))}
		}
		if len(m.Recipients) == 3 {
			m.Recipients[2].Fields = map[string]string{}
			for i := range rapid.IntRange(31, 33).Draw(t, "fields") {
				m.Recipients[2].Fields[strconv.Itoa(i)] = ""
			}
		}
		if rapid.Bool().Draw(t, "with an audience") {
			m.Audience = &campaignv1.Audience{
				Sha256: text("sha256", "", strings.Repeat("0f", 32), strings.Repeat("0F", 32)),
				Size:   rapid.SampledFrom([]int64{-1, 0, 1, 1 << 28, 1<<28 + 1}).Draw(t, "size"), Chunks: rapid.SampledFrom([]int32{-1, 0, 1, 10000, 10001}).Draw(t, "chunks"),
				Format: campaignv1.Audience_Format(rapid.Int32Range(-1, 3).Draw(t, "format")),
			}
		}
	}
	if rapid.Bool().Draw(t, "with a named audience") {
		m.NamedAudience = &campaignv1.NamedAudience{Name: token("name of the audience"), MaxAge: lasting("max_age")}
	}
	switch rapid.IntRange(0, 3).Draw(t, "start") {
	case 1:
		m.Start = &campaignv1.CampaignRequested_Immediately{Immediately: rapid.Bool().Draw(t, "immediately")}
	case 2:
		m.Start = &campaignv1.CampaignRequested_At{At: instant("at")}
	}
	if rapid.Bool().Draw(t, "capped") {
		m.MaxTotal = &campaignv1.Money{
			Amount:   text("amount", "", "0", "0.00", "-1", "1", "300.00", "300", "01", "1.", "1.0000000001", "1e3", strings.Repeat("9", 15), strings.Repeat("9", 16)),
			Currency: text("currency", "", "EUR", "eur", "EURO"),
		}
	}
	return m
}

// The client reads the rules of the contract without protovalidate's interpreter. It finds
// what the service finds, field by field, in the same words where the contract has some.
func TestTheClientFindsWhatTheServiceFinds(t *testing.T) {
	t.Parallel()
	service, err := protovalidate.New(protovalidate.WithMessages(&campaignv1.CampaignRequested{}))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := contract.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	good, bad := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		m := anyRequest(t)
		var found []string
		var invalid *staffetta.Invalid
		if err := staffetta.Validate(m); errors.As(err, &invalid) {
			for _, f := range invalid.Faults {
				found = append(found, f.Field)
			}
		} else if err != nil {
			t.Fatal(err)
		}
		if refused := whole.Validate(m) != nil; refused != (len(found) > 0) {
			t.Fatalf("the service refuses it: %t; the client finds %q", refused, found)
		}
		if len(found) == 0 {
			good++
			return
		}
		bad++
		var broken *protovalidate.ValidationError
		if err := service.Validate(m); err != nil && !errors.As(err, &broken) {
			t.Fatal(err)
		}
		if broken == nil {
			return // an instant that is none: no rule says it
		}
		for _, f := range contract.Faults(broken) {
			same := slices.ContainsFunc(invalid.Faults, func(mine staffetta.Fault) bool {
				return mine.Field == f.Field && (mine.Note == f.Note || !custom(broken, f))
			})
			if !same {
				t.Fatalf("the service finds %q: %q; the client %v", f.Field, f.Note, invalid)
			}
		}
		for _, field := range found {
			theirs := slices.ContainsFunc(contract.Faults(broken), func(f contract.Fault) bool { return f.Field == field })
			if !theirs && !strings.Contains(invalid.Error(), "nanos must be") {
				t.Fatalf("the client finds %q: %v; the service does not: %v", field, invalid, broken)
			}
		}
	})
	if bad == 0 {
		t.Error("no request was bad")
	}
	for _, m := range messages() { // and the good ones
		if r, is := m.(*campaignv1.CampaignRequested); is {
			good++
			if err := staffetta.Validate(r); err != nil {
				t.Error(err)
			}
		}
	}
	if good == 0 {
		t.Error("no request was good")
	}
}

// custom says that the words of a fault stand in the contract.
func custom(broken *protovalidate.ValidationError, f contract.Fault) bool {
	return slices.ContainsFunc(broken.Violations, func(v *protovalidate.Violation) bool {
		return v.Proto.GetMessage() == f.Note && strings.Contains(v.Proto.GetRuleId(), "_") && strings.HasPrefix(v.Proto.GetRuleId(), "campaign_requested.")
	})
}

// What the client calls hopeless, the rules reject with the same field; and what it lets
// pass they do not reject for that.
func TestWhatTheClientCallsHopelessIsRejected(t *testing.T) {
	t.Parallel()
	rules, now := campaign.Rules{}, time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	at := func(ago time.Duration) *campaignv1.CampaignRequested_At {
		return &campaignv1.CampaignRequested_At{At: timestamppb.New(now.Add(-ago))}
	}
	for name, change := range map[string]func(*campaignv1.CampaignRequested){
		"well":           func(*campaignv1.CampaignRequested) {},
		"quote":          func(m *campaignv1.CampaignRequested) { m.Text = "L’offerta" },
		"quote, unicode": func(m *campaignv1.CampaignRequested) { m.Text, m.Unicode = "L’offerta", true },
		"apart":          func(m *campaignv1.CampaignRequested) { m.Text = "Perche\u0301" },
		"ten minutes":    func(m *campaignv1.CampaignRequested) { m.Start = at(10 * time.Minute) },
		"more":           func(m *campaignv1.CampaignRequested) { m.Start = at(10*time.Minute + time.Second) },
		"more, asks": func(m *campaignv1.CampaignRequested) {
			m.Start, m.OnLate = at(time.Hour), campaignv1.OnLimit_ON_LIMIT_ASK
		},
		"more, may be": func(m *campaignv1.CampaignRequested) {
			m.Start, m.MaxLateness = at(time.Hour), durationpb.New(2*time.Hour)
		},
		"less, may not": func(m *campaignv1.CampaignRequested) {
			m.Start, m.MaxLateness = at(time.Minute), durationpb.New(time.Second)
		},
		"expires now":      func(m *campaignv1.CampaignRequested) { m.ExpiresAt = timestamppb.New(now) },
		"expires in a sec": func(m *campaignv1.CampaignRequested) { m.ExpiresAt = timestamppb.New(now.Add(time.Second)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &campaignv1.CampaignRequested{Source: "shop-italia", RequestId: "bf", Name: "Black Friday", Sender: "Shop", Text: "Ciao", ContactListId: 87,
				Start: &campaignv1.CampaignRequested_Immediately{Immediately: true}}
			change(m)
			if err := staffetta.Validate(m); err != nil {
				t.Fatal(err)
			}
			var mine string
			var invalid *staffetta.Invalid
			if errors.As(staffetta.Hopeless(m, now), &invalid) {
				mine = invalid.Faults[0].Field
			}
			key, request := contract.FromProto(m)
			facts := campaign.Facts{Now: now, Age: time.Hour, Gateway: "https://gateway.example"}
			d := rules.Step(campaign.Campaign{}, campaign.Received{Key: key, Request: request, At: now}, facts)
			if d.Call != nil && d.Call.Op == campaign.OpLook {
				d = rules.Step(d.Next, campaign.Outcome{Op: campaign.OpLook, Kind: campaign.OK}, facts)
			}
			theirs := ""
			if d.Next.Reason != nil {
				theirs = d.Next.Reason.Field
			}
			if (theirs == "") != (d.Call != nil && d.Call.Op == campaign.OpCreate) {
				t.Fatalf("neither rejected nor begun: %+v", d)
			}
			if mine != theirs {
				t.Errorf("the client says %q (%v), the rules %q (%+v)", mine, invalid, theirs, d.Next.Reason)
			}
		})
	}
}

// The fake of the service compares two requests as the service does.
func TestTheKitComparesAsTheServiceDoes(t *testing.T) {
	t.Parallel()
	conflicts := 0
	rapid.Check(t, func(t *rapid.T) {
		one, other := anyRequest(t), anyRequest(t)
		// Mostly alike, so that single fields decide.
		fields := one.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			f := fields.Get(i)
			if rapid.IntRange(0, 3).Draw(t, "as before") > 0 && f.ContainingOneof() == nil {
				if one.ProtoReflect().Has(f) {
					other.ProtoReflect().Set(f, one.ProtoReflect().Get(f))
				} else {
					other.ProtoReflect().Clear(f)
				}
			}
		}
		repair(one)
		repair(other)
		client := staffettatest.New().Client()
		if _, err := client.Request(t.Context(), one); err != nil {
			t.Skip("not a good request")
		}
		if staffetta.Validate(other) != nil {
			t.Skip("not a good request")
		}
		_, err := client.Request(t.Context(), other)
		var mine []string
		if conflict, is := errors.AsType[*staffetta.Conflict](err); is {
			mine = conflict.Differs
			conflicts++
		} else if err != nil {
			t.Fatal(err)
		}
		_, a := contract.FromProto(one)
		_, b := contract.FromProto(other)
		theirs := a.Diff(b)
		slices.Sort(theirs)
		slices.Sort(mine)
		if !slices.Equal(mine, theirs) {
			t.Fatalf("the kit says %q, the service %q", mine, theirs)
		}
	})
	if conflicts == 0 {
		t.Error("there was no conflict")
	}
}

// repair makes the fields good that are seldom good by chance.
func repair(m *campaignv1.CampaignRequested) {
	good := &campaignv1.CampaignRequested{
		Source: "shop-italia", RequestId: "bf", Name: "Black Friday", Description: "what for", Sender: "Shop", Text: "Ciao", ContactListId: 87,
		Start: &campaignv1.CampaignRequested_Immediately{Immediately: true}, AgreedQuoteId: "965266dd25f8002b",
		MaxTotal: &campaignv1.Money{Amount: "300.00", Currency: "EUR"}, OnOverMax: campaignv1.OnLimit_ON_LIMIT_ASK,
	}
	m.Source, m.RequestId, m.Unicode = good.Source, good.RequestId, true
	m.ExpiresAt, m.MaxLateness = nil, nil
	if len(m.Recipients) > 0 || m.Audience != nil { // of two, one
		m.ContactListId = 0
		if len(m.Recipients) > 0 {
			m.Audience = nil
		}
	}
	if m.GetAt() != nil {
		m.Start, m.OnLate = &campaignv1.CampaignRequested_At{At: timestamppb.New(time.Unix(1800000000, 0))}, campaignv1.OnLimit_ON_LIMIT_ASK
	}
	var invalid *staffetta.Invalid
	if !errors.As(staffetta.Validate(m), &invalid) {
		return
	}
	for _, f := range invalid.Faults {
		name, _, _ := strings.Cut(f.Field, ".")
		name, _, _ = strings.Cut(name, "[")
		if name == "start" || name == "immediately" {
			m.Start = good.Start
			continue
		}
		fields := m.ProtoReflect().Descriptor().Fields()
		if field := fields.ByTextName(name); good.ProtoReflect().Has(field) {
			m.ProtoReflect().Set(field, good.ProtoReflect().Get(field))
		} else {
			m.ProtoReflect().Clear(field)
		}
	}
}

// What the kit tells keeps the rules of the contract, for whatever was asked.
func TestTheKitTellsWhatTheContractAllows(t *testing.T) {
	t.Parallel()
	rules, err := contract.NewEventValidator()
	if err != nil {
		t.Fatal(err)
	}
	if len(staffettatest.Endings()) < len(campaign.Reasons)-6 {
		t.Errorf("only the endings %q", staffettatest.Endings())
	}
	for _, ending := range staffettatest.Endings() {
		for _, scheduled := range []bool{false, true} {
			service := staffettatest.New()
			service.EndsFor("acqualuce-billing", "due-1", ending)
			client := service.Client()
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			m := &campaignv1.CampaignRequested{Source: "acqualuce-billing", RequestId: "due-1", Name: "Due", Sender: "AcquaLuce", Text: "Ciao", ContactListId: 87,
				Start: &campaignv1.CampaignRequested_Immediately{Immediately: true}}
			at := time.Now().Add(time.Hour)
			if m.Simulation = scheduled; scheduled {
				m.Start = &campaignv1.CampaignRequested_At{At: timestamppb.New(at)}
			}
			if _, err := client.Request(ctx, m); err != nil {
				t.Fatal(err)
			}
			letters, err := client.Letters(ctx, "acqualuce-billing", "due-1")
			if err != nil || (len(letters) == 1) != (ending == staffettatest.DeadLetter) {
				t.Errorf("%s: letters %v, %v", ending, letters, err)
			}
			if ending == staffettatest.DeadLetter {
				stop()
				continue
			}
			var last staffetta.Event
			for e, err := range client.Watch(ctx, "acqualuce-billing", "due-1") {
				if err != nil {
					t.Fatal(err)
				}
				if e.Sequence <= last.Sequence {
					t.Errorf("%s: %s has the sequence %d after %d", ending, e.ID, e.Sequence, last.Sequence)
				}
				last = e
				head := e.Message.(interface {
					GetSource() string
					GetRequestId() string
					GetSimulation() bool
				})
				if err := rules.Validate(e.Message); err != nil || head.GetSource() != "acqualuce-billing" || head.GetRequestId() != "due-1" || head.GetSimulation() != scheduled || e.Key() != "acqualuce-billing.due-1" {
					t.Errorf("%s: %s: %v", ending, e.ID, err)
				}
				if c, is := e.Message.(*campaignv1.CampaignConfirmed); is && (c.GetScheduledFor() != nil) != scheduled {
					t.Errorf("%s: %v", ending, c)
				}
				if _, unresolved := e.Message.(*campaignv1.CampaignUnresolved); unresolved && ending == staffettatest.Unresolved {
					break // more may come
				}
			}
			if last.Message == nil || !last.Ends() && ending != staffettatest.Unresolved {
				t.Errorf("%s ends with %s", ending, last.ID)
			}
			stop()
		}
	}
}
