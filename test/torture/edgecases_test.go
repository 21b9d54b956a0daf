package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// An edgeCase is an unusual thing that a gateway, or a person at it, does to one
// campaign.
type edgeCase struct {
	name      string
	rules     []sandbox.Fault
	edits     []requestEdit
	meanwhile func(l *local, id string) // while the first rule holds a call back
	state     campaign.State
	reason    campaign.ReasonCode
	confirms  int // that took effect, by us or by hand
	drafts    int // at least: on a machine that is slow a call may be given up
	check     func(t *testing.T, c campaign.Campaign)
}

const always = -1

// delayEffect keeps a call from having its effect, long enough to do something meanwhile.
func delayEffect(op sandbox.Operation) sandbox.Fault { return caughtAt(op, sandbox.Before) }

var (
	cutBefore = sandbox.Fault{Operation: sandbox.Confirm, Cut: true}
	cutAfter  = sandbox.Fault{Operation: sandbox.Confirm, Cut: true, When: sandbox.After}
	noDelete  = sandbox.Fault{Operation: sandbox.Delete, Status: 405, Times: always}
	notFound  = sandbox.Fault{Operation: sandbox.Delete, Status: 404, Times: always}

	statsNeedDates = sandbox.Fault{Operation: sandbox.Stats, Times: always, Variants: sandbox.Variants{StatsNeedDates: true}}
)

