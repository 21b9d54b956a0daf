package campaign_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// testdata/lifecycle.txt is the lifecycle as a table: every situation a
// campaign can be in × everything that can happen to it. The test writes it
// with -rewrite; its diff is the review. Commit only a diff you understand.
var rewrite = flag.Bool("rewrite", false, "write testdata/lifecycle.txt anew")

var (
	friday = time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	rules  = campaign.Rules{Windows: map[string]campaign.Window{"night": night{}}}.WithDefaults()
	key    = campaign.Key{Source: "shop-italia", RequestID: "bf-2026"}
)

// night is a send window that is open from 22:00 to 07:00 UTC.
type night struct{}

func (night) Open(from time.Time, lasts time.Duration) (time.Time, string, error) {
	if lasts > 9*time.Hour {
		return time.Time{}, "", errors.New("it lasts longer than a night")
	}
	day := from.Truncate(24 * time.Hour)
	for _, w := range []struct{ open, shut time.Time }{
		{day.Add(-2 * time.Hour), day.Add(7 * time.Hour)},
		{day.Add(22 * time.Hour), day.Add(31 * time.Hour)},
		{day.Add(46 * time.Hour), day.Add(55 * time.Hour)},
	} {
		if at := later(from, w.open); !at.Add(lasts).After(w.shut) {
			return at, "the night begins at " + w.open.Format(time.TimeOnly), nil
		}
	}
	return time.Time{}, "", errors.New("no night is long enough")
}

// quoteID is the one of blackFriday as outcomes() quotes it.
var quoteID = campaign.QuoteID(blackFriday(), campaign.Quote{
	Goal:  campaign.Goal{Total: 10247, Valid: 9831, Invalid: 416, Parts: 9831},
	Price: campaign.Price{PerMessage: eur("0.035"), Total: eur("344.09")}})

func eur(s string) campaign.Money {
	return campaign.Money{Amount: decimal.RequireFromString(s), Currency: "EUR"}
}

func blackFriday() campaign.Request {
	return campaign.Request{
		Name: "Black Friday 2026", Sender: "ShopItalia", ListID: 87,
		Text: "Black Friday! Solo per te: -30% su tutto con il codice BF2026.",
	}
}

