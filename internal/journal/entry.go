package journal

import (
	"fmt"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// Entry is what the headers of a record say of its campaign. Its JSON stands in the list
// of the open campaigns, once for each of them, so its names are short.
type Entry struct {
	Key      campaign.Key   `json:"-"`
	Sequence uint64         `json:"n"` // of its record
	State    campaign.State `json:"s"`
	Since    time.Time      `json:"i"`          // when it entered the state
	Saved    time.Time      `json:"a"`          // when the record was last stored
	Wake     time.Time      `json:"w,omitzero"` // when it must be looked at again; zero: it is final, and owes nothing
	Waiting  string         `json:"y,omitempty"`

	// Summary is what a list says beside; the zero value: an earlier version saved the
	// record.
	Summary campaign.Summary `json:"u,omitzero"`

	Holds bool `json:"h,omitempty"` // it holds its people against others that give them other values

	// Of a campaign that has ended.
	Forgotten bool `json:"-"` // its text is
	Short     bool `json:"-"` // its record is: what nobody needs of it any more is gone
}

// Open says that something can still happen to the campaign, or that a person has to
// look at it.
func (e Entry) Open() bool {
	return !e.Wake.IsZero() || e.State != "" && (!e.State.Final() || e.State == campaign.Unresolved)
}

// over says that there is a campaign, and that nothing can happen to it any more.
func (e Entry) over() bool { return e.State != "" && !e.Open() }

// late is for how long somebody should have looked at the campaign; not above zero: it
// rests, or is not due.
func (e Entry) late(now time.Time) time.Duration {
	if e.Wake.IsZero() {
		return 0
	}
	return now.Sub(e.Wake)
}

// EntryOf reads the headers of a record. Its key is the zero one if it is no campaign's:
// it is a mark, or somebody else put it there. Of a record that was deleted by hand only
// the key is known. With an error, the entry is what the sweep has to go by.
func EntryOf(r streams.Kept) (Entry, error) {
	key, rest, err := contract.SplitSubject(r.Subject, streams.RecordPrefix)
	if err != nil || rest != "" {
		return Entry{}, nil
	}
	e := Entry{Key: key, Sequence: r.Sequence, Saved: r.Stored.UTC()}
	if r.Absent {
		return e, nil
	}
	h := r.Header
	e.State, e.Waiting = campaign.State(h.Get(HeaderState)), h.Get(HeaderWaiting)
	e.Holds = h.Get(headerHolds) != ""
	e.Forgotten, e.Short = h.Get(headerForgotten) != "", h.Get(headerShort) != ""
	// A record that an earlier version saved does not say since when.
	if e.Since, err = time.Parse(time.RFC3339Nano, h.Get(HeaderSince)); err != nil {
		e.Since = e.Saved
	}
	if text := h.Get(HeaderWake); text != "" {
		if e.Wake, err = time.Parse(time.RFC3339Nano, text); err != nil {
			e.Wake = e.Saved // somebody has to look: it is woken, and its record says why
			return e, fmt.Errorf("%s: header %s: %w", r.Subject, HeaderWake, err)
		}
	}
	if text := h.Get(HeaderSummary); text != "" {
		if e.Summary, err = campaign.ParseSummary(text); err != nil {
			return e, fmt.Errorf("%s: header %s: %w", r.Subject, HeaderSummary, err)
		}
	}
	return e, nil
}
