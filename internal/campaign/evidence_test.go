package campaign_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Faults that were found with false or missing answers, each as the shortest story that
// leads there. What must not happen is published in none of them.

// toItsConfirm leads a campaign to its confirm. lostConfirm is how the next run finds
// it after the reply to the confirm was lost.
var (
	toItsConfirm = []string{"asked", "create ok", "configure ok", "calculate ok", "price ok", "admit ok"}
	lostConfirm  = plus(toItsConfirm, "confirm unavailable", "status unavailable", "reload", "settled", "woken")
)

func (s situation) tells(what campaign.EventType) bool {
	return slices.ContainsFunc(s.told, func(e campaign.Event) bool { return e.Type == what })
}

// times is how often a call was made.
func (s situation) times(op campaign.Op) (n int) {
	for _, made := range s.calls {
		if made == op {
			n++
		}
	}
	return n
}

func later48h() campaign.Request {
	r := blackFriday()
	r.At = friday.Add(48 * time.Hour)
	return r
}

// The fault: a campaign was sent twice. Its confirm took effect, the reply was lost,
// and a 404 was taken as proof that the campaign is gone.
func TestALostReplyBefore404sIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string][]string{
		"OfAProxy":                     {"status unshaped"},
		"OfTheGatewayItself":           {"status by id refused, not found"},
		"OfAGatewayExactlyAsSpecified": {"status refused, not found"},
		"AndStatisticsThatAreOld":      {"status UNCONFIRMED"},
		"AndReadsThatAreOld":           {"status by id UNCONFIRMED", "configure refused", "status UNCONFIRMED"},
		"AndADeleteThatIsRefused":      {"status by id UNCONFIRMED", "configure refused", "status by id UNCONFIRMED", "delete refused, not found"},
		"AndADeleteWithoutEffect":      {"status by id UNCONFIRMED", "configure refused", "status by id UNCONFIRMED", "delete ok", "status by id UNCONFIRMED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := plus(lostConfirm, answers[0])
			for range 4 {
				steps = append(plus(steps, answers...), "reload", "due", "woken")
			}
			s := replay(t, blackFriday(), steps...)
			if s.times(campaign.OpCreate) != 1 || s.c.State != campaign.Abandoning {
				t.Fatalf("it is %s, and %d drafts were made, want one and that it is asked again", s.c.State, s.times(campaign.OpCreate))
			}
			s = replay(t, blackFriday(), plus(steps, "status SENDING")...)
			if !s.tells(campaign.EventConfirmed) || s.c.State != campaign.Sending {
				t.Errorf("it is shown to be sent: it is %s", s.c.State)
			}
			s = replay(t, blackFriday(), plus(plus(steps, "look ok", "in 4 hours"), answers...)...)
			if s.c.State != campaign.Unresolved || !s.tells(campaign.EventUnresolved) || s.times(campaign.OpCreate) != 1 {
				t.Errorf("nothing has shown it for hours: it is %s, want that a person is asked", s.c.State)
			}
		})
	}
}

