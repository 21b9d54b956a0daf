package simulate_test

import (
	"context"
	"errors"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// How a rule is left out: by what stands between the rules, the runner and its
// ports. Production knows nothing of it.

type decide = func(campaign.Campaign, campaign.Input, campaign.Facts) campaign.Decision

// change alters what the rules have decided.
func change(f func(next decide, d campaign.Decision) campaign.Decision) func(campaign.Rules) decide {
	return func(r campaign.Rules) decide {
		return func(c campaign.Campaign, in campaign.Input, facts campaign.Facts) campaign.Decision {
			return f(r.Step, r.Step(c, in, facts))
		}
	}
}

// instead decides itself where it wants to.
func instead(f func(decide, campaign.Campaign, campaign.Input, campaign.Facts) (campaign.Decision, bool)) func(campaign.Rules) decide {
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

// unlooked finds nothing in the events, and takes every cost for told: rules 28 and
// 29 stand behind most others, so those are left out together with them.
type unlooked struct{ runner.Journal }

func (unlooked) Told(context.Context, campaign.Key) ([]campaign.Event, error) { return nil, nil }

func (j unlooked) Publish(ctx context.Context, c campaign.Campaign) error {
	return unlocked{j.Journal}.Publish(ctx, c)
}

// unlocked takes every cost for told, also one that was told for another draft.
type unlocked struct{ runner.Journal }

func (j unlocked) Publish(ctx context.Context, c campaign.Campaign) error {
	for i := range c.Outbox {
		one := c
		one.Outbox = c.Outbox[i : i+1]
		var otherwise *runner.ToldOtherwise
		if err := j.Journal.Publish(ctx, one); err != nil && !errors.As(err, &otherwise) {
			return err
		}
	}
	return nil
}

// blindfold finds nothing in the events.
type blindfold struct{ runner.Journal }

func (blindfold) Told(context.Context, campaign.Key) ([]campaign.Event, error) { return nil, nil }

// nameless does not show whose a campaign is.
type nameless struct{ runner.Gateway }

func (g nameless) Admit(ctx context.Context, op campaign.Op) (runner.Permit, campaign.Outcome) {
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

func (j anyRevision) Save(ctx context.Context, c campaign.Campaign, rev runner.Revision) (runner.Revision, error) {
	_, now, err := j.Load(ctx, c.Key)
	if err != nil {
		return runner.Revision{}, err
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

// untold tells nothing after a load, or after a save.
type untold struct {
	runner.Journal
	load, save bool
	saved      bool // the last thing that happened was a save
}

func (j *untold) Load(ctx context.Context, key campaign.Key) (campaign.Campaign, runner.Revision, error) {
	j.saved = false
	return j.Journal.Load(ctx, key)
}

func (j *untold) Save(ctx context.Context, c campaign.Campaign, rev runner.Revision) (runner.Revision, error) {
	j.saved = true
	return j.Journal.Save(ctx, c, rev)
}

func (j *untold) Publish(ctx context.Context, c campaign.Campaign) error {
	if j.saved && j.save || !j.saved && j.load {
		return nil
	}
	return j.Journal.Publish(ctx, c)
}

// armsNow arms every timer as if it were due.
type armsNow struct{ runner.Journal }

func (j armsNow) Arm(ctx context.Context, key campaign.Key, _ time.Time) error {
	return j.Journal.Arm(ctx, key, time.Now())
}

// keepsOutbox leaves in the record what was told already.
type keepsOutbox struct {
	runner.Journal
	owed campaign.Campaign
}

func (j *keepsOutbox) Save(ctx context.Context, c campaign.Campaign, rev runner.Revision) (runner.Revision, error) {
	if len(c.Outbox) == 0 && c.State == j.owed.State && c.Wake.Equal(j.owed.Wake) {
		c.Outbox = j.owed.Outbox
	}
	j.owed = c
	return j.Journal.Save(ctx, c, rev)
}

// ageless takes every record to be old.
type ageless struct{ runner.Journal }

func (ageless) Age(runner.Revision, time.Time) time.Duration { return 1000 * time.Hour }
