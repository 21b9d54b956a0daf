package web

import (
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// health is how the service is that answered, and the red button.
type health struct {
	query.Health
	Became *outcome
}

func (s *Server) health(v *visit) error {
	h, err := query.AskHealth(v.ctx, s.Client)
	if err != nil {
		return err
	}
	page := health{Health: h}
	if page.Became, err = s.becameOfOrder(v); err != nil {
		return err
	}
	v.Live = "*"
	return v.show("health", v.T("health"), "health", page)
}

// button is the red button, or its end, as an address names it.
func (s *Server) button(v *visit) (order, bool, error) {
	o := order{Reasoned: true, By: v.Person.Name, Back: "/health"}
	switch v.r.PathValue("what") {
	case "hold":
		o.Title, o.Does = v.T("hold"), v.T("hold.does")
		return o, true, nil
	case "release":
		o.Title, o.Does = v.T("release"), v.T("release.does")
		return o, false, nil
	}
	return o, false, &query.Error{Code: query.NotFound, Text: v.T("wrong.address")}
}

func (s *Server) considerButton(v *visit) error {
	o, _, err := s.button(v)
	if err != nil {
		return err
	}
	return v.show("order", o.Title, "health", o)
}

func (s *Server) pressButton(v *visit) error {
	o, hold, err := s.button(v)
	if err != nil {
		return err
	}
	if hold {
		return s.lays(v, o, "", contract.VerbHold, func(by, reason string) proto.Message { return &campaignv1.HoldCampaigns{By: by, Why: reason} })
	}
	return s.lays(v, o, "", contract.VerbRelease, func(by, reason string) proto.Message {
		return &campaignv1.ReleaseCampaigns{By: by, Why: reason}
	})
}