// The outcomes a gateway can give, by the words the table uses for them.
func outcomes() []input {
	quote := campaign.Outcome{Op: campaign.OpPrice, Kind: campaign.OK, Price: campaign.Price{
		PerMessage: eur("0.035"), Total: eur("344.09"), Available: eur("1500"), Sufficient: true}}
	poor := quote
	poor.Price.Available, poor.Price.Sufficient = eur("120"), false
	goal := campaign.Outcome{Op: campaign.OpCalculate, Kind: campaign.OK,
		Goal: campaign.Goal{Total: 10247, Valid: 9831, Invalid: 416, Parts: 9831}}
	nobody := goal
	nobody.Goal = campaign.Goal{Total: 416, Invalid: 416}
	stats := func(s campaign.Status, delivered, undelivered, pending int64) campaign.Outcome {
		return campaign.Outcome{Op: campaign.OpStats, Kind: campaign.OK, Stats: campaign.Stats{
			Status: s, Total: 9831, Sent: 9831 - pending, Delivered: delivered, Undelivered: undelivered, Pending: pending}}
	}
	list := []input{
		{"create ok", campaign.Outcome{Op: campaign.OpCreate, Kind: campaign.OK, CampaignID: 1542}},
		{"configure ok", campaign.Outcome{Op: campaign.OpConfigure, Kind: campaign.OK}},
		{"calculate ok", goal},
		{"calculate ok, nobody valid", nobody},
		{"price ok", quote},
		{"price ok, too little credit", poor},
		{"admit ok", campaign.Outcome{Op: campaign.OpAdmit, Kind: campaign.OK}},
		{"confirm ok", campaign.Outcome{Op: campaign.OpConfirm, Kind: campaign.OK, ConfirmedAt: friday}},
		{"delete ok", campaign.Outcome{Op: campaign.OpDelete, Kind: campaign.OK}},
		{"stats CONFIRMED", stats(campaign.StatusConfirmed, 0, 0, 9831)},
		{"stats SENDING", stats(campaign.StatusSending, 5000, 100, 4731)},
		{"stats COMPLETED", stats(campaign.StatusCompleted, 9542, 289, 0)},
		{"stats COMPLETED, sums disagree", stats(campaign.StatusCompleted, 9000, 289, 0)},
		{"stats FAILED", stats(campaign.StatusFailed, 10, 0, 9821)},
		{"stats UNCONFIRMED", stats(campaign.StatusUnconfirmed, 0, 0, 9831)},
		{"stats UNKNOWN", stats(campaign.StatusUnknown, 0, 0, 9831)},
	}
	for _, s := range []campaign.Status{campaign.StatusUnconfirmed, campaign.StatusConfirmed, campaign.StatusSending,
		campaign.StatusCompleted, campaign.StatusFailed, campaign.StatusUnknown} {
		list = append(list, input{"status " + string(s), campaign.Outcome{Op: campaign.OpStatus, Kind: campaign.OK, Status: s}})
	}
	refused := map[campaign.Op][]int{
		campaign.OpCreate: {400}, campaign.OpConfigure: {400, 404}, campaign.OpCalculate: {400}, campaign.OpPrice: {404},
		campaign.OpConfirm: {402, 400, 404}, campaign.OpDelete: {404, 405}, campaign.OpStatus: {404, 400}, campaign.OpStats: {404},
	}
	for _, op := range []campaign.Op{campaign.OpCreate, campaign.OpConfigure, campaign.OpCalculate, campaign.OpPrice, campaign.OpAdmit,
		campaign.OpConfirm, campaign.OpStatus, campaign.OpStats, campaign.OpDelete} {
		for _, code := range refused[op] {
			list = append(list, input{fmt.Sprintf("%s refused %d", op, code),
				campaign.Outcome{Op: op, Kind: campaign.Refused, HTTP: code, Words: "the gateway's words"}})
		}
		if op != campaign.OpAdmit {
			list = append(list, input{string(op) + " unavailable", campaign.Outcome{Op: op, Kind: campaign.Unavailable, HTTP: 503}})
		}
		list = append(list, input{string(op) + " not attempted", campaign.Outcome{Op: op, Kind: campaign.NotAttempted, RetryAfter: 30 * time.Second}})
	}
	return append(list,
		input{"confirm refused 400, credit", campaign.Outcome{Op: campaign.OpConfirm, Kind: campaign.Refused, HTTP: 400, Field: "credit", Words: "Insufficient credit"}},
		input{"room ok", campaign.Outcome{Op: campaign.OpRoom, Kind: campaign.OK}},
		input{"room refused", campaign.Outcome{Op: campaign.OpRoom, Kind: campaign.Refused, Words: "shop-italia has 100.00 EUR left today"}},
		input{"room unavailable", campaign.Outcome{Op: campaign.OpRoom, Kind: campaign.Unavailable}},
		input{"reserve ok", campaign.Outcome{Op: campaign.OpReserve, Kind: campaign.OK}},
		input{"reserve refused", campaign.Outcome{Op: campaign.OpReserve, Kind: campaign.Refused, Words: "shop-italia has 100.00 EUR left today"}},
		input{"reserve unavailable", campaign.Outcome{Op: campaign.OpReserve, Kind: campaign.Unavailable}},
		input{"settle ok", campaign.Outcome{Op: campaign.OpSettle, Kind: campaign.OK}},
		input{"settle unavailable", campaign.Outcome{Op: campaign.OpSettle, Kind: campaign.Unavailable}},
		input{"configure throttled", campaign.Outcome{Op: campaign.OpConfigure, Kind: campaign.Throttled, RetryAfter: 12 * time.Second}},
		input{"configure unauthorised", campaign.Outcome{Op: campaign.OpConfigure, Kind: campaign.Unauthorised, RetryAfter: 15 * time.Second}},
		input{"confirm throttled", campaign.Outcome{Op: campaign.OpConfirm, Kind: campaign.Throttled, RetryAfter: 12 * time.Second}},
		input{"confirm unauthorised", campaign.Outcome{Op: campaign.OpConfirm, Kind: campaign.Unauthorised, RetryAfter: 15 * time.Second}},
	)
}

