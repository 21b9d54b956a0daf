package sandbox

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// The handlers of /contacts: single contacts. Lists and memberships are in
// membership.go, files in upload.go.

func (k *contact) json() []byte {
	o := newObject().number("id", k.id)
	for _, f := range []field{
		{"phoneNumber", k.phone}, {"email", k.email}, {"firstName", k.first}, {"lastName", k.last}, {"gender", k.gender},
	} {
		if f.value != "" {
			o.text(f.name, f.value)
		}
	}
	if len(k.custom) > 0 {
		o.raw("customFields", customJSON(k.custom))
	}
	return o.flag("isValid", k.number != "").instant("createdAt", k.created).bytes()
}

func customJSON(fields []field) []byte {
	b := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, f.name), ':')
		b = appendString(b, f.value)
	}
	return append(b, '}')
}

func (c Contact) check() (bad reply, fine bool) {
	if c.PhoneNumber == "" && c.Email == "" {
		return badRequest("phoneNumber", "Either phoneNumber or email is required"), false
	}
	return reply{}, true
}

// addContact takes one contact, or an array of them, which is the sandbox's own.
// A malformed number is stored and marked: only a calculation throws it out.
func (s *Sandbox) addContact(c *call) reply {
	if bytes.HasPrefix(bytes.TrimLeft(c.body, " \t\r\n"), []byte("[")) {
		return s.addMany(c)
	}
	var in Contact
	if bad, fine := decode(c.body, &in); !fine {
		return bad
	}
	if bad, fine := in.check(); !fine {
		return bad
	}
	if s.contacts.room() == 0 {
		return badRequest("contacts", "Contact limit reached")
	}
	id := s.contacts.add(c.at, in)
	return reply{status: http.StatusCreated, body: s.contacts.get(id).json()}
}

func (s *Sandbox) addMany(c *call) reply {
	var in []Contact
	if bad, fine := decode(c.body, &in); !fine {
		return bad
	}
	for i, one := range in {
		if _, fine := one.check(); !fine {
			return badRequest("["+strconv.Itoa(i)+"].phoneNumber", "Either phoneNumber or email is required")
		}
	}
	first := s.contacts.add(c.at, in...)
	return reply{status: http.StatusCreated, body: page(len(in), seq(first, len(in)), func(id int) []byte {
		return newObject().number("id", id).bytes()
	})}
}

// findContacts filters by phoneNumber= and email= (exact), search=, listIds=.
func (s *Sandbox) findContacts(c *call) reply {
	q := c.r.URL.Query()
	lists, bad, fine := idsOf(q, "listIds")
	if !fine {
		return bad
	}
	if len(lists) == 0 {
		return contactsPage(c, s.contacts.find(contactFilter(c)))
	}
	wanted, seen := contactFilter(c), map[int]bool{}
	var found []*contact
	for _, id := range lists {
		members, _ := s.contacts.members(id)
		for _, k := range members {
			if !seen[k.id] && wanted(k) {
				seen[k.id] = true
				found = append(found, k)
			}
		}
	}
	return contactsPage(c, found)
}

func contactFilter(c *call) func(*contact) bool {
	q := c.r.URL.Query()
	phone, email, search := q.Get("phoneNumber"), q.Get("email"), strings.ToLower(q.Get("search"))
	return func(k *contact) bool {
		return (phone == "" || phone == k.phone || phone == k.number) &&
			(email == "" || email == k.email) &&
			(search == "" || k.matches(search))
	}
}

func contactsPage(c *call, found []*contact) reply {
	paging, bad, fine := pagingOf(c.r.URL.Query())
	if !fine {
		return bad
	}
	return ok(page(len(found), cut(found, paging), (*contact).json))
}

func (s *Sandbox) readContact(c *call) reply {
	id, _ := strconv.Atoi(c.r.PathValue("contact"))
	if k := s.contacts.get(id); k != nil {
		return ok(k.json())
	}
	return notFound("id", "Contact %s not found", c.r.PathValue("contact"))
}

// updateContact changes what the body has; the rest stays.
func (s *Sandbox) updateContact(c *call) reply {
	var in Contact
	if bad, fine := decode(c.body, &in); !fine {
		return bad
	}
	id, _ := strconv.Atoi(c.r.PathValue("contact"))
	k, exists := s.contacts.update(c.at, id, in)
	if !exists {
		return notFound("id", "Contact %s not found", c.r.PathValue("contact"))
	}
	return ok(k.json())
}

// removeContacts deletes the ids= of the query, or all contacts but the notIds=.
// The vendor does not say what happens when neither is there; the sandbox
// refuses.
func (s *Sandbox) removeContacts(c *call) reply {
	q := c.r.URL.Query()
	ids, bad, fine := idsOf(q, "ids")
	if !fine {
		return bad
	}
	notIDs, bad, fine := idsOf(q, "notIds")
	if !fine {
		return bad
	}
	if (len(ids) == 0) == (len(notIDs) == 0) {
		return badRequest("ids", "Either ids or notIds is required")
	}
	named := setOf(append(ids, notIDs...))
	removed := s.contacts.remove(func(id int) bool { return named[id] == (len(ids) > 0) })
	return ok(newObject().number("deleted", removed).bytes())
}
