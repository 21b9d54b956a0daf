package campaign_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// What was seen to go wrong with answers that are false, or are missing, each as the
// shortest story that leads there. What must not happen is told by none of them.

// toItsConfirm is how a campaign comes to its confirm; lostConfirm, how the next run
// finds it when the reply to that has been lost.
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

// A campaign was sent twice: its confirm took effect, the reply was lost, and a 404
// was taken for the news that it is gone.
func TestALostReplyBefore404sIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string][]string{
		"OfAProxy":                     {"status unshaped 404"},
		"OfTheGatewayItself":           {"status by id refused 404"},
		"OfAGatewayExactlyAsSpecified": {"status refused 404"},
		"AndStatisticsThatAreOld":      {"status UNCONFIRMED"},
		"AndReadsThatAreOld":           {"status by id UNCONFIRMED", "configure refused 400", "status UNCONFIRMED"},
		"AndADeleteThatIsRefused":      {"status by id UNCONFIRMED", "configure refused 400", "status by id UNCONFIRMED", "delete refused 404"},
		"AndADeleteWithoutEffect":      {"status by id UNCONFIRMED", "configure refused 400", "status by id UNCONFIRMED", "delete ok", "status by id UNCONFIRMED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := plus(lostConfirm, answers[0])
			for range 4 {
				steps = append(plus(steps, answers...), "reload", "due", "woken")
			}
			s := story(t, blackFriday(), steps...)
			if s.times(campaign.OpCreate) != 1 || s.c.State != campaign.Abandoning {
				t.Fatalf("it is %s, and %d drafts were made, want one and that it is asked again", s.c.State, s.times(campaign.OpCreate))
			}
			s = story(t, blackFriday(), plus(steps, "status SENDING")...)
			if !s.tells(campaign.EventConfirmed) || s.c.State != campaign.Sending {
				t.Errorf("it is shown to be sent: it is %s", s.c.State)
			}
			s = story(t, blackFriday(), plus(plus(steps, "look ok", "in 4 hours"), answers...)...)
			if s.c.State != campaign.Unresolved || !s.tells(campaign.EventUnresolved) || s.times(campaign.OpCreate) != 1 {
				t.Errorf("nothing has shown it for hours: it is %s, want that a person is asked", s.c.State)
			}
		})
	}
}

// A cancel was announced, and the campaign was sent: the delete had no effect, or was
// answered by somebody else.
func TestACancelIsNotToldBeforeItIsSeen(t *testing.T) {
	t.Parallel()
	cancelling := plus(toItsConfirm, "confirm ok", "reload", "cancel", "look ok")
	for name, answers := range map[string][]string{
		"TheDeleteHadNoEffect":               {"status by id CONFIRMED", "delete ok", "status by id CONFIRMED"},
		"TheDeleteHadNoEffectAndNoReadShows": {"status by id CONFIRMED", "delete ok", "status refused 404"},
		"TheDeleteWasAnsweredByAProxy":       {"status by id CONFIRMED", "delete unshaped 404"},
		"TheReplyToTheDeleteWasLost":         {"status by id CONFIRMED", "delete unavailable", "reload", "due", "woken", "status by id refused 404"},
		"OneReadDoesNotFindIt":               {"status by id CONFIRMED", "delete ok", "status by id refused 404"},
		"NothingElseIsFoundEither": {"status by id CONFIRMED", "delete ok", "status by id refused 404",
			"reload", "due", "woken", "status by id refused 404", "witness refused 404"},
		"ItIsShownAgain": {"status by id CONFIRMED", "delete ok", "status by id refused 404",
			"reload", "due", "woken", "status by id refused 404", "witness ok", "status by id CONFIRMED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := story(t, later48h(), plus(cancelling, answers...)...)
			if s.tells(campaign.EventCancelled) || s.c.State != campaign.Cancelling || s.c.Cancel.Refused != "" {
				t.Fatalf("it is %s, told %t: want neither yes nor no", s.c.State, s.tells(campaign.EventCancelled))
			}
			s = story(t, later48h(), plus(plus(cancelling, answers...), "reload", "in 73 hours", "woken", "status SENDING")...)
			if s.c.State != campaign.Sending || !strings.Contains(s.c.Cancel.Refused, "it was sent all the same") {
				t.Errorf("it is %s, the cancel is refused because %q", s.c.State, s.c.Cancel.Refused)
			}
			s = story(t, later48h(), plus(plus(cancelling, answers...), "reload", "in 73 hours", "woken", "status refused 404")...)
			if s.c.State != campaign.Unresolved || s.tells(campaign.EventCancelled) {
				t.Errorf("nobody can say whether it was sent: it is %s", s.c.State)
			}
		})
	}
	s := story(t, later48h(), plus(cancelling, "status refused 404")...)
	if s.times(campaign.OpDelete) != 0 || s.c.Cancel.Refused == "" {
		t.Errorf("no read shows it: %d deletes, refused %q, want none and a refusal", s.times(campaign.OpDelete), s.c.Cancel.Refused)
	}
}

