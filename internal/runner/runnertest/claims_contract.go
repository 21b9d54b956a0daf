package runnertest

import (
	"errors"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// ClaimsHarness is whoever keeps claims, under test.
type ClaimsHarness struct {
	// A and B are two replicas on the same store.
	A, B runner.Claims
	// Bring lays down the people of a campaign, each with a code by the phone, and returns
	// what was prepared of them and how a request names them.
	Bring func(t *testing.T, key campaign.Key, codes map[string]string) (campaign.Prepared, campaign.Audience)
	// Save stores a record, whatever was there.
	Save func(t *testing.T, c campaign.Campaign)
}

// TestClaims holds whoever keeps claims to what the loop takes for granted. open gives one
// without claims; it is called once for each subtest.
func TestClaims(t *testing.T, open func(t *testing.T) ClaimsHarness) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, h claiming)
	}{
		{"WhoGivesOtherValuesWaits", func(t *testing.T, h claiming) {
			a := h.holding("a", map[string]string{anna: "A1", bruno: "A2"})
			b := h.holding("b", map[string]string{bruno: "B2", carla: "B3"})
			h.takes(h.A, a)
			h.waits(h.B, b, a, false)
			h.rests(a)
			h.takes(h.B, b)
			h.waits(h.A, a, b, false)
		}},
		{"WhoGivesTheSameValuesDoesNot", func(t *testing.T, h claiming) {
			h.takes(h.A, h.holding("a", map[string]string{anna: "1", bruno: "2"}))
			h.takes(h.B, h.holding("b", map[string]string{bruno: "2", carla: "9"}))
			h.takes(h.A, h.holding("c", map[string]string{dario: "3"}))
		}},
		{"TheNumberIsTheSameAsLongAsItStands", func(t *testing.T, h claiming) {
			a := h.holding("a", map[string]string{anna: "1"})
			first := h.takes(h.A, a)
			if again := h.takes(h.B, a); again != first {
				t.Errorf("it has the number %d, then %d", first, again)
			}
			h.rests(a)
			h.Save(t, a)
			if later := h.takes(h.A, a); later == first {
				t.Errorf("it has the number %d again, after a break", first)
			}
		}},
		{"AReleaseOfABreakBeforeChangesNothing", func(t *testing.T, h claiming) {
			a, b := h.holding("a", map[string]string{anna: "1"}), h.holding("b", map[string]string{anna: "2"})
			before := h.takes(h.A, a)
			h.rests(a)
			h.Save(t, a)
			h.takes(h.A, a)
			if err := h.B.Release(t.Context(), "default", a.Key, before); err != nil {
				t.Fatal(err)
			}
			h.waits(h.B, b, a, false)
		}},
		{"WhatACrashLeftBehindIsVoid", func(t *testing.T, h claiming) {
			a, b := h.holding("a", map[string]string{anna: "1"}), h.holding("b", map[string]string{anna: "2"})
			h.takes(h.A, a)
			over := a
			over.State, over.List = campaign.Completed, &campaign.List{N: 1}
			h.Save(t, over)
			h.takes(h.B, b)
		}},
		{"WhatIsOnItsWayIsNot", func(t *testing.T, h claiming) {
			a, b := h.holding("a", map[string]string{anna: "1"}), h.holding("b", map[string]string{anna: "2"})
			h.takes(h.A, a)
			over := a
			over.State, over.List = campaign.Cancelled, &campaign.List{N: 1, Landing: time.Now().Add(time.Hour)}
			h.Save(t, over)
			h.waits(h.B, b, a, false)
		}},
		{"OneThatIsLostIsWaitedForUntilItLapses", func(t *testing.T, h claiming) {
			a, b := h.unsaved("a", map[string]string{anna: "1"}), h.holding("b", map[string]string{anna: "2"})
			h.takes(h.A, a)
			_, err := h.B.Claim(t.Context(), "default", b)
			ahead, is := errors.AsType[*runner.Ahead](err)
			if !is || ahead.State != "" || !ahead.Lapses.After(time.Now()) || ahead.Lapses.After(time.Now().Add(4*24*time.Hour)) {
				t.Errorf("it waits behind %+v (%v)", ahead, err)
			}
		}},
		{"WhoCameFirstIsFirst", func(t *testing.T, h claiming) {
			a, b, c := h.holding("a", map[string]string{anna: "1"}), h.holding("b", map[string]string{anna: "2", bruno: "2"}), h.holding("c", map[string]string{bruno: "3"})
			h.takes(h.A, a)
			h.waits(h.B, b, a, false)
			h.queues(b)
			h.waits(h.A, c, b, true)
			h.queues(c)
			h.rests(a)
			h.waits(h.B, c, b, true)
			h.takes(h.A, b)
			h.Save(t, b)
			h.waits(h.B, c, b, false)
			h.rests(b)
			h.takes(h.B, c)
		}},
		{"WhoDoesNotWaitAnyMoreIsNotWaitedFor", func(t *testing.T, h claiming) {
			a, b, c := h.holding("a", map[string]string{anna: "1"}), h.holding("b", map[string]string{anna: "2", bruno: "2"}), h.holding("c", map[string]string{bruno: "3"})
			h.takes(h.A, a)
			h.waits(h.A, b, a, false)
			over := b
			over.State, over.List = campaign.Cancelled, &campaign.List{N: 1, Behind: a.Key.String()}
			h.Save(t, over)
			h.takes(h.A, c)
		}},
		{"AnotherAccountHasOtherContacts", func(t *testing.T, h claiming) {
			h.takes(h.A, h.holding("a", map[string]string{anna: "1"}))
			if _, err := h.A.Claim(t.Context(), "bianchi", h.holding("b", map[string]string{anna: "2"})); err != nil {
				t.Error(err)
			}
		}},
		{"OtherPeopleThanBeforeAreLookedAtAnew", func(t *testing.T, h claiming) {
			a, b := h.holding("a", map[string]string{anna: "1"}), h.holding("b", map[string]string{bruno: "2"})
			h.takes(h.A, a)
			h.takes(h.A, b)
			b = h.holding("b", map[string]string{anna: "2", bruno: "2"})
			h.waits(h.B, b, a, false)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, claiming{t, open(t)})
		})
	}
}

