package runnertest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// Gateway is the partner's gateway in memory. It enforces what the real one
// does (order of steps, credit, what may be deleted), counts what took effect,
// and breaks whichever call it is told to. It takes the time from time.Now, so
// in a synctest bubble a campaign is sent in an instant. It starts no
// goroutine. It is safe for concurrent use once its behaviour is set.
type Gateway struct {
	// Fault is asked before every call what is to go wrong with it, outside
	// of any lock: it may block, count, or end the goroutine. Nil: nothing.
	Fault func(campaign.Call) Fault
	// Refuse is asked by Admit; an outcome that is not nil is the answer.
	// Nil: every call may leave.
	Refuse func(campaign.Op) *campaign.Outcome

	// StartsAfter is how long a campaign to be sent immediately stays
	// CONFIRMED. It cannot be deleted any more. Zero: it sends at once.
	StartsAfter time.Duration
	// SendsFor is how long the sending takes. Zero: a minute.
	SendsFor time.Duration
	// Fails makes every sending end half way as FAILED, the status 4.
	Fails bool
	// NoDelete is the code with which every DELETE of an existing campaign is
	// refused, 405 or 404. Zero: drafts and scheduled campaigns are deleted.
	NoDelete int
	// EditsConfirmed lets configure take a CONFIRMED campaign back to
	// CONFIGURED, as the vendor's API reference has it. Unset: it is refused.
	EditsConfirmed bool
	// KeepsConfirmed lets configure accept a CONFIRMED campaign, which stays
	// CONFIRMED, and its answer says so.
	KeepsConfirmed bool
	// ConfiguresOnce refuses to configure again what is calculated.
	ConfiguresOnce bool
	// StatsOnly is a gateway exactly as UC-006: no read by id, statistics only once
	// there are some.
	StatsOnly bool
	// Wordless confirms without a body.
	Wordless bool
	// Nameless shows neither name nor description.
	Nameless bool
	// Blind is what the gateway, or a proxy in front of it, does not show.
	Blind Blindness
	// ConfirmsAgain lets a second confirm of a campaign take effect, and the
	// messages go out again. Unset: it is refused.
	ConfirmsAgain bool
	// NoListSearch is a gateway on which lists are not found by their names.
	NoListSearch bool
	// Miscounts is how many counts of a list show one contact too few.
	Miscounts int
	// Room is how many contacts the account may have; nil: any number.
	Room *int

	mu     sync.Mutex
	lists  map[int64]campaign.Goal
	credit decimal.Decimal
	drafts []*draft
	late   []lateCall
	calls  []Made

	made     []*madeList
	contacts map[string]string // of the account: no call removes one. The line that each was last uploaded with
	garbled  []string          // see Garbled
}

// Blindness is a lie about what is there.
type Blindness int

const (
	Sees       Blindness = iota
	AllBlind             // every call is answered 404, by a proxy
	ReadsBlind           // every read is answered 404, in the gateway's own words
	ReadsOld             // what is confirmed reads unconfirmed
)

var _ runner.Gateway = (*Gateway)(nil)

// NewGateway returns a gateway with 1,500 EUR of credit and without lists.
func NewGateway() *Gateway {
	return &Gateway{lists: map[int64]campaign.Goal{}, contacts: map[string]string{}, credit: decimal.NewFromInt(1500)}
}

// SetList makes a contact list, known by what a calculation says of it. Parts
// are counted as the valid recipients; a text is always one part.
func (g *Gateway) SetList(id, valid, invalid int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lists[id] = campaign.Goal{Total: valid + invalid, Valid: valid, Invalid: invalid, Parts: valid}
}

// SetCredit sets what the account has left, in EUR.
func (g *Gateway) SetCredit(amount decimal.Decimal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.credit = amount
}

// SetBlind changes what it lies about while timers may be calling it.
func (g *Gateway) SetBlind(b Blindness) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.Blind = b
}

// Reset forgets every campaign, call and call under way. Lists, credit and
// behaviour stay.
func (g *Gateway) Reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drafts, g.late, g.calls = g.drafts[:0], g.late[:0], g.calls[:0]
	for _, l := range g.made {
		delete(g.lists, l.id)
	}
	g.made = g.made[:0]
	clear(g.contacts)
	g.garbled = nil
	g.Blind = Sees
}

// Replace makes it another gateway, where every number so far means something else: a
// draft of another customer, a campaign that is done, or nothing. A confirmed campaign
// stays confirmed, at the old gateway.
func (g *Gateway) Replace(as Stranger) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.catchUp(time.Now())
	for _, d := range g.drafts {
		d.stranger = as
	}
	for _, l := range g.made {
		l.gone = true // there is no such list there
		delete(g.lists, l.id)
	}
	g.late = g.late[:0]
}

// Stranger is what a number means at another gateway.
type Stranger int

const (
	Ours Stranger = iota
	UnknownCampaign
	TheirDraft
	TheirDone
)

// Harmed says whether a stranger's campaign was changed or deleted.
func (g *Gateway) Harmed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.drafts, func(d *draft) bool { return d.harmed })
}

// Made is a call that reached the gateway, or was said to have.
type Made struct {
	campaign.Call
	Broken Break // what went wrong with it
	Kind   campaign.Kind
}

// Calls are the calls made so far, in order.
func (g *Gateway) Calls() []Made {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.calls)
}

// Admit gives the leave at once, unless Refuse says otherwise.
func (g *Gateway) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	if ctx.Err() != nil {
		return nil, campaign.Outcome{Op: op, Kind: campaign.NotAttempted, Err: ctx.Err().Error()}
	}
	if g.Refuse != nil {
		if no := g.Refuse(op); no != nil {
			no.Op = op
			return nil, *no
		}
	}
	return (*permit)(g), campaign.Outcome{Op: op, Kind: campaign.OK}
}

type permit Gateway

func (*permit) Release() {}

// Call makes the call, or breaks it.
func (p *permit) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	g := (*Gateway)(p)
	began := time.Now()
	var f Fault
	switch {
	case ctx.Err() != nil:
		f = Fault{Break: NotAttempted}
	case g.Fault != nil:
		f = g.Fault(call)
	}
	o := g.call(call, f)
	o.Op, o.Started, o.Took = call.Op, began, time.Since(began)
	return o
}

func (g *Gateway) call(call campaign.Call, f Fault) campaign.Outcome {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.catchUp(now)
	o := g.broken(call, f, now)
	g.calls = append(g.calls, Made{Call: call, Broken: f.Break, Kind: o.Kind})
	return o
}

// lateCall is a call whose caller has given up, and which is still on its way.
type lateCall struct {
	at   time.Time
	call campaign.Call
}

// catchUp lets the calls arrive whose time has come, each at its own instant.
func (g *Gateway) catchUp(now time.Time) {
	for len(g.late) > 0 && !g.late[0].at.After(now) {
		l := g.late[0]
		g.late = append(g.late[:0], g.late[1:]...)
		g.effect(l.call, l.at)
	}
}

// delay puts a call on its long way.
func (g *Gateway) delay(call campaign.Call, at time.Time) {
	i, _ := slices.BinarySearchFunc(g.late, at, func(l lateCall, at time.Time) int {
		if l.at.After(at) {
			return 1
		}
		return -1 // behind those of the same instant
	})
	g.late = slices.Insert(g.late, i, lateCall{at, call})
}