// A confirmation was announced, and nothing was ever sent: any success was taken for
// the confirm's.
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
		"NotTheGatewaysAnswer": {"confirm unshaped 404", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := story(t, blackFriday(), plus(toItsConfirm, test.answer)...)
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
			s = story(t, blackFriday(), plus(toItsConfirm, test.answer, "status by id UNCONFIRMED", "reload", "settled", "woken",
				"status by id UNCONFIRMED", "look ok", "status by id UNCONFIRMED", "configure ok", "delete ok",
				"create ok", "configure ok", "calculate ok", "price ok", "admit ok", "confirm ok")...)
			if s.c.State != campaign.Confirmed || s.times(campaign.OpConfirm) != 2 {
				t.Errorf("it is %s after %d confirms", s.c.State, s.times(campaign.OpConfirm))
			}
		})
	}
}

// Thirty days of campaigns were sent again: the records were lost, or restored from
// an older backup, and the requests came once more.
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
		event  campaign.EventType // told anew
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
			before := story(t, waits, test.before...)
			s := story(t, waits, plus(test.before, test.tells)...)
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
		s := story(t, waits, "asked", "create ok", "reload", "due", "woken", "look tells a cost of this draft",
			"status refused 404", "reload", "settled", "woken", "look tells a cost of this draft", "status refused 404")
		if s.times(campaign.OpCreate) != 1 || s.c.State != campaign.Abandoning {
			t.Errorf("it is %s after %d drafts: its confirm may have left", s.c.State, s.times(campaign.OpCreate))
		}
	})
	t.Run("TheCostIsToldAlreadyForAnotherDraft", func(t *testing.T) {
		t.Parallel()
		s := story(t, waits, plus(toItsConfirm, "told otherwise")...)
		why := s.told[len(s.told)-1].Reason
		if s.c.State != campaign.Unresolved || why == nil || !strings.Contains(why.Message, "1542") || !strings.Contains(why.Message, "1600") {
			t.Errorf("it is %s because of %+v, want unresolved and both drafts named", s.c.State, why)
		}
	})
}

// A stranger's campaign was deleted, and a stranger's statistics were published: the
// numbers of one gateway were called at another.
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
			before := story(t, test.r, test.steps[:moves]...)
			s := story(t, test.r, test.steps...)
			if calls := s.calls[len(before.calls):]; s.c.State != test.state || !slices.Equal(calls, test.calls) {
				t.Errorf("it is %s and has called %v, want %s and %v", s.c.State, calls, test.state, test.calls)
			}
		})
	}
	t.Run("OneThatOnlyMovedIsTheSame", func(t *testing.T) {
		t.Parallel()
		s := story(t, blackFriday(), plus(toItsConfirm, "reload", "another gateway is configured", "due")...)
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
			{"configure refused 400", "status by id COMPLETED, not ours"},
		} {
			s := story(t, blackFriday(), plus(toItsConfirm[:2], steps...)...)
			if s.c.State != campaign.Requested || s.times(campaign.OpDelete) != 0 || s.times(campaign.OpConfigure) > 1 {
				t.Errorf("%s: it is %s after %v, want nothing of theirs touched", steps, s.c.State, s.calls)
			}
		}
		s := story(t, later48h(), plus(toItsConfirm, "confirm ok", "reload", "cancel", "status by id COMPLETED, not ours")...)
		if s.c.State != campaign.Confirmed || s.times(campaign.OpDelete) != 0 {
			t.Errorf("a cancel finds a stranger: it is %s after %v", s.c.State, s.calls)
		}
		s = story(t, blackFriday(), plus(toItsConfirm, "confirm ok", "due", "woken", "stats COMPLETED, not ours")...)
		if s.tells(campaign.EventStats) || s.c.State != campaign.Confirmed {
			t.Errorf("a stranger's statistics: it is %s, and they are told: %t", s.c.State, s.tells(campaign.EventStats))
		}
	})
}

