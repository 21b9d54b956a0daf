package runnertest_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

func TestFakeGateway(t *testing.T) {
	t.Parallel()
	runnertest.TestGateway(t, func(*testing.T) runnertest.GatewayHarness {
		g := runnertest.NewGateway()
		g.SendsFor = 1
		g.SetList(87, 100, 4)
		return runnertest.GatewayHarness{
			Gateway: g, List: 87, Missing: 99,
			SetCredit: func(_ *testing.T, amount decimal.Decimal) { g.SetCredit(amount) },
			Wait:      func(*testing.T) { runtime.Gosched() },
		}
	})
}

// A fake that does not break as it is told makes every test on it worthless.
func TestFakeGatewayBreaksACall(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault    runnertest.Fault
		kind     campaign.Kind
		effects  int // at once
		in1m     int // a minute later
		answered bool
	}{
		{runnertest.Fault{}, campaign.OK, 1, 1, true},
		{runnertest.Fault{Break: runnertest.Lost}, campaign.Unavailable, 0, 0, false},
		{runnertest.Fault{Break: runnertest.ReplyLost}, campaign.Unavailable, 1, 1, false},
		{runnertest.Fault{Break: runnertest.Late, After: time.Minute}, campaign.Unavailable, 0, 1, false},
		{runnertest.Fault{Break: runnertest.Repeated}, campaign.Refused, 1, 1, true},
		{runnertest.Fault{Break: runnertest.Refused, HTTP: 402}, campaign.Refused, 0, 0, true},
		{runnertest.Fault{Break: runnertest.NotAttempted}, campaign.NotAttempted, 0, 0, false},
		{runnertest.Fault{Break: runnertest.Throttled, After: time.Second}, campaign.Throttled, 0, 0, true},
		{runnertest.Fault{Break: runnertest.Unauthorised}, campaign.Unauthorised, 0, 0, true},
		{runnertest.Fault{Break: runnertest.Hollow}, campaign.OK, 0, 0, true},
		{runnertest.Fault{Break: runnertest.Unfound}, campaign.Refused, 0, 0, true},
	} {
		t.Run(string("Confirm "+test.fault.Break), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := runnertest.NewGateway()
				g.SetList(87, 100, 4)
				g.Fault = func(call campaign.Call) runnertest.Fault {
					if call.Op == campaign.OpConfirm {
						return test.fault
					}
					return runnertest.Fault{}
				}
				call := func(call campaign.Call) campaign.Outcome {
					permit, _ := g.Admit(t.Context(), call.Op)
					return permit.Call(t.Context(), call)
				}
				id := call(campaign.Call{Op: campaign.OpCreate, Draft: campaign.Draft{Name: "Black Friday"}}).CampaignID
				call(campaign.Call{Op: campaign.OpConfigure, CampaignID: id, Content: campaign.Content{ListID: 87}})
				call(campaign.Call{Op: campaign.OpCalculate, CampaignID: id})
				o := call(campaign.Call{Op: campaign.OpConfirm, CampaignID: id})
				if o.Kind != test.kind || (o.HTTP != 0) != test.answered || o.RetryAfter != 0 && o.RetryAfter != test.fault.After {
					t.Errorf("outcome %s, HTTP %d, retry after %s, want %s", o.Kind, o.HTTP, o.RetryAfter, test.kind)
				}
				if n := g.Seen()[0].Confirms; n != test.effects {
					t.Errorf("confirmed %d times, want %d", n, test.effects)
				}
				time.Sleep(time.Minute)
				if n := g.Seen()[0].Confirms; n != test.in1m {
					t.Errorf("a minute later confirmed %d times, want %d", n, test.in1m)
				}
				if n := g.Messages(87); n != test.in1m {
					t.Errorf("each phone got %d messages, want %d", n, test.in1m)
				}
			})
		})
	}
}