type input struct {
	name string
	in   campaign.Input
}

func inputs() []input {
	return append([]input{
		{"asked", campaign.Asked{Key: key, Request: blackFriday()}},
		{"woken", campaign.Woken{}},
		{"cancel", campaign.CancelAsked{By: "anna", Why: "wrong price"}},
		{"approve", campaign.Approve{QuoteID: quoteID, By: "carla"}},
		{"approve another quote", campaign.Approve{QuoteID: "0123456789abcdef", By: "carla"}},
		{"decline", campaign.Decline{QuoteID: quoteID, By: "carla", Why: "too dear"}},
		{"another cancel", campaign.CancelAsked{By: "bruno"}},
		{"another approve", campaign.Approve{QuoteID: quoteID, By: "bruno"}},
		{"resolved, was sent", campaign.Resolved{By: "anna", Sent: true}},
		{"resolved, was not sent", campaign.Resolved{By: "anna"}},
		{"delivered", campaign.Delivered{}},
	}, outcomes()...)
}

// situation is a campaign at a moment, reached by real steps.
type situation struct {
	name string
	c    campaign.Campaign
	now  time.Time
	age  time.Duration
	asks campaign.Request
	pace campaign.Pace // what was seen of the gateway's
	// budgets are set.
	budgets bool
}

// story drives a campaign by the names of its inputs. "reload" is what another
// run sees: the record as saved, and nothing that only the last run knew.
func story(t *testing.T, r campaign.Request, steps ...string) situation {
	t.Helper()
	byName := map[string]campaign.Input{"asked": campaign.Asked{Key: key, Request: r}}
	for _, i := range inputs() {
		if _, ok := byName[i.name]; !ok {
			byName[i.name] = i.in
		}
	}
	s := situation{now: friday, asks: r}
	var saved campaign.Campaign
	for _, step := range steps {
		switch step {
		case "reload":
			s.c = reload(t, saved)
		case "due":
			s.now, s.age = later(s.now, s.c.Wake), s.age+s.c.Wake.Sub(s.now)
		case "a budget is set":
			s.budgets = true
		case "unsettled":
			s.age = rules.Settle - 1
		case "settled":
			s.now, s.age = s.now.Add(rules.Settle+time.Minute), rules.Settle
		case "in 20 seconds":
			s.now = s.now.Add(20 * time.Second)
		case "in 4 hours":
			s.now = s.now.Add(4 * time.Hour)
		case "in 73 hours":
			s.now = s.now.Add(73 * time.Hour)
		default:
			in, ok := byName[step]
			if !ok {
				t.Fatalf("no input is called %q", step)
			}
			d := rules.Step(s.c, in, campaign.Facts{Now: s.now, Age: s.age, Budgets: s.budgets})
			if d.Save {
				saved, s.age = d.Next, 0
			}
			s.c = d.Next
		}
	}
	return s
}

