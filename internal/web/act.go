package web

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/why"
)

// act is something that a person can do about one campaign.
type act struct {
	Name  string // in the address; its words are act.NAME in the catalogue
	Grave bool   // it spends money, or cannot be taken back
	// offered says that it can have an effect now.
	offered func(rec campaign.Campaign, now time.Time) bool
	tell    func(ctx context.Context, c *client.Client, rec campaign.Campaign, by, reason string) (client.Placed, error)
	// became reads from the record what became of it; quote is the one that was shown.
	became func(rec campaign.Campaign, quote string, clock why.Clock) why.Became
}

// acts are all of them, in the order of their buttons.
var acts = []act{
	{"approve", true, func(rec campaign.Campaign, _ time.Time) bool { return waitsForApproval(rec) },
		func(ctx context.Context, c *client.Client, rec campaign.Campaign, by, _ string) (client.Placed, error) {
			return c.Approve(ctx, rec.Key, campaign.QuoteID(rec.Request, *rec.Quote), by)
		},
		func(rec campaign.Campaign, quote string, clock why.Clock) why.Became {
			return why.Approved(quote, rec, clock)
		}},
	{"decline", false, func(rec campaign.Campaign, _ time.Time) bool { return waitsForApproval(rec) },
		func(ctx context.Context, c *client.Client, rec campaign.Campaign, by, reason string) (client.Placed, error) {
			return c.Decline(ctx, rec.Key, campaign.QuoteID(rec.Request, *rec.Quote), by, reason)
		},
		func(rec campaign.Campaign, _ string, _ why.Clock) why.Became { return why.Declined(rec) }},
	{"cancel", false, cancellable,
		func(ctx context.Context, c *client.Client, rec campaign.Campaign, by, reason string) (client.Placed, error) {
			return c.Cancel(ctx, rec.Key, by, reason)
		},
		func(rec campaign.Campaign, _ string, _ why.Clock) why.Became {
			return why.Cancelled(campaign.Campaign{}, rec)
		}},
	{"resolve-sent", true, func(rec campaign.Campaign, _ time.Time) bool {
		return rec.State == campaign.Unresolved && rec.Draft != nil
	},
		func(ctx context.Context, c *client.Client, rec campaign.Campaign, by, reason string) (client.Placed, error) {
			return c.Resolve(ctx, rec.Key, by, true, reason)
		}, resolved},
	{"resolve-not-sent", true, func(rec campaign.Campaign, _ time.Time) bool { return rec.State == campaign.Unresolved },
		func(ctx context.Context, c *client.Client, rec campaign.Campaign, by, reason string) (client.Placed, error) {
			return c.Resolve(ctx, rec.Key, by, false, reason)
		}, resolved},
	{"promote", true, func(rec campaign.Campaign, now time.Time) bool {
		_, err := rec.Promoted(true, now, time.Time.String)
		return err == nil
	},
		func(ctx context.Context, c *client.Client, rec campaign.Campaign, _, _ string) (client.Placed, error) {
			r, err := rec.Promoted(true, time.Now(), func(at time.Time) string { return at.Format(time.RFC3339) })
			if err != nil {
				return client.Placed{}, err
			}
			return c.Request(ctx, contract.Requested(liveOf(rec.Key), r), "")
		},
		func(campaign.Campaign, string, why.Clock) why.Became { return why.Became{} }},
	{"follow", false, func(rec campaign.Campaign, _ time.Time) bool { return rec.State == campaign.Unreconciled },
		func(ctx context.Context, c *client.Client, rec campaign.Campaign, by, _ string) (client.Placed, error) {
			return c.FollowAgain(ctx, rec.Key, by)
		},
		func(rec campaign.Campaign, _ string, _ why.Clock) why.Became {
			return why.FollowedAgain(campaign.Campaign{}, rec)
		}},
}

// liveOf is the name under which a simulation is asked for again, for real. It is the same
// each time, so whoever presses twice asks once.
func liveOf(key campaign.Key) campaign.Key {
	return campaign.Key{Source: key.Source, RequestID: key.RequestID + "-live"}
}

func resolved(rec campaign.Campaign, _ string, _ why.Clock) why.Became { return why.Resolved(rec) }

// cancellable says that a cancel may still have an effect.
func cancellable(rec campaign.Campaign, now time.Time) bool {
	switch {
	case rec.State.Final(), rec.State == campaign.Sending, rec.State == campaign.Rejecting:
		return false
	case rec.Cancel != nil:
		return false // one is kept, or was refused for good
	case rec.Confirmed != nil:
		return rec.Confirmed.For.After(now)
	}
	return true
}

// actsFor are those that can have an effect on a campaign now.
func actsFor(rec campaign.Campaign, now time.Time) (all []act) {
	for _, a := range acts {
		if a.offered(rec, now) {
			all = append(all, a)
		}
	}
	return all
}

// Reasoned says that the form asks why.
func (a act) Reasoned() bool { return a.Name != "approve" && a.Name != "follow" && a.Name != "promote" }

// considered is a page that repeats in numbers what a button will do.
type considered struct {
	Act    act
	Quoted quoted
	Seen   string // what was on the screen: if it is not so any more, nothing is done
	Moved  string // why nothing was done
	Reason string // as it was typed
	By     string
}

