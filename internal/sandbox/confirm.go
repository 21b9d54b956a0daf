package sandbox

import (
	"net/http"
	"time"

	"github.com/shopspring/decimal"
)

// scheduledLayout is the one format of a scheduled date that UC-006 shows:
// 2026-11-29T08:00:00.000+0000.
const scheduledLayout = "2006-01-02T15:04:05.000-0700"

// confirm is step 5, the one that costs money. It cannot be undone, except for a
// scheduled campaign, which may be deleted before its date.
func (s *Sandbox) confirm(c *call) reply {
	var in struct {
		SendImmediately *bool   `json:"sendImmediately"`
		ScheduledDate   *string `json:"scheduledDate"`
		Simulation      bool    `json:"simulation"`
	}
	if bad, fine := decode(c.body, &in); !fine {
		return bad
	}
	k := c.campaign
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.deleted:
		return noCampaign(c)
	case k.stage >= confirmed && !c.variants.SecondConfirm:
		return fail(http.StatusConflict, "status", "Campaign is already "+k.progress(s, c.at).status.String())
	case k.stage < costCalculated:
		return badRequest("status", "Cost must be calculated before confirming")
	case c.variants.ReadyToSend && !k.ready:
		return badRequest("readyToSend", "Campaign is not ready to send")
	case len(k.goal.audience.recipients) == 0:
		return badRequest("contactListId", "Contact list has no valid recipients")
	}
	start, scheduled, bad, fine := c.startOf(in.SendImmediately, in.ScheduledDate)
	if !fine {
		return bad
	}
	in.Simulation = in.Simulation && c.variants.obeysSimulation(Confirm)
	simulated := len(k.simulated) > 0 || in.Simulation
	cost := decimal.Zero
	if !simulated {
		cost = s.cost(k.goal)
		if available, paid := s.pay(k.id, cost, start, scheduled); !paid {
			code := http.StatusPaymentRequired
			if c.variants.CreditIs400 {
				code = http.StatusBadRequest
			}
			return fail(code, "credit", "Insufficient credit. Required: "+cost.StringFixed(2)+
				", available: "+available.StringFixed(2))
		}
	}

	// From here on the confirm has happened, even if its answer is lost.
	k.simulate(in.Simulation, Confirm)
	failAfter := -1
	switch {
	case k.willFail:
		failAfter = 0
	case c.rule.Fail:
		failAfter = c.rule.FailAfter
	}
	k.sendings = append(k.sendings, &sending{
		goal: k.goal, cost: cost, simulated: simulated, scheduled: scheduled, start: start, failAfter: failAfter,
		text: k.text, live: c.variants.FieldsWhileSending,
	})
	k.stage, k.confirmed = confirmed, c.at

	o := newObject().number("id", k.id)
	c.putStatus(o, confirmed)
	o.flag("sendImmediately", !scheduled)
	if scheduled {
		o.text("scheduledDate", start.Format(scheduledLayout))
	}
	o.instant("confirmedAt", k.confirmed)
	if simulated {
		o.flag("simulation", true)
	}
	r := ok(o.bytes())
	if c.variants.ConfirmIs202 {
		r.status = http.StatusAccepted
	}
	if c.variants.ConfirmNoBody {
		r.body = nil
	}
	return r
}

// startOf reads the two forms of a confirm, of which there must be exactly one.
func (c *call) startOf(now *bool, date *string) (start time.Time, scheduled bool, bad reply, fine bool) {
	immediately := now != nil && *now
	switch {
	case immediately && date != nil:
		return start, false, badRequest("scheduledDate", "Either sendImmediately or scheduledDate, not both"), false
	case immediately:
		return c.at, false, reply{}, true
	case date == nil:
		return start, false, badRequest("sendImmediately", "Either sendImmediately or scheduledDate is required"), false
	}
	start, err := time.Parse(scheduledLayout, *date)
	if err != nil {
		return start, false, badRequest("scheduledDate", "Date %q is not in the format yyyy-MM-ddTHH:mm:ss.SSSZ", *date), false
	}
	if !start.After(c.at) {
		return start, false, badRequest("scheduledDate", "Date %s is not in the future", *date), false
	}
	return start.UTC(), true, reply{}, true
}

func (s *Sandbox) pay(campaign int, cost decimal.Decimal, start time.Time, scheduled bool) (available decimal.Decimal, paid bool) {
	if scheduled {
		return s.account.freeze(campaign, cost, start)
	}
	return s.account.charge(cost)
}

// unconfirm takes back the confirms of a campaign of which no message has left. They
// happened, and the record keeps them, but their money is free again.
func (s *Sandbox) unconfirm(k *campaign) {
	s.account.release(k.id)
	for _, sending := range k.sendings {
		if !sending.scheduled && !sending.undone {
			s.account.refund(sending.cost)
		}
		sending.undone = true
	}
}

// remove deletes a draft, or a scheduled campaign before its date. What is under
// way or over is not found, as the vendor has it.
func (s *Sandbox) remove(c *call) reply {
	k := c.campaign
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.deleted {
		return noCampaign(c)
	}
	if sending := k.current(); sending != nil {
		if !sending.scheduled || !c.at.Before(sending.start) {
			return noCampaign(c)
		}
		s.account.release(k.id)
	}
	k.deleted = true
	return reply{status: http.StatusNoContent}
}