func TestFakeGatewayBehavesWorse(t *testing.T) {
	t.Parallel()
	soon := func() time.Time { return time.Now().Add(time.Hour) }
	for _, test := range []struct {
		name  string
		set   func(*runnertest.Gateway)
		at    func() time.Time // nil: immediately
		then  campaign.Op
		kind  campaign.Kind
		http  int
		after campaign.Status // empty: gone
		sent  int             // a day later
	}{
		{"DeleteOfAScheduledCampaignCanBeUnsupported", func(g *runnertest.Gateway) { g.NoDelete = 405 }, soon, campaign.OpDelete, campaign.Refused, 405, campaign.StatusConfirmed, 1},
		{"DeleteOfAScheduledCampaignIsSupportedOtherwise", func(*runnertest.Gateway) {}, soon, campaign.OpDelete, campaign.OK, 204, "", 0},
		{"ALateConfigureCanTakeItBack", func(g *runnertest.Gateway) { g.EditsConfirmed = true }, soon, campaign.OpConfigure, campaign.OK, 200, campaign.StatusUnconfirmed, 0},
		{"ALateConfigureIsRefusedOtherwise", func(*runnertest.Gateway) {}, soon, campaign.OpConfigure, campaign.Refused, 400, campaign.StatusConfirmed, 1},
		{"ASecondConfirmCanSendAgain", func(g *runnertest.Gateway) { g.ConfirmsAgain = true }, nil, campaign.OpConfirm, campaign.OK, 200, campaign.StatusSending, 2},
		{"ASecondConfirmIsRefusedOtherwise", func(*runnertest.Gateway) {}, nil, campaign.OpConfirm, campaign.Refused, 409, campaign.StatusSending, 1},
		{"AnImmediateCampaignCanBeConfirmedForAWhile", func(g *runnertest.Gateway) { g.StartsAfter = time.Minute }, nil, campaign.OpDelete, campaign.Refused, 404, campaign.StatusConfirmed, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := runnertest.NewGateway()
				g.SetList(87, 100, 4)
				test.set(g)
				call := func(call campaign.Call) campaign.Outcome {
					permit, _ := g.Admit(t.Context(), call.Op)
					return permit.Call(t.Context(), call)
				}
				id := call(campaign.Call{Op: campaign.OpCreate, Draft: campaign.Draft{Name: "Black Friday"}}).CampaignID
				call(campaign.Call{Op: campaign.OpConfigure, CampaignID: id, Content: campaign.Content{ListID: 87}})
				call(campaign.Call{Op: campaign.OpCalculate, CampaignID: id})
				confirm := campaign.Call{Op: campaign.OpConfirm, CampaignID: id}
				if test.at != nil {
					confirm.At = test.at()
				}
				call(confirm)
				if o := call(campaign.Call{Op: test.then, CampaignID: id, Content: campaign.Content{ListID: 87}}); o.Kind != test.kind || o.HTTP != test.http {
					t.Errorf("%s: %s, HTTP %d, want %s, %d", test.then, o.Kind, o.HTTP, test.kind, test.http)
				}
				if s := call(campaign.Call{Op: campaign.OpStatus, CampaignID: id}).Status; s != test.after {
					t.Errorf("status %q, want %q", s, test.after)
				}
				time.Sleep(24 * time.Hour)
				if n := g.Messages(87); n != test.sent {
					t.Errorf("each phone got %d messages, want %d", n, test.sent)
				}
			})
		})
	}
}

