package runnertest

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// draft is a campaign at the gateway, from create on.
type draft struct {
	Seen
	stage     stage
	content   campaign.Content
	goal      campaign.Goal
	simulated bool
	cost      decimal.Decimal
	start     time.Time // of the last confirm that stands
	scheduled bool
}

type stage int

const (
	created stage = iota
	configured
	calculated
	confirmed
)

// Seen is what the gateway saw of one campaign.
type Seen struct {
	ID          int64
	Description string
	List        int64
	Simulation  bool
	Cost        decimal.Decimal // what each confirm costs, in EUR
	Confirms    int             // confirms that took effect
	Undone      int             // of these, how many were taken back before a message left
	Deleted     bool            // it is gone
	// Standing is when the messages of each confirm that stands leave, or left.
	Standing []time.Time
}

// Seen returns every campaign there ever was, as of now, in order.
func (g *Gateway) Seen() []Seen {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.catchUp(time.Now())
	all := make([]Seen, len(g.drafts))
	for i, d := range g.drafts {
		all[i] = d.Seen
		all[i].Simulation, all[i].Cost = d.simulated, d.cost
	}
	return all
}

// Messages is how many messages each phone of a list has got by now.
func (g *Gateway) Messages(list int64) int {
	n := 0
	now := time.Now()
	for _, d := range g.Seen() {
		for _, at := range d.Standing {
			if d.List == list && !d.Simulation && !at.After(now) {
				n++
			}
		}
	}
	return n
}

const firstID = 1542 // the campaign of UC-006

// effect does at the gateway what a call asks for.
func (g *Gateway) effect(call campaign.Call, now time.Time) campaign.Outcome {
	if call.Op == campaign.OpCreate {
		return g.create(call)
	}
	i := call.CampaignID - firstID
	if i < 0 || i >= int64(len(g.drafts)) || g.drafts[i].Deleted {
		return no(404, "id", "campaign %d not found", call.CampaignID)
	}
	d := g.drafts[i]
	switch call.Op {
	case campaign.OpConfigure:
		return g.configure(d, call, now)
	case campaign.OpCalculate:
		return g.calculate(d)
	case campaign.OpPrice:
		return g.price(d)
	case campaign.OpConfirm:
		return g.confirm(d, call, now)
	case campaign.OpStatus:
		return campaign.Outcome{Kind: campaign.OK, HTTP: 200, Status: g.status(d, now)}
	case campaign.OpStats:
		return campaign.Outcome{Kind: campaign.OK, HTTP: 200, Stats: g.stats(d, now)}
	case campaign.OpDelete:
		return g.remove(d, now)
	}
	return campaign.Outcome{Kind: campaign.NotAttempted, Err: "there is no call " + string(call.Op)}
}

func no(code int, field, words string, args ...any) campaign.Outcome {
	if len(args) > 0 {
		words = fmt.Sprintf(words, args...)
	}
	return campaign.Outcome{Kind: campaign.Refused, HTTP: code, Field: field, Words: words}
}

var yes = campaign.Outcome{Kind: campaign.OK, HTTP: 200}

func (g *Gateway) create(call campaign.Call) campaign.Outcome {
	if call.Draft.Name == "" {
		return no(400, "name", "campaign name is required")
	}
	d := &draft{simulated: call.Simulation}
	d.ID, d.Description = firstID+int64(len(g.drafts)), call.Draft.Description
	g.drafts = append(g.drafts, d)
	o := yes
	o.CampaignID = d.ID
	return o
}

func (g *Gateway) configure(d *draft, call campaign.Call, now time.Time) campaign.Outcome {
	if d.stage == confirmed {
		if !g.EditsConfirmed || g.status(d, now) != campaign.StatusConfirmed {
			return no(400, "status", "the campaign can no longer be edited")
		}
		g.undo(d)
	}
	if _, ok := g.lists[call.Content.ListID]; !ok {
		return no(400, "contactListId", "contact list does not exist")
	}
	d.stage, d.content, d.List = configured, call.Content, call.Content.ListID
	d.simulated = d.simulated || call.Simulation
	return yes
}

func (g *Gateway) calculate(d *draft) campaign.Outcome {
	switch d.stage {
	case created:
		return no(400, "contactListId", "contact list is required before calculating cost")
	case confirmed:
		return no(400, "status", "the campaign can no longer be calculated")
	}
	d.stage, d.goal = calculated, g.lists[d.List]
	d.cost = perMessage.Mul(decimal.NewFromInt(d.goal.Parts)).Round(2)
	o := yes
	o.Goal = d.goal
	return o
}

func (g *Gateway) price(d *draft) campaign.Outcome {
	if d.stage < calculated {
		return no(400, "status", "cost must be calculated before the price is known")
	}
	o := yes
	o.Price = campaign.Price{PerMessage: euros(perMessage), Total: euros(d.cost), Available: euros(g.credit),
		Sufficient: d.cost.LessThanOrEqual(g.credit)}
	return o
}

var perMessage = decimal.New(35, -3)

func euros(amount decimal.Decimal) campaign.Money {
	return campaign.Money{Amount: amount, Currency: "EUR"}
}

// remove deletes a draft, or a scheduled campaign before its instant. What
// runs is not found, as the vendor has it.
func (g *Gateway) remove(d *draft, now time.Time) campaign.Outcome {
	switch {
	case g.NoDelete != 0:
		return no(g.NoDelete, "", "")
	case d.stage == confirmed && (!d.scheduled || !now.Before(d.start)):
		return no(404, "id", "campaign %d not found", d.ID)
	case d.stage == confirmed:
		g.undo(d)
	}
	d.Deleted = true
	return campaign.Outcome{Kind: campaign.OK, HTTP: 204}
}