// edgeCases are situations in which the honest end is not always a campaign that was
// sent. Whatever it is, it is an end, and says why.
var edgeCases = []edgeCase{
	{name: "DraftDeletedByHandBeforeConfigure", rules: []sandbox.Fault{delayEffect(sandbox.Configure)}, meanwhile: deletedByHand, state: campaign.Completed, confirms: 1, drafts: 2},
	{name: "DraftDeletedByHandBeforeCalculate", rules: []sandbox.Fault{delayEffect(sandbox.Calculate)}, meanwhile: deletedByHand, state: campaign.Completed, confirms: 1, drafts: 2},
	{name: "DraftDeletedByHandBeforePrice", rules: []sandbox.Fault{delayEffect(sandbox.Price)}, meanwhile: deletedByHand, state: campaign.Completed, confirms: 1, drafts: 2},
	{name: "DraftDeletedByHandBeforeConfirm", rules: []sandbox.Fault{delayEffect(sandbox.Confirm)}, meanwhile: deletedByHand, state: campaign.Unresolved, reason: campaign.ReasonUnverifiable, drafts: 1},
	{name: "ConfirmedCampaignDeletedByHand", rules: []sandbox.Fault{{Operation: sandbox.Confirm, When: sandbox.After, Delay: 300 * time.Millisecond}},
		edits: []requestEdit{inAWhile}, meanwhile: deletedByHand, state: campaign.Unresolved, reason: campaign.ReasonNeverSeen, confirms: 1, drafts: 1},

	{name: "NoDeleteAndAConfirmThatNeverArrived", rules: []sandbox.Fault{cutBefore, noDelete}, state: campaign.Completed, confirms: 1, drafts: 2},
	{name: "DeleteLeavesTheDraftAndAConfirmThatNeverArrived", rules: []sandbox.Fault{cutBefore, notFound}, state: campaign.Completed, confirms: 1, drafts: 2},
	{name: "NoDeleteAndAConfirmWhoseReplyIsLost", rules: []sandbox.Fault{cutAfter, noDelete}, state: campaign.Completed, confirms: 1, drafts: 1},
	{name: "NoDeleteAndAConfirmThatIsLate", rules: []sandbox.Fault{{Operation: sandbox.Confirm, Later: longSettle / 2}, noDelete}, state: campaign.Completed, confirms: 1, drafts: 1},
	{name: "NoDeleteAndAConfirmThatIsTooLate", rules: []sandbox.Fault{{Operation: sandbox.Confirm, Later: 4 * longSettle}, noDelete}, state: campaign.Completed, confirms: 1, drafts: 2},
	{name: "NoDeleteAndADraftThatNobodyMeantToConfirm", rules: []sandbox.Fault{{Operation: sandbox.Calculate, Cut: true}, noDelete}, state: campaign.Completed, confirms: 1, drafts: 2},
	{name: "ConfirmAMinuteAfterItsConnectionWasCut", rules: []sandbox.Fault{{Operation: sandbox.Confirm, Later: time.Minute}}, state: campaign.Completed, confirms: 1, drafts: 2},

	{name: "StatusNobodyHasHeardOfAndAConfirmThatNeverArrived", rules: []sandbox.Fault{cutBefore, paused(sandbox.Status)}, state: campaign.Unresolved, reason: campaign.ReasonUnverifiable, drafts: 1},
	{name: "StatusNobodyHasHeardOfAndAConfirmWhoseReplyIsLost", rules: []sandbox.Fault{cutAfter, paused(sandbox.Status)}, state: campaign.Unresolved, reason: campaign.ReasonUnverifiable, confirms: 1, drafts: 1},
	{name: "StatusThatCannotBeReadAndAConfirmWhoseReplyIsLost", rules: []sandbox.Fault{cutAfter, {Operation: sandbox.Status, Status: 405, Times: always}}, state: campaign.Completed, confirms: 1, drafts: 1},
	{name: "StatisticsNeedDatesAndTheAnswerToDeleteIsLost", rules: []sandbox.Fault{cutBefore, {Operation: sandbox.Delete, Cut: true, When: sandbox.After}, statsNeedDates},
		state: campaign.Unreconciled, confirms: 1, drafts: 2},
	{name: "NeitherDeleteNorStatusAndAConfirmThatNeverArrived", rules: []sandbox.Fault{cutBefore, noDelete, {Operation: sandbox.Status, Status: 400, Times: always}},
		state: campaign.Unresolved, reason: campaign.ReasonUnverifiable, drafts: 1},
	{name: "StatisticsWithAStatusNobodyHasHeardOf", rules: []sandbox.Fault{{Operation: sandbox.Stats, Report: "PAUSED", Times: 3}}, state: campaign.Completed, confirms: 1, drafts: 1},

	{name: "ListChangedBeforeThePrice", rules: []sandbox.Fault{delayEffect(sandbox.Price)}, meanwhile: listGrows, state: campaign.Completed, confirms: 1, drafts: 1, check: sentAsQuoted},
	{name: "ListChangedAfterTheQuote", rules: []sandbox.Fault{delayEffect(sandbox.Confirm)}, meanwhile: listGrows, state: campaign.Completed, confirms: 1, drafts: 1, check: sentAsQuoted},

	{name: "ConfirmedByHandAndOursIsRefused", rules: []sandbox.Fault{delayEffect(sandbox.Confirm)}, meanwhile: confirmedByHand, state: campaign.Completed, confirms: 1, drafts: 1},
	{name: "RefusalOfAConfirmThatTookEffect", rules: []sandbox.Fault{{Operation: sandbox.Confirm, Status: 400, When: sandbox.After}}, state: campaign.Completed, confirms: 1, drafts: 1},
	{name: "ConfirmRefused", rules: []sandbox.Fault{{Operation: sandbox.Confirm, Status: 400}}, state: campaign.Rejected, reason: campaign.ReasonRefused, drafts: 1},
	{name: "CreateRefused", rules: []sandbox.Fault{{Operation: sandbox.Create, Status: 400}}, state: campaign.Rejected, reason: campaign.ReasonRefused},
	{name: "ForbiddenThatIsAboutTheCampaign", rules: []sandbox.Fault{{Operation: sandbox.Configure, Status: 403}}, state: campaign.Rejected, reason: campaign.ReasonRefused, drafts: 1},

	{name: "CancelledWhileAConfirmThatNeverArrivedSettles", rules: []sandbox.Fault{cutBefore}, meanwhile: cancelled, state: campaign.Cancelled, reason: campaign.ReasonCancelled, drafts: 1},
	{name: "CancelledWhileAConfirmWhoseReplyIsLostSettles", rules: []sandbox.Fault{cutAfter, {Operation: sandbox.Status, Status: 503, Times: 25}}, meanwhile: cancelled,
		state: campaign.Completed, confirms: 1, drafts: 1, check: cancelRefused},
}

