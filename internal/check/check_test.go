package check_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/check"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

func blackFriday() campaign.Request {
	return campaign.Request{Name: "Black Friday 2026", Sender: "ShopItalia", ListID: full, Text: "Solo per te: -30%"}
}

// asks checks a request in a world.
func (w *world) asks(k campaign.Key, r campaign.Request, price bool, change func(*check.Options)) (query.Checked, error) {
	w.t.Helper()
	data, err := protojson.Marshal(contract.Requested(k, r))
	if err != nil {
		w.t.Fatal(err)
	}
	o := check.Options{Records: w.journal, Gateway: w.gateway, Budgets: w.ledgers, Button: w.button, At: "https://gateway.example"}
	if change != nil {
		change(&o)
	}
	c, err := check.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Check(w.t.Context(), query.CheckAsk{Request: data, Price: price})
}

func (w *world) left() []runnertest.Seen {
	return slices.DeleteFunc(w.gateway.Seen(), func(s runnertest.Seen) bool { return s.Deleted })
}

// once breaks the first call of a kind.
func once(op campaign.Op, b runnertest.Fault) func(campaign.Call) runnertest.Fault {
	broken := false
	return func(c campaign.Call) runnertest.Fault {
		if c.Op != op || broken {
			return runnertest.Fault{}
		}
		broken = true
		return b
	}
}

// A price that cannot be had is no answer, and says why. Its draft is deleted, or said to
// be left.
func TestAPriceThatCannotBeHad(t *testing.T) {
	if _, err := contract.NewValidator(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		fault func(campaign.Call) runnertest.Fault
		away  string
		never string
		text  string
		left  int // drafts
		calls int
		whom  *campaign.Audience
	}{
		{name: "its recipients would be uploaded", whom: &campaign.Audience{Digest: strings.Repeat("ab", 32), Size: 100, Chunks: 1, Format: campaign.CSV},
			text: "it brings its own recipients, and a price would upload them"},
		{name: "the gateway is left alone", away: "the gateway did not answer the last calls", text: "the gateway did not answer the last calls"},
		{name: "no drafts are deleted there", never: "this account deletes no drafts", text: "this account deletes no drafts"},
		{name: "the create is lost", fault: once(campaign.OpCreate, runnertest.Fault{Break: runnertest.Lost}), calls: 1,
			text: "create: no answer; and its create was not answered, so there may be a draft: it is never sent; look for [staffetta shop-italia.check-"},
		{name: "the answer to the create is lost", fault: once(campaign.OpCreate, runnertest.Fault{Break: runnertest.ReplyLost}), calls: 1, left: 1,
			text: "there may be a draft"},
		{name: "a calculate without an answer", fault: once(campaign.OpCalculate, runnertest.Fault{Break: runnertest.Lost}), calls: 4, text: "calculate: no answer"},
		{name: "a price that is throttled", fault: once(campaign.OpPrice, runnertest.Fault{Break: runnertest.Throttled, After: time.Minute}), calls: 5, text: "price: "},
		{name: "the key is not accepted", fault: once(campaign.OpConfigure, runnertest.Fault{Break: runnertest.Unauthorised}), calls: 3, text: "configure: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, plan{credit: 2000})
				w.gateway.Fault = tt.fault
				r := blackFriday()
				if tt.whom != nil {
					r.ListID, r.Audience = 0, tt.whom
				}
				got, err := w.asks(key, r, true, func(o *check.Options) {
					o.Away, o.NoPrice = func() string { return tt.away }, tt.never
				})
				if got.Accepted || !query.Is(err, query.Unpriced) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%+v, %v", got, err)
				}
				if len(w.gateway.SeenLists()) > 0 {
					t.Error("a list was made for a question")
				}
				if n, calls := len(w.left()), len(w.gateway.Calls()); n != tt.left || calls != tt.calls {
					t.Errorf("%d drafts are left after %d calls, want %d after %d", n, calls, tt.left, tt.calls)
				}
				// Without a price it is an answer.
				if got, err := w.asks(key, r, false, func(o *check.Options) { o.Away = func() string { return tt.away } }); err != nil || !got.Accepted ||
					(tt.away != "") != (len(got.Notes) == 1) {
					t.Errorf("without price: %+v, %v", got, err)
				}
			})
		})
	}
}

