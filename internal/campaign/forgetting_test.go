package campaign_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

func TestForget(t *testing.T) {
	t.Parallel()
	r := blackFriday()
	r.Description = "Reparto cardiologia"
	s := replay(t, r, "asked", "create ok", "configure ok", "calculate ok", "price ok", "admit ok", "confirm ok", "due", "woken", "stats COMPLETED", "reload")
	before := s.c
	d := s.step(campaign.Forget{By: "anna"})
	after := reload(t, d.Next)
	record, err := json.Marshal(after)
	if err != nil || !d.Save || d.Call != nil {
		t.Fatalf("it is saved: %t, calls %v, error %v", d.Save, d.Call, err)
	}
	for _, gone := range []string{r.Name, r.Description, r.Text} {
		if strings.Contains(string(record), gone) {
			t.Errorf("the record still has %q", gone)
		}
	}
	if after.State != campaign.Completed || after.Quote.Price.Total.String() != before.Quote.Price.Total.String() || after.Confirmed == nil || after.Stats == nil || after.Forgotten.By != "anna" {
		t.Errorf("the proof is %+v", after)
	}
	other := r
	other.Text = "Another"
	if same, differs := after.Request.Diff(r), after.Request.Diff(other); len(same) != 0 || !slices.Equal(differs, []string{"name, description or text"}) {
		t.Errorf("the same request differs in %q, another one in %q", same, differs)
	}
	s.c = after
	if again := s.step(campaign.Forget{By: "bruno"}); again.Save || again.Objection != "" {
		t.Errorf("once more: %+v", again)
	}
	if before.Request.Text != r.Text {
		t.Error("what was loaded was changed")
	}
}

// A campaign that has ended is forgotten by itself, once its messages are erased.
func TestForgetByAge(t *testing.T) {
	t.Parallel()
	const age = 720 * time.Hour
	kept := rules
	kept.Retention = age
	ended := []string{"asked", "create ok", "configure ok", "calculate ok", "price ok", "admit ok", "confirm ok", "due", "woken", "stats COMPLETED", "delivered", "reload"}
	at := func(s situation, after time.Duration, in campaign.Input) campaign.Decision {
		f := s.facts()
		f.Now = s.c.Since.Add(after)
		return kept.Step(s.c, in, f)
	}
	t.Run("AfterItAndNotBefore", func(t *testing.T) {
		t.Parallel()
		s := replay(t, blackFriday(), ended...)
		if d := at(s, age-time.Second, campaign.Woken{}); d.Call != nil || d.Save {
			t.Errorf("a second before: %+v", d)
		}
		d := at(s, age, campaign.Woken{})
		if d.Call == nil || d.Call.Op != campaign.OpErase || d.Save {
			t.Fatalf("at its age: call %v, saved %t; want its messages erased first", d.Call, d.Save)
		}
		s.c = d.Next
		if no := at(s, age, campaign.Outcome{Op: campaign.OpErase, Kind: campaign.Unavailable}); no.Save || no.Call != nil || no.Next.Request.Text == "" {
			t.Errorf("messages that may be left: %+v", no)
		}
		d = at(s, age, campaign.Outcome{Op: campaign.OpErase, Kind: campaign.OK})
		if c := d.Next; !d.Save || c.Forgotten == nil || c.Request.Text != "" || c.Quote == nil || c.Confirmed == nil || c.Stats == nil || len(c.Outbox) != 0 {
			t.Fatalf("saved %t, record %+v", d.Save, c)
		}
		s.c = reload(t, d.Next)
		if d := at(s, 2*age, campaign.Woken{}); d.Call != nil || d.Save {
			t.Errorf("once more: %+v", d)
		}
	})
	t.Run("NeverUnlessItIsSaid", func(t *testing.T) {
		t.Parallel()
		s := replay(t, blackFriday(), ended...)
		s.now = s.now.Add(10 * age)
		if d := s.step(campaign.Woken{}); d.Call != nil || d.Next.Forgotten != nil || d.Next.Request.Text == "" {
			t.Errorf("without a setting: %+v", d)
		}
	})
	t.Run("NotWhatSomebodyHasToLookFor", func(t *testing.T) {
		t.Parallel()
		for _, s := range situations(t) {
			d := at(s, 10*age, campaign.Woken{})
			if erases := d.Call != nil && d.Call.Op == campaign.OpErase; erases && (!s.c.State.Forgettable() || s.c.Budgeted || !s.c.Wake.IsZero()) {
				t.Errorf("%s: its messages are erased", s.name)
			}
		}
	})
	t.Run("WhatWasNeverKnownStaysSo", func(t *testing.T) {
		t.Parallel()
		s := replay(t, blackFriday(), "cancel", "look ok", "delivered", "reload")
		s.c = at(s, age, campaign.Woken{}).Next
		if c := at(s, age, campaign.Outcome{Op: campaign.OpErase, Kind: campaign.OK}).Next; c.Forgotten == nil || c.Request.Known() {
			t.Errorf("record %+v", c)
		}
	})
}