func TestTwists(t *testing.T) {
	t.Parallel()
	l := newLocal(t, sandbox.Options{})
	o := l.patient()
	o.Rules.LookBefore = 10 * time.Second
	l.serve(o)
	var ids []string
	for _, x := range edgeCases {
		l.fault(x.name, x.rules...)
		l.ask(l.request(x.name, x.edits...))
		if x.meanwhile != nil {
			l.struck(x.name, 1)
			x.meanwhile(l, x.name)
		}
		ids = append(ids, x.name)
	}
	records := l.waitUntilOver(ids)
	// What was still on its way takes effect now, if it can.
	l.control("POST", "clock", object{"advance": "5m"}, nil)
	for _, x := range edgeCases {
		t.Run(x.name, func(t *testing.T) { x.judge(t, l, records[x.name]) })
	}
	t.Log(l.judge(ids))
	l.wantDeadLetters(0)
}

func (x edgeCase) judge(t *testing.T, l *local, c campaign.Campaign) {
	if c.State != x.state {
		t.Fatalf("ended %s %+v, want %s", c.State, c.Reason, x.state)
	}
	var code campaign.ReasonCode
	if c.Reason != nil {
		code = c.Reason.Code
		if c.Reason.Message == "" {
			t.Error("it does not say why in words")
		}
	}
	if code != x.reason {
		t.Errorf("reason %q, want %q", code, x.reason)
	}
	confirms, drafts := 0, l.drafts(x.name)
	for _, d := range drafts {
		confirms += d.Confirms
	}
	if confirms != x.confirms || len(drafts) < x.drafts {
		t.Errorf("%d confirms took effect on %d drafts, want %d on %d or more", confirms, len(drafts), x.confirms, x.drafts)
	}
	if x.check != nil {
		x.check(t, c)
	}
}

// drafts are those of one campaign that the gateway has seen.
func (w *testbed) drafts(id string) (drafts []sandbox.SeenCampaign) {
	w.Helper()
	var seen sandbox.Seen
	w.control("GET", "seen?limit=10000000", nil, &seen)
	for _, c := range seen.Campaigns {
		if strings.HasSuffix(c.Description, mark(campaign.Key{Source: w.source, RequestID: id})) {
			drafts = append(drafts, c)
		}
	}
	return drafts
}

// byHand does something at the gateway to a campaign's last draft.
func byHand(l *local, id, method, what string, body any) {
	l.Helper()
	drafts := l.drafts(id)
	if len(drafts) == 0 {
		l.Fatalf("%s: no draft", id)
	}
	if _, err := call(l.Context(), method, fmt.Sprintf("%s/campaigns/%d%s", l.Sandbox.GatewayURL, drafts[len(drafts)-1].ID, what), body); err != nil {
		l.Fatalf("%s: %v", id, err)
	}
}

func deletedByHand(l *local, id string) {
	if strings.HasPrefix(id, "Confirmed") {
		l.eventually("the confirm takes effect", func(ctx context.Context) error {
			if d := l.drafts(id); len(d) == 0 || d[len(d)-1].Confirms != 1 {
				return fmt.Errorf("drafts %+v", d)
			}
			return nil
		})
	}
	byHand(l, id, "DELETE", "", nil)
}

func confirmedByHand(l *local, id string) {
	byHand(l, id, "PUT", "/confirm", object{"sendImmediately": true})
}

// listGrows adds a contact to the list that the campaign was just quoted for.
func listGrows(l *local, id string) {
	var records struct{ Request campaign.Request }
	l.eventually("read the record", func(ctx context.Context) error {
		raw, _, err := l.client.Raw(ctx, campaign.Key{Source: l.source, RequestID: id})
		if err != nil {
			return err
		}
		return json.Unmarshal(raw, &records)
	})
	l.control("POST", "contacts", object{"listId": records.Request.ListID, "contacts": []object{{"phoneNumber": "+393200000001"}}}, nil)
}

func cancelled(l *local, id string) {
	key := campaign.Key{Source: l.source, RequestID: id}
	l.eventually("cancel "+id, func(ctx context.Context) error {
		_, err := l.js.Publish(ctx, "campaign.v1.command."+key.String()+".cancel", []byte(`{"by":"anna@shop-italia.example"}`))
		return err
	})
}

