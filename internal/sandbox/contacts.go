package sandbox

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/staffetta-io/staffetta/internal/sms"
)

// A Contact is a person as a client writes one down. PhoneNumber is kept as it
// was written, right or wrong: the gateway finds out what is wrong with it when
// it calculates a campaign.
type Contact struct {
	PhoneNumber  string            `json:"phoneNumber,omitempty"`
	Email        string            `json:"email,omitempty"`
	FirstName    string            `json:"firstName,omitempty"`
	LastName     string            `json:"lastName,omitempty"`
	Gender       string            `json:"gender,omitempty"`
	CustomFields map[string]string `json:"customFields,omitempty"`
}

// contact is a stored Contact. It is immutable: an update stores a new one. So it
// may be read without a lock.
type contact struct {
	id      int
	phone   string // as written
	number  string // in E.164; empty if phone is malformed
	email   string
	first   string
	last    string
	gender  string
	custom  []field // sorted by name
	created time.Time
	edited  time.Time // when it became what it is; zero: it was made so
	was     *contact  // before that
}

// at is the contact as it was at an instant.
func (k *contact) at(then time.Time) *contact {
	for k.was != nil && k.edited.After(then) {
		k = k.was
	}
	return k
}

type field struct{ name, value string }

func newContact(id int, c Contact, created time.Time) *contact {
	number, err := sms.ParseNumber(c.PhoneNumber)
	if err != nil {
		number = ""
	}
	k := &contact{
		id: id, phone: c.PhoneNumber, number: number, email: c.Email,
		first: c.FirstName, last: c.LastName, gender: c.Gender, created: created,
	}
	if len(c.CustomFields) > 0 {
		k.custom = make([]field, 0, len(c.CustomFields))
		for _, name := range slices.Sorted(maps.Keys(c.CustomFields)) {
			k.custom = append(k.custom, field{name, c.CustomFields[name]})
		}
	}
	return k
}

// Contact is what newContact was given.
func (k *contact) Contact() Contact {
	c := Contact{PhoneNumber: k.phone, Email: k.email, FirstName: k.first, LastName: k.last, Gender: k.gender}
	if len(k.custom) > 0 {
		c.CustomFields = make(map[string]string, len(k.custom))
		for _, f := range k.custom {
			c.CustomFields[f.name] = f.value
		}
	}
	return c
}

// key is what makes two spellings of one number the same contact in an upload.
func (k *contact) key() string {
	if k.number != "" {
		return k.number
	}
	return k.phone
}

// field fills a placeholder: the names of the API, then the custom fields; empty
// for a name that the contact does not have.
func (k *contact) field(name string) string {
	switch name {
	case "firstName":
		return k.first
	case "lastName":
		return k.last
	case "phoneNumber":
		return k.phone
	case "email":
		return k.email
	case "gender":
		return k.gender
	}
	for _, f := range k.custom {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// matches is the search of the contact pages: any part of name, number, address.
func (k *contact) matches(search string) bool {
	for _, s := range []string{k.first + " " + k.last, k.phone, k.number, k.email} {
		if strings.Contains(strings.ToLower(s), search) {
			return true
		}
	}
	return false
}

// addressBook is the contacts and the lists of the account.
type addressBook struct {
	mu sync.RWMutex
	// contacts by id - 1; nil once deleted.
	contacts []*contact
	byKey    map[string]int // the first contact with that key
	lists    map[int]*list
	listIDs  int
	// edits counts what may change the outcome of a list without changing its
	// members: updates and deletions of contacts.
	edits uint64
	limit int // of contacts; 0: none
}

// manyContacts is the limit of a plan that has none.
const manyContacts = 10_000_000

// room is for how many contacts more there is room.
func (b *addressBook) room() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.roomLocked()
}

func (b *addressBook) roomLocked() int {
	if b.limit == 0 {
		return manyContacts - len(b.contacts)
	}
	return max(b.limit-len(b.contacts), 0)
}

// SetContactLimit is how many contacts the account may have; 0: any number. What is there
// already stays.
func (s *Sandbox) SetContactLimit(n int) error {
	if n < 0 {
		return fmt.Errorf("a limit of %d contacts is negative", n)
	}
	s.contacts.mu.Lock()
	defer s.contacts.mu.Unlock()
	s.contacts.limit = n
	return nil
}

// quota is for how many contacts more there is room, under its own prefix.
func (s *Sandbox) quota(*call) reply {
	s.contacts.mu.RLock()
	defer s.contacts.mu.RUnlock()
	limit := s.contacts.limit
	if limit == 0 {
		limit = manyContacts
	}
	return ok(newObject().
		number("planLimit", limit).
		number("extraLimit", 0).
		number("totalLimit", limit).
		number("used", len(s.contacts.contacts)).
		number("remaining", s.contacts.roomLocked()).
		bytes())
}

func (b *addressBook) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.contacts, b.edits, b.limit = nil, b.edits+1, 0
	b.byKey = map[string]int{}
	b.lists = map[int]*list{}
	b.listIDs = firstListID
}

