package gateway

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// heard is what the gateway has answered this process in its own shape. It tells
// an answer that nobody gets from one that only this campaign does not get.
type heard struct {
	there  atomic.Bool // it answered something but "not found": there is a gateway
	missed atomic.Bool // a probe found nothing

	mu   sync.Mutex
	last map[campaign.Op][2]hearing // the newest two, about different campaigns
}

type hearing struct {
	id int64 // zero: of a campaign that had none yet
	at time.Time
}

func newHeard() *heard { return &heard{last: map[campaign.Op][2]hearing{}} }

// nobody says that nothing was found where gateway.url leads, and nothing has
// answered there since.
func (h *heard) nobody() bool { return h.missed.Load() && !h.there.Load() }

// note takes an outcome. A 403 is left out: its shape is not looked at.
func (h *heard) note(out campaign.Outcome, id int64) {
	refused := out.Kind == campaign.Refused && out.HTTP != http.StatusForbidden
	if out.Kind != campaign.OK && !refused {
		return
	}
	if !nothingThere(out) && !h.there.Load() {
		h.there.Store(true)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	last, now := h.last[out.Op], hearing{id, time.Now().UTC()}
	if last[0].id != id {
		last[1] = last[0]
	}
	last[0] = now
	h.last[out.Op] = last
}

// elsewhere is when a call was last answered for another campaign than this one;
// zero: not yet. Who has no id yet is another than everybody who was answered.
func (h *heard) elsewhere(op campaign.Op, id int64) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.last[op] {
		if id == 0 || l.id != id {
			return l.at
		}
	}
	return time.Time{}
}
