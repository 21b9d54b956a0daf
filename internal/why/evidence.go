package why

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Evidence is what is known of one campaign. What is too old for its stream is not in
// it.
type Evidence struct {
	Key campaign.Key
	Now time.Time

	Record     *campaign.Campaign // nil: there is none
	Requests   []Request          // every request, the oldest first
	QueuePlace QueuePlace         // of the first request, while there is no record
	Events     []campaign.Event
	Commands   []Command
	Letters    []Letter
	Armed      time.Time // when the next timer wakes it; if the record's due time is far away, it is earlier
	Held       string    // why no campaign of the source is begun or confirmed now; empty: they are
	HeldAs     string    // the flag that releases it: --source shop-italia, or --all
	Unarmed    bool      // it is known that no timer wakes it in time

	// Missing names what could not be read, with the reason.
	Missing []string
}

// Request is one message that asked for the campaign.
type Request struct {
	At       time.Time
	Sequence uint64
	Content  campaign.Request
	Err      string // why it cannot be read; then Content says nothing
	Replay   uint64 // the dead letter that was replayed as this request; zero: none
}

// Command is a command to the campaign.
type Command struct {
	At       time.Time
	Sequence uint64
	Input    campaign.Input // nil: it cannot be read
}

// Letter is a dead letter about the campaign.
type Letter struct {
	ID       uint64
	At       time.Time
	Kind     string // request, command, timer
	Sequence uint64 // of the message that it was
	Reason   string
	Fields   []string
	Note     string
}

// QueuePlace says where a request stands in the queue.
type QueuePlace struct {
	Ahead   uint64 // how many requests are taken before it
	Taken   bool   // the service has received it
	Done    bool   // the service has acknowledged it
	Pulling bool   // a service is pulling requests now
}