// add stores new contacts and returns the ids, one after the other from first.
func (b *addressBook) add(at time.Time, contacts ...Contact) (first int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first = len(b.contacts) + 1
	for _, c := range contacts {
		b.addLocked(at, c)
	}
	return first
}

func (b *addressBook) addLocked(at time.Time, c Contact) *contact {
	k := newContact(len(b.contacts)+1, c, at)
	b.contacts = append(b.contacts, k)
	if _, taken := b.byKey[k.key()]; !taken && k.key() != "" {
		b.byKey[k.key()] = k.id
	}
	return k
}

// upsert stores a contact in the place of the one with the same number, if there
// is one. What the new one leaves empty stays as it was. The id is 0 if there is no
// room for a new one.
func (b *addressBook) upsert(at time.Time, c Contact) (id int, updated bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := newContact(0, c, at).key()
	if id := b.byKey[key]; key != "" && id != 0 {
		b.replaceLocked(at, id, c)
		return id, true
	}
	if b.roomLocked() == 0 {
		return 0, false
	}
	return b.addLocked(at, c).id, false
}

// update merges what is not empty into a contact; false if there is none.
func (b *addressBook) update(at time.Time, id int, c Contact) (*contact, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.getLocked(id) == nil {
		return nil, false
	}
	return b.replaceLocked(at, id, c), true
}

func (b *addressBook) replaceLocked(at time.Time, id int, c Contact) *contact {
	old := b.contacts[id-1]
	merged := old.Contact()
	for _, f := range []struct{ to, from *string }{
		{&merged.PhoneNumber, &c.PhoneNumber}, {&merged.Email, &c.Email},
		{&merged.FirstName, &c.FirstName}, {&merged.LastName, &c.LastName}, {&merged.Gender, &c.Gender},
	} {
		if *f.from != "" {
			*f.to = *f.from
		}
	}
	if len(c.CustomFields) > 0 && merged.CustomFields == nil {
		merged.CustomFields = map[string]string{}
	}
	maps.Copy(merged.CustomFields, c.CustomFields)

	if reflect.DeepEqual(merged, old.Contact()) {
		return old // the same again
	}
	k := newContact(id, merged, old.created)
	k.edited, k.was = at, old
	b.forgetLocked(old)
	b.contacts[id-1] = k
	if b.byKey[k.key()] == 0 && k.key() != "" {
		b.byKey[k.key()] = id
	}
	b.edits++
	return k
}

// forgetLocked takes a contact out of the index. Another one with the same number
// is not looked for: the index serves uploads, which make no duplicates.
func (b *addressBook) forgetLocked(k *contact) {
	if b.byKey[k.key()] == k.id {
		delete(b.byKey, k.key())
	}
}

func (b *addressBook) get(id int) *contact {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.getLocked(id)
}

func (b *addressBook) getLocked(id int) *contact {
	if id < 1 || id > len(b.contacts) {
		return nil
	}
	return b.contacts[id-1]
}

// remove deletes contacts, and with them their places in lists. Ids that do not
// exist are passed over.
func (b *addressBook) remove(doomed func(id int) bool) (removed int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, k := range b.contacts {
		if k == nil || !doomed(k.id) {
			continue
		}
		b.forgetLocked(k)
		b.contacts[i] = nil
		removed++
	}
	b.edits++
	for _, l := range b.lists {
		l.keep(func(id int) bool { return b.contacts[id-1] != nil })
	}
	return removed
}

// find is every contact that is wanted, in the order of ids.
func (b *addressBook) find(wanted func(*contact) bool) []*contact {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var found []*contact
	for _, k := range b.contacts {
		if k != nil && wanted(k) {
			found = append(found, k)
		}
	}
	return found
}

// AddContacts stores contacts, duplicates and malformed numbers included, and puts
// them into the list if list is not 0. It fails if there is no such list.
func (s *Sandbox) AddContacts(list int, contacts ...Contact) error {
	if list != 0 && !s.contacts.hasList(list) {
		return fmt.Errorf("add contacts to list %d: no such list", list)
	}
	first := s.contacts.add(s.now(), contacts...)
	if list != 0 {
		s.contacts.join(s.now(), []int{list}, seq(first, len(contacts)))
	}
	return nil
}

func seq(first, n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = first + i
	}
	return ids
}

func parseNumbers(numbers []string) ([]string, error) {
	clean := make([]string, len(numbers))
	for i, n := range numbers {
		number, err := sms.ParseNumber(n)
		if err != nil {
			return nil, fmt.Errorf("number %d, %q: %w", i+1, n, err)
		}
		clean[i] = number
	}
	return clean, nil
}

func (b *addressBook) size() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.contacts)
}
