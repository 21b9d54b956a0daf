package campaign_test

import (
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// A gateway may neither show a draft nor configure it again. It is not asked for ever:
// after an hour a person is asked.
func TestAPersonIsAskedAfterPatience(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		answer campaign.Outcome // to every read
		at     time.Time
		want   time.Duration // how long it is asked, since the draft is withdrawn
	}{
		{"RefusedInItsOwnWords", campaign.Outcome{Op: campaign.OpStatus, Kind: campaign.Refused, Cause: campaign.NotFound}, time.Time{}, time.Hour},
		{"ForbiddenToRead", campaign.Outcome{Op: campaign.OpStatus, Kind: campaign.Refused, Cause: campaign.Forbidden}, time.Time{}, time.Hour},
		{"RefusedBySomebodyElse", unshaped(campaign.OpStatus), time.Time{}, time.Hour},
		{"AWordNobodyKnows", campaign.Outcome{Op: campaign.OpStatus, Kind: campaign.OK, Status: campaign.StatusUnknown}, time.Time{}, time.Hour},
		{"AReadThatMayBeOld", campaign.Outcome{Op: campaign.OpStatus, Kind: campaign.OK, Status: campaign.StatusUnconfirmed}, time.Time{}, time.Hour},
		{"FromItsInstantIfItIsScheduled", campaign.Outcome{Op: campaign.OpStatus, Kind: campaign.Refused, Cause: campaign.NotFound}, friday.Add(5 * time.Hour), 6*time.Hour - 3*time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := blackFriday()
			r.At = test.at
			tries, lasted, c := withdrawn(t, r, test.answer, 5000)
			if c.State != campaign.Unresolved || c.Reason.Code != campaign.ReasonUnverifiable {
				t.Fatalf("it is %s after %s: %+v", c.State, lasted, c.Reason)
			}
			if lasted < test.want || lasted > test.want+10*time.Minute {
				t.Errorf("a person was asked after %s, want %s", lasted, test.want)
			}
			if most := 20 + int(lasted/rules.BackoffMax); tries > most {
				t.Errorf("it was tried %d times in %s, want longer and longer pauses: %d at most", tries, lasted, most)
			}
		})
	}
}

// A call that was not let in is not an answer.
func TestACallThatMayNotBeMadeIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, o := range []campaign.Outcome{
		{Op: campaign.OpStatus, Kind: campaign.Throttled, RetryAfter: time.Minute},
		{Op: campaign.OpStatus, Kind: campaign.Unauthorised, RetryAfter: time.Minute},
		{Op: campaign.OpStatus, Kind: campaign.NotAttempted, RetryAfter: time.Minute},
		{Op: campaign.OpStatus, Kind: campaign.Unavailable},
	} {
		if tries, lasted, c := withdrawn(t, blackFriday(), o, 200); c.State != campaign.Abandoning || c.Denials != 0 || lasted < 2*rules.Patience {
			t.Errorf("status %s: %s with %d denials after %d tries in %s, want abandoning and none", o.Kind, c.State, c.Denials, tries, lasted)
		}
	}
}

// withdrawn drives on a draft whose confirm had no clear outcome, which cannot be
// configured again, and whose status is always the same.
func withdrawn(t *testing.T, r campaign.Request, status campaign.Outcome, most int) (tries int, lasted time.Duration, c campaign.Campaign) {
	t.Helper()
	s := replay(t, r, "asked", "create ok", "configure ok", "calculate ok", "price ok", "admit ok", "reload", "settled", "woken", "status refused, not found")
	began := s.now
	d := campaign.Decision{Next: s.c, Call: &campaign.Call{Op: campaign.OpLook}}
	for ; tries < most && !d.Next.State.Final(); tries++ {
		for d.Call != nil {
			o := campaign.Outcome{Op: d.Call.Op, Kind: campaign.OK}
			switch o.Op {
			case campaign.OpStatus:
				o = status
			case campaign.OpConfigure, campaign.OpDelete:
				o.Kind = campaign.Refused
			case campaign.OpCreate, campaign.OpConfirm:
				t.Fatalf("%s, and of the last draft nothing was shown", o.Op)
			}
			d = rules.Step(d.Next, o, s.facts())
		}
		if !d.Next.State.Final() {
			s.now = later(s.now, d.Next.Wake)
			d = rules.Step(d.Next, campaign.Woken{}, s.facts())
		}
	}
	return tries, s.now.Sub(began), d.Next
}

// A no that is not in the gateway's own shape means nothing, whatever its cause, and at
// whatever moment.
func TestARefusalWithoutTheShapeOfTheGatewayIsTheSameWithEveryCause(t *testing.T) {
	t.Parallel()
	for _, s := range situations(t) {
		for _, i := range outcomes() {
			o := i.in.(campaign.Outcome)
			if !o.Unshaped {
				continue
			}
			want := describe(s, s.step(o))
			for _, cause := range []campaign.Cause{"", campaign.Forbidden, campaign.Unsupported, campaign.NoCredit} {
				o.Cause = cause
				if got := describe(s, s.step(o)); got != want {
					t.Errorf("%s, %s with the cause %q: %s, want %s", s.name, i.name, cause, got, want)
				}
			}
		}
	}
}
