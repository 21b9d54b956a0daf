package simulate_test

import (
	"context"
	"errors"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// This file leaves rules out, by types that stand between the rules, the runner
// and its ports. Production code knows nothing of it.

type decide = func(campaign.Campaign, campaign.Input, campaign.Facts) campaign.Decision

// change alters what the rules have decided.
func change(f func(next decide, d campaign.Decision) campaign.Decision) func(campaign.Rules) decide {
	return func(r campaign.Rules) decide {
		return func(c campaign.Campaign, in campaign.Input, facts campaign.Facts) campaign.Decision {
			return f(r.Step, r.Step(c, in, facts))
		}
	}
}

// override replaces the decision where it has one.
func override(f func(decide, campaign.Campaign, campaign.Input, campaign.Facts) (campaign.Decision, bool)) func(campaign.Rules) decide {
	return func(r campaign.Rules) decide {
		return func(c campaign.Campaign, in campaign.Input, facts campaign.Facts) campaign.Decision {
			if d, done := f(r.Step, c, in, facts); done {
				return d
			}
			return r.Step(c, in, facts)
		}
	}
}

func calls(d campaign.Decision, op campaign.Op) bool { return d.Call != nil && d.Call.Op == op }

// asCreated is the campaign as it was while its create was under way.
func asCreated(next decide, c campaign.Campaign, f campaign.Facts) campaign.Campaign {
	c.State, c.Wake = campaign.Requested, time.Time{}
	c = next(c, campaign.Woken{}, f).Next
	return next(c, campaign.Outcome{Op: campaign.OpLook, Kind: campaign.OK}, f).Next
}

// noLook finds nothing in the events, and takes every cost for told: rules 28 and
// 29 stand behind most others, so those are left out together with them.
type noLook struct{ runner.Journal }

func (noLook) Published(context.Context, campaign.Key) ([]campaign.Event, error) { return nil, nil }

func (j noLook) Publish(ctx context.Context, c campaign.Campaign) error {
	return noCostLock(j).Publish(ctx, c)
}

// noCostLock takes every cost for told, also one that was told for another draft.
type noCostLock struct{ runner.Journal }

func (j noCostLock) Publish(ctx context.Context, c campaign.Campaign) error {
	for i := range c.Outbox {
		one := c
		one.Outbox = c.Outbox[i : i+1]
		var otherwise *runner.CostConflict
		if err := j.Journal.Publish(ctx, one); err != nil && !errors.As(err, &otherwise) {
			return err
		}
	}
	return nil
}

// noEvents finds nothing in the events.
type noEvents struct{ runner.Journal }

func (noEvents) Published(context.Context, campaign.Key) ([]campaign.Event, error) { return nil, nil }

// noNames does not show whose a campaign is.
type noNames struct{ runner.Gateway }

func (g noNames) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	p, o := g.Gateway.Admit(ctx, op)
	if p != nil {
		p = namelessPermit{p}
	}
	return p, o
}

type namelessPermit struct{ runner.Permit }

func (p namelessPermit) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	o := p.Permit.Call(ctx, call)
	o.Name, o.Description = "", ""
	return o
}

// anyRevision saves over whatever is there.
type anyRevision struct{ runner.Journal }

func (j anyRevision) Save(ctx context.Context, c campaign.Campaign, rev loop.Revision) (loop.Revision, error) {
	_, now, err := j.Load(ctx, c.Key)
	if err != nil {
		return loop.Revision{}, err
	}
	rev.Seq = now.Seq
	return j.Journal.Save(ctx, c, rev)
}

// tryAgain makes a confirm again that was not answered.
type tryAgain struct{ runner.Gateway }

func (g tryAgain) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
	p, o := g.Gateway.Admit(ctx, op)
	if p != nil {
		p = twicePermit{p}
	}
	return p, o
}

type twicePermit struct{ runner.Permit }

func (p twicePermit) Call(ctx context.Context, call campaign.Call) campaign.Outcome {
	o := p.Permit.Call(ctx, call)
	if call.Op == campaign.OpConfirm && o.Kind == campaign.Unavailable {
		o = p.Permit.Call(ctx, call)
	}
	return o
}

// noPublish tells nothing after a load, or after a save.
type noPublish struct {
	runner.Journal
	load, save bool
	saved      bool // the last thing that happened was a save
}

func (j *noPublish) Load(ctx context.Context, key campaign.Key) (campaign.Campaign, loop.Revision, error) {
	j.saved = false
	return j.Journal.Load(ctx, key)
}

func (j *noPublish) Save(ctx context.Context, c campaign.Campaign, rev loop.Revision) (loop.Revision, error) {
	j.saved = true
	return j.Journal.Save(ctx, c, rev)
}

func (j *noPublish) Publish(ctx context.Context, c campaign.Campaign) error {
	if j.saved && j.save || !j.saved && j.load {
		return nil
	}
	return j.Journal.Publish(ctx, c)
}

// armsAtOnce arms every timer as if it were due.
type armsAtOnce struct{ runner.Journal }

func (j armsAtOnce) Arm(ctx context.Context, key campaign.Key, _ time.Time) error {
	return j.Journal.Arm(ctx, key, time.Now())
}

// keepsOutbox leaves in the record what was told already.
type keepsOutbox struct {
	runner.Journal
	owed campaign.Campaign
}

func (j *keepsOutbox) Save(ctx context.Context, c campaign.Campaign, rev loop.Revision) (loop.Revision, error) {
	if len(c.Outbox) == 0 && c.State == j.owed.State && c.Wake.Equal(j.owed.Wake) {
		c.Outbox = j.owed.Outbox
	}
	j.owed = c
	return j.Journal.Save(ctx, c, rev)
}

// alwaysOld takes every record to be old.
type alwaysOld struct{ runner.Journal }

func (alwaysOld) Age(loop.Revision, time.Time) time.Duration { return 1000 * time.Hour }
