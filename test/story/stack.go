package story

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// A Stack is NATS and a sandbox gateway, and a way to start services that use
// both. The stories assume of it:
//
//   - the sandbox sends fast (speed 1000 or more), has no rate limit, and at
//     least 400 EUR of credit; other campaigns may be in it;
//   - the services run with [Settings] and the files of [Windows], and share the
//     sandbox's key.
type Stack struct {
	// NATS may publish requests and commands, and read every stream.
	NATS *nats.Conn
	// Sandbox is the base URL of the gateway's control API, without /sandbox/.
	Sandbox string
	// Start starts one more service and returns when it is ready. It is killed
	// at the end of the test if it still runs.
	Start func(t testing.TB) Service
	// Type runs one `staffetta` command line, as an operator does, and returns
	// what it printed and its exit code.
	Type func(t testing.TB, args ...string) (said string, code int)
}

// Service is one running service.
type Service interface {
	// Stop tells the service to stop, as SIGTERM does, and returns when it has
	// ended. It fails the test if it did not end well.
	Stop(t testing.TB)
	// URL is the base of /readyz and /metrics.
	URL() string
}

// Settings are those of the services, as environment variables: everything
// that takes minutes in life takes seconds in a story. A test that starts a service
// in its own process translates them to Go.
func Settings() map[string]string {
	return map[string]string{
		"STAFFETTA_POLL_MIN":                "100ms",
		"STAFFETTA_POLL_BEFORE":             "1s",
		"STAFFETTA_CONFIRM_WITHIN":          "1s",
		"STAFFETTA_GATEWAY_TIMEOUT":         "1500ms",
		"STAFFETTA_CONFIRM_SETTLE":          "3s",
		"STAFFETTA_CAMPAIGN_LEASE":          "5s",
		"STAFFETTA_GATEWAY_BREAKER_OPEN":    "1s",
		"STAFFETTA_GATEWAY_RATE_PER_MINUTE": "100000",
		"STAFFETTA_GATEWAY_RATE_PER_SECOND": "10000",
		"STAFFETTA_WORKERS_REQUESTS":        "8",
		"STAFFETTA_CREDIT_EVERY":            "300ms",
	}
}

// patience is how long to wait before a test fails. A healthy run never waits
// that long.
const patience = 45 * time.Second

// Run tells every story. Those that leave the services alone are told at the
// same time, to one service; the others one after the other.
func Run(t *testing.T, s Stack) {
	t.Run("Together", func(t *testing.T) {
		s.Start(t)
		for _, story := range together {
			t.Run(story.name, func(t *testing.T) {
				t.Parallel()
				story.run(newFixture(t, s))
			})
		}
	})
	for _, story := range alone {
		t.Run(story.name, func(t *testing.T) { story.run(newFixture(t, s)) })
	}
}

// BeginByTheClock begins the stories that wait for the next full minute, with two
// services. The function that it returns checks their ends. In between there is
// time for the other stories, on another stack.
func BeginByTheClock(t *testing.T, s Stack) (end func()) {
	s.Start(t)
	s.Start(t)
	at := minute()
	put, scheduled := windowOpens(newFixture(t, s), at), schedules(newFixture(t, s), at)
	return func() {
		t.Run("OutsideItsWindowItWaitsAndSaysUntilWhen", put)
		t.Run("ScheduleAsksOnceThoughTwoServicesRun", scheduled)
	}
}

// namedStory is a story by name.
type namedStory struct {
	name string
	run  func(*fixture)
}

// together are the stories that share one service.
var together = []namedStory{
	{"ImmediateIsSentOnceAndFollowedToTheEnd", immediate},
	{"ScheduledIsConfirmedAtOnceAndSentAtItsInstant", scheduled},
	{"CancelledBeforeItsInstantIsNeverSent", cancelled},
	{"SimulationSendsNothingAndReports", simulation},
	{"PlaceholdersAreCountedPerRecipient", placeholders},
	{"JSONIsARequestToo", asJSON},
	{"AskedTwiceIsSentOnce", twice},

	{"InsufficientCreditIsRejected", noCredit},
	{"MissingListIsRejected", noList},
	{"TextOutsideGSM7IsRejectedByCharacter", notGSM7},
	{"InstantLongPastIsRejected", tooLate},
	{"GatewayStatus4IsAFailure", status4},
	{"WhatIsNotProtobufIsADeadLetter", notProtobuf},
	{"OtherContentUnderTheSameKeyIsADeadLetter", conflicting},
	{"BrokenRuleIsADeadLetterWithItsField", invalid},

	{"DearerThanItsCapIsRejected", overCap},
	{"DearerThanItsCapIsSentOnceApproved", askOverCap},
	{"ApprovalIsVoidOnceTheListHasChanged", approvalVoid},
	{"ApprovalThatNobodyGivesIsRejected", approvalInVain},
	{"DeclinedIsRejected", declined},
	{"OverBudgetIsRejected", overBudget},
	{"CancelledGivesItsBudgetBack", budgetGivenBack},
	{"SimulationTakesNothingFromABudget", simulatedBudget},
	{"TextThatDoublesTheBillIsReported", dearText},
	{"TooManyPartsAreRejected", tooManyParts},
	{"FiguresThatDoNotAddUpAreReportedAndWaitedFor", miscounted},

	{"ExpiredIsRejected", expired},
	{"SendingThatWouldNotEndInTimeIsRejected", wouldNotEnd},
	{"ExpiredWhileItWaitsForAnApprovalIsRejected", expiredWaiting},
	{"LateWithinItsLatenessIsSent", lateAllowed},
	{"LaterThanItsLatenessIsRejected", lateForbidden},
	{"LaterThanItsLatenessIsSentOnceApproved", lateAsks},
	{"QuoteThatTookTooLongIsNotConfirmed", slowGateway},
	{"ScheduledIsReadOnceMoreBeforeItsInstant", readAgain},
	{"PromotedSimulationIsSentForNoMore", promoted},

	{"CancelledBeforeItsRequestIsNeverSent", cancelledBeforeRequest},
	{"CancelledWhileItWaitsForAnApproval", cancelledUnapproved},
	{"CancelledWhileItsWindowIsShut", cancelledDeferred},
	{"CancelIsRefusedWhileItIsSent", cancelledSending},
	{"CancelThatCrossesItsConfirmIsRefused", cancelledConfirming},
	{"CancelThatOvertakesItsConfirmIsHonoured", cancelledUnconfirmed},
	{"CancelAfterTheEndChangesNothing", cancelledAfterwards},

	{"LostReplyOfAConfirmIsReadBack", lostReply},
	{"ConfirmThatNeverArrivedIsMadeOnceMore", lostConfirm},
}

// alone are the stories that start and stop services.
var alone = []namedStory{
	{"CreditIsWaitedForUntilATopUp", creditAwaited},
	{"GatewayDownIsWaitedOut", outage},
	{"TwoServicesShareTheWork", shared},
	{"StoppedMidFlightLosesAndRepeatsNothing", stopped},
	{"StoppedBeforeTheEndGoesOnElsewhere", takenOver},
}
