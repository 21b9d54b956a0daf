package runner

import (
	"cmp"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/loop"
)

// Found is what a wake-up found of its campaign, and left: what tells it from others in a
// trace. The same wake-up, delivered again after a crash, finds the same.
type Found struct {
	Trace    string    // W3C traceparent of the request, if it came with one
	Leg      int       // which of the traces of the campaign tells of the wake-up
	First    bool      // it begins that one
	Revision uint64    // of the record
	Saved    uint64    // the revision of the record when a call is made
	Wake     time.Time // when the campaign is woken next; zero: never
}

// LongWait is after how long a campaign's story goes on in another trace: people look at
// one trace as at one piece of work.
const LongWait = time.Hour

// find says what a wake-up has found. After a long wait the campaign goes on in another
// trace: that is saved with whatever is saved first, and found again after a crash before.
func find(w Wakeup, c *campaign.Campaign, rev loop.Revision) Found {
	waited := rev.Seq > 0 && w.Stored.Sub(rev.At) > LongWait
	if waited {
		c.Leg++
	}
	// A request that comes once more, after a crash, begins the first trace again.
	first := waited || c.Leg == 0 && (rev.Seq == 0 || w.Kind == WakeRequest)
	return Found{Trace: cmp.Or(c.Trace, w.Trace), Leg: c.Leg, First: first, Revision: rev.Seq, Wake: c.Wake}
}
