package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
)

// asks makes one call of a source, which the gateway answers or not.
func (b *breakerTest) asks(t *testing.T, source string, answered bool) campaign.Outcome {
	t.Helper()
	b.port.answer = campaign.Unavailable
	if answered {
		b.port.answer = campaign.OK
	}
	return through(runner.WithSource(t.Context(), source), b, campaign.OpCreate)
}

// A source whose requests make the gateway fail waits alone; the others go on.
func TestOneSourceDoesNotShutTheGateway(t *testing.T) {
	inBubble(t, func(t *testing.T, b *breakerTest) {
		for range 20 {
			b.asks(t, "acqua-luce", true)
			for range 5 {
				b.asks(t, "shop-italia", false)
			}
			time.Sleep(time.Second)
		}
		if len(b.moves) != 0 {
			t.Errorf("the breaker moved: %q", b.moves)
		}
		calls := b.port.calls.Load()
		no := b.asks(t, "shop-italia", false)
		if no.Kind != campaign.NotAttempted || no.RetryAfter < time.Second || !strings.Contains(no.Err, "shop-italia is left alone") || b.port.calls.Load() != calls {
			t.Errorf("shop-italia gets %+v", no)
		}
		if o := b.asks(t, "acqua-luce", true); o.Kind != campaign.OK {
			t.Errorf("acqua-luce gets %+v", o)
		}
		time.Sleep(30 * time.Second)
		if o := b.asks(t, "shop-italia", true); o.Kind != campaign.OK {
			t.Errorf("later shop-italia gets %+v", o)
		}
		if o := b.asks(t, "shop-italia", false); o.Kind != campaign.Unavailable {
			t.Errorf("it was answered, and then gets %+v", o)
		}
	})
}

// If a gateway answers no source, all wait, however many there are.
func TestTheGatewayIsLeftAloneByAll(t *testing.T) {
	inBubble(t, func(t *testing.T, b *breakerTest) {
		b.asks(t, "acqua-luce", true)
		b.asks(t, "shop-italia", true)
		for range 3 {
			b.asks(t, "acqua-luce", false)
			b.asks(t, "shop-italia", false)
		}
		if b.State() != "open" {
			t.Errorf("it is %s after six calls in a row of two sources went unanswered", b.State())
		}
	})
	t.Run("AlsoOfOneSource", func(t *testing.T) {
		inBubble(t, func(t *testing.T, b *breakerTest) {
			for range 3 {
				b.asks(t, "shop-italia", false)
			}
			if b.State() != "open" {
				t.Errorf("it is %s", b.State())
			}
		})
	})
}

// A source that alone opened the breaker does not keep it open for those that come
// later.
func TestOneSourceDoesNotKeepItShut(t *testing.T) {
	inBubble(t, func(t *testing.T, b *breakerTest) {
		b.asks(t, "acqua-luce", true)
		time.Sleep(10 * time.Minute)
		for range 3 {
			b.asks(t, "shop-italia", false)
		}
		if b.State() != "open" {
			t.Fatalf("it is %s", b.State())
		}
		time.Sleep(31 * time.Second)
		b.asks(t, "shop-italia", false) // it tries, in vain
		if o := b.asks(t, "acqua-luce", true); o.Kind != campaign.OK || b.State() != "closed" {
			t.Errorf("acqua-luce gets %+v, and it is %s", o, b.State())
		}
		if o := b.asks(t, "shop-italia", false); o.Kind != campaign.NotAttempted {
			t.Errorf("shop-italia gets %+v", o)
		}
	})
}