// Something else was confirmed than was asked for.
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
			s := story(t, blackFriday(), steps...)
			if s.c.State != campaign.Abandoning && s.c.State != campaign.Requested || len(s.told) != 0 {
				t.Fatalf("after twice it is %s and tells %v, want that it is quoted again", s.c.State, s.told)
			}
			s = story(t, blackFriday(), plus(append(steps, "create ok"), append(test.answers, "delete ok")...)...)
			if why := s.c.Reason; s.c.State != campaign.Rejected || why.Code != campaign.ReasonDiffers || !strings.Contains(why.Message, test.says) {
				t.Errorf("after three times it is %s because of %+v, want rejected and %q", s.c.State, why, test.says)
			}
			// Once is a slip.
			s = story(t, blackFriday(), plus(append(steps, "create ok"), toItsConfirm[2:]...)...)
			if s.call == nil || s.call.Op != campaign.OpConfirm {
				t.Errorf("the third one is as it was asked for: it is %s, want it confirmed", s.c.State)
			}
		})
	}
	crlf := blackFriday()
	crlf.Text = "Black Friday!\nSolo per te"
	s := story(t, crlf, "asked", "create ok")
	repeated := "Black Friday!\r\nSolo per te"
	d := rules.Step(s.c, campaign.Outcome{Op: campaign.OpConfigure, Kind: campaign.OK, Echo: &campaign.Echo{Text: &repeated}}, s.facts())
	if d.Call == nil || d.Call.Op != campaign.OpCalculate {
		t.Errorf("lines that end otherwise: it goes on with %v, want that it is calculated", d.Call)
	}
}

// Statistics were invented: none was ever read, and the last one told said that all
// were pending.
func TestStatisticsAreNotInvented(t *testing.T) {
	t.Parallel()
	s := story(t, blackFriday(), plus(toItsConfirm, "confirm ok", "reload", "in 73 hours", "woken", "stats unavailable")...)
	if s.tells(campaign.EventStats) || s.c.State != campaign.Unresolved || s.c.Reason.Code != campaign.ReasonNeverSeen {
		t.Errorf("none was read: it is %s because of %+v, statistics told: %t", s.c.State, s.c.Reason, s.tells(campaign.EventStats))
	}
	s = story(t, blackFriday(), plus(toItsConfirm, "confirm ok", "due", "woken", "stats refused 404", "status SENDING", "reload", "in 73 hours", "woken", "stats unavailable")...)
	last := s.told[len(s.told)-1]
	if s.c.State != campaign.Unreconciled || last.Type != campaign.EventStats || !last.Last {
		t.Fatalf("it was seen sent: it is %s and tells %s", s.c.State, last.Type)
	}
	if got, want := *last.Stats, (campaign.Stats{Status: campaign.StatusUnknown, Uncounted: true}); got != want {
		t.Errorf("nobody counted, and what is told is %+v, want %+v", got, want)
	}
}

// An honest gateway was taken for a broken one: it shows a campaign only once it is
// being sent.
func TestAnHonestGatewayThatShowsNothingYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	steps := plus(toItsConfirm, "confirm ok")
	for range 60 {
		steps = append(steps, "reload", "due", "woken", "stats refused 404", "status refused 404")
	}
	s := story(t, blackFriday(), steps...)
	if waited := s.now.Sub(friday); s.c.State != campaign.Confirmed || waited < time.Hour {
		t.Fatalf("after %s it is %s because of %+v, want that it is waited for", waited, s.c.State, s.c.Reason)
	}
	if s = story(t, blackFriday(), append(steps, "reload", "due", "woken", "stats COMPLETED")...); s.c.State != campaign.Completed {
		t.Errorf("its statistics have come: it is %s", s.c.State)
	}
}

// A stray answer ended a campaign: of a proxy, without a word.
func TestAStrayAnswerEndsNothing(t *testing.T) {
	t.Parallel()
	for i, op := range []campaign.Op{campaign.OpCreate, campaign.OpConfigure, campaign.OpCalculate, campaign.OpPrice} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			steps := toItsConfirm[:1+i]
			stray := string(op) + " unshaped 404"
			s := story(t, blackFriday(), plus(steps, append(lookIf(op), stray)...)...)
			if s.c.State.Final() || s.c.State == campaign.Rejecting || s.c.Waiting == "" {
				t.Errorf("it is %s (%s), want that it is tried again", s.c.State, s.c.Waiting)
			}
			again := plus(steps, append(lookIf(op), stray, "reload", "in 4 hours", "woken")...)
			if op != campaign.OpCreate {
				again = append(again, "status by id UNCONFIRMED", "delete ok")
				again = append(again, steps[1:]...)
			}
			s = story(t, blackFriday(), append(again, append(lookIf(op), stray)...)...)
			if s.c.State.Final() || s.c.State == campaign.Rejecting {
				t.Errorf("nobody else was answered for 4 hours: it is %s, want that it is tried again", s.c.State)
			}
		})
	}
}

// lookIf is the look at the events before a create, which a story of nothing but that
// has to name.
func lookIf(op campaign.Op) []string {
	if op == campaign.OpCreate {
		return []string{"look ok"}
	}
	return nil
}
