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
	name      string
	stranger  Stranger
	harmed    bool
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
	Recipients  int64           // of the last calculation
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
		all[i].Simulation, all[i].Cost, all[i].Recipients = d.simulated, d.cost, d.goal.Valid
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
	reads := call.Op == campaign.OpStatus || call.Op == campaign.OpStats || call.Op == campaign.OpWitness
	switch {
	case g.Blind == AllBlind:
		return campaign.Outcome{Kind: campaign.Unavailable, Cause: campaign.NotFound, HTTP: 404, Unshaped: true, Err: "the gateway answered 404 without a reason"}
	case reads && g.Blind == ReadsBlind:
		return g.unseen(call)
	case call.Op == campaign.OpWitness && !g.StatsOnly:
		return campaign.Outcome{Kind: campaign.OK, HTTP: 200, ByID: true, Status: campaign.StatusUnconfirmed}
	case call.Op == campaign.OpWitness:
		return g.unseen(call)
	case call.Op == campaign.OpCreate:
		return g.create(call)
	}
	switch call.Op {
	case campaign.OpList, campaign.OpFind, campaign.OpUnlist, campaign.OpUpload, campaign.OpCount, campaign.OpQuota:
		return g.aboutLists(call, now)
	}
	i := call.CampaignID - firstID
	if i < 0 || i >= int64(len(g.drafts)) {
		return g.unseen(call)
	}
	d := g.drafts[i]
	switch {
	case d.stranger != Ours:
		return g.strangersAnswer(d, call)
	case d.Deleted:
		return g.unseen(call)
	}
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
		return g.read(d, g.shows(d, now))
	case campaign.OpStats:
		return g.count(d, now)
	case campaign.OpDelete:
		return g.remove(d, now)
	}
	return campaign.Outcome{Kind: campaign.NotAttempted, Err: "there is no call " + string(call.Op)}
}

// unseen is the gateway's own "not found".
func (g *Gateway) unseen(call campaign.Call) campaign.Outcome {
	o := no(404, "id", "campaign %d not found", call.CampaignID)
	o.ByID = call.Op == campaign.OpStatus && !g.StatsOnly
	return o
}

// shows is the status that a read shows.
func (g *Gateway) shows(d *draft, now time.Time) campaign.Status {
	s := g.status(d, now)
	if g.Blind == ReadsOld && s != campaign.StatusUnconfirmed {
		return campaign.StatusUnconfirmed
	}
	return s
}

// read answers a read of the status.
func (g *Gateway) read(d *draft, s campaign.Status) campaign.Outcome {
	if g.StatsOnly && (s == campaign.StatusUnconfirmed || s == campaign.StatusConfirmed) {
		return g.unseen(campaign.Call{Op: campaign.OpStatus, CampaignID: d.ID})
	}
	o := campaign.Outcome{Kind: campaign.OK, HTTP: 200, Status: s, ByID: !g.StatsOnly}
	if !g.Nameless && !g.StatsOnly {
		o.Name, o.Description = d.name, d.Description
	}
	return o
}

// count answers a read of the statistics.
func (g *Gateway) count(d *draft, now time.Time) campaign.Outcome {
	s := g.stats(d, now)
	if s.Status = g.shows(d, now); g.StatsOnly && (s.Status == campaign.StatusUnconfirmed || s.Status == campaign.StatusConfirmed) {
		return g.unseen(campaign.Call{Op: campaign.OpStats, CampaignID: d.ID})
	}
	if g.Blind == ReadsOld {
		s = campaign.Stats{Status: s.Status, Total: s.Total, Pending: s.Total, Cost: s.Cost}
	}
	o := campaign.Outcome{Kind: campaign.OK, HTTP: 200, Stats: s}
	if !g.Nameless {
		o.Name = d.name
	}
	return o
}

// strangersAnswer answers about another customer's campaign.
func (g *Gateway) strangersAnswer(d *draft, call campaign.Call) campaign.Outcome {
	status := campaign.StatusUnconfirmed
	if d.stranger == TheirDone {
		status = campaign.StatusCompleted
	}
	switch {
	case d.stranger == UnknownCampaign:
		return g.unseen(call)
	case call.Op == campaign.OpStatus || call.Op == campaign.OpStats:
		o := campaign.Outcome{Kind: campaign.OK, HTTP: 200, Status: status, ByID: call.Op == campaign.OpStatus && !g.StatsOnly}
		o.Stats = campaign.Stats{Status: status, Total: 7, Sent: 7, Delivered: 7}
		if !g.Nameless {
			o.Name, o.Description = "Somebody else's", "not ours"
		}
		if g.StatsOnly && status != campaign.StatusCompleted {
			return g.unseen(call)
		}
		return o
	case d.stranger == TheirDone:
		return no(400, "status", "the campaign can no longer be changed")
	}
	d.harmed = true
	o := yes
	o.Status = campaign.StatusUnconfirmed
	return o
}

func no(code int, field, words string, args ...any) campaign.Outcome {
	if len(args) > 0 {
		words = fmt.Sprintf(words, args...)
	}
	return campaign.Outcome{Kind: campaign.Refused, Cause: causeOf(code, field), HTTP: code, Field: field, Words: words}
}

var yes = campaign.Outcome{Kind: campaign.OK, HTTP: 200}

func (g *Gateway) create(call campaign.Call) campaign.Outcome {
	if call.Draft.Name == "" {
		return no(400, "name", "campaign name is required")
	}
	d := &draft{simulated: call.Simulation, name: call.Draft.Name}
	d.ID, d.Description = firstID+int64(len(g.drafts)), call.Draft.Description
	g.drafts = append(g.drafts, d)
	o := yes
	o.CampaignID = d.ID
	return o
}

func (g *Gateway) configure(d *draft, call campaign.Call, now time.Time) campaign.Outcome {
	switch {
	case d.stage == confirmed && g.status(d, now) == campaign.StatusConfirmed && g.KeepsConfirmed:
		o := yes
		o.Status = campaign.StatusConfirmed
		return o
	case d.stage == confirmed && (!g.EditsConfirmed || g.status(d, now) != campaign.StatusConfirmed):
		return no(400, "status", "the campaign can no longer be edited")
	case d.stage == calculated && g.ConfiguresOnce:
		return no(400, "status", "the campaign can no longer be edited")
	case d.stage == confirmed:
		g.undo(d)
	}
	if _, ok := g.lists[call.Content.ListID]; !ok {
		return no(400, "contactListId", "contact list does not exist")
	}
	d.stage, d.content, d.List = configured, call.Content, call.Content.ListID
	d.simulated = d.simulated || call.Simulation
	o := yes
	o.Status = campaign.StatusUnconfirmed
	o.Echo = &campaign.Echo{Sender: &call.Content.Sender, Text: &call.Content.Text, ListID: &call.Content.ListID}
	return o
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
