package runnertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// GatewayHarness is a gateway under test. It sends a campaign within the
// subtest's patience, starts no earlier than it is confirmed, and has 1,500.00
// EUR of credit at 0.035 EUR a part.
type GatewayHarness struct {
	runner.Gateway
	List    int64 // a list of 100 valid and 4 invalid entries
	Missing int64 // no list

	// SetCredit sets what the account has left, in EUR.
	SetCredit func(t *testing.T, amount decimal.Decimal)
	// Wait lets the gateway get on with its sending for a moment.
	Wait func(t *testing.T)
}

// TestGateway is the contract of [runner.Gateway]: every implementation must
// pass it. open gives a gateway without campaigns; it is called once for each
// subtest.
func TestGateway(t *testing.T, open func(t *testing.T) GatewayHarness) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, g gatewayCase)
	}{
		{"AFullLifeGoesThroughEveryCall", func(t *testing.T, g gatewayCase) {
			id := g.quoted(campaign.Call{})
			g.ok(campaign.Call{Op: campaign.OpConfirm, CampaignID: id})
			for g.status(id) != campaign.StatusCompleted {
				g.Wait(t)
			}
			s := g.ok(campaign.Call{Op: campaign.OpStats, CampaignID: id}).Stats
			if s.Status != campaign.StatusCompleted || s.Total != 100 || s.Sent != 100 || !s.Reconciled() || s.CompletedAt.IsZero() {
				t.Errorf("statistics of a completed campaign: %+v", s)
			}
			if want := euros(decimal.New(350, -2)); !s.Cost.Equal(want) {
				t.Errorf("it cost %s, want %s", s.Cost, want)
			}
		}},
		{"EachCampaignHasAnIDOfItsOwn", func(t *testing.T, g gatewayCase) {
			if a, b := g.create(), g.create(); a == b || a == 0 {
				t.Errorf("two campaigns have the ids %d and %d", a, b)
			}
		}},
		{"CalculateSaysWhoWouldGetIt", func(t *testing.T, g gatewayCase) {
			id := g.configured(g.List)
			got := g.ok(campaign.Call{Op: campaign.OpCalculate, CampaignID: id}).Goal
			want := campaign.Goal{Total: 104, Valid: 100, Invalid: 4, Parts: 100}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("goal (-want +got):\n%s", diff)
			}
		}},
		{"PriceSaysWhatItCostsAndWhetherItCanBePaid", func(t *testing.T, g gatewayCase) {
			id := g.quoted(campaign.Call{})
			p := g.ok(campaign.Call{Op: campaign.OpPrice, CampaignID: id}).Price
			want := campaign.Price{PerMessage: euros(perMessage), Total: euros(decimal.New(350, -2)), Available: euros(decimal.NewFromInt(1500)), Sufficient: true}
			if diff := cmp.Diff(want, p, cmp.Comparer(campaign.Money.Equal)); diff != "" {
				t.Errorf("price (-want +got):\n%s", diff)
			}
			g.SetCredit(t, decimal.New(349, -2))
			if g.ok(campaign.Call{Op: campaign.OpPrice, CampaignID: id}).Price.Sufficient {
				t.Error("3.49 EUR are said to be enough for 3.50 EUR")
			}
		}},
		{"AnUnknownListIsRefused", func(t *testing.T, g gatewayCase) {
			o := g.call(campaign.Call{Op: campaign.OpConfigure, CampaignID: g.create(), Content: content(g.Missing)})
			g.refused(o, 400, "contactListId")
		}},
		{"CalculateBeforeConfigureIsRefused", func(t *testing.T, g gatewayCase) {
			g.refused(g.call(campaign.Call{Op: campaign.OpCalculate, CampaignID: g.create()}), 400, "contactListId")
		}},
		{"ConfirmBeforeCalculateIsRefused", func(t *testing.T, g gatewayCase) {
			id := g.configured(g.List)
			g.refused(g.call(campaign.Call{Op: campaign.OpConfirm, CampaignID: id}), 400, "")
			g.stands(id, campaign.StatusUnconfirmed)
		}},
		{"ConfiguringAgainVoidsTheCalculation", func(t *testing.T, g gatewayCase) {
			id := g.quoted(campaign.Call{})
			g.ok(campaign.Call{Op: campaign.OpConfigure, CampaignID: id, Content: content(g.List)})
			g.refused(g.call(campaign.Call{Op: campaign.OpConfirm, CampaignID: id}), 400, "")
		}},
		{"ConfirmWithoutCreditIsRefusedAndHasNoEffect", func(t *testing.T, g gatewayCase) {
			id := g.quoted(campaign.Call{})
			g.SetCredit(t, decimal.New(349, -2))
			g.refused(g.call(campaign.Call{Op: campaign.OpConfirm, CampaignID: id}), 402, "credit")
			g.stands(id, campaign.StatusUnconfirmed)
		}},
		{"ASecondConfirmIsRefused", func(t *testing.T, g gatewayCase) {
			id := g.quoted(campaign.Call{})
			g.ok(campaign.Call{Op: campaign.OpConfirm, CampaignID: id})
			g.refused(g.call(campaign.Call{Op: campaign.OpConfirm, CampaignID: id}), 0, "")
		}},
		{"AnInstantThatHasPassedIsRefused", func(t *testing.T, g gatewayCase) {
			id := g.quoted(campaign.Call{})
			g.refused(g.call(campaign.Call{Op: campaign.OpConfirm, CampaignID: id, At: time.Now().Add(-time.Minute)}), 400, "scheduledDate")
			g.stands(id, campaign.StatusUnconfirmed)
		}},
		{"ConfigureSaysWhereItStandsAndRepeatsWhatItWasTold", func(t *testing.T, g gatewayCase) {
			c := content(g.List)
			o := g.ok(campaign.Call{Op: campaign.OpConfigure, CampaignID: g.create(), Content: c})
			if o.Status != campaign.StatusUnconfirmed {
				t.Errorf("configured, it stands at %q, want %s", o.Status, campaign.StatusUnconfirmed)
			}
			want := &campaign.Echo{Sender: &c.Sender, Text: &c.Text, ListID: &c.ListID}
			if diff := cmp.Diff(want, o.Echo); diff != "" {
				t.Errorf("what configure repeats (-want +got):\n%s", diff)
			}
		}},
		{"ConfirmSaysThatItIsConfirmed", func(t *testing.T, g gatewayCase) {
			o := g.ok(campaign.Call{Op: campaign.OpConfirm, CampaignID: g.quoted(campaign.Call{})})
			if o.Status != campaign.StatusConfirmed || o.ConfirmedAt.IsZero() {
				t.Errorf("confirmed, it stands at %q since %s", o.Status, o.ConfirmedAt)
			}
		}},
		{"AReadShowsWhoseItIs", func(t *testing.T, g gatewayCase) {
			o := g.ok(campaign.Call{Op: campaign.OpStatus, CampaignID: g.create()})
			if !o.ByID || o.Name != "Black Friday 2026" || o.Description != "[a marker]" {
				t.Errorf("a read by id (%t) shows the name %q and the description %q", o.ByID, o.Name, o.Description)
			}
		}},
		{"AnotherCampaignIsAWitness", func(t *testing.T, g gatewayCase) {
			gone, other := g.create(), g.create()
			g.ok(campaign.Call{Op: campaign.OpDelete, CampaignID: gone})
			if o := g.ok(campaign.Call{Op: campaign.OpWitness, CampaignID: gone, Draft: sampleDraft()}); !o.ByID {
				t.Errorf("it was not shown by id: %+v", o)
			}
			g.stands(other, campaign.StatusUnconfirmed)
		}},
		{"AWitnessIsMadeWhereNoneIsKnown", func(t *testing.T, g gatewayCase) {
			id := g.create()
			g.ok(campaign.Call{Op: campaign.OpDelete, CampaignID: id})
			if o := g.ok(campaign.Call{Op: campaign.OpWitness, CampaignID: id, Draft: sampleDraft()}); !o.ByID {
				t.Errorf("it was not shown by id: %+v", o)
			}
		}},
		{"AScheduledCampaignWaitsAndCanBeDeleted", func(t *testing.T, g gatewayCase) {
			id := g.quoted(campaign.Call{})
			g.ok(campaign.Call{Op: campaign.OpConfirm, CampaignID: id, At: time.Now().Add(48 * time.Hour)})
			g.Wait(t)
			g.stands(id, campaign.StatusConfirmed)
			g.ok(campaign.Call{Op: campaign.OpDelete, CampaignID: id})
			g.gone(id)
		}},
		{"ADeletedDraftIsGoneForEveryCall", func(t *testing.T, g gatewayCase) {
			id := g.quoted(campaign.Call{})
			g.ok(campaign.Call{Op: campaign.OpDelete, CampaignID: id})
			g.gone(id)
			for _, op := range []campaign.Op{campaign.OpConfigure, campaign.OpCalculate, campaign.OpPrice, campaign.OpConfirm, campaign.OpDelete} {
				g.refused(g.call(campaign.Call{Op: op, CampaignID: id, Content: content(g.List)}), 404, "")
			}
		}},
		{"WhatIsBeingSentIsNotDeleted", func(t *testing.T, g gatewayCase) {
			id := g.quoted(campaign.Call{})
			g.ok(campaign.Call{Op: campaign.OpConfirm, CampaignID: id})
			g.refused(g.call(campaign.Call{Op: campaign.OpDelete, CampaignID: id}), 404, "")
			if s := g.status(id); s == campaign.StatusUnconfirmed {
				t.Errorf("after a refused delete its status is %s", s)
			}
		}},
		{"ASimulationCostsNothingAndIsCounted", func(t *testing.T, g gatewayCase) {
			id := g.quoted(campaign.Call{Simulation: true})
			g.SetCredit(t, decimal.New(1, -2))
			g.ok(campaign.Call{Op: campaign.OpConfirm, CampaignID: id, Simulation: true})
			for g.status(id) != campaign.StatusCompleted {
				g.Wait(t)
			}
			if s := g.ok(campaign.Call{Op: campaign.OpStats, CampaignID: id}).Stats; s.Total != 100 || !s.Reconciled() {
				t.Errorf("statistics of a simulation: %+v", s)
			}
		}},
		{"ACallWhoseContextHasEndedDoesNotLeave", func(t *testing.T, g gatewayCase) {
			id := g.quoted(campaign.Call{})
			permit := g.admit(campaign.OpConfirm)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if o := permit.Call(ctx, campaign.Call{Op: campaign.OpConfirm, CampaignID: id}); o.Kind != campaign.NotAttempted {
				t.Errorf("outcome %s, want %s", o.Kind, campaign.NotAttempted)
			}
			g.stands(id, campaign.StatusUnconfirmed)
		}},
		{"AListIsMadeFilledAndCounted", func(t *testing.T, g gatewayCase) {
			list := g.list("[staffetta shop-italia.bf-2026] 1")
			if n := g.ok(campaign.Call{Op: campaign.OpCount, List: list}).Contacts; n != 0 {
				t.Errorf("a new list has %d contacts", n)
			}
			for range 2 { // to upload again adds nobody
				g.ok(campaign.Call{Op: campaign.OpUpload, List: list, File: threePeople.Whole})
				if n := g.ok(campaign.Call{Op: campaign.OpCount, List: list}).Contacts; n != 3 {
					t.Errorf("three people were uploaded, and %d are counted", n)
				}
			}
			goal := g.ok(campaign.Call{Op: campaign.OpCalculate, CampaignID: g.configured(list)}).Goal
			if want := (campaign.Goal{Total: 3, Valid: 3, Parts: 3}); goal != want {
				t.Errorf("they are calculated as %+v, want %+v", goal, want)
			}
		}},
		{"EveryListHasANumberOfItsOwn", func(t *testing.T, g gatewayCase) {
			const name = "[staffetta shop-italia.bf-2026] 1"
			if a, b := g.list(name), g.list(name); a == b || a == 0 {
				t.Errorf("two lists have the numbers %d and %d", a, b)
			}
		}},
		{"ListsAreFoundByTheirMarkAndNoOthers", func(t *testing.T, g gatewayCase) {
			key := campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}
			mark := campaign.ListMark(key)
			if found := g.ok(campaign.Call{Op: campaign.OpFind, Name: mark}).Lists; len(found) != 0 {
				t.Errorf("before there is one, %v are found", found)
			}
			first := g.list(mark + "1")
			g.list("[staffetta shop-italia.bf-2026-2] 1")
			g.list("Customers of " + mark + "1")
			g.list(mark + "draft")
			second := g.list(mark + "12")
			if diff := cmp.Diff([]int64{first, second}, g.ok(campaign.Call{Op: campaign.OpFind, Name: mark}).Lists); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]int64{first}, g.ok(campaign.Call{Op: campaign.OpFind, Name: mark, Upto: 11}).Lists); diff != "" {
				t.Errorf("up to the 11th, found (-want +got):\n%s", diff)
			}
		}},
		{"ARemovedListIsGoneAndItsContactsStay", func(t *testing.T, g gatewayCase) {
			key := campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}
			gone, other := g.list(campaign.ListMark(key)+"1"), g.list(campaign.ListMark(key)+"2")
			for _, list := range []int64{gone, other} {
				g.ok(campaign.Call{Op: campaign.OpUpload, List: list, File: threePeople.Whole})
			}
			for range 2 { // to remove it again is no error
				g.ok(campaign.Call{Op: campaign.OpUnlist, Lists: []int64{gone}})
			}
			if diff := cmp.Diff([]int64{other}, g.ok(campaign.Call{Op: campaign.OpFind, Name: campaign.ListMark(key)}).Lists); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
			if n := g.ok(campaign.Call{Op: campaign.OpCount, List: other}).Contacts; n != 3 {
				t.Errorf("the other list has %d contacts left, want 3", n)
			}
			if o := g.call(campaign.Call{Op: campaign.OpCount, List: gone}); o.Kind != campaign.Refused || o.Cause != campaign.NotFound {
				t.Errorf("the list that was removed is counted: %+v", o)
			}
			if o := g.call(campaign.Call{Op: campaign.OpUpload, List: gone, File: threePeople.Whole}); o.Kind != campaign.Refused {
				t.Errorf("people are uploaded into the list that was removed: %+v", o)
			}
		}},
		{"TheQuotaShrinksByWhoIsNew", func(t *testing.T, g gatewayCase) {
			list := g.list("[staffetta shop-italia.bf-2026] 1")
			before := g.ok(campaign.Call{Op: campaign.OpQuota}).Contacts
			for range 2 {
				g.ok(campaign.Call{Op: campaign.OpUpload, List: list, File: threePeople.Whole})
			}
			if after := g.ok(campaign.Call{Op: campaign.OpQuota}).Contacts; before-after != 3 {
				t.Errorf("there was room for %d, and after three people for %d", before, after)
			}
		}},
		{"AnUploadThatBreaksOffPutsNobodyIntoTheList", func(t *testing.T, g gatewayCase) {
			list := g.list("[staffetta shop-italia.bf-2026] 1")
			o := g.call(campaign.Call{Op: campaign.OpUpload, List: list, File: breaksOff})
			if o.Kind != campaign.Unavailable {
				t.Errorf("an upload whose people cannot be read to the end is %s", o.Kind)
			}
			if n := g.ok(campaign.Call{Op: campaign.OpCount, List: list}).Contacts; n != 0 {
				t.Errorf("%d people are in the list", n)
			}
		}},
		{"AReleasedPermitMakesNoCall", func(t *testing.T, g gatewayCase) {
			id := g.quoted(campaign.Call{})
			g.admit(campaign.OpConfirm).Release()
			g.stands(id, campaign.StatusUnconfirmed)
		}},
		{"AnOutcomeSaysWhichCallAndWhen", func(t *testing.T, g gatewayCase) {
			before := time.Now()
			o := g.call(campaign.Call{Op: campaign.OpStatus, CampaignID: g.create()})
			if o.Op != campaign.OpStatus || o.HTTP != 200 || o.Started.Before(before.Add(-time.Second)) || o.Took < 0 {
				t.Errorf("outcome of a status read: %+v", o)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, gatewayCase{open(t), t}) })
	}
}