// What the gateway, or a proxy in front of it, does not show.
func TestFakeGatewayLies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		set    func(*runnertest.Gateway)
		status campaign.Outcome // of a campaign that is confirmed for later
		confirm, configure,
		witness campaign.Kind
	}{
		{"Nothing", func(*runnertest.Gateway) {},
			campaign.Outcome{Kind: campaign.OK, Status: campaign.StatusConfirmed, ByID: true, Name: "Black Friday"}, campaign.OK, campaign.Refused, campaign.OK},
		{"ExactlyAsSpecified", func(g *runnertest.Gateway) { g.StatsOnly = true },
			campaign.Outcome{Kind: campaign.Refused, Cause: campaign.NotFound, HTTP: 404}, campaign.OK, campaign.Refused, campaign.Refused},
		{"ReadsAreBlind", func(g *runnertest.Gateway) { g.Blind = runnertest.ReadsBlind },
			campaign.Outcome{Kind: campaign.Refused, Cause: campaign.NotFound, HTTP: 404, ByID: true}, campaign.OK, campaign.Refused, campaign.Refused},
		{"ReadsAreOld", func(g *runnertest.Gateway) { g.Blind = runnertest.ReadsOld },
			campaign.Outcome{Kind: campaign.OK, Status: campaign.StatusUnconfirmed, ByID: true, Name: "Black Friday"}, campaign.OK, campaign.Refused, campaign.OK},
		{"AllIsAnsweredBySomebodyElse", func(g *runnertest.Gateway) { g.Blind = runnertest.AllBlind },
			campaign.Outcome{Kind: campaign.Unavailable, Cause: campaign.NotFound, HTTP: 404, Unshaped: true}, campaign.Unavailable, campaign.Unavailable, campaign.Unavailable},
		{"WithoutNames", func(g *runnertest.Gateway) { g.Nameless = true },
			campaign.Outcome{Kind: campaign.OK, Status: campaign.StatusConfirmed, ByID: true}, campaign.OK, campaign.Refused, campaign.OK},
		{"KeepsWhatIsConfirmed", func(g *runnertest.Gateway) { g.KeepsConfirmed = true },
			campaign.Outcome{Kind: campaign.OK, Status: campaign.StatusConfirmed, ByID: true, Name: "Black Friday"}, campaign.OK, campaign.OK, campaign.OK},
		{"AnotherGateway", func(g *runnertest.Gateway) { g.Replace(runnertest.TheirDone) },
			campaign.Outcome{Kind: campaign.OK, Status: campaign.StatusCompleted, ByID: true, Name: "Somebody else's"}, campaign.Refused, campaign.Refused, campaign.OK},
		{"AnotherGatewayWhereItIsNobodys", func(g *runnertest.Gateway) { g.Replace(runnertest.UnknownCampaign) },
			campaign.Outcome{Kind: campaign.Refused, Cause: campaign.NotFound, HTTP: 404, ByID: true}, campaign.Refused, campaign.Refused, campaign.OK},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := runnertest.NewGateway()
				g.SetList(87, 100, 4)
				call := func(call campaign.Call) campaign.Outcome {
					permit, _ := g.Admit(t.Context(), call.Op)
					return permit.Call(t.Context(), call)
				}
				quoted := func() int64 {
					id := call(campaign.Call{Op: campaign.OpCreate, Draft: campaign.Draft{Name: "Black Friday"}}).CampaignID
					call(campaign.Call{Op: campaign.OpConfigure, CampaignID: id, Content: campaign.Content{ListID: 87}})
					call(campaign.Call{Op: campaign.OpCalculate, CampaignID: id})
					return id
				}
				id, another := quoted(), quoted()
				call(campaign.Call{Op: campaign.OpConfirm, CampaignID: id, At: time.Now().Add(time.Hour)})
				test.set(g)
				got := call(campaign.Call{Op: campaign.OpStatus, CampaignID: id})
				got = campaign.Outcome{Kind: got.Kind, Cause: got.Cause, HTTP: got.HTTP, Status: got.Status, ByID: got.ByID, Name: got.Name, Unshaped: got.Unshaped}
				if got.Kind == campaign.OK {
					got.HTTP = 0
				}
				if diff := cmp.Diff(test.status, got); diff != "" {
					t.Errorf("a read of what is confirmed (-want +got):\n%s", diff)
				}
				for op, want := range map[campaign.Op]campaign.Kind{campaign.OpConfirm: test.confirm, campaign.OpConfigure: test.configure, campaign.OpWitness: test.witness} {
					c := campaign.Call{Op: op, CampaignID: id, Content: campaign.Content{ListID: 87}}
					if op == campaign.OpConfirm {
						c.CampaignID = another
					}
					if o := call(c); o.Kind != want {
						t.Errorf("%s is answered %s, want %s", op, o.Kind, want)
					}
				}
			})
		})
	}
}

// A stranger's campaign that was touched is noticed.
func TestFakeGatewayNoticesHarm(t *testing.T) {
	t.Parallel()
	for _, op := range []campaign.Op{campaign.OpStatus, campaign.OpStats, campaign.OpConfigure, campaign.OpDelete, campaign.OpConfirm} {
		g := runnertest.NewGateway()
		g.SetList(87, 100, 4)
		call := func(call campaign.Call) campaign.Outcome {
			permit, _ := g.Admit(t.Context(), call.Op)
			return permit.Call(t.Context(), call)
		}
		id := call(campaign.Call{Op: campaign.OpCreate, Draft: campaign.Draft{Name: "Black Friday"}}).CampaignID
		g.Replace(runnertest.TheirDraft)
		call(campaign.Call{Op: op, CampaignID: id, Content: campaign.Content{ListID: 87}})
		if reads := op == campaign.OpStatus || op == campaign.OpStats; g.Harmed() == reads {
			t.Errorf("%s of a stranger's draft: harmed %t", op, g.Harmed())
		}
	}
}