// inAWhile leaves time to do something before the campaign is looked at once more.
func inAWhile(m *campaignv1.CampaignRequested) { at(time.Now().Add(30 * time.Second))(m) }

func paused(op sandbox.Operation) sandbox.Fault {
	return sandbox.Fault{Operation: op, Report: "PAUSED", Times: always}
}

func sentAsQuoted(t *testing.T, c campaign.Campaign) {
	if c.Quote.Goal.Valid != peopleOfOne || c.Stats.Total != peopleOfOne || c.Stats.Delivered != peopleOfOne {
		t.Errorf("quoted %d, sent to %d, delivered to %d, want %d each", c.Quote.Goal.Valid, c.Stats.Total, c.Stats.Delivered, peopleOfOne)
	}
}

func cancelRefused(t *testing.T, c campaign.Campaign) {
	if c.Cancel == nil || c.Cancel.Failed == "" {
		t.Errorf("cancel %+v, want one that came too late", c.Cancel)
	}
}

// 429 with and without a hint, at each call. Nothing is an attempt that was sent
// back for coming too soon.
func TestTooManyCalls(t *testing.T) {
	t.Parallel()
	l := newLocal(t, sandbox.Options{})
	l.serve(l.options())
	var ids []string
	for _, c := range calls {
		id := "429-" + c.op.String()
		l.fault(id, append(c.before, sandbox.Fault{Operation: c.op, Status: 429, RetryAfter: 1})...)
		ids = append(ids, id)
	}
	l.fault("429-without-a-hint", sandbox.Fault{Operation: sandbox.Price, Status: 429})
	ids = append(ids, "429-without-a-hint")
	for _, id := range ids {
		l.ask(l.request(id))
	}
	l.waitUntilCompleted(ids)
	t.Log(l.judge(ids))
}

// Credit that is there when the price is asked, and gone when the confirm arrives.
func TestCreditVanishesBetweenPriceAndConfirm(t *testing.T) {
	t.Parallel()
	l := newLocal(t, sandbox.Options{})
	l.serve(l.patient())
	for _, x := range []struct {
		id     string
		wish   requestEdit
		status int
	}{
		{"rejected", func(*campaignv1.CampaignRequested) {}, 402},
		{"waits", func(m *campaignv1.CampaignRequested) {
			m.OnInsufficientCredit = campaignv1.OnLimit_ON_LIMIT_WAIT
		}, 402},
	} {
		l.control("POST", "credit", object{"credit": 100}, nil)
		l.fault(x.id, delayEffect(sandbox.Confirm))
		l.ask(l.request(x.id, x.wish))
		l.struck(x.id, 1)
		l.control("POST", "credit", object{"credit": 0}, nil)
		l.eventually("the gateway refuses the confirm", func(ctx context.Context) error {
			for _, c := range l.Sandbox.Calls() {
				if d := l.drafts(x.id); len(d) > 0 && c.Campaign == d[len(d)-1].ID && c.Status == x.status {
					return nil
				}
			}
			return fmt.Errorf("not yet")
		})
	}
	rejected := l.waitUntilOver([]string{"rejected"})["rejected"]
	if rejected.State != campaign.Rejected || rejected.Reason.Code != campaign.ReasonNoCredit || rejected.Reason.HTTP != 402 {
		t.Errorf("ended %s %+v, want rejected for want of credit", rejected.State, rejected.Reason)
	}
	l.eventually("the other one waits, and says for what", func(ctx context.Context) error {
		records, err := l.records(ctx)
		c := records["waits"]
		if err == nil && (c.State != campaign.Quoted || c.Need == nil || c.Need.For != campaign.NeedCredit || c.Wake.IsZero()) {
			err = fmt.Errorf("it is %s: %q", c.State, c.Waiting)
		}
		return err
	})
	l.control("POST", "credit", object{"credit": 100}, nil)
	l.waitUntilCompleted([]string{"waits"})
	t.Log(l.judge([]string{"rejected", "waits"}))
}