// The fault: a cancelled event was published, and the campaign was sent. The delete had
// no effect, or a proxy had answered it.
func TestACancelIsNotToldBeforeItIsSeen(t *testing.T) {
	t.Parallel()
	cancelling := plus(toItsConfirm, "confirm ok", "reload", "cancel", "look ok")
	for name, answers := range map[string][]string{
		"TheDeleteHadNoEffect":               {"status by id CONFIRMED", "delete ok", "status by id CONFIRMED"},
		"TheDeleteHadNoEffectAndNoReadShows": {"status by id CONFIRMED", "delete ok", "status refused, not found"},
		"TheDeleteWasAnsweredByAProxy":       {"status by id CONFIRMED", "delete unshaped"},
		"TheReplyToTheDeleteWasLost":         {"status by id CONFIRMED", "delete unavailable", "reload", "due", "woken", "status by id refused, not found"},
		"OneReadDoesNotFindIt":               {"status by id CONFIRMED", "delete ok", "status by id refused, not found"},
		"NothingElseIsFoundEither": {"status by id CONFIRMED", "delete ok", "status by id refused, not found",
			"reload", "due", "woken", "status by id refused, not found", "witness refused, not found"},
		"ItIsShownAgain": {"status by id CONFIRMED", "delete ok", "status by id refused, not found",
			"reload", "due", "woken", "status by id refused, not found", "witness ok", "status by id CONFIRMED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := replay(t, later48h(), plus(cancelling, answers...)...)
			if s.tells(campaign.EventCancelled) || s.c.State != campaign.Cancelling || s.c.Cancel.Failed != "" {
				t.Fatalf("it is %s, told %t: want neither yes nor no", s.c.State, s.tells(campaign.EventCancelled))
			}
			s = replay(t, later48h(), plus(plus(cancelling, answers...), "reload", "in 73 hours", "woken", "status SENDING")...)
			if s.c.State != campaign.Sending || !strings.Contains(s.c.Cancel.Failed, "it was sent all the same") {
				t.Errorf("it is %s, the cancel is refused because %q", s.c.State, s.c.Cancel.Failed)
			}
			s = replay(t, later48h(), plus(plus(cancelling, answers...), "reload", "in 73 hours", "woken", "status refused, not found")...)
			if s.c.State != campaign.Unresolved || s.tells(campaign.EventCancelled) {
				t.Errorf("nobody can say whether it was sent: it is %s", s.c.State)
			}
		})
	}
	s := replay(t, later48h(), plus(cancelling, "status refused, not found")...)
	if s.times(campaign.OpDelete) != 0 || s.c.Cancel.Failed == "" {
		t.Errorf("no read shows it: %d deletes, refused %q, want none and a refusal", s.times(campaign.OpDelete), s.c.Cancel.Failed)
	}
}

// The fault: a confirmed event was published, and nothing was ever sent. Any success
// was taken for the confirm's.
func TestAConfirmIsToldOnlyIfItsAnswerSaysSo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		told   bool
	}{
		"AnEmptyBody":          {"confirm ok, without a word", false},
		"StillCalculated":      {"confirm ok, COST_CALCULATED", false},
		"Failed":               {"confirm ok, FAILED", false},
		"AWordNobodyKnows":     {"confirm ok, UNKNOWN", false},
		"Confirmed":            {"confirm ok", true},
		"AlreadyBeingSent":     {"confirm ok, SENDING", true},
		"NotTheGatewaysAnswer": {"confirm unshaped", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := replay(t, blackFriday(), plus(toItsConfirm, test.answer)...)
			if s.tells(campaign.EventConfirmed) != test.told {
				t.Fatalf("confirmed is told: %t, want %t", !test.told, test.told)
			}
			if test.told {
				return
			}
			if s.call == nil || s.call.Op != campaign.OpStatus {
				t.Fatalf("it goes on with %v, want that it is read at once", s.call)
			}
			// Nothing was sent: the gateway shows it, and it is confirmed once more.
			s = replay(t, blackFriday(), plus(toItsConfirm, test.answer, "status by id UNCONFIRMED", "reload", "settled", "woken",
				"status by id UNCONFIRMED", "look ok", "status by id UNCONFIRMED", "configure ok", "delete ok",
				"create ok", "configure ok", "calculate ok", "price ok", "admit ok", "confirm ok")...)
			if s.c.State != campaign.Confirmed || s.times(campaign.OpConfirm) != 2 {
				t.Errorf("it is %s after %d confirms", s.c.State, s.times(campaign.OpConfirm))
			}
		})
	}
}