// plus never shares memory with the steps it goes on from.
func plus(steps []string, more ...string) []string { return append(slices.Clone(steps), more...) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func situations(t *testing.T) []situation {
	soon, expiring := blackFriday(), blackFriday()
	soon.At = friday.Add(48 * time.Hour)
	near, nearer := blackFriday(), blackFriday()
	near.At, nearer.At = friday.Add(15*time.Second), friday.Add(25*time.Second)
	expiring.ExpiresAt = friday.Add(3 * time.Hour)
	approved, patient, capped, windowed, short := blackFriday(), blackFriday(), blackFriday(), blackFriday(), blackFriday()
	approved.Limits.Approval = true
	patient.Limits.OnNoCredit = campaign.Wait
	capped.Limits.MaxTotal, capped.Limits.OnOverMax = eur("300"), campaign.Ask
	windowed.Limits.Window = "night"
	short.Limits.MaxParts = 1
	short.Text = strings.Repeat("Black Friday! ", 20)
	drafted := []string{"asked", "create ok"}
	quoted := plus(drafted, "configure ok", "calculate ok", "price ok")
	intended := plus(quoted, "admit ok")
	confirmed := plus(intended, "confirm ok")
	sending := plus(confirmed, "due", "woken", "stats SENDING")
	abandoning := plus(intended, "reload", "settled", "woken", "status UNCONFIRMED")

	list := []struct {
		name  string
		r     campaign.Request
		steps []string
	}{
		{"no record", blackFriday(), nil},
		{"requested, waiting", blackFriday(), []string{"asked", "create unavailable", "reload"}},
		{"requested, due", blackFriday(), []string{"asked", "create unavailable", "reload", "due"}},
		{"requested, due, expired", expiring, []string{"asked", "create unavailable", "reload", "in 4 hours"}},
		{"requested, create under way", blackFriday(), []string{"asked"}},
		{"drafted, own, configure under way", blackFriday(), drafted},
		{"drafted, own, calculate under way", blackFriday(), plus(drafted, "configure ok")},
		{"drafted, own, price under way", blackFriday(), plus(drafted, "configure ok", "calculate ok")},
		{"drafted, own, waiting for leave to confirm", blackFriday(), quoted},
		{"no record, the text needs too many parts", short, nil},
		{"no record, the send window is shut", windowed, nil},
		{"no record, its instant is near", near, nil},
		{"drafted, own, its instant came near while waiting for leave to confirm", nearer, plus(quoted, "in 20 seconds")},
		{"requested, put off by its send window, due", windowed, []string{"asked", "reload", "due"}},
		{"drafted, own, price under way, wants an approval", approved, plus(drafted, "configure ok", "calculate ok")},
		{"drafted, own, price under way, asks above its max_total", capped, plus(drafted, "configure ok", "calculate ok")},
		{"drafted, own, price under way, waits for credit", patient, plus(drafted, "configure ok", "calculate ok")},
		{"quoted, waits for an approval", approved, plus(quoted, "reload")},
		{"quoted, waits for an approval, in vain", approved, plus(quoted, "reload", "due")},
		{"drafted again, own, price under way, was approved", approved, plus(quoted, "reload", "approve", "delete ok", "create ok", "configure ok", "calculate ok")},
		{"quoted, waits for credit", patient, plus(drafted, "configure ok", "calculate ok", "price ok, too little credit", "reload")},
		{"quoted, waits for credit, due", patient, plus(drafted, "configure ok", "calculate ok", "price ok, too little credit", "reload", "due")},
		{"drafted, own, a refusal is read back", blackFriday(), plus(drafted, "configure refused 400")},
		{"drafted, of another run, within its lease", blackFriday(), plus(drafted, "reload")},
		{"drafted, of another run, due", blackFriday(), plus(drafted, "reload", "due")},
		{"confirming, own, confirm under way", blackFriday(), intended},
		{"confirming, own, scheduled, confirm under way", soon, intended},
		{"drafted, own, its quote grew old while waiting for leave to confirm", blackFriday(), plus(quoted, "in 4 hours")},
		{"drafted, own, expired while waiting for leave to confirm", expiring, plus(quoted, "in 4 hours")},
		{"confirming, of another run, not settled", blackFriday(), plus(intended, "reload", "due")},
		{"confirming, of another run, not settled, read back under way", blackFriday(), plus(intended, "reload", "due", "unsettled", "woken")},
		{"confirming, of another run, settled, read back under way", blackFriday(), plus(intended, "reload", "settled", "woken")},
		{"confirming, settled, a cancel is kept", blackFriday(), plus(intended, "reload", "cancel", "settled", "woken")},
		{"confirming, settled, confirm was refused 402", blackFriday(), plus(intended, "confirm refused 402", "status UNCONFIRMED", "reload", "settled", "woken")},
		{"confirming, settled, confirm was refused 402, waits for credit", patient, plus(intended, "confirm refused 402", "status UNCONFIRMED", "reload", "settled", "woken")},
		{"confirming, settled, confirm was refused 400 for its credit, waits for credit", patient, plus(intended, "confirm refused 400, credit", "status UNCONFIRMED", "reload", "settled", "woken")},
		{"abandoning, waits for credit, delete under way", patient, plus(intended, "confirm refused 402", "status UNCONFIRMED", "reload", "settled", "woken", "status UNCONFIRMED")},
		{"requested, waited for credit, due", patient, plus(intended, "confirm refused 402", "status UNCONFIRMED", "reload", "settled", "woken", "status UNCONFIRMED", "delete ok", "reload", "due")},
		{"abandoning, delete under way", blackFriday(), abandoning},
		{"abandoning, waiting", blackFriday(), plus(abandoning, "delete unavailable", "reload")},
		{"abandoning, due", blackFriday(), plus(abandoning, "delete unavailable", "reload", "due")},
		{"abandoning, delete was refused 404", blackFriday(), plus(abandoning, "delete refused 404")},
		{"abandoning, delete was refused 405", blackFriday(), plus(abandoning, "delete refused 405")},
		{"abandoning, never intended, delete was refused 405", blackFriday(), plus(drafted, "reload", "due", "woken", "delete refused 405")},
		{"abandoning, never intended, has stood for S, delete was refused 405", blackFriday(), plus(drafted, "reload", "due", "woken", "delete refused 405", "status UNCONFIRMED", "reload", "due", "woken", "delete refused 405")},
		{"rejecting, delete under way", blackFriday(), plus(drafted, "configure ok", "calculate ok", "price ok, too little credit")},
		{"cancelling, delete under way", blackFriday(), plus(drafted, "reload", "cancel")},
		{"cancelling, was confirmed for later, delete was refused 404", soon, plus(confirmed, "reload", "cancel", "delete refused 404")},
		{"confirmed, due", blackFriday(), plus(confirmed, "reload", "due")},
		{"confirmed, statistics were refused", blackFriday(), plus(confirmed, "reload", "due", "woken", "stats refused 404")},
		{"confirmed, scheduled, before its instant", soon, plus(confirmed, "reload")},
		{"sending, statistics under way", blackFriday(), plus(sending, "reload", "due", "woken")},
		{"sending, due", blackFriday(), plus(sending, "reload", "due")},
		{"sending, for 73 hours, statistics under way", blackFriday(), plus(sending, "reload", "in 73 hours", "woken")},
		{"completed", blackFriday(), plus(confirmed, "due", "woken", "stats COMPLETED", "reload")},
		{"rejected", blackFriday(), []string{"asked", "create refused 400", "reload"}},
		{"cancelled", blackFriday(), []string{"asked", "create unavailable", "cancel", "reload"}},
		{"completed, a cancel came too late", blackFriday(), plus(confirmed, "cancel", "due", "woken", "stats COMPLETED", "reload")},
		{"rejected, was declined", approved, plus(quoted, "reload", "decline", "delete ok", "reload")},
		{"completed, was approved", approved, plus(quoted, "reload", "approve", "delete ok", "create ok", "configure ok", "calculate ok", "price ok", "admit ok", "confirm ok", "due", "woken", "stats COMPLETED", "reload")},
		{"failed", blackFriday(), plus(confirmed, "due", "woken", "stats FAILED", "reload")},
	}
	var all []situation
	for _, l := range list {
		s := story(t, l.r, l.steps...)
		s.name = l.name
		all = append(all, s)
	}
	all = append(all, unresolved(t))
	for _, l := range []struct {
		name string
		pace campaign.Pace
	}{
		{"the gateway was seen to be slow", campaign.Pace{Seen: 1, PerMinute: 30, Largest: 4000}},
		{"four others are being sent", campaign.Pace{Others: 4, Ahead: 100_000}},
	} {
		for _, at := range []struct {
			name  string
			steps []string
		}{
			{"price under way", plus(drafted, "configure ok", "calculate ok")},
			{"waiting for leave to confirm", quoted},
		} {
			s := story(t, expiring, at.steps...)
			s.name, s.pace = fmt.Sprintf("drafted, own, expires, %s, %s", at.name, l.name), l.pace
			all = append(all, s)
		}
	}
	set := []string{"a budget is set"}
	soonExpired := plus(quoted, "reserve unavailable", "reload", "in 4 hours", "woken")
	for _, l := range []struct {
		name  string
		r     campaign.Request
		steps []string
	}{
		{"with budgets: drafted, own, price under way", blackFriday(), plus(drafted, "configure ok", "calculate ok")},
		{"with budgets: drafted, own, price under way, wants an approval", approved, plus(drafted, "configure ok", "calculate ok")},
		{"with budgets: drafted, own, a look for room under way, wants an approval", approved, quoted},
		{"with budgets: drafted again, own, price under way, was approved", approved, plus(quoted, "room ok", "reload", "approve", "delete ok", "create ok", "configure ok", "calculate ok")},
		{"with budgets: drafted, own, reserve under way", blackFriday(), quoted},
		{"with budgets: rejected, settle under way", blackFriday(), plus(quoted, "reserve refused", "delete ok", "delivered")},
		{"with budgets: sending, statistics under way", blackFriday(), plus(quoted, "reserve ok", "admit ok", "confirm ok", "due", "woken")},
		{"with budgets: completed, not told and not settled", blackFriday(), plus(quoted, "reserve ok", "admit ok", "confirm ok", "due", "woken", "stats COMPLETED")},
		{"with budgets: completed, settle under way", blackFriday(), plus(quoted, "reserve ok", "admit ok", "confirm ok", "due", "woken", "stats COMPLETED", "delivered")},
		{"with budgets: completed, the ledger did not answer, due", blackFriday(), plus(quoted, "reserve ok", "admit ok", "confirm ok", "due", "woken", "stats COMPLETED", "delivered", "settle unavailable", "reload", "due")},
		{"with budgets: abandoning, has expired, delete under way", expiring, soonExpired},
		{"with budgets: rejected, of another run, not settled, due", expiring, plus(soonExpired, "delete ok", "reload", "due")},
		{"with budgets, set since: drafted, own, price under way", blackFriday(), slices.Concat(drafted, []string{"configure ok", "calculate ok"}, set)},
		{"with budgets, set since: drafted, own, reserve under way", blackFriday(), slices.Concat(drafted, []string{"configure ok", "calculate ok"}, set, []string{"price ok"})},
		{"with budgets, set since: drafted, own, waiting for leave to confirm", blackFriday(), slices.Concat(quoted, set)},
		{"with budgets, set since: sending, statistics under way", blackFriday(), slices.Concat(sending, []string{"due", "woken"}, set)},
		{"with budgets, set since: completed, not told and not settled", blackFriday(), slices.Concat(sending, []string{"due", "woken"}, set, []string{"stats COMPLETED"})},
		{"with budgets: cancelling, was confirmed for later, delete under way", soon, plus(quoted, "reserve ok", "admit ok", "confirm ok", "reload", "cancel")},
	} {
		if !slices.Contains(l.steps, set[0]) {
			l.steps = slices.Concat(set, l.steps)
		}
		s := story(t, l.r, l.steps...)
		s.name = l.name
		all = append(all, s)
	}
	return all
}

func unresolved(t *testing.T) situation {
	steps := []string{"asked", "create ok", "configure ok", "calculate ok", "price ok", "admit ok", "reload", "settled", "woken", "status UNCONFIRMED"}
	for range rules.Denials + 1 {
		steps = append(steps, "delete refused 405", "status UNCONFIRMED", "due", "woken")
	}
	s := story(t, blackFriday(), append(steps, "reload")...)
	s.name = "unresolved"
	return s
}

// describe is one decision in the words of the table.
func describe(s situation, d campaign.Decision) string {
	var b strings.Builder
	b.WriteString(string(d.Next.State))
	for _, e := range d.Next.Outbox {
		fmt.Fprintf(&b, ", tell %s.%d", e.Type, e.N)
		if e.Last {
			b.WriteString(" (last)")
		}
		if e.Reason != nil {
			fmt.Fprintf(&b, " (%s)", e.Reason.Code)
		}
	}
	if d.Save {
		b.WriteString(", save")
	}
	if d.Call != nil {
		fmt.Fprintf(&b, ", call %s", d.Call.Op)
		if !d.Call.At.IsZero() {
			fmt.Fprintf(&b, " for %s", d.Call.At.Format(time.DateTime))
		}
	} else if state := d.Next.State; state != "" && (!state.Final() || len(d.Next.Outbox) == 0) && !d.Next.Wake.IsZero() {
		fmt.Fprintf(&b, ", wake in %s", d.Next.Wake.Sub(s.now).Round(time.Second))
	}
	if d.Next.Cancel != nil && d.Next.Cancel.Refused != "" {
		b.WriteString(", cancel refused")
	}
	return b.String()
}

// A command that changes nothing is one that was obeyed already, or it is refused in
// words: nobody is left to wonder.
func TestNoCommandIsTakenInSilence(t *testing.T) {
	for _, s := range situations(t) {
		for _, i := range inputs() {
			d := rules.Step(s.c, i.in, campaign.Facts{Now: s.now, Age: s.age, Budgets: s.budgets})
			if d.Save || d.Refused != "" || s.c.State == "" {
				continue // without a record it waits for the request
			}
			again := true
			switch in := i.in.(type) {
			case campaign.CancelAsked:
				again = s.c.Cancel != nil
			case campaign.Approve:
				again = s.c.Approval != nil && s.c.Approval.QuoteID == in.QuoteID
			case campaign.Decline:
				again = s.c.Reason != nil && s.c.Reason.Code == campaign.ReasonDeclined
			case campaign.Resolved:
				again = s.c.Resolved != nil && s.c.Resolved.Sent == in.Sent
			}
			if !again {
				t.Errorf("%s: %q changes nothing, and nobody is told", s.name, i.name)
			}
		}
	}
}

func TestLifecycleTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Every situation × everything that can happen. Written by `go test ./internal/campaign -rewrite`.\n")
	for _, s := range situations(t) {
		fmt.Fprintf(&b, "\n%s\n", s.name)
		var nothing, no []string
		refused := map[string][]string{} // what is, by the words
		for _, i := range inputs() {
			if _, ok := i.in.(campaign.Asked); ok {
				i.in = campaign.Asked{Key: key, Request: s.asks}
			}
			d := rules.Step(s.c, i.in, campaign.Facts{Now: s.now, Age: s.age, Pace: s.pace, Budgets: s.budgets})
			if d.Refused != "" {
				if refused[d.Refused] == nil {
					no = append(no, d.Refused)
				}
				refused[d.Refused] = append(refused[d.Refused], i.name)
				continue
			}
			if !d.Save && d.Call == nil {
				nothing = append(nothing, i.name)
				continue
			}
			fmt.Fprintf(&b, "  %-31s → %s\n", i.name, describe(s, d))
		}
		for _, words := range no {
			fmt.Fprintf(&b, "  %-31s → refused: %s\n", strings.Join(refused[words], ", "), words)
		}
		if len(nothing) == len(inputs()) {
			b.WriteString("  anything                        → nothing\n")
		} else {
			b.WriteString("  anything else                   → nothing\n")
		}
	}
	file := filepath.Join("testdata", "lifecycle.txt")
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("the lifecycle changed (-%s +now); if that is meant, run with -rewrite and review the diff:\n%s", file, diff)
	}
}
