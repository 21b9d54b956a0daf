package why

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Evidence is what is known of one campaign. What has aged out of its stream
// is simply not in it.
type Evidence struct {
	Key campaign.Key
	Now time.Time

	Record   *campaign.Campaign // nil: there is none
	Requests []Request          // every time somebody asked, the oldest first
	Turn     Turn               // of the first request, while there is no record
	Events   []campaign.Event
	Commands []Command
	Letters  []Letter
	Armed    time.Time // when the next timer wakes it; earlier than the record asks for, if that is far away
	Held     string    // why nothing of the source is begun or confirmed now; empty: it is
	HeldAs   string    // the flag that lets go of it: --source shop-italia, or --all
	Unarmed  bool      // no timer wakes it in time: not just unknown

	// Missing names what could not be read, with the reason.
	Missing []string
}

// Request is one message that asked for the campaign.
type Request struct {
	At       time.Time
	Sequence uint64
	Content  campaign.Request
	Err      string // why it cannot be read; then Content says nothing
	Replay   uint64 // of which dead letter somebody replayed it; zero: of none
}

// Command is what somebody told the campaign to do.
type Command struct {
	At       time.Time
	Sequence uint64
	Input    campaign.Input // nil: it cannot be read
}

// Letter is a message about the campaign that was put aside.
type Letter struct {
	ID       uint64
	At       time.Time
	Kind     string // request, command, timer
	Sequence uint64 // of the message it was
	Reason   string
	Fields   []string
	Note     string
}

// Turn says where a request stands in the queue.
type Turn struct {
	Ahead   uint64 // requests to be taken before it
	Taken   bool   // the service has had it in hand
	Done    bool   // the service was done with it
	Pulling bool   // a service asks for requests at the moment
}
