package sandbox

import "github.com/shopspring/decimal"

// calculate is step 3: whom the campaign reaches, and in how many parts.
func (s *Sandbox) calculate(c *call) reply {
	k := c.campaign
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.deleted:
		return noCampaign(c)
	case k.stage >= confirmed:
		return badRequest("status", "Campaign is %s and can no longer be calculated", k.progress(s, c.at).status)
	case k.list == 0:
		return badRequest("contactListId", "Contact list is required before calculating cost")
	}
	a, exists := s.contacts.audience(k.list, s.suppress.current())
	if !exists {
		return badRequest("contactListId", "Contact list %d does not exist", k.list)
	}
	k.goal = goal{audience: a, parts: a.parts(k.text, k.unicode)}
	k.stage, k.calculated = costCalculated, c.at

	o := newObject().number("id", k.id)
	c.putStatus(o, k.stage)
	return ok(o.
		number("totalRecipients", a.total).
		number("validRecipients", len(a.recipients)).
		number("invalidRecipients", a.invalid()).
		number("estimatedParts", k.goal.parts).
		instant("calculatedAt", k.calculated).
		bytes())
}

// price is step 4. Its totalRecipients are the valid ones. A simulated campaign
// is priced like any other: it is a rehearsal.
func (s *Sandbox) price(c *call) reply {
	k := c.campaign
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.deleted {
		return noCampaign(c)
	}
	if k.goal.audience == nil {
		return badRequest("status", "Cost must be calculated before the price is known")
	}
	total := s.cost(k.goal)
	available := s.account.available()
	return ok(newObject().
		number("id", k.id).
		number("totalRecipients", len(k.goal.audience.recipients)).
		exact("pricePerMessage", s.opts.Price).
		money("totalPrice", total).
		text("currency", s.opts.Currency).
		money("availableCredit", available).
		flag("sufficient", total.LessThanOrEqual(available)).
		bytes())
}

// cost of a goal: parts at their price, rounded half up to cents.
func (s *Sandbox) cost(g goal) decimal.Decimal {
	return s.opts.Price.Mul(decimal.NewFromInt(int64(g.parts))).Round(2)
}
