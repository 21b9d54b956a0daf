package campaign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

func TestPaceFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		seen       campaign.Pace
		recipients int64
		want       int64
		wantSeen   bool
	}{
		{"NothingSeenIsAssumed", campaign.Pace{}, 9831, 200, false},
		{"OneSlowSendingCountsAtOnce", campaign.Pace{Seen: 1, PerMinute: 60, Largest: 300}, 9831, 60, true},
		{"AStandstillIsNotDividedBy", campaign.Pace{Seen: 1}, 9831, 1, true},
		{"OneFastSendingIsNotBelieved", campaign.Pace{Seen: 1, PerMinute: 900, Largest: 9831}, 9831, 200, false},
		{"FourFastOnesAreNotEither", campaign.Pace{Seen: 4, PerMinute: 900, Largest: 9831}, 9831, 200, false},
		{"FiveAre", campaign.Pace{Seen: 5, PerMinute: 900, Largest: 9831}, 9831, 900, true},
		{"ButNotForMoreThanWasSeenToGo", campaign.Pace{Seen: 5, PerMinute: 900, Largest: 9831}, 9832, 200, false},
		{"ASlowOneCountsForMoreThanWasSeenToGo", campaign.Pace{Seen: 5, PerMinute: 60, Largest: 300}, 9831, 60, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, seen := rules.PaceFor(tt.seen, tt.recipients); got != tt.want || seen != tt.wantSeen {
				t.Errorf("%d a minute, seen %v; want %d, %v", got, seen, tt.want, tt.wantSeen)
			}
		})
	}
}

// A sending of 9,831 that was confirmed at eight, looked at now and then.
func TestProgress(t *testing.T) {
	t.Parallel()
	type look struct {
		after time.Duration // since it was confirmed
		sent  int64
	}
	for _, tt := range []struct {
		name  string
		looks []look
		want  int64 // messages a minute; zero: it says nothing
	}{
		{"TheFirstMinutesSayNothing", []look{{5 * time.Second, 900}, {119 * time.Second, 1000}}, 0},
		{"WhatHasNotBegunSaysNothing", []look{{2 * time.Minute, 0}, {10 * time.Minute, 0}}, 0},
		{"AFewMessagesSayNothing", []look{{2 * time.Minute, 10}, {29 * time.Minute, 99}}, 0},
		{"UnlessHalfAnHourIsAllTheyGot", []look{{30 * time.Minute, 60}}, 2},
		{"OneLookIsThePaceSinceTheStart", []look{{2 * time.Minute, 300}}, 150},
		{"TwoLooksTooCloseAreOne", []look{{2 * time.Minute, 300}, {3 * time.Minute, 301}}, 150},
		{"ASteadyOneStaysWhatItIs", []look{{5 * time.Minute, 1000}, {10 * time.Minute, 2000}, {15 * time.Minute, 3000}}, 200},
		{"OneThatSlowsDownIsNoticed", []look{{10 * time.Minute, 2000}, {15 * time.Minute, 2100}}, 110}, // 20 in the last stretch
		{"AStandstillHalves", []look{{10 * time.Minute, 2000}, {15 * time.Minute, 2000}}, 100},
		{"OneThatSpeedsUpIsWorthNoMoreThanItsWhole", []look{{10 * time.Minute, 100}, {12 * time.Minute, 2400}}, 200},
		{"AReplicaThatLagsSaysNothing", []look{{10 * time.Minute, 2000}, {15 * time.Minute, 1500}}, 200},
		{"ItsEndSaysNothingNew", []look{{20 * time.Minute, 4000}, {60 * time.Minute, 9831}}, 200},
		{"OneThatIsThroughAtTheFirstLookSaysNothing", []look{{30 * time.Minute, 9831}}, 0},
		{"LessThanOneAMinuteIsOne", []look{{60 * time.Minute, 3}}, 1},
	} {
		for _, simulated := range []bool{false, true} {
			name, want := tt.name, tt.want
			r := blackFriday()
			if r.Simulation = simulated; simulated {
				name, want = "Simulated"+name, 0
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := confirmed(t, r, friday)
				for _, l := range tt.looks {
					c = looked(t, c, friday.Add(l.after), l.sent, campaign.StatusSending)
				}
				var got int64
				if c.Progress != nil {
					got = c.Progress.PerMinute
				}
				if got != want {
					t.Errorf("%d a minute, want %d", got, want)
				}
			})
		}
	}

	t.Run("WhatIsNotBeingSentSaysNothing", func(t *testing.T) {
		t.Parallel()
		for _, status := range []campaign.Status{campaign.StatusConfirmed, campaign.StatusCompleted, campaign.StatusUnknown} {
			c := looked(t, confirmed(t, blackFriday(), friday), friday.Add(10*time.Minute), 100, status)
			if c.Progress != nil {
				t.Errorf("a look at one that is %s says %+v, want nothing", status, c.Progress)
			}
		}
	})

	t.Run("ItCountsFromOurOwnClock", func(t *testing.T) {
		t.Parallel()
		// The gateway's clock is ten minutes ahead: its own "confirmed at"
		// would make 600 in twelve minutes 300 a minute.
		c := confirmed(t, blackFriday(), friday)
		c.Confirmed = &campaign.Confirmation{At: friday.Add(10 * time.Minute)}
		c = looked(t, c, friday.Add(12*time.Minute), 600, campaign.StatusSending)
		if c.Progress.PerMinute != 50 {
			t.Errorf("%d a minute, want 50", c.Progress.PerMinute)
		}
	})
}

