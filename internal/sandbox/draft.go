package sandbox

import (
	"net/http"

	"github.com/staffetta-io/staffetta/internal/sms"
)

// create is step 1: a name and a channel make a draft.
func (s *Sandbox) create(c *call) reply {
	var in struct {
		Name        string `json:"name"`
		Channel     string `json:"channel"`
		Description string `json:"description"`
		Simulation  bool   `json:"simulation"`
		ReadyToSend bool   `json:"readyToSend"`
	}
	if bad, fine := decode(c.body, &in); !fine {
		return bad
	}
	switch {
	case in.Name == "":
		return badRequest("name", "Campaign name is required")
	case in.Channel == "":
		return badRequest("channel", "Channel is required")
	case in.Channel != "SMS":
		return badRequest("channel", "Channel %s is not supported", in.Channel)
	}
	k := &campaign{created: c.at, channel: in.Channel, ready: in.ReadyToSend}
	k.describe(in.Name, in.Description)
	k.simulate(in.Simulation && c.variants.obeysSimulation(Create), Create)
	k.calls[Create].Add(1)
	s.campaigns.add(k)

	o := newObject().
		number("id", k.id).
		text("name", k.name).
		text("channel", k.channel)
	if !c.variants.CreateNoDescription {
		o.text("description", k.description)
	}
	c.putStatus(o, draft)
	o.instant("createdAt", k.created)
	if len(k.simulated) > 0 {
		o.flag("simulation", true)
	}
	return ok(o.bytes())
}

// configure is step 2. What the body leaves out stays as it was; what was
// calculated before is void. Variants accept it after the confirm, too.
func (s *Sandbox) configure(c *call) reply {
	var in struct {
		Name          *string `json:"name"`
		Description   *string `json:"description"`
		Sender        *string `json:"sender"`
		Text          *string `json:"text"`
		ContactListID *int    `json:"contactListId"`
		Unicode       *bool   `json:"unicode"`
		ReadyToSend   *bool   `json:"readyToSend"`
		Simulation    bool    `json:"simulation"`
	}
	if bad, fine := decode(c.body, &in); !fine {
		return bad
	}
	k := c.campaign
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.deleted {
		return noCampaign(c)
	}
	status := k.progress(s, c.at).status
	switch v := c.variants; {
	case status < costCalculated, status == costCalculated && !v.ConfigureOnce, v.ConfigureBlind:
	case status == confirmed && (v.ConfigureKeeps || v.ConfigureUnconfirm):
	default:
		return badRequest("status", "Campaign is %s and can no longer be edited", status)
	}

	sender, text, list, unicode := k.sender, k.text, k.list, k.unicode
	set(&sender, in.Sender)
	set(&text, in.Text)
	set(&list, in.ContactListID)
	set(&unicode, in.Unicode)
	if bad, fine := s.checkMessage(c, sender, text, list, unicode); !fine {
		return bad
	}
	k.sender, k.text, k.list, k.unicode = sender, text, list, unicode
	name, description := k.name, k.description
	set(&name, in.Name)
	set(&description, in.Description)
	k.describe(name, description)
	set(&k.ready, in.ReadyToSend)
	k.updated = c.at
	if status == confirmed && c.variants.ConfigureUnconfirm {
		s.unconfirm(k)
	}
	if k.current() == nil {
		k.simulate(in.Simulation && c.variants.obeysSimulation(Configure), Configure)
		k.goal, k.stage = goal{}, configured
		if k.list == 0 {
			k.stage = draft
		}
	}
	shown := k.progress(s, c.at).status
	if c.variants.ConfigureBlind {
		shown = configured
	}

	o := newObject().
		number("id", k.id).
		text("name", k.name).
		text("channel", k.channel)
	c.putStatus(o, shown)
	o.text("sender", k.sender).
		text("text", k.text)
	if k.list != 0 {
		o.number("contactListId", k.list)
	}
	o.flag("unicode", k.unicode).
		instant("updatedAt", k.updated)
	if len(k.simulated) > 0 {
		o.flag("simulation", true)
	}
	return ok(o.bytes())
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// checkMessage refuses what could not be sent. A list may still be missing: that
// is found out at the calculation.
func (s *Sandbox) checkMessage(c *call, sender, text string, list int, unicode bool) (bad reply, fine bool) {
	if err := sms.CheckSender(sender); err != nil {
		return badRequest("sender", "%s", sentence(err)), false
	}
	if text == "" {
		return badRequest("text", "Text is required"), false
	}
	if char, position, found := sms.Outside(text); found && !unicode && !c.variants.ReplaceUnicode {
		return badRequest("text", "Character %q at position %d is outside GSM-7 and unicode is false", char, position), false
	}
	if list != 0 && !s.contacts.hasList(list) {
		return badRequest("contactListId", "Contact list %d does not exist", list), false
	}
	return reply{}, true
}

func noCampaign(c *call) reply {
	return fail(http.StatusNotFound, "id", "Campaign "+c.campaignRef+" not found")
}
