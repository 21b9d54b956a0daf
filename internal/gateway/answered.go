package gateway

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// answeredCalls is what the gateway has answered this process in its own shape. With it
// an outage for all campaigns is told apart from one for a single campaign.
type answeredCalls struct {
	there  atomic.Bool // it answered something but "not found": there is a gateway
	missed atomic.Bool // a probe found nothing

	mu   sync.Mutex
	last map[campaign.Op][2]lastAnswer // the newest two, for different campaigns
}

type lastAnswer struct {
	id int64 // zero: the campaign had none yet
	at time.Time
}

func newAnsweredCalls() *answeredCalls { return &answeredCalls{last: map[campaign.Op][2]lastAnswer{}} }

// nothingFound says that nothing was found where gateway.url leads, and nothing has
// answered there since.
func (h *answeredCalls) nothingFound() bool { return h.missed.Load() && !h.there.Load() }

// note takes an outcome. A 403 is left out: it may be about the key.
func (h *answeredCalls) note(out campaign.Outcome, id int64) {
	refused := out.Kind == campaign.Refused && out.Cause != campaign.Forbidden
	if out.Kind != campaign.OK && !refused {
		return
	}
	if !nothingThere(out) && !h.there.Load() {
		h.there.Store(true)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	last, now := h.last[out.Op], lastAnswer{id, time.Now().UTC()}
	if last[0].id != id {
		last[1] = last[0]
	}
	last[0] = now
	h.last[out.Op] = last
}

// elsewhere is when a call was last answered for another campaign than this one; zero:
// not yet. A campaign without an id differs from every campaign that was answered.
func (h *answeredCalls) elsewhere(op campaign.Op, id int64) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.last[op] {
		if id == 0 || l.id != id {
			return l.at
		}
	}
	return time.Time{}
}