// gatewayCase makes calls and says what was expected of them.
type gatewayCase struct {
	GatewayHarness
	t *testing.T
}

func (g gatewayCase) admit(op campaign.Op) runner.Permit {
	g.t.Helper()
	permit, no := g.Admit(g.t.Context(), op)
	if permit == nil {
		g.t.Fatalf("%s is not admitted: %+v", op, no)
	}
	return permit
}

func (g gatewayCase) call(call campaign.Call) campaign.Outcome {
	g.t.Helper()
	return g.admit(call.Op).Call(g.t.Context(), call)
}

func (g gatewayCase) ok(call campaign.Call) campaign.Outcome {
	g.t.Helper()
	o := g.call(call)
	if o.Kind != campaign.OK {
		g.t.Fatalf("%s: %s, HTTP %d, %q %q, want %s", call.Op, o.Kind, o.HTTP, o.Words, o.Err, campaign.OK)
	}
	return o
}

// threePeople are as they are uploaded.
const threePeople = File("phoneNumber,firstName\n+393331234501,Anna\n+393331234502,Bruno\n+393331234503,Carla\n")

// breaksOff is people that cannot be read to their end.
func breaksOff(write func([]byte) error) error {
	return errors.Join(threePeople.Whole(write), errors.New("the stream is gone"))
}