// A draft that is not deleted is told, beside the answer.
func TestADraftThatIsLeftIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, plan{credit: 2000})
		w.gateway.NoDelete = 405
		got, err := w.asks(key, blackFriday(), true, nil)
		if err != nil || !got.Accepted || got.Quote == nil || got.Left == nil || got.Left.CampaignID != w.left()[0].ID || !strings.Contains(w.left()[0].Description, got.Left.Mark) {
			t.Errorf("%+v (%+v), %v", got, got.Left, err)
		}
	})
}

// What is shown as another customer's is not deleted.
func TestAStrangersCampaignIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, plan{credit: 2000})
		w.gateway.Fault = func(c campaign.Call) runnertest.Fault {
			if c.Op == campaign.OpConfigure {
				w.gateway.Replace(runnertest.TheirDraft)
				return runnertest.Fault{Break: runnertest.Refused, HTTP: 400}
			}
			return runnertest.Fault{}
		}
		got, err := w.asks(key, blackFriday(), true, nil)
		if got.Accepted || got.Left == nil || w.gateway.Harmed() {
			t.Errorf("%+v, %v; harmed %t", got, err, w.gateway.Harmed())
		}
		if slices.ContainsFunc(w.gateway.Calls(), func(m runnertest.Made) bool { return m.Op == campaign.OpDelete }) {
			t.Error("it is deleted")
		}
	})
}

// What was asked for before is known, also where only the events are left of it; and
// nothing is priced for it.
func TestWhatWasAskedForIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, plan{credit: 2000})
		w.deliver(runner.Wakeup{Key: key, Kind: runner.WakeRequest, Request: blackFriday(), RequestedAt: time.Now(), Stored: time.Now()})
		time.Sleep(time.Hour)
		other := blackFriday()
		other.Text = "Ciao"
		calls := len(w.gateway.Calls())
		for _, price := range []bool{false, true} {
			if got, err := w.asks(key, blackFriday(), price, nil); err != nil || got.Known != query.KnownSame || got.State != campaign.Completed || !got.Accepted {
				t.Errorf("the same: %+v, %v", got, err)
			}
			if got, err := w.asks(key, other, price, nil); err != nil || got.Known != query.KnownConflict || got.Accepted || !slices.Equal(got.Differs, []string{"text"}) || got.Problems[0].Reason != "conflicting_duplicate" {
				t.Errorf("another: %+v, %v", got, err)
			}
		}
		if got, err := w.asks(campaign.Key{Source: key.Source}, blackFriday(), false, nil); err != nil || got.Known != query.KnownNew || !got.Accepted {
			t.Errorf("without a request id: %+v, %v", got, err)
		}
		w.journal.Lose(key)
		if got, err := w.asks(key, blackFriday(), true, nil); err != nil || got.Known != query.KnownSame || got.State != campaign.Completed {
			t.Errorf("the record is lost: %+v, %v", got, err)
		}
		if n := len(w.gateway.Calls()); n != calls {
			t.Errorf("%d calls were made", n-calls)
		}

		unasked := campaign.Key{Source: key.Source, RequestID: "unasked"}
		w.deliver(runner.Wakeup{Key: unasked, Kind: runner.WakeCommand, Command: campaign.Cancel{By: "anna"}, Stored: time.Now()})
		if got, err := w.asks(unasked, blackFriday(), false, nil); err != nil || got.Accepted || got.Problems[0].Reason != "cancelled_before" {
			t.Errorf("cancelled before: %+v, %v", got, err)
		}
	})
}

// busy is a gateway that is sending a lot.
type busy struct{ runner.PaceEstimator }

func (busy) Estimate(time.Time) campaign.Pace {
	return campaign.Pace{Seen: 5, PerMinute: 200, Largest: 10_000, Others: 3, Ahead: 100_000, Together: 200}
}