// confirmed is a campaign whose confirm left and was answered at an instant.
func confirmed(t *testing.T, r campaign.Request, at time.Time) campaign.Campaign {
	t.Helper()
	c := replay(t, r, "asked", "create ok", "configure ok", "calculate ok", "price ok", "admit ok").c
	o := campaign.Outcome{Op: campaign.OpConfirm, Kind: campaign.OK, Status: campaign.StatusConfirmed, ConfirmedAt: at, Started: at}
	return reload(t, rules.Step(c, o, campaign.Facts{Now: at, Gateway: here}).Next)
}

// looked is what a campaign becomes by a look at its statistics.
func looked(t *testing.T, c campaign.Campaign, now time.Time, sent int64, status campaign.Status) campaign.Campaign {
	t.Helper()
	c.Wake = now
	s := campaign.Stats{Status: status, Total: 9831, Sent: sent, Pending: 9831}
	d := rules.Step(c, campaign.Woken{}, campaign.Facts{Now: now, Gateway: here})
	d = rules.Step(d.Next, campaign.Outcome{Op: campaign.OpStats, Kind: campaign.OK, Stats: s, Started: now}, campaign.Facts{Now: now, Gateway: here})
	if !d.Save {
		t.Fatalf("a look at %d sent was not saved", sent)
	}
	return reload(t, d.Next)
}

// What follows from what was seen, for 9,831 recipients: 49 minutes at the 200
// a minute that are set, 5 h 27 min at the 30 a minute that are seen.
func TestWhatWasSeenDecides(t *testing.T) {
	t.Parallel()
	slow := campaign.Pace{Seen: 3, PerMinute: 30, Largest: 4000}
	busy := campaign.Pace{Others: 2, Ahead: 40_000}
	roomy := busy
	roomy.Together = 700
	night := blackFriday()
	night.Limits.Window = "night" // from 22:00 to 07:00
	code, evening := blackFriday(), blackFriday()
	code.ExpiresAt = friday.Add(2 * time.Hour)
	evening.At, evening.ExpiresAt = friday.Add(time.Hour), friday.Add(2*time.Hour)
	early := time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		r    campaign.Request
		now  time.Time
		seen campaign.Pace
		want campaign.Op         // the call it goes on with
		wait string              // or until when it is put off
		no   campaign.ReasonCode // or why it is refused
		says []string
	}{
		{name: "WhatIsSetFits", r: night, now: early, want: campaign.OpAdmit},
		{name: "WhatWasSeenDoesNot", r: night, now: early, seen: slow, wait: "22:00",
			says: []string{"9831 messages at 30 a minute", "slowest of the last 3 sendings seen", "take about 5 h 28 min"}},
		{name: "ItFitsBeforeItExpiresAsIsSet", r: code, now: friday, want: campaign.OpAdmit},
		{name: "AndNotAsWasSeen", r: code, now: friday, seen: slow, no: campaign.ReasonExpired,
			says: []string{"9831 messages at 30 a minute", "take about 5 h 28 min"}},
		{name: "ASlowGatewayIsNothingToWhoHasTime", r: blackFriday(), now: friday, seen: slow, want: campaign.OpAdmit},

		{name: "BesideOthersItDoesNotFitItsWindow", r: night, now: early, seen: busy, wait: "05:15",
			says: []string{"sending 2 other campaigns", "40000 messages to go", "about 2 h 27 min", "send window night shuts"}},
		{name: "NorBeforeItExpires", r: code, now: friday, seen: busy, wait: "08:15", says: []string{"it expires at 2026-11-27T10:00:00Z"}},
		{name: "UnlessTheyAreSeenToGoAtTheSameTime", r: night, now: early, seen: roomy, want: campaign.OpAdmit},
		{name: "OrHaveLittleToGo", r: night, now: early, seen: campaign.Pace{Others: 2, Ahead: 10_000}, want: campaign.OpAdmit},
		{name: "OthersAreNothingToWhoHasTime", r: blackFriday(), now: friday, seen: busy, want: campaign.OpAdmit},
		{name: "NorToOneThatStartsLater", r: evening, now: friday, seen: busy, want: campaign.OpAdmit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := priced(t, tt.r, tt.now, tt.seen)
			switch {
			case tt.want != "":
				if d.Call == nil || d.Call.Op != tt.want {
					t.Fatalf("it is %s, %q, and goes on with %v; want %s", d.Next.State, d.Next.Waiting, d.Call, tt.want)
				}
				return
			case tt.wait != "":
				h := d.Next.Need
				if d.Next.State != campaign.Quoted || h == nil {
					t.Fatalf("it is %s and goes on with %v; want it put off", d.Next.State, d.Call)
				}
				if got := h.Until.Format("15:04"); got < tt.wait || got > tt.wait[:4]+"9" {
					t.Errorf("put off until %s, want %s or a moment later", got, tt.wait)
				}
				for _, words := range tt.says {
					if !strings.Contains(h.Why, words) {
						t.Errorf("it says %q, which does not say %q", h.Why, words)
					}
				}
			default:
				why := d.Next.Reason
				if d.Next.State != campaign.Rejecting || why == nil || why.Code != tt.no {
					t.Fatalf("it is %s because of %+v; want it refused as %s", d.Next.State, why, tt.no)
				}
				for _, words := range tt.says {
					if !strings.Contains(why.Message, words) {
						t.Errorf("it says %q, which does not say %q", why.Message, words)
					}
				}
			}
		})
	}
}

