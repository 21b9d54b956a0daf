package campaign

import (
	"strings"
	"testing"
	"time"
)

// A campaign stays in the account of its first draft. Where that account is not
// configured, no call is made about it with the key of another one.
func TestACampaignStaysInItsAccount(t *testing.T) {
	t.Parallel()
	key := Key{Source: "studio-bianchi", RequestID: "bf-2026"}
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	facts := func(account string) Facts {
		return Facts{Now: now, Gateway: "https://gateway.example/v1", Account: account, Age: time.Hour}
	}
	var rules Rules
	begun := rules.Step(Campaign{}, Received{Key: key, Request: Request{Name: "Black Friday", Text: "-30%", Sender: "Bianchi", ListID: 87}}, facts("bianchi")).Next
	if begun.Account != "" {
		t.Errorf("it is in the account %q before it has a draft", begun.Account)
	}
	begun = rules.Step(begun, Outcome{Op: OpLook, Kind: OK}, facts("bianchi")).Next
	drafted := rules.Step(begun, Outcome{Op: OpCreate, Kind: OK, CampaignID: 1542}, facts("bianchi")).Next
	if drafted.Account != "bianchi" || drafted.State != Drafted {
		t.Fatalf("it is %s in the account %q, want drafted in bianchi", drafted.State, drafted.Account)
	}
	if again := rules.Step(Campaign{}, Received{Key: key}, facts("")).Next; again.Account != "" {
		t.Errorf("the only account is named: %q", again.Account)
	}

	waits := drafted
	waits.Draft, waits.State, waits.Wake = nil, Requested, now
	for name, tt := range map[string]struct {
		c    Campaign
		in   Input
		want State
	}{
		"BeforeAnotherDraft": {waits, Woken{}, Requested},
		"WithADraft":         {at(drafted, Drafted, now), Woken{}, Drafted},
		"WhileConfirming":    {intended(at(drafted, Confirming, now)), Woken{}, Confirming},
		"WhileSending":       {sent(at(drafted, Sending, now)), Woken{}, Sending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, account := range []string{"acqua-luce", DefaultAccount, ""} {
				c, in := tt.c, tt.in
				for range 5 {
					d := rules.Step(c, in, facts(account))
					if d.Call != nil && d.Call.Op.To() == ToGateway {
						t.Fatalf("in the account %q it calls %s", account, d.Call.Op)
					}
					if c = d.Next; d.Call == nil {
						break
					}
					in = Outcome{Op: d.Call.Op, Kind: OK}
				}
				if !strings.Contains(c.Waiting, "bianchi, which is not configured here") {
					t.Errorf("in the account %q it is %s and says %q", account, c.State, c.Waiting)
				}
				if c.Account != "bianchi" {
					t.Errorf("in the account %q it has moved to %q", account, c.Account)
				}
			}
		})
	}
	t.Run("ItGoesOnInItsOwn", func(t *testing.T) {
		t.Parallel()
		if d := rules.Step(sent(at(drafted, Sending, now)), Woken{}, facts("bianchi")); d.Call == nil || d.Call.Op != OpStats {
			t.Errorf("it decides %+v, want a read of the statistics", d)
		}
	})
}

// at is a campaign in a state, and due.
func at(c Campaign, s State, now time.Time) Campaign {
	c.State, c.Since, c.Wake = s, now, now
	c.run = run{}
	return c
}

func intended(c Campaign) Campaign {
	d := *c.Draft
	d.Intended = true
	c.Draft, c.Quotes, c.Rounds = &d, 1, 1
	return c
}

func sent(c Campaign) Campaign {
	c = intended(c)
	c.Confirmed = &Confirmation{For: c.Since}
	return c
}
