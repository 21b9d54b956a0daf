package runnertest_test

import (
	"sync"
	"testing"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// The claims in memory keep the contract that those in the streams keep.
func TestClaims(t *testing.T) {
	t.Parallel()
	runnertest.TestClaims(t, func(t *testing.T) runnertest.ClaimsHarness {
		p := runnertest.NewPeople()
		var records sync.Map
		claims := runnertest.NewClaims(p, func(key campaign.Key) campaign.Campaign {
			c, _ := records.Load(key)
			record, _ := c.(campaign.Campaign)
			return record
		})
		return runnertest.ClaimsHarness{A: claims, B: claims,
			Bring: func(t *testing.T, key campaign.Key, codes map[string]string) (campaign.Prepared, campaign.Audience) {
				var lines []string
				for phone, code := range codes {
					lines = append(lines, phone+","+code)
				}
				p.Bring(key, lines...)
				prepared, err := p.Prepare(t.Context(), key, campaign.Request{})
				if err != nil {
					t.Fatal(err)
				}
				return prepared, campaign.Audience{Digest: "ab"}
			},
			Save: func(_ *testing.T, c campaign.Campaign) { records.Store(c.Key, c) },
		}
	})
}