// Being put off by the service does not make a campaign late.
func TestWaitingForOthersIsNotBeingLate(t *testing.T) {
	t.Parallel()
	r := blackFriday()
	r.ExpiresAt, r.Limits.MaxLateness = friday.Add(2*time.Hour), 5*time.Minute
	c := reload(t, priced(t, r, friday, campaign.Pace{Others: 2, Ahead: 40_000}).Next)
	now := c.Wake
	d := rules.Step(c, campaign.Woken{}, campaign.Facts{Now: now, Gateway: here})
	for _, o := range []campaign.Outcome{{Op: campaign.OpStatus, Kind: campaign.OK, Status: campaign.StatusUnconfirmed}, {Op: campaign.OpDelete, Kind: campaign.OK}, published(), {Op: campaign.OpCreate, Kind: campaign.OK, CampaignID: 1543}} {
		d = rules.Step(d.Next, o, campaign.Facts{Now: now, Gateway: here})
	}
	if d.Next.State != campaign.Drafted {
		t.Errorf("it is %s because of %+v, want it begun again", d.Next.State, d.Next.Reason)
	}
}

// Between the quote and the confirm a campaign may wait for leave to call.
func TestItHasToFitWhenTheWaitForLeaveIsOver(t *testing.T) {
	t.Parallel()
	night := blackFriday()
	night.Limits.Window = "night"
	early := time.Date(2026, 11, 27, 6, 8, 0, 0, time.UTC) // 49 minutes: until 06:57
	leave := campaign.Outcome{Op: campaign.OpAdmit, Kind: campaign.OK}
	for _, tt := range []struct {
		name   string
		waited time.Duration
		seen   campaign.Pace
		want   campaign.State
	}{
		{"ItStillDoes", 2 * time.Minute, campaign.Pace{}, campaign.Confirming},
		{"TooLittleTimeIsLeft", 4 * time.Minute, campaign.Pace{}, campaign.Quoted},
		{"TheGatewayWasSeenToBeSlower", time.Second, campaign.Pace{Seen: 1, PerMinute: 150}, campaign.Quoted},
		{"OthersHaveBegun", time.Second, campaign.Pace{Others: 1, Ahead: 1000}, campaign.Quoted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := priced(t, night, early, campaign.Pace{})
			d = rules.Step(d.Next, leave, campaign.Facts{Now: early.Add(tt.waited), Pace: tt.seen, Gateway: here})
			if d.Next.State != tt.want {
				t.Errorf("it is %s, want %s", d.Next.State, tt.want)
			}
		})
	}
}

// priced is what is decided once a campaign has its quote.
func priced(t *testing.T, r campaign.Request, now time.Time, seen campaign.Pace) campaign.Decision {
	t.Helper()
	f := campaign.Facts{Now: now, Pace: seen, Gateway: here}
	d := rules.Step(campaign.Campaign{}, campaign.Received{Key: key, Request: r}, f)
	byName := map[string]campaign.Input{}
	for _, i := range outcomes() {
		byName[i.name] = i.in
	}
	for _, step := range []string{"look ok", "create ok", "configure ok", "calculate ok", "price ok"} {
		d = rules.Step(d.Next, byName[step], f)
	}
	return d
}