// The fault: thirty days of campaigns were sent again. The records were lost, or
// restored from an older backup, and the requests came once more.
func TestARecordThatIsLostIsRebuiltFromItsEvents(t *testing.T) {
	t.Parallel()
	waits := blackFriday()
	waits.Limits.OnNoCredit = campaign.Wait
	lost, restored := []string{"asked"}, []string{"asked", "create ok", "configure ok", "calculate ok", "price ok, too little credit",
		"reload", "due", "woken", "status by id UNCONFIRMED", "delete ok"}
	for name, test := range map[string]struct {
		before []string // the record that is left
		tells  string
		want   campaign.State
		event  campaign.EventType // published once more
	}{
		"Confirmed":                {lost, "look tells that it is confirmed", campaign.Confirmed, ""},
		"Completed":                {lost, "look tells its last statistics", campaign.Completed, ""},
		"Cancelled":                {lost, "look tells that it is cancelled", campaign.Cancelled, ""},
		"Rejected":                 {lost, "look tells that it is rejected", campaign.Rejected, ""},
		"Unresolved":               {lost, "look tells that it is unresolved", campaign.Unresolved, ""},
		"OnlyItsCostWasTold":       {lost, "look tells a cost of another draft", campaign.Unresolved, campaign.EventUnresolved},
		"RestoredConfirmed":        {restored, "look tells that it is confirmed", campaign.Confirmed, ""},
		"RestoredCompleted":        {restored, "look tells its last statistics", campaign.Completed, ""},
		"RestoredItsCostWasTold":   {restored, "look tells a cost of another draft", campaign.Unresolved, campaign.EventUnresolved},
		"RestoredToItsOwnDraft":    {plus(toItsConfirm[:2], "reload", "due", "woken"), "look tells that it is confirmed", campaign.Confirmed, ""},
		"ACancelOfOneWithoutTrace": {[]string{"cancel"}, "look tells its last statistics", campaign.Completed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := replay(t, waits, test.before...)
			s := replay(t, waits, plus(test.before, test.tells)...)
			told := s.told[len(before.told):]
			switch {
			case s.c.State != test.want:
				t.Errorf("it is %s, want %s", s.c.State, test.want)
			case s.call != nil:
				t.Errorf("it goes on with %s, want no call", s.call.Op)
			case test.event == "" && len(told) > 0, test.event != "" && (len(told) != 1 || told[0].Type != test.event):
				t.Errorf("it tells %v, want %q", told, test.event)
			}
		})
	}
	t.Run("AnIntentThatAPowerCutTookBack", func(t *testing.T) {
		t.Parallel()
		s := replay(t, waits, "asked", "create ok", "reload", "due", "woken", "look tells a cost of this draft",
			"status refused, not found", "reload", "settled", "woken", "look tells a cost of this draft", "status refused, not found")
		if s.times(campaign.OpCreate) != 1 || s.c.State != campaign.Abandoning {
			t.Errorf("it is %s after %d drafts: its confirm may have left", s.c.State, s.times(campaign.OpCreate))
		}
	})
	t.Run("TheCostIsToldAlreadyForAnotherDraft", func(t *testing.T) {
		t.Parallel()
		s := replay(t, waits, plus(toItsConfirm, "told otherwise")...)
		why := s.told[len(s.told)-1].Reason
		if s.c.State != campaign.Unresolved || why == nil || !strings.Contains(why.Message, "1542") || !strings.Contains(why.Message, "1600") {
			t.Errorf("it is %s because of %+v, want unresolved and both drafts named", s.c.State, why)
		}
	})
}

