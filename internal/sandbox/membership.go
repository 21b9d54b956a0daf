package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The handlers of /contacts/list: lists and their members.

func (l ListInfo) json() []byte {
	return newObject().
		number("id", l.ID).
		text("name", l.Name).
		text("description", l.Description).
		number("contactCount", l.Contacts).
		instant("createdAt", l.Created).
		bytes()
}

func (s *Sandbox) addList(c *call) reply {
	var in struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	}
	if bad, fine := decode(c.body, &in); !fine {
		return bad
	}
	if in.Name == "" {
		return badRequest("name", "List name is required")
	}
	return reply{status: http.StatusCreated, body: s.contacts.addList(c.at, in.Name, in.Description).json()}
}

// findLists filters by search= and id=.
func (s *Sandbox) findLists(c *call) reply {
	q := c.r.URL.Query()
	paging, bad, fine := pagingOf(q)
	if !fine {
		return bad
	}
	search := strings.ToLower(q.Get("search"))
	infos := s.contacts.listInfos()
	if c.variants.CountLags {
		infos = s.contacts.laggingInfos(c.at)
	}
	found := slices.DeleteFunc(infos, func(l ListInfo) bool {
		return !strings.Contains(strings.ToLower(l.Name), search) ||
			q.Has("id") && q.Get("id") != strconv.Itoa(l.ID)
	})
	return ok(page(len(found), cut(found, paging), ListInfo.json))
}

func (s *Sandbox) removeLists(c *call) reply {
	ids, bad, fine := idsOf(c.r.URL.Query(), "ids")
	if !fine {
		return bad
	}
	if len(ids) == 0 {
		return badRequest("ids", "ids is required")
	}
	return ok(newObject().number("deleted", s.contacts.removeLists(ids)).bytes())
}

func (s *Sandbox) listContacts(c *call) reply {
	id, _ := strconv.Atoi(c.r.PathValue("list"))
	members, exists := s.contacts.members(id)
	if !exists {
		return notFound("listId", "Contact list %s not found", c.r.PathValue("list"))
	}
	wanted := contactFilter(c)
	return contactsPage(c, slices.DeleteFunc(members, func(k *contact) bool { return !wanted(k) }))
}

// memberships reads the body that joining and leaving share: some contacts, or
// all of the account but some.
func (s *Sandbox) memberships(c *call) (lists, contacts []int, bad reply, fine bool) {
	var in struct {
		ListIDs     []int `json:"listIds"`
		ContactIDs  []int `json:"contactIds"`
		AllContacts bool  `json:"allContacts"`
		Except      []int `json:"excludeIdsAllContacts"`
	}
	if bad, fine := decode(c.body, &in); !fine {
		return nil, nil, bad, false
	}
	if len(in.ListIDs) == 0 {
		return nil, nil, badRequest("listIds", "listIds is required"), false
	}
	for _, id := range in.ListIDs {
		if !s.contacts.hasList(id) {
			return nil, nil, badRequest("listIds", "Contact list %d does not exist", id), false
		}
	}
	if in.AllContacts {
		except := setOf(in.Except)
		all := s.contacts.find(func(k *contact) bool { return !except[k.id] })
		for _, k := range all {
			contacts = append(contacts, k.id)
		}
		return in.ListIDs, contacts, reply{}, true
	}
	if len(in.ContactIDs) == 0 {
		return nil, nil, badRequest("contactIds", "Either contactIds or allContacts is required"), false
	}
	return in.ListIDs, in.ContactIDs, reply{}, true
}

func (s *Sandbox) join(c *call) reply {
	lists, contacts, bad, fine := s.memberships(c)
	if !fine {
		return bad
	}
	added := s.contacts.join(c.at, lists, contacts)
	return reply{status: http.StatusCreated, body: newObject().number("added", added).bytes()}
}

func (s *Sandbox) leave(c *call) reply {
	lists, contacts, bad, fine := s.memberships(c)
	if !fine {
		return bad
	}
	return ok(newObject().number("removed", s.contacts.leave(lists, contacts)).bytes())
}
