package sandbox

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// stats is step 6: one campaign, named in the query.
func (s *Sandbox) stats(c *call) reply {
	if q := c.r.URL.Query(); c.variants.StatsNeedDates && (q.Get("startDate") == "" || q.Get("endDate") == "") {
		return badRequest("startDate", "startDate and endDate are required")
	}
	if c.campaignRef == "" {
		return badRequest("campaignId", "campaignId is required")
	}
	k := c.campaign
	if k == nil {
		return notFound("campaignId", "Campaign %s not found", c.campaignRef)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.deleted {
		return notFound("campaignId", "Campaign %s not found", c.campaignRef)
	}
	p := c.progress(s, k)
	if c.variants.StatsOnceSending && p.status < inSending {
		return notFound("campaignId", "No statistics for campaign %s", c.campaignRef)
	}
	cost := decimal.Zero
	if sending := c.current(k); sending != nil {
		cost = sending.cost
	}

	o := newObject().
		number("campaignId", k.id).
		text("name", k.name)
	c.putStatus(o, p.status)
	o.open("stats").
		number("total", p.total).
		number("sent", p.sent).
		number("delivered", max(0, p.delivered-c.rule.Miscount)).
		number("undelivered", p.undelivered).
		number("pending", p.pending()).
		money("deliveryRate", p.rate()).
		shut()
	o.open("cost").
		money("totalCredits", cost).
		text("currency", s.opts.Currency).
		shut()
	if p.status == completed {
		o.instant("completedAt", p.ended)
	}
	return ok(o.bytes())
}

// read is the status of one campaign, with everything that is known about it.
func (s *Sandbox) read(c *call) reply {
	k := c.campaign
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.deleted || c.variants.ReadDraftsOnly && c.progress(s, k).status >= confirmed {
		return noCampaign(c)
	}
	return ok(s.detail(c, k))
}

// detail writes a campaign; its lock is held.
func (s *Sandbox) detail(c *call, k *campaign) []byte {
	p := c.progress(s, k)
	o := newObject().
		number("id", k.id).
		text("name", k.name).
		text("channel", k.channel)
	if !c.variants.NoDescription {
		o.text("description", k.description)
	}
	c.putStatus(o, p.status)
	if k.text != "" {
		o.text("sender", k.sender).text("text", k.text)
	}
	if k.list != 0 {
		o.number("contactListId", k.list)
	}
	o.flag("unicode", k.unicode).
		flag("simulation", len(k.simulated) > 0).
		instant("createdAt", k.created)
	if !k.updated.IsZero() {
		o.instant("updatedAt", k.updated)
	}
	if a := k.goal.audience; a != nil {
		o.number("totalRecipients", a.total).
			number("validRecipients", len(a.recipients)).
			number("invalidRecipients", a.invalid()).
			number("estimatedParts", k.goal.parts).
			instant("calculatedAt", k.calculated)
	}
	if sending := c.current(k); sending != nil {
		o.flag("sendImmediately", !sending.scheduled)
		if sending.scheduled {
			o.text("scheduledDate", sending.start.Format(scheduledLayout))
		}
		o.instant("confirmedAt", k.confirmed)
	}
	if p.status == completed {
		o.instant("completedAt", p.ended)
	}
	return o.bytes()
}

// search lists campaigns: search= in name and description, isDraft=, isProgrammed=
// (scheduled and still waiting), direction=ASC|DESC by id, page= from 0, limit=.
func (s *Sandbox) search(c *call) reply {
	if c.variants.NoSearch {
		return notFoundAt(c)
	}
	q := c.r.URL.Query()
	paging, bad, fine := pagingOf(q)
	if !fine {
		return bad
	}
	var found []*campaign
	search := strings.ToLower(q.Get("search"))
	for _, k := range s.campaigns.list() {
		if s.wanted(c, k, search, q.Get("isDraft"), q.Get("isProgrammed")) {
			found = append(found, k)
		}
	}
	if strings.EqualFold(q.Get("direction"), "DESC") {
		slices.Reverse(found)
	}
	return ok(page(len(found), cut(found, paging), func(k *campaign) []byte {
		k.mu.Lock()
		defer k.mu.Unlock()
		return s.detail(c, k)
	}))
}

func (s *Sandbox) wanted(c *call, k *campaign, search, isDraft, isProgrammed string) bool {
	if !strings.Contains(strings.ToLower(*k.subject.Load()), search) {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.deleted {
		return false
	}
	if isDraft != "" && isDraft != strconv.FormatBool(c.progress(s, k).status < confirmed) {
		return false
	}
	if isProgrammed != "" {
		sending := c.current(k)
		waits := sending != nil && sending.scheduled && c.at.Before(sending.start)
		return isProgrammed == strconv.FormatBool(waits)
	}
	return true
}

// credit is the balance, under its own prefix.
func (s *Sandbox) credit(c *call) reply {
	b := s.account.chargeDue(c.at)
	return ok(newObject().
		money("credit", b.Credit).
		money("frozenCredit", b.Frozen).
		money("availableCredit", b.Available).
		bytes())
}
