package simulate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/runner"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
)

// This file holds the recipients that come with a request, where they do.

// bring lets a request come with its own recipients: as many as the list of the others
// has, and as many that are none.
func (w *World) bring() {
	if !w.opts.OwnPeople {
		return
	}
	w.request.ListID, w.request.Audience = 0, &campaign.Audience{Digest: "ab"}
	w.people = runnertest.NewPeople()
	phones := make([]string, 0, 104)
	for i := range 100 {
		phones = append(phones, fmt.Sprintf("+3933312345%02d", i))
	}
	w.people.Bring(key, append(phones, "a", "b", phones[7], phones[9])...)
}

// drawPeople decides what is peculiar about the recipients and their lists, where a request
// comes with its own: a part that is not there yet, lists that are counted wrong, an
// account without room, a gateway that searches no lists.
func (w *World) drawPeople() {
	g := w.gateway
	g.Miscounts, g.Room, g.NoListSearch = 0, nil, false
	if !w.opts.OwnPeople {
		return
	}
	t := &w.tape
	if reads := t.Rarely(4, 4); reads > 0 {
		w.people.Miss(key, reads)
		w.observed.partial = true
	}
	g.Miscounts = t.Rarely(4, 5)
	w.observed.miscounted = g.Miscounts > 0
	g.NoListSearch = t.Rarely(8, 2) == 1
	if t.Rarely(12, 2) == 1 {
		room := 50
		g.Room = &room
	}
}

// peoplesWeakSpots are where a fault does the most harm to recipients of its own.
var peoplesWeakSpots = []string{
	"call list", "call upload", "call count", "call find", "call unlist", "save requested", "prepare", "open", "screen", "discard",
}

func (w *World) weakSpot() string {
	spots := weakSpots
	if w.opts.OwnPeople {
		spots = slices.Concat(weakSpots, peoplesWeakSpots, peoplesWeakSpots)
	}
	return spots[w.tape.Choose(len(spots))]
}

// people is the port runner.People of one worker.
type people struct{ k *worker }

var _ runner.People = people{}

var errPeople = errors.New("the streams do not answer")

func (p people) call(what string, menu []faultKind, effect func() error) error {
	f := p.k.pause(what, menu)
	if f.kind == lost || !p.k.connected() {
		return errPeople
	}
	err := effect()
	switch f.kind {
	case diesAfter:
		panic(crash{})
	case replyLost:
		return errPeople
	}
	return err
}

func (p people) Prepare(ctx context.Context, key campaign.Key, r campaign.Request) (out campaign.Prepared, err error) {
	err = p.call("prepare", atLoad, func() (err error) { out, err = p.k.w.people.Prepare(ctx, key, r); return err })
	return out, err
}

func (p people) Open(ctx context.Context, key campaign.Key, r campaign.Request, digest string) (file campaign.File, err error) {
	err = p.call("open", atLoad, func() (err error) { file, err = p.k.w.people.Open(ctx, key, r, digest); return err })
	return file, err
}

func (p people) Screen(ctx context.Context, key campaign.Key, r campaign.Request, was campaign.Prepared) (upTo uint64, err error) {
	err = p.call("screen", atLoad, func() (err error) { upTo, err = p.k.w.people.Screen(ctx, key, r, was); return err })
	return upTo, err
}

func (p people) Discard(ctx context.Context, key campaign.Key, r campaign.Request) error {
	return p.call("discard", atWrite, func() error { return p.k.w.people.Discard(ctx, key, r) })
}

// judgePeople checks that a list holds nobody that is not sent to, that what is sent goes
// to all of them, and that nothing is kept in the end.
func (w *World) judgePeople(c campaign.Campaign) {
	if !w.opts.OwnPeople {
		return
	}
	// A record that a cancel left after the first one was lost knows of no recipients.
	unknown := w.observed.unmade || c.Request.Audience == nil
	for _, s := range w.gateway.Seen() {
		if len(s.Standing) > 0 && s.Recipients != 100 {
			w.fail("wrong people", "campaign %d was sent to %d people, 100 were to get it", s.ID, s.Recipients)
		}
	}
	for _, l := range w.gateway.SeenLists() {
		if len(l.Phones) > 100 {
			w.fail("wrong people", "list %d has %d people, 100 were to be in it", l.ID, len(l.Phones))
		}
		// Without a search, a list whose creation lost its reply is found by nobody.
		if !l.Gone && c.State.Final() && !w.observed.lie && !unknown && !w.gateway.NoListSearch {
			w.fail("kept", "list %d is still at the gateway", l.ID)
		}
	}
	if n := w.people.Left(key); n > 0 && c.State.Final() && !unknown && !c.Cleared.IsZero() {
		w.fail("kept", "%d recipients are still in the streams", n)
	}
	if c.State.Final() && c.Cleared.IsZero() && !unknown {
		w.fail("kept", "the campaign is %s, and its recipients were never removed", c.State)
	}
}

// judgePeoplesRejection says whether a rejection for the recipients or their list had a
// reason.
func (w *World) judgePeoplesRejection(why campaign.Reason) (judged bool) {
	g := w.gateway
	switch why.Code {
	case campaign.ReasonAudience:
		judged = w.observed.partial
	case campaign.ReasonNoRoom:
		judged = g.Room != nil
	case campaign.ReasonDiffers:
		judged = w.observed.miscounted && why.Step == campaign.OpCount
	}
	return judged
}