// The fault: another customer's campaign was deleted, and another customer's statistics
// were published. Numbers of one gateway were used at another.
func TestANumberIsOfTheGatewayThatGaveIt(t *testing.T) {
	t.Parallel()
	approved := blackFriday()
	approved.Limits.Approval = true
	for name, test := range map[string]struct {
		r     campaign.Request
		steps []string
		calls []campaign.Op // after the other gateway is configured
		state campaign.State
	}{
		"AnApprovalMakesADraftHere": {approved, []string{"asked", "create ok", "configure ok", "calculate ok", "price ok", "reload",
			"another gateway is configured", "approve", "due", "woken", "look ok"}, []campaign.Op{campaign.OpLook, campaign.OpCreate}, campaign.Requested},
		"SoDoesADraftOfAnotherRun": {blackFriday(), []string{"asked", "create ok", "reload",
			"another gateway is configured", "due", "woken", "look ok"}, []campaign.Op{campaign.OpLook, campaign.OpCreate}, campaign.Requested},
		"ACancelTouchesNothing": {blackFriday(), []string{"asked", "create ok", "reload",
			"another gateway is configured", "cancel", "look ok"}, []campaign.Op{campaign.OpLook}, campaign.Cancelled},
		"WhatMayBeConfirmedWaits": {blackFriday(), plus(toItsConfirm, "reload",
			"another gateway is configured", "due", "woken"), nil, campaign.Confirming},
		"UntilAPersonIsAsked": {blackFriday(), plus(toItsConfirm, "reload",
			"another gateway is configured", "due", "woken", "in 4 hours", "woken"), nil, campaign.Unresolved},
		"WhatIsBeingSentWaits": {blackFriday(), plus(toItsConfirm, "confirm ok", "due", "woken", "stats SENDING", "reload",
			"another gateway is configured", "in 4 hours", "woken"), nil, campaign.Sending},
		"AndIsFollowedNoFurtherInTheEnd": {blackFriday(), plus(toItsConfirm, "confirm ok", "due", "woken", "stats SENDING", "reload",
			"another gateway is configured", "in 73 hours", "woken"), nil, campaign.Unreconciled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			moves := slices.Index(test.steps, "another gateway is configured")
			before := replay(t, test.r, test.steps[:moves]...)
			s := replay(t, test.r, test.steps...)
			if calls := s.calls[len(before.calls):]; s.c.State != test.state || !slices.Equal(calls, test.calls) {
				t.Errorf("it is %s and has called %v, want %s and %v", s.c.State, calls, test.state, test.calls)
			}
		})
	}
	t.Run("OneThatOnlyMovedIsTheSame", func(t *testing.T) {
		t.Parallel()
		s := replay(t, blackFriday(), plus(toItsConfirm, "reload", "another gateway is configured", "due")...)
		moved := rules
		moved.MovedFrom = []string{here}
		if d := moved.Step(s.c, campaign.Woken{}, s.facts()); d.Call == nil || d.Call.Op != campaign.OpStatus {
			t.Errorf("it goes on with %v, want that it is read", d.Call)
		}
	})
	t.Run("OneThatWasResetShowsAStranger", func(t *testing.T) {
		t.Parallel()
		for _, steps := range [][]string{
			{"reload", "due", "woken", "status by id UNCONFIRMED, not ours"},
			{"configure refused", "status by id COMPLETED, not ours"},
		} {
			s := replay(t, blackFriday(), plus(toItsConfirm[:2], steps...)...)
			if s.c.State != campaign.Requested || s.times(campaign.OpDelete) != 0 || s.times(campaign.OpConfigure) > 1 {
				t.Errorf("%s: it is %s after %v, want nothing of theirs touched", steps, s.c.State, s.calls)
			}
		}
		s := replay(t, later48h(), plus(toItsConfirm, "confirm ok", "reload", "cancel", "status by id COMPLETED, not ours")...)
		if s.c.State != campaign.Confirmed || s.times(campaign.OpDelete) != 0 {
			t.Errorf("a cancel finds a stranger: it is %s after %v", s.c.State, s.calls)
		}
		s = replay(t, blackFriday(), plus(toItsConfirm, "confirm ok", "due", "woken", "stats COMPLETED, not ours")...)
		if s.tells(campaign.EventStats) || s.c.State != campaign.Confirmed {
			t.Errorf("a stranger's statistics: it is %s, and they are told: %t", s.c.State, s.tells(campaign.EventStats))
		}
	})
}

