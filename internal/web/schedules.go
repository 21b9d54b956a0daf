package web

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/schedule"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// schedules are the campaigns that come again and again.
type schedules struct {
	All    []recurring
	Cut    bool
	Became *outcome
}

// recurring is one of them.
type recurring struct {
	schedule.Record
	Coming []schedule.Occurrence
	Last3  []schedule.Skipped // that were left out, the latest first
}

// schedulesShown is how many a page has.
const schedulesShown, comingShown = 200, 3

func (s *Server) schedules(v *visit) error {
	all, err := s.service.Schedules(v.ctx, query.SchedulesAsk{Page: query.Page{Limit: schedulesShown}})
	if err != nil {
		return err
	}
	page := schedules{Cut: all.Next != ""}
	for _, r := range all.Schedules {
		one := recurring{Record: r}
		if !r.Paused {
			one.Coming = r.Next(v.now, comingShown)
		}
		for _, skipped := range slices.Backward(r.Skipped) {
			if len(one.Last3) < 3 {
				one.Last3 = append(one.Last3, skipped)
			}
		}
		page.All = append(page.All, one)
	}
	slices.SortFunc(page.All, func(a, b recurring) int {
		if len(a.Coming) == 0 || len(b.Coming) == 0 {
			return len(b.Coming) - len(a.Coming)
		}
		return a.Coming[0].At.Compare(b.Coming[0].At)
	})
	if page.Became, err = s.becameOfOrder(v); err != nil {
		return err
	}
	v.Live = "*"
	return v.show("schedules", v.T("schedules"), "schedules", page)
}

// orderOf is the pause, or its end, of the schedule that an address names. It names the
// version that was looked at: if another change came first, this one is refused.
func (s *Server) orderOf(v *visit) (order, schedule.Record, error) {
	all, err := s.service.Schedules(v.ctx, query.SchedulesAsk{Key: v.r.PathValue("key")})
	if err != nil {
		return order{}, schedule.Record{}, err
	}
	r, what := all.Schedules[0], v.r.PathValue("what")
	o := order{Seen: strconv.Itoa(r.Version), By: v.Person.Name, Back: "/schedules"}
	switch {
	case what == "pause" && !r.Paused:
		o.Title, o.Does = v.T("schedule.pause"), v.T("schedule.pause.does", r.Key.String(), r.Rule())
	case what == "resume" && r.Paused:
		o.Title, o.Does = v.T("schedule.resume"), v.T("schedule.resume.does", r.Key.String(), r.Rule())
	default:
		return o, r, &query.Error{Code: query.NotFound, Text: v.T("schedule.late", r.Key.String())}
	}
	return o, r, nil
}

func (s *Server) considerSchedule(v *visit) error {
	o, _, err := s.orderOf(v)
	if err != nil {
		return err
	}
	return v.show("order", o.Title, "schedules", o)
}

func (s *Server) changeSchedule(v *visit) error {
	o, r, err := s.orderOf(v)
	if err != nil {
		return err
	}
	if r.Paused {
		return s.lays(v, o, r.Source, contract.VerbResumeSchedule, func(by, _ string) proto.Message {
			return &campaignv1.ResumeSchedule{By: by, Id: r.ID, Version: int32(r.Version)}
		})
	}
	return s.lays(v, o, r.Source, contract.VerbPauseSchedule, func(by, _ string) proto.Message {
		return &campaignv1.PauseSchedule{By: by, Id: r.ID, Version: int32(r.Version)}
	})
}
