package runnertest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// madeList is a contact list that was made by a call.
type madeList struct {
	id     int64
	name   string
	phones map[string]string // what each one's line says
	gone   bool
}

// SeenList is what the gateway saw of one list that was made by a call.
type SeenList struct {
	ID     int64
	Name   string
	Phones map[string]string // the line of the file that each phone came with last
	Gone   bool
}

const firstMadeList = 5000 // far from those that tests set

// SeenLists returns every list that was ever made by a call, in order.
func (g *Gateway) SeenLists() []SeenList {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]SeenList, len(g.made))
	for i, l := range g.made {
		all[i] = SeenList{l.id, l.name, l.phones, l.gone}
	}
	return all
}

// aboutLists does what a call about contact lists asks for.
func (g *Gateway) aboutLists(call campaign.Call, now time.Time) campaign.Outcome {
	o := yes
	switch call.Op {
	case campaign.OpList:
		l := &madeList{id: firstMadeList + int64(len(g.made)), name: call.Name, phones: map[string]string{}}
		g.made = append(g.made, l)
		g.lists[l.id] = campaign.Goal{}
		o.ListID = l.id
	case campaign.OpFind:
		if g.NoListSearch {
			return no(404, "", "there is nothing at this path")
		}
		for _, l := range g.made {
			if !l.gone && campaign.NamedBy(call.Name, l.name, call.Upto) {
				o.Lists = append(o.Lists, l.id)
			}
		}
	case campaign.OpUnlist:
		for _, id := range call.Lists {
			if l := g.listOf(id); l != nil {
				l.gone = true
				delete(g.lists, id)
			}
		}
	case campaign.OpQuota:
		room := 1_000_000
		if g.Room != nil {
			room = *g.Room
		}
		o.Contacts = int64(max(room-len(g.contacts), 0))
	case campaign.OpUpload:
		return g.upload(call, now)
	case campaign.OpCount:
		l := g.listOf(call.List)
		if l == nil {
			return no(404, "id", "contact list %d does not exist", call.List)
		}
		o.Contacts = int64(len(l.phones))
		if g.Miscounts > 0 {
			g.Miscounts--
			o.Contacts--
		}
	}
	return o
}

func (g *Gateway) listOf(id int64) *madeList {
	if i := id - firstMadeList; i >= 0 && i < int64(len(g.made)) && !g.made[i].gone {
		return g.made[i]
	}
	return nil
}

// upload puts people into a list. Who is a contact already needs no room.
func (g *Gateway) upload(call campaign.Call, now time.Time) campaign.Outcome {
	l := g.listOf(call.List)
	if l == nil {
		return no(404, "listId", "contact list %d does not exist", call.List)
	}
	var file bytes.Buffer
	if err := call.File(func(piece []byte) error { file.Write(piece); return nil }); err != nil {
		return campaign.Outcome{Kind: campaign.Unavailable, Err: err.Error()}
	}
	for i, line := range strings.Split(strings.TrimSpace(file.String()), "\n") {
		phone, _, _ := strings.Cut(line, ",")
		if i == 0 || g.Room != nil && len(g.contacts) >= *g.Room && g.contacts[phone] == "" {
			continue
		}
		g.garble(l, phone, line, now)
		g.contacts[phone], l.phones[phone] = line, line
	}
	n := int64(len(l.phones))
	g.lists[l.id] = campaign.Goal{Total: n, Valid: n, Parts: n}
	return yes
}

// garble notes the texts that an upload spoils: those of a campaign that is confirmed and
// has not been sent, to somebody whose line was another one. This gateway reads a line when
// its message leaves.
func (g *Gateway) garble(by *madeList, phone, line string, now time.Time) {
	for _, d := range g.drafts {
		l := g.listOf(d.List)
		if l == nil || l == by || len(d.Standing) == 0 || d.simulated || !strings.Contains(line, ",") || !now.Before(d.start.Add(g.sendsFor())) {
			continue
		}
		if was := l.phones[phone]; was != "" && was != line {
			g.garbled = append(g.garbled, fmt.Sprintf("campaign %d: %s instead of %s", d.ID, line, was))
		}
	}
}

// Garbled are the texts that went out with what another campaign had uploaded.
func (g *Gateway) Garbled() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.garbled)
}

// File is people as they are uploaded: the first line is the header.
type File string

// Whole is them as a [campaign.File].
func (f File) Whole(write func([]byte) error) error { return write([]byte(f)) }
