package runnertest

import (
	"fmt"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Orderly says what makes no sense in the events of one campaign, taken in the
// order of their stream: a gap or a repetition in the numbering, a result
// before its cause, anything after the end. Nil: they are a story.
func Orderly(events []campaign.Event) error {
	var (
		count    = map[campaign.EventType]int{}
		quoted   = map[int64]bool{}
		over     campaign.EventType // the event that ended it
		lastSent int64
		open     bool // the last statistic did not add up
		sequence int
	)
	for i, e := range events {
		name := fmt.Sprintf("event %d, %s.%d", i+1, e.Type, e.N)
		count[e.Type]++
		if e.N != count[e.Type] {
			return fmt.Errorf("%s: it is the %dth of its type", name, count[e.Type])
		}
		if e.Sequence != 0 && e.Sequence <= sequence {
			return fmt.Errorf("%s: its sequence %d follows %d", name, e.Sequence, sequence)
		}
		sequence = e.Sequence
		if e.Type == campaign.EventStats && open {
			over = "" // a person has had it followed again
		}
		// The last statistic of a campaign that failed comes before the failure.
		if over != "" && !(over == campaign.EventStats && e.Type == campaign.EventFailed) {
			return fmt.Errorf("%s: it follows the end, %s", name, over)
		}
		confirmed := count[campaign.EventConfirmed] > 0
		switch e.Type {
		case campaign.EventCostCalculated:
			if confirmed {
				return fmt.Errorf("%s: the campaign is confirmed already", name)
			}
			if quoted[e.CampaignID] {
				return fmt.Errorf("%s: draft %d was quoted before", name, e.CampaignID)
			}
			quoted[e.CampaignID] = true
		case campaign.EventConfirmed:
			if e.N > 1 {
				return fmt.Errorf("%s: it was confirmed before", name)
			}
			if !quoted[e.CampaignID] {
				return fmt.Errorf("%s: campaign %d was never quoted", name, e.CampaignID)
			}
		case campaign.EventStats:
			if !confirmed {
				return fmt.Errorf("%s: the campaign is not confirmed", name)
			}
			if e.Stats.Sent < lastSent {
				return fmt.Errorf("%s: %d sent after %d", name, e.Stats.Sent, lastSent)
			}
			lastSent = e.Stats.Sent
			if e.Last {
				over, open = e.Type, e.Differs != "" || !e.Stats.Reconciled() || e.Stats.Status != campaign.StatusCompleted
			}
		case campaign.EventUnresolved:
			// It is still looked at: what a look sees may follow, or what a person
			// says.
		case campaign.EventRejected:
			if confirmed && count[campaign.EventUnresolved] == 0 {
				return fmt.Errorf("%s: the campaign is confirmed", name)
			}
			over = e.Type
		case campaign.EventCancelled:
			over = e.Type
		case campaign.EventFailed:
			if !confirmed {
				return fmt.Errorf("%s: the campaign is not confirmed", name)
			}
			over = e.Type
		}
	}
	return nil
}