// The fault: something else was confirmed than was asked for.
func TestWhatWasNotAskedForIsNotConfirmed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []string
		says    string
	}{
		"AnotherText":              {[]string{"configure ok, another text"}, `another text than was asked for: "Cyber Monday!"`},
		"RecipientsThatDoNotAddUp": {[]string{"configure ok", "calculate ok, sums disagree"}, "9831 valid and 416 invalid recipients, and 10 in all"},
		"APriceForAnotherCount":    {[]string{"configure ok", "calculate ok", "price ok, for another count"}, "the price is for 20000 recipients, 9831 were calculated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := []string{"asked"}
			for range 2 {
				steps = append(plus(append(steps, "create ok"), test.answers...), "reload", "due", "woken", "status by id UNCONFIRMED", "delete ok")
			}
			s := replay(t, blackFriday(), steps...)
			if s.c.State != campaign.Abandoning && s.c.State != campaign.Requested || len(s.told) != 0 {
				t.Fatalf("after twice it is %s and tells %v, want that it is quoted again", s.c.State, s.told)
			}
			s = replay(t, blackFriday(), plus(append(steps, "create ok"), append(test.answers, "delete ok")...)...)
			if why := s.c.Reason; s.c.State != campaign.Rejected || why.Code != campaign.ReasonDiffers || !strings.Contains(why.Message, test.says) {
				t.Errorf("after three times it is %s because of %+v, want rejected and %q", s.c.State, why, test.says)
			}
			// The first time it starts over.
			s = replay(t, blackFriday(), plus(append(steps, "create ok"), toItsConfirm[2:]...)...)
			if s.call == nil || s.call.Op != campaign.OpConfirm {
				t.Errorf("the third one is as it was asked for: it is %s, want it confirmed", s.c.State)
			}
		})
	}
	crlf := blackFriday()
	crlf.Text = "Black Friday!\nSolo per te"
	s := replay(t, crlf, "asked", "create ok")
	repeated := "Black Friday!\r\nSolo per te"
	d := rules.Step(s.c, campaign.Outcome{Op: campaign.OpConfigure, Kind: campaign.OK, Echo: &campaign.Echo{Text: &repeated}}, s.facts())
	if d.Call == nil || d.Call.Op != campaign.OpCalculate {
		t.Errorf("lines that end otherwise: it goes on with %v, want that it is calculated", d.Call)
	}
}

// The fault: statistics were invented. None was ever read, and the last published one
// said that all were pending.
func TestStatisticsAreNotInvented(t *testing.T) {
	t.Parallel()
	s := replay(t, blackFriday(), plus(toItsConfirm, "confirm ok", "reload", "in 73 hours", "woken", "stats unavailable")...)
	if s.tells(campaign.EventStats) || s.c.State != campaign.Unresolved || s.c.Reason.Code != campaign.ReasonNeverSeen {
		t.Errorf("none was read: it is %s because of %+v, statistics told: %t", s.c.State, s.c.Reason, s.tells(campaign.EventStats))
	}
	s = replay(t, blackFriday(), plus(toItsConfirm, "confirm ok", "due", "woken", "stats refused, not found", "status SENDING", "reload", "in 73 hours", "woken", "stats unavailable")...)
	last := s.told[len(s.told)-1]
	if s.c.State != campaign.Unreconciled || last.Type != campaign.EventStats || !last.Last {
		t.Fatalf("it was seen sent: it is %s and tells %s", s.c.State, last.Type)
	}
	if got, want := *last.Stats, (campaign.Stats{Status: campaign.StatusUnknown, Uncounted: true}); got != want {
		t.Errorf("nobody counted, and what is told is %+v, want %+v", got, want)
	}
}

// The fault: a good gateway was taken for a broken one. It shows a campaign only once
// it is being sent.
func TestAnHonestGatewayThatShowsNothingYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	steps := plus(toItsConfirm, "confirm ok")
	for range 60 {
		steps = append(steps, "reload", "due", "woken", "stats refused, not found", "status refused, not found")
	}
	s := replay(t, blackFriday(), steps...)
	if waited := s.now.Sub(friday); s.c.State != campaign.Confirmed || waited < time.Hour {
		t.Fatalf("after %s it is %s because of %+v, want that it is waited for", waited, s.c.State, s.c.Reason)
	}
	if s = replay(t, blackFriday(), append(steps, "reload", "due", "woken", "stats COMPLETED")...); s.c.State != campaign.Completed {
		t.Errorf("its statistics have come: it is %s", s.c.State)
	}
}

