package campaign_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

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
	held    string // why nothing may be begun or confirmed
	gateway string // the one that is configured
	// It was measured that the gateway refuses to configure what was confirmed.
	measured bool

	call  *campaign.Call   // the one under way
	calls []campaign.Op    // all so far
	told  []campaign.Event // all so far
}

const here, elsewhere = "https://gateway.example", "https://another.example"

// step is what is decided there.
func (s situation) step(in campaign.Input) campaign.Decision {
	r := rules
	r.ConfigureRefusedOnceSent = s.measured
	return r.Step(s.c, in, s.facts())
}

func (s situation) facts() campaign.Facts {
	return campaign.Facts{Now: s.now, Age: s.age, Pace: s.pace, Budgets: s.budgets, Gateway: s.gateway, Held: s.held}
}

// replay drives a campaign by the names of its inputs. "reload" is what another run
// sees: the record as saved, without what only the last run knew. If the story does not
// name a look at the events, the look has found nothing.
func replay(t *testing.T, r campaign.Request, steps ...string) situation {
	t.Helper()
	byName := map[string]campaign.Input{"asked": campaign.Received{Key: key, Request: r}}
	for _, i := range inputs() {
		if _, ok := byName[i.name]; !ok {
			byName[i.name] = i.in
		}
	}
	s := situation{now: friday, asks: r, gateway: here}
	var saved campaign.Campaign
	take := func(in campaign.Input) {
		d := s.step(in)
		if d.Save {
			saved, s.age = d.Next, 0
			s.told = append(s.told, d.Next.Outbox...)
		}
		if s.c, s.call = d.Next, d.Call; s.call != nil {
			s.calls = append(s.calls, s.call.Op)
		}
	}
	pass := func(d time.Duration) { s.now, s.age = s.now.Add(max(d, 0)), s.age+max(d, 0) }
	for _, step := range steps {
		switch step {
		case "reload":
			s.c, s.call = reload(t, saved), nil
		case "due":
			pass(s.c.Wake.Sub(s.now))
		case "it was measured that configure is refused once sent":
			s.measured = true
		case "a budget is set":
			s.budgets = true
		case "held":
			s.held = "everything is held by anna: wrong prices"
		case "approve its quote":
			take(campaign.Approve{QuoteID: campaign.QuoteID(s.c.Request, *s.c.Quote), By: "carla"})
		case "released":
			s.held = ""
		case "another gateway is configured":
			s.gateway = elsewhere
		case "unsettled":
			s.age = rules.Settle - 1
		case "settled":
			s.now, s.age = s.now.Add(rules.Settle+time.Minute), rules.Settle
		case "in 20 seconds":
			pass(20 * time.Second)
		case "in 4 hours":
			pass(4 * time.Hour)
		case "in 73 hours":
			pass(73 * time.Hour)
		default:
			in, ok := byName[step]
			if !ok {
				t.Fatalf("no input is called %q", step)
			}
			o, answer := in.(campaign.Outcome)
			if answer && o.Op != campaign.OpLook && s.call != nil && s.call.Op == campaign.OpLook {
				take(published())
			}
			if answer && (s.call == nil || s.call.Op != o.Op) {
				t.Fatalf("%q answers no call in %q: it is %s", step, steps, s.c.State)
			}
			take(in)
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

	// Withdrawn after an intent: what the events say, what is read, configure, delete.
	abandoning := plus(intended, "reload", "settled", "woken", "status UNCONFIRMED")
	read := plus(abandoning, "look ok")
	shown := plus(read, "status by id UNCONFIRMED")
	measured := plus([]string{"it was measured that configure is refused once sent"}, plus(read, "status refused, not found")...)
	disarmed := plus(shown, "configure ok")
	denied := plus(shown, "configure refused")
	striking := plus(denied, "status by id UNCONFIRMED")
	asking := plus(read, "status refused, not found", "reload")
	unresolved := plus(asking, "in 4 hours", "woken", "status refused, not found")
	otherwise := plus(intended, "told otherwise")

	// Withdrawn by another run, before any intent.
	orphan := plus(drafted, "reload", "due", "woken", "look ok")
	orphaned := plus(orphan, "status refused, not found", "reload", "due", "woken", "look ok")

	// Cancelled after it was confirmed for a later instant.
	cancelling := plus(confirmed, "reload", "cancel", "look ok")
	deleting := plus(cancelling, "status by id CONFIRMED")
	deleted := plus(deleting, "delete ok")
	vanishing := plus(deleted, "status by id refused, not found", "reload")
	witness := plus(vanishing, "due", "woken", "status by id refused, not found")
	mayBeDeleted := plus(deleting, "delete unavailable", "reload")

	creditRefused := plus(intended, "confirm refused, no credit", "status UNCONFIRMED", "reload", "settled", "woken")

	list := []struct {
		name  string
		r     campaign.Request
		steps []string
	}{
		{"no record", blackFriday(), nil},
		{"no record, a cancel looks at the events", blackFriday(), []string{"cancel"}},
		{"requested, looks at the events", blackFriday(), []string{"asked"}},
		{"requested, waiting", blackFriday(), []string{"asked", "create unavailable", "reload"}},
		{"requested, due", blackFriday(), []string{"asked", "create unavailable", "reload", "due"}},
		{"requested, held, looks at the events", blackFriday(), []string{"held", "asked"}},
		{"requested, held, expired, looks at the events", expiring, []string{"asked", "create unavailable", "reload", "in 4 hours", "held", "woken"}},
		{"drafted, own, held while waiting for leave to confirm", blackFriday(), plus(quoted, "held")},
		{"requested, due, expired", expiring, []string{"asked", "create unavailable", "reload", "in 4 hours"}},
		{"requested, create under way", blackFriday(), []string{"asked", "look ok"}},
		{"requested, for 4 hours somebody else than the gateway answered, create under way", blackFriday(), []string{"asked", "create unshaped", "reload", "in 4 hours", "woken", "look ok"}},
		{"requested, for 73 hours somebody else than the gateway answered, create under way", blackFriday(), []string{"asked", "create unshaped", "reload", "in 73 hours", "woken", "look ok"}},
		{"requested, for 4 hours the gateway failed, create under way", blackFriday(), []string{"asked", "create unavailable", "reload", "in 4 hours", "woken", "look ok"}},
		{"requested, for 73 hours the gateway failed, create under way", blackFriday(), []string{"asked", "create unavailable", "reload", "in 73 hours", "woken", "look ok"}},
		{"drafted, own, configure under way", blackFriday(), drafted},
		{"drafted, own, calculate under way", blackFriday(), plus(drafted, "configure ok")},
		{"drafted, own, price under way", blackFriday(), plus(drafted, "configure ok", "calculate ok")},
		{"drafted for the third time, own, twice it was not what was asked for, configure under way", blackFriday(), plus(drafted,
			"configure ok, another text", "reload", "due", "woken", "status by id UNCONFIRMED", "delete ok", "create ok",
			"configure ok", "calculate ok, sums disagree", "reload", "due", "woken", "status by id UNCONFIRMED", "delete ok", "create ok")},
		{"drafted, own, waiting for leave to confirm", blackFriday(), quoted},
		{"no record, the text needs too many parts", short, nil},
		{"requested, the text needs too many parts, looks at the events", short, []string{"asked"}},
		{"requested, the send window is shut, looks at the events", windowed, []string{"asked"}},
		{"requested, its instant is near, looks at the events", near, []string{"asked"}},
		{"drafted, own, its instant came near while waiting for leave to confirm", nearer, plus(quoted, "in 20 seconds")},
		{"requested, put off by its send window, due", windowed, []string{"asked", "look ok", "reload", "due"}},
		{"drafted, own, price under way, wants an approval", approved, plus(drafted, "configure ok", "calculate ok")},
		{"drafted, own, price under way, asks above its max_total", capped, plus(drafted, "configure ok", "calculate ok")},
		{"drafted, own, price under way, waits for credit", patient, plus(drafted, "configure ok", "calculate ok")},
		{"quoted, waits for an approval", approved, plus(quoted, "reload")},
		{"quoted, waits for an approval, in vain", approved, plus(quoted, "reload", "due")},
		{"drafted again, own, price under way, was approved", approved, plus(quoted, "reload", "approve", "reload", "due", "woken", "status by id UNCONFIRMED", "delete ok", "create ok", "configure ok", "calculate ok")},
		{"quoted, waits for credit", patient, plus(drafted, "configure ok", "calculate ok", "price ok, too little credit", "reload")},
		{"quoted, waits for credit, due", patient, plus(drafted, "configure ok", "calculate ok", "price ok, too little credit", "reload", "due")},
		{"drafted, own, a refusal is read back", blackFriday(), plus(drafted, "configure refused")},
		{"drafted, own, that it is not found is read back", blackFriday(), plus(drafted, "configure refused, not found")},
		{"drafted, of another run, within its lease", blackFriday(), plus(drafted, "reload")},
		{"drafted, of another run, due", blackFriday(), plus(drafted, "reload", "due")},
		{"confirming, own, confirm under way", blackFriday(), intended},
		{"confirming, own, scheduled, confirm under way", soon, intended},
		{"confirming, own, confirmed without a word, read back under way", blackFriday(), plus(intended, "confirm ok, without a word")},
		{"drafted, own, its quote grew old while waiting for leave to confirm", blackFriday(), plus(quoted, "in 4 hours")},
		{"drafted, own, expired while waiting for leave to confirm", expiring, plus(quoted, "in 4 hours")},
		{"confirming, of another run, not settled", blackFriday(), plus(intended, "reload", "due")},
		{"confirming, of another run, not settled, read back under way", blackFriday(), plus(intended, "reload", "due", "unsettled", "woken")},
		{"confirming, of another run, settled, read back under way", blackFriday(), plus(intended, "reload", "settled", "woken")},
		{"confirming, settled, a cancel is kept, read back under way", blackFriday(), plus(intended, "reload", "cancel", "settled", "woken")},
		{"confirming, scheduled, settled, a cancel is kept, read back under way", soon, plus(intended, "reload", "cancel", "settled", "woken")},
		{"confirming, settled, confirm was refused for lack of credit, read back under way", blackFriday(), creditRefused},
		{"confirming, settled, confirm was refused for lack of credit, waits for credit, read back under way", patient, creditRefused},
		{"abandoning, waits for credit, looks at the events", patient, plus(creditRefused, "status UNCONFIRMED")},
		{"requested, waited for credit, due", patient, plus(creditRefused, "status UNCONFIRMED", "status by id UNCONFIRMED", "configure ok", "delete ok", "reload", "due")},

		{"abandoning, looks at the events", blackFriday(), abandoning},
		{"abandoning, read under way", blackFriday(), read},
		{"abandoning, read, configure under way", blackFriday(), shown},
		{"abandoning, no read shows it, measured, configure under way", blackFriday(), measured},
		{"abandoning, configured without a word, read under way", blackFriday(), plus(shown, "configure ok, without a word")},
		{"abandoning, no read showed it, measured, configured without a word, read under way", blackFriday(), plus(measured, "configure ok, without a word")},
		{"abandoning, configure was refused, read under way", blackFriday(), denied},
		{"abandoning, configure was refused, read, delete under way", blackFriday(), striking},
		{"abandoning, configure was refused, read, deleted, read under way", blackFriday(), plus(striking, "delete ok")},
		{"abandoning, disarmed, delete under way", blackFriday(), disarmed},
		{"abandoning, disarmed, due", blackFriday(), plus(disarmed, "reload", "due")},
		{"abandoning, disarmed by another run, read under way", blackFriday(), plus(disarmed, "reload", "due", "woken")},
		{"abandoning, disarmed by another run, deleted, looks at the events", blackFriday(), plus(disarmed, "reload", "due", "woken", "status by id UNCONFIRMED", "delete ok")},
		{"abandoning, nothing shows it, waiting", blackFriday(), asking},
		{"abandoning, nothing shows it, due", blackFriday(), plus(asking, "due")},
		{"abandoning, nothing has shown it for 4 hours, read under way", blackFriday(), plus(asking, "in 4 hours", "woken", "look ok")},
		{"abandoning, scheduled, nothing has shown it for 4 hours, read under way", soon, plus(asking, "in 4 hours", "woken", "look ok")},
		{"abandoning, of another run, which gave it up, read under way", blackFriday(), plus(drafted, "configure unavailable", "reload", "due", "woken")},
		{"abandoning, never intended, of another run, looks at the events", blackFriday(), plus(drafted, "reload", "due", "woken")},
		{"abandoning, never intended, of another run, read under way", blackFriday(), orphan},
		{"abandoning, never intended, of another run, has stood for S, read under way", blackFriday(), orphaned},
		{"abandoning, never intended, of another run, left behind, delete under way", blackFriday(), plus(orphaned, "status refused, not found")},
		{"abandoning, its intent was lost and is told, read under way", blackFriday(), plus(drafted, "reload", "due", "woken", "look tells a cost of this draft")},

		{"rejecting, own, delete under way", blackFriday(), plus(drafted, "configure ok", "calculate ok", "price ok, too little credit")},
		{"rejecting, of another run, disarmed, deleted, looks at the events", blackFriday(), plus(drafted, "configure ok", "calculate ok", "price ok, too little credit", "reload", "due", "woken", "status by id UNCONFIRMED", "delete ok")},
		{"cancelling, a draft of another run, looks at the events", blackFriday(), plus(drafted, "reload", "cancel")},
		{"cancelling, a draft of another run, read under way", blackFriday(), plus(drafted, "reload", "cancel", "look ok")},
		{"cancelling, nothing has shown it for 4 hours, read under way", blackFriday(), plus(asking, "cancel", "status refused, not found", "reload", "in 4 hours", "woken", "look ok")},

		{"cancelling, confirmed for later, read under way", soon, cancelling},
		{"cancelling, confirmed for later, delete under way", soon, deleting},
		{"cancelling, confirmed for later, a delete may have left, read under way", soon, plus(mayBeDeleted, "due", "woken")},
		{"cancelling, confirmed for later, deleted, read under way", soon, deleted},
		{"cancelling, confirmed for later, deleted, waits", soon, vanishing},
		{"cancelling, confirmed for later, deleted and gone for S, read under way", soon, plus(vanishing, "due", "woken")},
		{"cancelling, confirmed for later, deleted and gone for S, another campaign is looked at", soon, witness},
		{"cancelling, confirmed for later, deleted and gone for S, another campaign was shown, read under way", soon, plus(witness, "witness ok")},
		{"cancelling, confirmed for later, a delete may have left, its instant has passed, read under way", soon, plus(mayBeDeleted, "in 73 hours", "woken")},
		{"cancelling, confirmed for later, at another gateway, due", soon, plus(mayBeDeleted, "another gateway is configured", "due")},
		{"confirmed, scheduled, a cancel was refused for no read shows it", soon, plus(cancelling, "status refused, not found", "reload")},

		{"confirmed, due", blackFriday(), plus(confirmed, "reload", "due")},
		{"confirmed, statistics were refused, read under way", blackFriday(), plus(confirmed, "reload", "due", "woken", "stats refused, not found")},
		{"confirmed, four reads showed it unconfirmed, statistics under way", blackFriday(), plus(confirmed, "due", "woken", "stats UNCONFIRMED", "due", "woken", "stats UNCONFIRMED", "due", "woken", "stats UNCONFIRMED", "due", "woken", "stats UNCONFIRMED", "due", "woken")},
		{"confirmed, never seen sent, for 73 hours, statistics under way", blackFriday(), plus(confirmed, "reload", "in 73 hours", "woken")},
		{"confirmed, scheduled, before its instant", soon, plus(confirmed, "reload")},
		{"sending, statistics under way", blackFriday(), plus(sending, "reload", "due", "woken")},
		{"sending, due", blackFriday(), plus(sending, "reload", "due")},
		{"sending, for 73 hours, statistics under way", blackFriday(), plus(sending, "reload", "in 73 hours", "woken")},

		{"drafted, of another run, at another gateway, due", blackFriday(), plus(drafted, "reload", "another gateway is configured", "due")},
		{"abandoning, never intended, at another gateway, looks at the events", blackFriday(), plus(drafted, "reload", "another gateway is configured", "due", "woken")},
		{"confirming, at another gateway, due", blackFriday(), plus(intended, "reload", "another gateway is configured", "due")},
		{"confirming, at another gateway for 4 hours, due", blackFriday(), plus(intended, "reload", "another gateway is configured", "due", "woken", "reload", "in 4 hours")},
		{"confirmed, scheduled, at another gateway, due", soon, plus(confirmed, "reload", "another gateway is configured", "due")},
		{"sending, at another gateway, due", blackFriday(), plus(sending, "reload", "another gateway is configured", "due")},
		{"unresolved, at another gateway, due", blackFriday(), plus(unresolved, "delivered", "reload", "another gateway is configured", "due")},

		{"unresolved, not told", blackFriday(), plus(unresolved, "reload")},
		{"unresolved, due", blackFriday(), plus(unresolved, "delivered", "reload", "due")},
		{"unresolved, read under way", blackFriday(), plus(unresolved, "delivered", "reload", "due", "woken")},
		{"unresolved, for 73 hours, read under way", blackFriday(), plus(unresolved, "delivered", "reload", "in 73 hours", "woken")},
		{"unresolved, looked at no more", blackFriday(), plus(unresolved, "delivered", "reload", "in 73 hours", "woken", "status refused, not found", "reload")},
		{"unresolved, its cost was told for another draft, read of that one under way", blackFriday(), plus(otherwise, "delivered", "reload", "due", "woken")},
		{"unresolved, its cost was told for another draft, read of its own under way", blackFriday(), plus(otherwise, "delivered", "reload", "due", "woken", "status refused, not found")},
		{"unresolved, was to be cancelled", soon, plus(mayBeDeleted, "in 73 hours", "woken", "status refused, not found", "delivered", "reload")},
		{"completed", blackFriday(), plus(confirmed, "due", "woken", "stats COMPLETED", "reload")},
		{"completed, rebuilt from its events", blackFriday(), []string{"asked", "look tells its last statistics", "reload"}},
		{"unreconciled", blackFriday(), plus(sending, "reload", "in 73 hours", "woken", "stats SENDING", "delivered", "reload")},
		{"sending, followed again, statistics under way", blackFriday(), plus(sending, "reload", "in 73 hours", "woken", "stats SENDING", "delivered", "reload", "follow")},
		{"sending, followed again for 73 hours, statistics under way", blackFriday(), plus(sending, "reload", "in 73 hours", "woken", "stats SENDING", "delivered", "reload", "follow", "stats SENDING", "reload", "in 73 hours", "woken")},
		{"completed, was followed again", blackFriday(), plus(sending, "reload", "in 73 hours", "woken", "stats SENDING", "delivered", "reload", "follow", "stats COMPLETED", "delivered", "reload")},
		{"rejected", blackFriday(), []string{"asked", "create refused", "reload"}},
		{"cancelled", blackFriday(), []string{"asked", "create unavailable", "cancel", "look ok", "reload"}},
		{"completed, a cancel came too late", blackFriday(), plus(confirmed, "cancel", "due", "woken", "stats COMPLETED", "reload")},
		{"rejected, was declined", approved, plus(quoted, "reload", "decline", "reload", "due", "woken", "status by id UNCONFIRMED", "delete ok", "look ok", "reload")},
		{"completed, was approved", approved, plus(quoted, "reload", "approve", "reload", "due", "woken", "status by id UNCONFIRMED", "delete ok", "create ok", "configure ok", "calculate ok", "price ok", "admit ok", "confirm ok", "due", "woken", "stats COMPLETED", "reload")},
		{"failed", blackFriday(), plus(confirmed, "due", "woken", "stats FAILED", "reload")},
	}
	for _, l := range peopleSituations() {
		list = append(list, l)
	}
	var all []situation
	for _, l := range list {
		s := replay(t, l.r, l.steps...)
		s.name = l.name
		all = append(all, s)
	}
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
			s := replay(t, expiring, at.steps...)
			s.name, s.pace = fmt.Sprintf("drafted, own, expires, %s, %s", at.name, l.name), l.pace
			all = append(all, s)
		}
	}
	set := []string{"a budget is set"}
	soonExpired := plus(quoted, "reserve unavailable", "reload", "in 4 hours", "woken", "status by id UNCONFIRMED")
	for _, l := range []struct {
		name  string
		r     campaign.Request
		steps []string
	}{
		{"with budgets: drafted, own, price under way", blackFriday(), plus(drafted, "configure ok", "calculate ok")},
		{"with budgets: drafted, own, price under way, wants an approval", approved, plus(drafted, "configure ok", "calculate ok")},
		{"with budgets: drafted, own, a look for room under way, wants an approval", approved, quoted},
		{"with budgets: drafted again, own, price under way, was approved", approved, plus(quoted, "room ok", "reload", "approve", "reload", "due", "woken", "status by id UNCONFIRMED", "delete ok", "create ok", "configure ok", "calculate ok")},
		{"with budgets: drafted, own, reserve under way", blackFriday(), quoted},
		{"with budgets: rejected, settle under way", blackFriday(), plus(quoted, "reserve refused", "delete ok", "delivered")},
		{"with budgets: sending, statistics under way", blackFriday(), plus(quoted, "reserve ok", "admit ok", "confirm ok", "due", "woken")},
		{"with budgets: completed, not told and not settled", blackFriday(), plus(quoted, "reserve ok", "admit ok", "confirm ok", "due", "woken", "stats COMPLETED")},
		{"with budgets: completed, settle under way", blackFriday(), plus(quoted, "reserve ok", "admit ok", "confirm ok", "due", "woken", "stats COMPLETED", "delivered")},
		{"with budgets: completed, the ledger did not answer, due", blackFriday(), plus(quoted, "reserve ok", "admit ok", "confirm ok", "due", "woken", "stats COMPLETED", "delivered", "settle unavailable", "reload", "due")},
		{"with budgets: abandoning, has expired, delete under way", expiring, soonExpired},
		{"with budgets: rejected, of another run, not settled, due", expiring, plus(soonExpired, "delete ok", "look ok", "reload", "due")},
		{"with budgets, set since: drafted, own, price under way", blackFriday(), slices.Concat(drafted, []string{"configure ok", "calculate ok"}, set)},
		{"with budgets, set since: drafted, own, reserve under way", blackFriday(), slices.Concat(drafted, []string{"configure ok", "calculate ok"}, set, []string{"price ok"})},
		{"with budgets, set since: drafted, own, waiting for leave to confirm", blackFriday(), slices.Concat(quoted, set)},
		{"with budgets, set since: sending, statistics under way", blackFriday(), slices.Concat(sending, []string{"due", "woken"}, set)},
		{"with budgets, set since: completed, not told and not settled", blackFriday(), slices.Concat(sending, []string{"due", "woken"}, set, []string{"stats COMPLETED"})},
		{"with budgets: cancelling, was confirmed for later, delete under way", soon, plus(quoted, "reserve ok", "admit ok", "confirm ok", "reload", "cancel", "look ok", "status by id CONFIRMED")},
	} {
		if !slices.Contains(l.steps, set[0]) {
			l.steps = slices.Concat(set, l.steps)
		}
		s := replay(t, l.r, l.steps...)
		s.name = l.name
		all = append(all, s)
	}
	return all
}
