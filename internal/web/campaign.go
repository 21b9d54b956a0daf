package web

import (
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/why"
)

// story is one campaign: what happened, what it waits for, and what can be done.
type story struct {
	why.Story
	Quoted quoted // without a record if the service has not begun with it
	Begun  bool
	Acts   []act
	Chart  *chart
	Events []told
	Cut    bool // there are further events
	Became *outcome
}

// told is one event in figures.
type told struct {
	At    time.Time
	Kind  string
	Parts []string
	Raw   string
}

// eventsShown is how many events of a campaign are read.
const eventsShown = 500

func (s *Server) campaign(v *visit) error {
	key, err := campaign.ParseKey(v.r.PathValue("key"))
	if err != nil {
		return &query.Error{Code: query.BadQuestion, Field: "key", Text: err.Error()}
	}
	st, err := s.storyOf(v, key)
	if err != nil {
		return err
	}
	title := st.Key
	if st.Name != "" {
		title = st.Name
	}
	v.Live = st.Key
	return v.show("campaign", title, "campaigns", st)
}

// storyOf reads all that there is to know of one campaign.
func (s *Server) storyOf(v *visit, key campaign.Key) (st story, err error) {
	var events query.Events
	var rec campaign.Campaign
	err = each([]func() error{
		func() (err error) {
			st.Story, err = s.service.Why(v.ctx, query.WhyAsk{Key: key.String(), Zone: v.zone.String()})
			return err
		},
		func() (err error) {
			events, err = s.service.Events(v.ctx, query.EventsAsk{Key: key.String(), Page: query.Page{Limit: eventsShown}})
			return err
		},
		func() (err error) {
			rec, err = s.service.record(v.ctx, key)
			if query.Is(err, query.NotFound) {
				return nil
			}
			if st.Begun = err == nil; st.Begun {
				st.Quoted, err = s.service.quotedOf(v.ctx, rec)
			}
			return err
		},
	}, func(_ int, do func() error) error { return do() })
	if err != nil {
		return st, err
	}
	if !st.Asked && len(st.Missing) == 0 {
		return st, &query.Error{Code: query.NotFound, Field: "key", Text: v.T("campaign.nobody", key)}
	}
	st.Cut = events.Next != ""
	var figures []point
	for _, e := range events.Events {
		t, err := client.ReadEvent(e)
		if err != nil {
			return st, err
		}
		line := told{At: t.Stored, Kind: t.Type, Raw: string(e.Data)}
		if event, known := t.Event(); known {
			line.Parts = why.Figures(event, rec.Request.Simulation)
			figures = append(figures, pointsOf(event, t)...)
		}
		st.Events = append(st.Events, line)
	}
	st.Chart = chartOf(figures, rec)
	if st.Begun {
		st.Acts = actsFor(rec, v.now)
		st.Became, err = s.becameOf(v, key, rec)
	}
	return st, err
}

// pointsOf is what an event says of how far a sending is.
func pointsOf(e campaign.Event, t contract.StoredEvent) []point {
	switch {
	case e.Type == campaign.EventConfirmed && e.Confirmed != nil:
		at := t.Stored
		if e.Confirmed.For.After(at) {
			at = e.Confirmed.For
		}
		return []point{{At: at}}
	case e.Stats != nil && !e.Stats.Uncounted:
		return []point{{At: t.Stored, Sent: e.Stats.Sent, Delivered: e.Stats.Delivered, Total: e.Stats.Total}}
	}
	return nil
}
