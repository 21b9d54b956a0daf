package why

import (
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Every event has its words, in the command watch and in a story. An event that this
// version does not know is named as such.
func TestEveryEventHasWords(t *testing.T) {
	t.Parallel()
	teller := &teller{zone: time.UTC}
	unread := "this version"
	for _, kind := range campaign.EventTypes {
		e := campaign.Event{Type: kind, Prepared: &campaign.Prepared{}, Quote: &campaign.Quote{}, Confirmed: &campaign.Confirmation{}, Stats: &campaign.Stats{},
			Reason: &campaign.Reason{}, Need: &campaign.Need{}, Approval: &campaign.Approval{}}
		if line := Figures(e, false); len(line) == 0 || strings.Contains(line[0], unread) {
			t.Errorf("%s reads %q", kind, line)
		}
		if sentence := teller.event(e); sentence == "" || strings.Contains(sentence, unread) {
			t.Errorf("%s: %q", kind, sentence)
		}
	}
	for _, e := range []campaign.Event{{Type: "of_tomorrow"}, {Type: campaign.EventStats}} {
		if line, sentence := Figures(e, false)[0], teller.event(e); !strings.Contains(line, unread) || !strings.Contains(sentence, unread) {
			t.Errorf("%s reads %q and %q", e.Type, line, sentence)
		}
	}
}

// Every call has its words, those to the ledger and the streams too.
func TestEveryCallHasWords(t *testing.T) {
	t.Parallel()
	for _, op := range campaign.Ops {
		if intents[op] == "" {
			t.Errorf("%s has no words", op)
		}
	}
}

// Every state has its summary; one of a later version says so.
func TestEveryStateHasASummary(t *testing.T) {
	t.Parallel()
	for _, state := range campaign.States {
		story := Tell(Evidence{Record: &campaign.Campaign{State: state, Confirmed: &campaign.Confirmation{}, Draft: &campaign.Bound{}}}, time.UTC)
		if story.Summary == "" || strings.Contains(story.Summary, "this version") {
			t.Errorf("%s: %q", state, story.Summary)
		}
	}
}
