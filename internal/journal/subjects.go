package journal

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// The streams, by name.
const (
	StreamRequests    = "CAMPAIGN_REQUESTS"
	StreamCommands    = "CAMPAIGN_COMMANDS"
	StreamRecords     = "KV_campaigns"
	StreamEvents      = "CAMPAIGN_EVENTS"
	StreamWakeups     = "CAMPAIGN_WAKEUPS"
	StreamDeadLetters = "CAMPAIGN_DEAD_LETTERS"
)

const (
	requestPrefix = "campaign.v1.request."
	recordPrefix  = "$KV.campaigns."
	eventPrefix   = "campaign.v1.event."
	timerPrefix   = "campaign.v1.timer."
	wakeupPrefix  = "campaign.v1.wakeup."
	commandPrefix = "campaign.v1.command."
	deadPrefix    = "campaign.v1.dead."
	deadUnnamed   = deadPrefix + "unreadable" // of a message whose subject names no campaign
)

func requestSubject(k campaign.Key) string { return requestPrefix + k.String() }
func recordSubject(k campaign.Key) string  { return recordPrefix + k.String() }
func wakeupSubject(k campaign.Key) string  { return wakeupPrefix + k.String() }

func commandSubject(k campaign.Key, verb string) string {
	return commandPrefix + k.String() + "." + verb
}

// eventID is the last four tokens of an event's subject, and its CloudEvents id.
func eventID(k campaign.Key, e campaign.Event) string {
	return k.String() + "." + string(e.Type) + "." + strconv.Itoa(e.N)
}

// splitSubject reads the key behind a prefix, and what follows the key.
func splitSubject(subject, prefix string) (k campaign.Key, rest string, err error) {
	tail, ok := strings.CutPrefix(subject, prefix)
	if !ok {
		return k, "", fmt.Errorf("subject %s: want %s<source>.<request id>", subject, prefix)
	}
	k.Source, tail, _ = strings.Cut(tail, ".")
	k.RequestID, rest, _ = strings.Cut(tail, ".")
	if err := k.Validate(); err != nil {
		return campaign.Key{}, "", fmt.Errorf("subject %s: %w", subject, err)
	}
	return k, rest, nil
}
