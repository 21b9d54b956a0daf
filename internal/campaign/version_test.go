package campaign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// A campaign keeps to the list that it took, also when its people are read once more.
func TestTheListThatWasTakenStays(t *testing.T) {
	t.Parallel()
	s := replay(t, toNamed(), "asked", "look ok", "prepare ok, of a named list", "list ok", "upload refused, changed")
	if a := s.c.Taken().Audience; a.Digest != "c1" || a.Chunks != 2 || a.Name != "customers" {
		t.Errorf("what is read once more is %+v, want the list that was taken", a)
	}
	if a := s.c.Request.Audience; a.Digest != "" {
		t.Errorf("the request became %+v", a)
	}
	s = replay(t, toNamed(), "asked", "look ok", "prepare ok, of a named list", "list ok", "upload refused, changed", "prepare ok, others than before")
	if p := s.c.Prepared; p.Digest != "d2" || p.Version.Digest != "c1" {
		t.Errorf("%+v, want other people of the same list", p)
	}
	if told := s.told[len(s.told)-1]; told.Prepared.Version.Digest != "c1" {
		t.Errorf("told is %+v, want the list with it", told.Prepared)
	}
}

func TestAListIsTooOld(t *testing.T) {
	t.Parallel()
	a := campaign.Audience{Name: "customers", MaxAge: 48 * time.Hour}
	for name, tt := range map[string]struct {
		age  time.Duration
		want string
	}{
		"JustYoungEnough": {48 * time.Hour, ""},
		"OfTomorrow":      {-24 * time.Hour, ""},
		"ByAMinute":       {48*time.Hour + time.Minute, "is of 2026-11-25T07:59:00Z, which is 2 days ago, and may be 2 days old"},
		"ByAWeek":         {7 * 24 * time.Hour, "which is 7 days ago"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := a.TooOld(campaign.Version{Name: "customers", Digest: "c1", AsOf: friday.Add(-tt.age)}, friday)
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if got := a.TooOld(campaign.Version{}, friday); got != "no list is published under the name customers" {
		t.Errorf("without one: %q", got)
	}
}
