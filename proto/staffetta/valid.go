package staffetta

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/proto/gsm7"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Invalid is a request that the service would refuse: nothing was published.
type Invalid struct{ Faults []Fault }

// Error names every field at fault.
func (e *Invalid) Error() string {
	var notes []string
	for _, f := range e.Faults {
		notes = append(notes, f.Error())
	}
	return strings.Join(notes, "; ")
}

// requestRules are those of CampaignRequested. That they can be read is held by a test,
// for every message of the contract that somebody publishes.
var requestRules = sync.OnceValues(func() (*messageRules, error) {
	return rulesOf((*campaignv1.CampaignRequested)(nil).ProtoReflect().Descriptor())
})

// Validate finds what is wrong with a request by itself, without asking anybody: the rules
// of the contract. The error is an [*Invalid].
func Validate(m *campaignv1.CampaignRequested) error {
	rules, err := requestRules()
	if err != nil {
		return fmt.Errorf("rules of the contract: %w", err)
	}
	if faults := rules.check(m.ProtoReflect(), ""); len(faults) > 0 {
		return &Invalid{faults}
	}
	return nil
}

// versionRules are those of AudienceVersion.
var versionRules = sync.OnceValues(func() (*messageRules, error) {
	return rulesOf((*campaignv1.AudienceVersion)(nil).ProtoReflect().Descriptor())
})

// validVersion is [Validate] for a list under a name.
func validVersion(m *campaignv1.AudienceVersion) error {
	rules, err := versionRules()
	if err != nil {
		return fmt.Errorf("rules of the contract: %w", err)
	}
	if faults := rules.check(m.ProtoReflect(), ""); len(faults) > 0 {
		return &Invalid{faults}
	}
	return nil
}

// latest is how long after its instant a campaign is confirmed, if its request does not
// say (campaign_requested.proto, at).
const latest = 10 * time.Minute

// Hopeless finds why a new request that keeps the rules would be rejected all the same,
// as far as can be known from it and the time: a text that GSM-7 does not have, an instant
// or an end that is over. A request that is rejected has used up its request id; so it is
// worth knowing before. The error is an [*Invalid].
func Hopeless(m *campaignv1.CampaignRequested, now time.Time) error {
	var faults []Fault
	if char, position, found := outside(m.GetText()); found && !m.GetUnicode() {
		faults = append(faults, Fault{"text", fmt.Sprintf("character %q (%U) at position %d is not in GSM-7: write another one, or set unicode, with which a part holds 67 characters", char, char, position)})
	}
	if at := m.GetAt(); at != nil && m.GetOnLate() != campaignv1.OnLimit_ON_LIMIT_ASK {
		late := latest
		if m.GetMaxLateness() != nil {
			late = m.GetMaxLateness().AsDuration()
		}
		if over := now.Sub(at.AsTime()); over > late {
			faults = append(faults, Fault{"at", fmt.Sprintf("is %s ago, and may be %s: give another instant, or a larger max_lateness", over.Round(time.Second), late)})
		}
	}
	if end := m.GetExpiresAt(); end != nil && !end.AsTime().After(now) {
		faults = append(faults, Fault{"expires_at", "is over: give a later one, or none"})
	}
	if len(faults) > 0 {
		return &Invalid{faults}
	}
	return nil
}

// outside finds the first character that GSM-7 does not have, counted from 1.
func outside(text string) (char rune, position int, found bool) {
	for _, r := range text {
		position++
		if gsm7.Septets(r) == 0 {
			return r, position, true
		}
	}
	return 0, 0, false
}
