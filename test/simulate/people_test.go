package simulate_test

import (
	"testing"

	"github.com/staffetta-io/staffetta/test/simulate"
)

// Campaigns that bring their own recipients keep the same promises, and three more: nobody
// else is in their lists, everybody who is to get the message does, and in the end nothing
// of them is kept. With -histories and -seed more are lived, as in TestSimulation.
func TestSimulationOfOwnRecipients(t *testing.T) {
	liveAll(t, simulate.Options{OwnPeople: true}, *histories/3)
}