// The fault: a single answer of a proxy, without the gateway's shape, ended a campaign.
func TestAStrayAnswerEndsNothing(t *testing.T) {
	t.Parallel()
	for i, op := range []campaign.Op{campaign.OpCreate, campaign.OpConfigure, campaign.OpCalculate, campaign.OpPrice} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			steps := toItsConfirm[:1+i]
			stray := string(op) + " unshaped"
			s := replay(t, blackFriday(), plus(steps, append(lookIf(op), stray)...)...)
			if s.c.State.Final() || s.c.State == campaign.Rejecting || s.c.Waiting == "" {
				t.Errorf("it is %s (%s), want that it is tried again", s.c.State, s.c.Waiting)
			}
			again := plus(steps, append(lookIf(op), stray, "reload", "in 4 hours", "woken")...)
			if op != campaign.OpCreate {
				again = append(again, "status by id UNCONFIRMED", "delete ok")
				again = append(again, steps[1:]...)
			}
			s = replay(t, blackFriday(), append(again, append(lookIf(op), stray)...)...)
			if s.c.State.Final() || s.c.State == campaign.Rejecting {
				t.Errorf("nobody else was answered for 4 hours: it is %s, want that it is tried again", s.c.State)
			}
		})
	}
}

// lookIf is the look at the events before a create, which a story of a create alone has
// to name.
func lookIf(op campaign.Op) []string {
	if op == campaign.OpCreate {
		return []string{"look ok"}
	}
	return nil
}

// A gateway that fails for all campaigns rejects none, however long it fails. One that
// fails for a single campaign rejects that one, once it has answered others for as long
// as the operator says.
func TestAGatewayThatFails(t *testing.T) {
	t.Parallel()
	lasts := func(answers func(now time.Time) time.Time) (time.Duration, campaign.State) {
		now := friday
		f := func() campaign.Facts { return campaign.Facts{Now: now, Gateway: here} }
		d := rules.Step(campaign.Campaign{}, campaign.Received{Key: key, Request: blackFriday()}, f())
		for now.Sub(friday) < 100*time.Hour && !d.Next.State.Final() {
			switch {
			case d.Call == nil:
				now = later(now.Add(time.Millisecond), d.Next.Wake)
				d = rules.Step(reload(t, d.Next), campaign.Woken{}, f())
			case d.Call.Op == campaign.OpLook:
				d = rules.Step(d.Next, published(), f())
			default:
				d = rules.Step(d.Next, campaign.Outcome{Op: d.Call.Op, Kind: campaign.Unavailable, Cause: campaign.Failing, Answered: answers(now)}, f())
			}
		}
		return now.Sub(friday), d.Next.State
	}
	if after, state := lasts(func(now time.Time) time.Time { return now }); state != campaign.Rejected || after < rules.Unanswered || after > rules.Unanswered+2*rules.BackoffMax {
		t.Errorf("others are answered: it is %s after %s, want rejected after %s", state, after, rules.Unanswered)
	}
	if after, state := lasts(func(time.Time) time.Time { return friday }); state != campaign.Requested {
		t.Errorf("nobody is answered any more: it is %s after %s, want that it waits", state, after)
	}
	back := friday.Add(20 * time.Hour)
	if after, state := lasts(func(now time.Time) time.Time {
		if now.Before(back) {
			return time.Time{}
		}
		return now
	}); state != campaign.Rejected || after < 21*time.Hour-2*rules.BackoffMax || after > 21*time.Hour+2*rules.BackoffMax {
		t.Errorf("others are answered again after 20 hours: it is %s after %s, want an hour after that, or after the last look before", state, after)
	}
}
