package sandbox

import (
	"time"

	"github.com/shopspring/decimal"
)

// Seen is what really happened at the gateway: what was confirmed, charged and
// sent. No client knows that for certain.
type Seen struct {
	// Campaigns in the order of their ids, deleted ones included.
	Campaigns []SeenCampaign `json:"campaigns"`
	// Confirms that took effect, over all campaigns, and the most for any one:
	// more than 1 is a double send.
	Confirms    int `json:"confirms"`
	MaxConfirms int `json:"maxConfirms"`
	// Charged for all campaigns, frozen money included.
	Charged Money `json:"charged"`
	// Messages that have left so far, the telephones they went to, and the most
	// that any one got.
	Messages    int `json:"messages"`
	Phones      int `json:"phones"`
	MaxPerPhone int `json:"maxPerPhone"`
}

// SeenCampaign is what happened to one campaign.
type SeenCampaign struct {
	ID          int    `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Status      string `json:"status"`
	Deleted     bool   `json:"deleted,omitempty"`
	// Stranger marks another customer's campaign; it is in none of the sums.
	Stranger bool `json:"stranger,omitempty"`
	// Calls that came in, with or without an effect. A create that was cut off
	// before its effect has no campaign; see the call log.
	Calls map[Operation]int `json:"calls"`
	// Confirms that took effect.
	Confirms int   `json:"confirms"`
	Charged  Money `json:"charged"`
	// Messages that have left so far. None, if simulated.
	Messages int `json:"messages"`
	// Simulation lists the bodies that asked for it.
	Simulation []Operation `json:"simulation,omitempty"`
	// Start of the last confirmed sending: when it was confirmed, or its date.
	Start time.Time `json:"start,omitzero"`
}

// Money is an amount that JSON shows as a number with two decimals.
type Money struct{ decimal.Decimal }

// MarshalJSON writes a number, never through floating point.
func (m Money) MarshalJSON() ([]byte, error) { return []byte(m.StringFixed(2)), nil }

// Seen is the record up to now.
func (s *Sandbox) Seen() Seen {
	now := s.now()
	var all Seen
	phones := map[string]int{}
	for _, k := range s.campaigns.list() {
		c := s.recordOf(k, now, phones)
		all.Campaigns = append(all.Campaigns, c)
		if c.Stranger {
			continue
		}
		all.Confirms += c.Confirms
		all.MaxConfirms = max(all.MaxConfirms, c.Confirms)
		all.Charged.Decimal = all.Charged.Add(c.Charged.Decimal)
		all.Messages += c.Messages
	}
	all.Phones = len(phones)
	for _, n := range phones {
		all.MaxPerPhone = max(all.MaxPerPhone, n)
	}
	return all
}

// recordOf reads one campaign and adds its messages to the phones they went to.
func (s *Sandbox) recordOf(k *campaign, now time.Time, phones map[string]int) SeenCampaign {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := SeenCampaign{
		ID: k.id, Name: k.name, Description: k.description, Deleted: k.deleted, Stranger: k.stranger,
		Status: k.progress(s, now).status.String(), Calls: map[Operation]int{},
		Confirms: len(k.sendings), Simulation: k.simulated,
	}
	for op := range k.calls {
		if n := int(k.calls[op].Load()); n > 0 {
			c.Calls[Operation(op)] = n
		}
	}
	for _, sending := range k.sendings {
		c.Start = sending.start
		if k.deleted || sending.undone {
			continue // before its date: released, and nothing has left
		}
		c.Charged.Decimal = c.Charged.Add(sending.cost)
		if sending.simulated {
			continue
		}
		sent := sending.progress(&s.time, s.opts.Every, now).sent
		c.Messages += sent
		if k.stranger {
			continue
		}
		for _, to := range sending.goal.audience.recipients[:sent] {
			phones[to.number]++
		}
	}
	return c
}

// SeenText is what a telephone got from one campaign.
type SeenText struct {
	Campaign int    `json:"campaign"`
	Text     string `json:"text"`
}

// SeenTexts are the messages that have left for a number so far, word by word. It fails
// if the number is not one.
func (s *Sandbox) SeenTexts(number string) (texts []SeenText, err error) {
	clean, err := parseNumbers([]string{number})
	if err != nil {
		return nil, err
	}
	now := s.now()
	for _, k := range s.campaigns.list() {
		k.mu.Lock()
		for _, sending := range k.sendings {
			if k.deleted || k.stranger || sending.undone || sending.simulated {
				continue
			}
			sent := sending.progress(&s.time, s.opts.Every, now).sent
			for i, to := range sending.goal.audience.recipients[:sent] {
				if to.number == clean[0] {
					texts = append(texts, SeenText{k.id, sending.textTo(&s.time, s.opts.Every, &s.contacts, i)})
				}
			}
		}
		k.mu.Unlock()
	}
	return texts, nil
}

// SeenPhone is how many messages have left for a number so far. It fails if the
// number is not one.
func (s *Sandbox) SeenPhone(number string) (messages int, err error) {
	clean, err := parseNumbers([]string{number})
	if err != nil {
		return 0, err
	}
	now := s.now()
	phones := map[string]int{}
	for _, k := range s.campaigns.list() {
		s.recordOf(k, now, phones)
	}
	return phones[clean[0]], nil
}
