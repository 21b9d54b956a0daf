package sandbox

import (
	"encoding/json"
	"fmt"
	"time"
)

// maxStrangers keeps a misplaced zero from taking all memory.
const maxStrangers = 100_000

// FillStrangers makes campaigns of other customers, in the states in turn that one
// may meet: a draft, one that is calculated, scheduled, being sent, completed. They
// take the next ids, so a sandbox whose FirstCampaign another one has, too, is
// another gateway with the same numbers. Nothing of theirs counts in the sums of
// Seen; their calls begin at none, so that whatever is there came from a client.
func (s *Sandbox) FillStrangers(n int) (ids []int, err error) {
	if n < 0 || n > maxStrangers {
		return nil, fmt.Errorf("fill strangers: %d campaigns are not between 0 and %d", n, maxStrangers)
	}
	list, err := s.FillDemo(DemoList{Name: "Strangers", Contacts: 500})
	if err != nil {
		return nil, err
	}
	for i := range n {
		id, err := s.stranger(i, list)
		if err != nil {
			return nil, fmt.Errorf("fill strangers: campaign %d: %w", i+1, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// stranger takes one campaign as far as its turn says.
func (s *Sandbox) stranger(i, list int) (id int, err error) {
	now := s.now()
	const calculatedToo, scheduled, completedToo = 1, 2, 4
	turn := i % 5
	if turn == completedToo {
		now = now.Add(-24 * time.Hour)
	}
	k := &campaign{created: now, channel: "SMS", stranger: true}
	k.describe(fmt.Sprintf("Estate %d", 1+i), "Saldi estivi, un altro cliente")
	s.campaigns.add(k)
	do := func(h handler, body map[string]any) {
		if err != nil {
			return
		}
		c := &call{at: now, campaign: k}
		if c.body, err = json.Marshal(body); err != nil {
			return
		}
		if r := h(s, c); r.status >= 300 {
			err = fmt.Errorf("%d %s", r.status, r.body)
		}
	}
	if turn >= calculatedToo {
		do((*Sandbox).configure, map[string]any{"sender": "AltroShop", "text": "Saldi fino al 50%!", "contactListId": list})
		do((*Sandbox).calculate, nil)
	}
	switch {
	case turn == scheduled:
		do((*Sandbox).confirm, map[string]any{"scheduledDate": now.Add(30 * 24 * time.Hour).Format(scheduledLayout)})
	case turn > scheduled:
		do((*Sandbox).confirm, map[string]any{"sendImmediately": true})
	}
	// It is their money.
	s.account.release(k.id)
	if sending := k.current(); sending != nil && !sending.scheduled {
		s.account.refund(sending.cost)
	}
	return k.id, err
}
