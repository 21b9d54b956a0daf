package campaign_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// small is what is not the same in a record that was made small.
var small = cmpopts.IgnoreFields(campaign.Campaign{}, "Attempts", "Unanswered", "Progress", "Waiting", "Shortened")

// A record that is over loses its attempts at its age, and nothing else; once.
func TestShorten(t *testing.T) {
	t.Parallel()
	const age = 90 * 24 * time.Hour
	short := 0
	for _, s := range situations(t) {
		at := func(after time.Duration) campaign.Decision {
			f := s.facts()
			f.Now = s.c.Since.Add(after)
			return rules.Step(s.c, campaign.Woken{}, f)
		}
		over := s.c.State.Final() && s.c.State != campaign.Unresolved && s.c.Wake.IsZero() && !s.c.Budgeted
		if d := at(age - time.Second); over && d.Save {
			t.Errorf("%s: saved a second before: %+v", s.name, d.Next)
		}
		d := at(age)
		if got := !d.Next.Shortened.IsZero(); got != over {
			t.Errorf("%s (%s): made small: %t", s.name, s.c.State, got)
		}
		if !over {
			continue
		}
		short++
		if !d.Save || d.Call != nil || len(d.Next.Attempts)+len(d.Next.Outbox) != 0 {
			t.Errorf("%s: saved %t, calls %v, %+v", s.name, d.Save, d.Call, d.Next)
		}
		if diff := cmp.Diff(s.c, reload(t, d.Next), small, cmpopts.IgnoreUnexported(campaign.Campaign{}), cmpopts.IgnoreFields(campaign.Campaign{}, "Outbox"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: more is gone (-before +after):\n%s", s.name, diff)
		}
		s.c = reload(t, d.Next)
		if d := at(2 * age); d.Save || d.Call != nil {
			t.Errorf("%s: once more: %+v", s.name, d)
		}
	}
	if short < 3 {
		t.Errorf("%d situations are over: the test does not test what it says", short)
	}
}

// Whatever happens to a campaign that is over is decided the same from its small record:
// the same request again, another one under its key, a cancel, a person's word, events
// that show more.
func TestSmallRecordsDecideTheSame(t *testing.T) {
	t.Parallel()
	for _, s := range situations(t) {
		f := s.facts()
		f.Now = s.c.Since.Add(91 * 24 * time.Hour)
		d := rules.Step(s.c, campaign.Woken{}, f)
		if d.Next.Shortened.IsZero() {
			continue
		}
		whole := s.c
		whole.Shortened = f.Now // or it is made small before anything else
		for _, in := range inputs() {
			before := rules.Step(reload(t, whole), in.in, f)
			after := rules.Step(reload(t, d.Next), in.in, f)
			if diff := cmp.Diff(before, after, small, cmpopts.IgnoreUnexported(campaign.Campaign{})); diff != "" {
				t.Errorf("%s × %s (-whole +small):\n%s", s.name, in.name, diff)
			}
		}
		if diff := whole.Request.Diff(d.Next.Request); len(diff) > 0 {
			t.Errorf("%s: the same request differs in %q", s.name, diff)
		}
	}
}
