package cli

import (
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/budget"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/why"
	"github.com/staffetta-io/staffetta/internal/words"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// figures is an event in words and numbers for people, on one line, with its instants in
// a zone.
func figures(e contract.StoredEvent, zone *time.Location) string {
	simulation := simulated(e)
	parts := answered(e.Message)
	if parts == nil {
		event, _ := e.Event()
		parts = why.Figures(event, simulation)
	}
	// What the contract's message has beside the event.
	if m, ok := e.Message.(interface{ GetLabels() map[string]string }); ok && len(m.GetLabels()) > 0 {
		parts = append(parts, words.Labels(m.GetLabels()))
	}
	if m, ok := e.Message.(interface{ GetWhatToDo() string }); ok {
		parts = append(parts, m.GetWhatToDo())
	}
	if simulation {
		parts = append(parts, "simulation")
	}
	line := strings.Join(strings.FieldsFunc(strings.Join(parts, " · "), func(r rune) bool { return r == '\n' }), " ") // one line, even if a name in it has several
	return words.Zoned(line, zone)
}

// simulated says that an event is about a campaign that only pretends.
func simulated(e contract.StoredEvent) bool {
	m, ok := e.Message.(interface{ GetSimulation() bool })
	return ok && m.GetSimulation()
}

// outcome says whether an event is a campaign's last one, and how it ended.
func outcome(e contract.StoredEvent) (ended, well bool) {
	event, known := e.Event()
	return known && event.Ends(), event.Well()
}

// exitOf is the exit code of a command that waited for a campaign and saw it end.
func exitOf(e contract.StoredEvent) exitError {
	switch event, _ := e.Event(); {
	case event.Type == campaign.EventRejected, event.Type == campaign.EventCancelled:
		return exitNot
	case event.Well():
		return exitOK
	}
	return exitUnknown
}

// title is the event's name in the contract: CampaignConfirmed.
func title(e contract.StoredEvent) string {
	if e.Message == nil {
		return e.Type
	}
	return string(e.Message.ProtoReflect().Descriptor().Name())
}

// thousands is a whole number as people read it: 10,247.
func thousands(n int64) string { return words.Count(n) }

// plural is a number of things whose name takes an s.
func plural(n int64, what string) string { return words.Plural(n, what, what+"s") }

// answered is what was told beyond single campaigns; nil: the event is about a campaign.
func answered(m proto.Message) []string {
	switch m := m.(type) {
	case *campaignv1.CampaignsHeld:
		return []string{"by " + m.By, m.Why}
	case *campaignv1.CampaignsReleased:
		if m.Why == "" {
			return []string{"by " + m.By}
		}
		return []string{"by " + m.By, m.Why}
	case *campaignv1.BudgetChanged:
		if m.Account != "" {
			return []string{budget.OfAccount(m.Account).String(), laidDown(m), "by " + m.By}
		}
		return []string{laidDown(m), "by " + m.By}
	case *campaignv1.ScheduleChanged:
		what := m.Id + " " + changed[m.Change]
		if m.Rule != "" {
			return []string{what, m.Rule, "by " + m.By}
		}
		return []string{what, "by " + m.By}
	case *campaignv1.OccurrenceLeftOut:
		return []string{m.Id + " of " + m.Local + " is left out", m.Message}
	}
	return nil
}

// changed is what was done to a schedule, in words.
var changed = map[campaignv1.ScheduleChanged_Change]string{
	campaignv1.ScheduleChanged_CHANGE_ADDED:   "added",
	campaignv1.ScheduleChanged_CHANGE_CHANGED: "changed",
	campaignv1.ScheduleChanged_CHANGE_PAUSED:  "paused",
	campaignv1.ScheduleChanged_CHANGE_RESUMED: "resumed",
	campaignv1.ScheduleChanged_CHANGE_REMOVED: "removed",
}
