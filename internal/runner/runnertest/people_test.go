package runnertest_test

import (
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

func TestFakePeople(t *testing.T) {
	t.Parallel()
	runnertest.TestPeople(t, func(*testing.T) runnertest.PeopleHarness {
		p := runnertest.NewPeople()
		bring := func(_ *testing.T, key campaign.Key, phones ...string) campaign.Request {
			p.Bring(key, phones...)
			return campaign.Request{Audience: &campaign.Audience{Digest: "ab"}}
		}
		return runnertest.PeopleHarness{
			People: p, Bring: bring,
			Late: func(t *testing.T, key campaign.Key, phones ...string) (campaign.Request, func()) {
				p.Miss(key, 1_000)
				return bring(t, key, phones...), func() { p.Miss(key, 0) }
			},
		}
	})
}