const dario = "+393331234504"

type claiming struct {
	t *testing.T
	ClaimsHarness
}

// unsaved is a record of a campaign that asks for its people.
func (h claiming) unsaved(id string, codes map[string]string) campaign.Campaign {
	h.t.Helper()
	c := campaign.Campaign{Schema: campaign.Schema, Key: campaign.Key{Source: "shop-italia", RequestID: id}, State: campaign.Requested}
	c.Request = campaign.Request{Name: id, Sender: "ShopItalia", Text: "Il suo codice: {{code}}"}
	prepared, audience := h.Bring(h.t, c.Key, codes)
	c.Prepared, c.Request.Audience = &prepared, &audience
	now := time.Now().UTC()
	c.Since, c.Wake = now, now.Add(time.Hour)
	c.List = &campaign.List{N: 1, ID: 7, Held: now}
	return c
}

// holding is one whose record is stored.
func (h claiming) holding(id string, codes map[string]string) campaign.Campaign {
	h.t.Helper()
	c := h.unsaved(id, codes)
	h.Save(h.t, c)
	return c
}

func (h claiming) takes(by runner.Claims, c campaign.Campaign) uint64 {
	h.t.Helper()
	number, err := by.Claim(h.t.Context(), "default", c)
	if err != nil || number == 0 {
		h.t.Fatalf("%s has the claim %d, error %v", c.Key, number, err)
	}
	return number
}

func (h claiming) waits(by runner.Claims, c, want campaign.Campaign, waits bool) {
	h.t.Helper()
	_, err := by.Claim(h.t.Context(), "default", c)
	ahead, is := errors.AsType[*runner.Ahead](err)
	if !is || ahead.Key != want.Key || ahead.Waits != waits {
		h.t.Fatalf("%s waits behind %+v (%v), want %s, which waits itself: %t", c.Key, ahead, err, want.Key, waits)
	}
}

// queues stores that a campaign waits behind another one.
func (h claiming) queues(c campaign.Campaign) {
	c.List = &campaign.List{N: 1, ID: 7, Behind: "shop-italia.a"}
	h.Save(h.t, c)
}

// rests stores that a campaign holds nobody any more, and releases its claim.
func (h claiming) rests(c campaign.Campaign) {
	h.t.Helper()
	c.State, c.List = campaign.Quoted, &campaign.List{N: 1, ID: 7}
	h.Save(h.t, c)
	if err := h.B.Release(h.t.Context(), "default", c.Key, 0); err != nil {
		h.t.Fatal(err)
	}
}