// seen stands for what a campaign looked like to whoever decides: where it stands, and
// exactly what it costs.
func seen(rec campaign.Campaign) string {
	if rec.Quote == nil {
		return string(rec.State)
	}
	return string(rec.State) + "." + campaign.QuoteID(rec.Request, *rec.Quote)
}

// movedError says that what was decided about is not so any more.
type movedError struct{ error }

// actOf finds the act and the record that an address names.
func (s *Server) actOf(v *visit) (act, campaign.Campaign, error) {
	key, err := campaign.ParseKey(v.r.PathValue("key"))
	if err != nil {
		return act{}, campaign.Campaign{}, &query.Error{Code: query.BadQuestion, Field: "key", Text: err.Error()}
	}
	for _, a := range acts {
		if a.Name == v.r.PathValue("act") {
			rec, err := s.service.record(v.ctx, key)
			return a, rec, err
		}
	}
	return act{}, campaign.Campaign{}, &query.Error{Code: query.NotFound, Text: v.T("wrong.address")}
}

// considerAct shows what a button will do.
func (s *Server) considerAct(v *visit) error {
	a, rec, err := s.actOf(v)
	if err != nil {
		return err
	}
	if !a.offered(rec, v.now) {
		return movedError{fmt.Errorf("%s", v.T("act.late", rec.Key, v.State(rec.State)))}
	}
	q, err := s.service.quotedOf(v.ctx, rec)
	if err != nil {
		return err
	}
	return v.show("act", v.T("act."+a.Name), "campaigns", considered{Act: a, Quoted: q, Seen: seen(rec), By: v.Person.Name})
}

// formAtMost is how large a form may be.
const formAtMost = 64 << 10

// carryOutAct tells the service. What was on the screen comes back with the form: if the
// campaign has moved since, nothing is told, and the page shows what it is now.
func (s *Server) carryOutAct(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	a, rec, err := s.actOf(v)
	if err != nil {
		return err
	}
	if !a.offered(rec, v.now) {
		return movedError{fmt.Errorf("%s", v.T("act.late", rec.Key, v.State(rec.State)))}
	}
	by := v.Person.Name
	if !v.SignsIn {
		by = strings.TrimSpace(form.Get("by"))
	}
	moved := ""
	switch {
	case by == "":
		moved = v.T("act.nameless")
	case form.Get("seen") != seen(rec):
		moved = v.T("act.moved")
	}
	if moved != "" {
		q, err := s.service.quotedOf(v.ctx, rec)
		if err != nil {
			return err
		}
		err = v.show("act", v.T("act."+a.Name), "campaigns", considered{a, q, seen(rec), moved, form.Get("reason"), by})
		v.status = 409
		return err
	}
	placed, err := a.tell(v.ctx, s.Client, rec, by, strings.TrimSpace(form.Get("reason")))
	if err != nil {
		return err
	}
	if !v.SignsIn {
		v.remember(cookieName, by)
	}
	s.Log.Info("told the service", "what", a.Name, "key", rec.Key.String(), "by", by, "sequence", placed.Sequence)
	if a.Name == "promote" {
		return v.goTo("/campaigns/" + liveOf(rec.Key).String())
	}
	said := url.Values{"did": {a.Name}, "order": {strconv.FormatUint(placed.Sequence, 10)}}
	if rec.Quote != nil {
		said.Set("quote", campaign.QuoteID(rec.Request, *rec.Quote))
	}
	return v.goTo("/campaigns/" + rec.Key.String() + "?" + said.Encode())
}

// form is what was typed.
func (v *visit) form() (url.Values, error) {
	v.r.Body = limited(v.w, v.r.Body)
	if err := v.r.ParseForm(); err != nil {
		return nil, &query.Error{Code: query.BadQuestion, Text: err.Error()}
	}
	return v.r.PostForm, nil
}

// outcome is what became of a button that was pressed.
type outcome struct {
	Act  string
	Mood string // well, bad, works
	why.Became
}

// becameOf says what became of the button that the address names. It is asked anew with
// each look, so the page need not remember it.
func (s *Server) becameOf(v *visit, key campaign.Key, rec campaign.Campaign) (*outcome, error) {
	q := v.r.URL.Query()
	order, _ := strconv.ParseUint(q.Get("order"), 10, 64)
	for _, a := range acts {
		if a.Name != q.Get("did") || order == 0 {
			continue
		}
		o := &outcome{a.Name, "works", a.became(rec, q.Get("quote"), func(at time.Time) string { return v.plainly(at.Format(time.RFC3339)) })}
		switch {
		case o.Well:
			o.Mood = "well"
		case o.Done:
			o.Mood = "bad"
		}
		if o.Outcome != "" {
			return o, nil
		}
		letters, err := s.service.DLQ(v.ctx, query.DLQAsk{Key: key.String(), NewerThan: query.Duration(24 * time.Hour)})
		if err != nil {
			return nil, err
		}
		for _, l := range letters.Letters {
			if l.Sequence == order && l.Kind == "command" {
				o.Mood, o.Became = "bad", why.Became{Outcome: "put aside", Words: v.T("act.aside", l.ID, cmp.Or(l.Note, l.Reason)), Done: true}
				return o, nil
			}
		}
		o.Words = v.T("act.told")
		return o, nil
	}
	return nil, nil
}
