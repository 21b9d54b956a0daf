package gateway

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// A read that finds nothing shows nothing about the gateway; what else is answered by a
// proxy does.
func TestBreakerDoesNotCountWhatReadsDoNotFind(t *testing.T) {
	unshaped := campaign.Outcome{Kind: campaign.Unavailable, Cause: campaign.NotFound, HTTP: 404, Unshaped: true}
	refused := campaign.Outcome{Kind: campaign.Refused, Cause: campaign.NotFound, HTTP: 404}
	unsupported := campaign.Outcome{Kind: campaign.Unavailable, Cause: campaign.Unsupported, HTTP: 405, Unshaped: true}
	for name, tt := range map[string]struct {
		op    campaign.Op
		out   campaign.Outcome
		state string // after a failure, two of these, and another failure, of three that are allowed
	}{
		"StatusNotFound":       {campaign.OpStatus, unshaped, "closed"},
		"StatusUnsupported":    {campaign.OpStatus, unsupported, "closed"},
		"StatisticsNotFound":   {campaign.OpStats, unshaped, "closed"},
		"StatusStrange":        {campaign.OpStatus, campaign.Outcome{Kind: campaign.Unavailable, HTTP: 400, Unshaped: true}, "open"},
		"DeleteNotFound":       {campaign.OpDelete, unshaped, "open"},
		"ConfigureUnsupported": {campaign.OpConfigure, unsupported, "open"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *breakerTest) {
				b.fail(t, 1)
				b.port.says = &tt.out
				through(t.Context(), b, tt.op)
				through(t.Context(), b, tt.op)
				b.port.says = nil
				b.fail(t, 1)
				if b.State() != tt.state {
					t.Errorf("it is %s, want %s", b.State(), tt.state)
				}
				// No proof of health either: the failures before it count on.
				if tt.state == "closed" {
					if b.fail(t, 1); b.State() != "open" {
						t.Error("it has forgotten the failures")
					}
				}
			})
		})
	}
	t.Run("OwnNotFoundIsNoProofOfHealth", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *breakerTest) {
			b.fail(t, 2)
			b.port.says = &refused
			through(t.Context(), b, campaign.OpStatus)
			b.port.says = nil
			if b.fail(t, 1); b.State() != "open" {
				t.Errorf("it is %s", b.State())
			}
		})
	})
	t.Run("HalfOpenTheNextOneTries", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *breakerTest) {
			b.fail(t, 3)
			time.Sleep(31 * time.Second)
			synctest.Wait()
			b.port.says = &unshaped
			if through(t.Context(), b, campaign.OpStatus); b.State() != "half-open" {
				t.Errorf("after a read that found nothing it is %s", b.State())
			}
			b.port.says = &campaign.Outcome{Kind: campaign.OK}
			if through(t.Context(), b, campaign.OpPrice); b.State() != "closed" {
				t.Errorf("after an answer it is %s", b.State())
			}
		})
	})
}