func (g gatewayCase) list(name string) int64 {
	g.t.Helper()
	return g.ok(campaign.Call{Op: campaign.OpList, Name: name}).ListID
}

func (g gatewayCase) create() int64 {
	g.t.Helper()
	return g.ok(campaign.Call{Op: campaign.OpCreate, Draft: sampleDraft()}).CampaignID
}

func sampleDraft() campaign.Draft {
	return campaign.Draft{Name: "Black Friday 2026", Description: "[a marker]"}
}

func content(list int64) campaign.Content {
	return campaign.Content{Sender: "ShopItalia", Text: "Black Friday!", ListID: list}
}

func (g gatewayCase) configured(list int64) int64 {
	g.t.Helper()
	id := g.create()
	g.ok(campaign.Call{Op: campaign.OpConfigure, CampaignID: id, Content: content(list)})
	return id
}

// quoted makes a draft that can be confirmed.
func (g gatewayCase) quoted(as campaign.Call) int64 {
	g.t.Helper()
	id := g.ok(campaign.Call{Op: campaign.OpCreate, Draft: campaign.Draft{Name: "Black Friday 2026"}, Simulation: as.Simulation}).CampaignID
	g.ok(campaign.Call{Op: campaign.OpConfigure, CampaignID: id, Content: content(g.List), Simulation: as.Simulation})
	g.ok(campaign.Call{Op: campaign.OpCalculate, CampaignID: id})
	g.ok(campaign.Call{Op: campaign.OpPrice, CampaignID: id})
	return id
}

func (g gatewayCase) status(id int64) campaign.Status {
	g.t.Helper()
	return g.ok(campaign.Call{Op: campaign.OpStatus, CampaignID: id}).Status
}

func (g gatewayCase) stands(id int64, want campaign.Status) {
	g.t.Helper()
	if got := g.status(id); got != want {
		g.t.Errorf("status %s, want %s", got, want)
	}
}

func (g gatewayCase) gone(id int64) {
	g.t.Helper()
	o := g.call(campaign.Call{Op: campaign.OpStatus, CampaignID: id})
	g.refused(o, 404, "")
	if !o.ByID {
		g.t.Error("it is not the read by id that says that it is gone")
	}
}

// refused checks a refusal; a zero code or an empty field is not looked at.
func (g gatewayCase) refused(o campaign.Outcome, code int, field string) {
	g.t.Helper()
	if o.Kind != campaign.Refused || code != 0 && o.HTTP != code || field != "" && o.Field != field {
		g.t.Errorf("%s: %s, HTTP %d, field %q (%q %q), want %s, %d, %q", o.Op, o.Kind, o.HTTP, o.Field, o.Words, o.Err, campaign.Refused, code, field)
	}
}
