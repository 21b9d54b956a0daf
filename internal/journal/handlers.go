package journal

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/loop"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/scheduler"
)

// Handlers are who handles what the lanes bring. The context of a handler ends with
// [ConsumeOptions.Grace] and not with the shutdown: what was begun is finished.
type Handlers struct {
	// Campaign handles a request, a timer or a command, and says what becomes of
	// its message.
	Campaign func(context.Context, runner.Wakeup) loop.Verdict
	// Schedule is the same for the timers of schedules. Nil: they are left in the
	// stream.
	Schedule func(context.Context, scheduler.Wakeup) loop.Verdict
	// Standing carries out a standing order and returns the event that tells of it. It
	// may be called again with an order that it has carried out. A [*loop.Refusal] is
	// final. Nil: they are left in the stream.
	Standing func(context.Context, contract.Order) (proto.Message, error)
}

// wakeCampaign hands a request, a timer or a command to the loop of campaigns.
func (l *lane) wakeCampaign(ctx context.Context, f *delivery) loop.Verdict {
	w, err := l.j.intake.read(ctx, f.msg)
	if err != nil {
		return unread(err)
	}
	if !l.handling.lockCampaign(w) {
		return loop.Verdict{Do: loop.Retry, After: sameRequest}
	}
	defer l.handling.unlockCampaign(w)
	w.Stored = f.meta.Timestamp
	return l.handlers.Campaign(ctx, w)
}

// wakeSchedule hands the timer of a schedule to the loop of schedules.
func (l *lane) wakeSchedule(ctx context.Context, f *delivery) loop.Verdict {
	w, err := readScheduleWakeup(f.msg.Subject())
	if err != nil {
		return unread(err)
	}
	w.Stored = f.meta.Timestamp
	return l.handlers.Schedule(ctx, w)
}

// command handles what lies beside the timers, where one lane brings standing orders as
// well.
func (l *lane) command(ctx context.Context, f *delivery) loop.Verdict {
	if l.handlers.Standing != nil && contract.IsStanding(f.msg.Subject()) {
		return l.obey(ctx, f)
	}
	return l.wakeCampaign(ctx, f)
}

// unread is the verdict on a message that could not be read.
func unread(err error) loop.Verdict {
	if u, final := errors.AsType[*contract.Unreadable](err); final {
		return u.Verdict()
	}
	return loop.Verdict{Do: loop.Retry, Note: err.Error()}
}

// sameRequest is when a request comes back that was published again while the
// first is being handled.
const sameRequest = 300 * time.Millisecond

// handling are the campaigns whose requests are in hand, in a lane and in those that some
// of its messages are left to.
type handling struct {
	mu   sync.Mutex
	keys map[campaign.Key]bool // guarded by mu
}

// lockCampaign says whether a worker may begin with w. A request that was published
// several times at once would be begun by as many workers, each with a draft of
// its own at the gateway, of which all but one are thrown away. So would those that are
// in hand when their source is set apart. This spares them;
// it guards nothing, since another replica may well have begun. A command does
// not wait: a cancel has to overtake the run that it stops.
func (h *handling) lockCampaign(w runner.Wakeup) bool {
	if w.Kind != runner.WakeRequest {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.keys[w.Key] {
		return false
	}
	h.keys[w.Key] = true
	return true
}

func (h *handling) unlockCampaign(w runner.Wakeup) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.keys, w.Key)
}
