package web

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/query"
)

// order is a page that says what a standing order will do, before it is given: a pause, a
// hold.
type order struct {
	Title, Does string
	Reasoned    bool
	Seen        string // the version that was looked at
	Moved       string
	Reason, By  string
	Back        string
}

// lays publishes an order in the name of whoever looks, and goes to a page that says what
// became of it. Where something is missing from the form it is shown again.
func (s *Server) lays(v *visit, o order, source, verb string, body func(by, reason string) proto.Message) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	by, reason := v.Person.Name, strings.TrimSpace(form.Get("reason"))
	if !v.SignsIn {
		by = strings.TrimSpace(form.Get("by"))
	}
	switch {
	case by == "":
		o.Moved = v.T("act.nameless")
	case o.Reasoned && reason == "":
		o.Moved = v.T("order.reasonless")
	case form.Get("seen") != o.Seen:
		o.Moved = v.T("act.moved")
	}
	if o.Moved != "" {
		o.By, o.Reason = by, reason
		err := v.show("order", o.Title, "", o)
		v.status = 409
		return err
	}
	if _, err := s.service.Outcome(v.ctx, query.OutcomeAsk{}); err != nil {
		return err // nobody would carry it out
	}
	placed, err := s.Client.Lay(v.ctx, source, verb, body(by, reason))
	if err != nil {
		return err
	}
	if !v.SignsIn {
		v.remember(cookieName, by)
	}
	s.Log.Info("told the service", "what", verb, "source", source, "by", by, "sequence", placed.Sequence)
	return v.goTo(o.Back + "?" + url.Values{"order": {strconv.FormatUint(placed.Sequence, 10)}}.Encode())
}

// becameOfOrder says what became of the order that the address names; nil: it names none.
func (s *Server) becameOfOrder(v *visit) (*outcome, error) {
	sequence, _ := strconv.ParseUint(v.r.URL.Query().Get("order"), 10, 64)
	if sequence == 0 {
		return nil, nil
	}
	o, err := s.service.Outcome(v.ctx, query.OutcomeAsk{Sequence: sequence})
	if query.Is(err, query.NotFound) {
		return nil, nil // it is older than orders are kept
	}
	if err != nil {
		return nil, err
	}
	b := &outcome{Mood: "works"}
	switch o.Outcome {
	case query.OutcomeDone:
		b.Mood, b.Words = "well", v.T("order.done")
	case query.OutcomeRefused:
		b.Mood, b.Words = "bad", v.T("order.refused", fmt.Sprint(o.Letter), o.Note)
	default:
		b.Words = v.T("act.told")
	}
	return b, nil
}
