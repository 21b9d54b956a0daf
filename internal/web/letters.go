package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/query"
)

// letters are messages that nobody could act on.
type letters struct {
	All []query.Letter // the latest first
	Cut bool
}

// lettersShown is how many of them a page has.
const lettersShown = 500

func (s *Server) letters(v *visit) error {
	all, err := s.service.DLQ(v.ctx, query.DLQAsk{NewerThan: query.Duration(4 * lettersOf), Source: v.r.URL.Query().Get("source"), Page: query.Page{Limit: lettersShown}})
	if err != nil {
		return err
	}
	slices.Reverse(all.Letters)
	v.Live = "*"
	return v.show("letters", v.T("letters"), "letters", letters{all.Letters, all.Next != ""})
}

// letter is one of them, with what a replay would do.
type letter struct {
	query.Letter
	Payload string
	Remedy  string
	Plan    string // what a replay would publish, and where; empty: it has none
	No      string // why a replay has no effect
	Note    string
	By      string
	Done    bool // it was replayed just now
}

// letterOf reads a letter, and plans its replay: nothing is published.
func (s *Server) letterOf(v *visit) (letter, *client.Replay, error) {
	id, err := strconv.ParseUint(v.r.PathValue("id"), 10, 64)
	if err != nil || id == 0 {
		return letter{}, nil, &query.Error{Code: query.NotFound, Text: v.T("wrong.address")}
	}
	all, err := s.service.DLQ(v.ctx, query.DLQAsk{ID: id})
	if err != nil {
		return letter{}, nil, err
	}
	l := letter{Letter: all.Letters[0], By: v.Person.Name}
	l.Payload = indented(l.Letter.Payload)
	if l.Unreadable != "" {
		l.Payload = fmt.Sprintf("%q", l.Raw[:min(len(l.Raw), 2048)])
	}
	l.Remedy = v.T("letter.standing")
	if !contract.IsStanding(l.Subject) {
		l.Remedy = deadletter.Remedy("staffetta", deadletter.Reason(l.Reason), l.ID, l.Key, l.Unreadable == "")
	}
	plan, err := s.Client.PlanReplay(v.ctx, id, nil)
	switch {
	case err != nil:
		l.No = err.Error()
	case plan.Before.Sequence != 0:
		l.No = v.T("letter.before", v.plainly(plan.Before.Stored.Format("2006-01-02T15:04:05Z07:00")))
	case plan.Again != "":
		l.No = plan.Again
	default:
		l.Plan, l.Note = plan.Subject, plan.Note
		return l, &plan, nil
	}
	return l, nil, nil
}

func (s *Server) letter(v *visit) error {
	l, _, err := s.letterOf(v)
	if err != nil {
		return err
	}
	l.Done = v.r.URL.Query().Get("replayed") != "" && l.Replayed != nil
	return v.show("letter", v.T("letter", l.ID), "letters", l)
}

// replay publishes the message of a letter again. It is done once, whoever else presses.
func (s *Server) replay(v *visit) error {
	l, plan, err := s.letterOf(v)
	if err != nil {
		return err
	}
	if plan == nil {
		return movedError{fmt.Errorf("%s", l.No)}
	}
	placed, err := s.Client.Replay(v.ctx, *plan)
	if err != nil {
		return err
	}
	s.Log.Info("told the service", "what", "replay", "letter", l.ID, "by", v.Person.Name, "sequence", placed.Sequence)
	return v.goTo(fmt.Sprintf("/letters/%d?replayed=yes", l.ID))
}

// indented is JSON as people read it.
func indented(data json.RawMessage) string {
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return string(data)
	}
	return out.String()
}