// What it would wait for is noted, and is no reason.
func TestWhatItWouldWaitForIsNoted(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*plan, *check.Options)
		price  bool
		kind   string
		text   string
	}{
		"its window":             {func(p *plan, o *check.Options) { p.request.Limits.Window = "day" }, false, "window", "the window is shut"},
		"others that are sent":   {func(p *plan, o *check.Options) { p.request.ExpiresAt, o.Pace = friday.Add(2*time.Hour), busy{} }, true, "window", "the gateway is sending 3 other campaigns"},
		"an approval":            {func(p *plan, o *check.Options) { p.request.Limits.Approval = true }, true, "approval", "the request asks for an approval"},
		"one that is not priced": {func(p *plan, o *check.Options) { p.request.Limits.Approval = true }, false, "approval", "the request asks for an approval"},
		"one above an amount": {func(p *plan, o *check.Options) {
			o.Rules.Policies = map[string]campaign.Policy{"*": {ApproveAbove: euros(100)}}
		}, false, "approval", "shop-italia needs an approval above 100.00 EUR"},
		"one above it, and priced": {func(p *plan, o *check.Options) {
			o.Rules.Policies = map[string]campaign.Policy{"*": {ApproveAbove: euros(100)}}
		}, true, "approval", "it costs 344.09 EUR, and shop-italia needs an approval above 100.00 EUR"},
		"a top-up":  {func(p *plan, o *check.Options) { p.credit, p.request.Limits.OnNoCredit = 10, campaign.Wait }, true, "credit", "the campaign costs 344.09 EUR, the account has 10.00 EUR"},
		"a release": {func(p *plan, o *check.Options) { p.held = true }, false, "hold", "wrong prices"},
		"a place in the hour": {func(p *plan, o *check.Options) {
			o.Intake = func(campaign.Key, time.Time) string { return "the hour is full" }
		}, false, "intake", "the hour is full"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(friday))
				p := plan{credit: 2000, request: blackFriday()}
				o := check.Options{Rules: campaign.Rules{Windows: map[string]campaign.Window{"day": daily{8, 20}}}}
				tt.change(&p, &o)
				w := newWorld(t, p)
				got, err := w.asks(key, p.request, tt.price, func(have *check.Options) { have.Rules, have.Pace, have.Intake = o.Rules, o.Pace, o.Intake })
				if err != nil || !got.Accepted || len(got.Notes) != 1 || got.Notes[0].Kind != tt.kind || !strings.Contains(got.Notes[0].Text, tt.text) {
					t.Errorf("%+v, %v", got, err)
				}
			})
		})
	}
}

// Without a service a no is what every service would say.
func TestOffline(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*campaign.Request)
		want   string // reason; empty: accepted
	}{
		"good":                     {func(*campaign.Request) {}, ""},
		"a typographic apostrophe": {func(r *campaign.Request) { r.Text = "C’è lo sconto" }, "text_not_gsm7"},
		"and unicode":              {func(r *campaign.Request) { r.Text, r.Unicode = "C’è lo sconto", true }, ""},
		"a sender with a space":    {func(r *campaign.Request) { r.Sender = "Shop Italia" }, "invalid"},
		"an instant in 2020":       {func(r *campaign.Request) { r.At = friday.AddDate(-6, 0, 0) }, "too_late"},
		"an instant an hour ago":   {func(r *campaign.Request) { r.At = friday.Add(-time.Hour) }, ""}, // campaign.too_late may allow it
		"an hour that is too much": {func(r *campaign.Request) { r.At, r.Limits.MaxLateness = friday.Add(-time.Hour), time.Minute }, "too_late"},
		"expired":                  {func(r *campaign.Request) { r.ExpiresAt = friday.Add(-time.Hour) }, "expired"},
		"a window":                 {func(r *campaign.Request) { r.Limits.Window = "nobody-knows" }, ""},
	} {
		r := blackFriday()
		tt.change(&r)
		data, err := protojson.Marshal(contract.Requested(key, r))
		if err != nil {
			t.Fatal(err)
		}
		got, err := check.Offline(t.Context(), data, friday)
		reason := ""
		if len(got.Problems) > 0 {
			reason = got.Problems[0].Reason
		}
		if err != nil || reason != tt.want || got.Accepted != (tt.want == "") || got.Known != check.KnownNot {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
