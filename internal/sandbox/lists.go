package sandbox

import (
	"slices"
	"time"
)

// firstListID makes the first list the one of UC-006.
const firstListID = 87

// A list is contacts under a name. Its members are in the order in which they
// came; a contact is a member once, but two contacts may have one number.
type list struct {
	id          int
	name        string
	description string
	created     time.Time

	members  []int
	isMember map[int]struct{}
	// version counts the changes of members.
	version uint64
	// counted is how many members there were, from when on; the last one is now.
	counted []count
	// audience is the outcome of the last calculation, good for as long as what it
	// was made from is the same.
	audience *audience
}

// A count is how many members a list had from an instant on.
type count struct {
	from time.Time
	n    int
}

// countAt is how many members it had at an instant.
func (l *list) countAt(at time.Time) (n int) {
	for _, c := range l.counted {
		if !c.from.After(at) {
			n = c.n
		}
	}
	return n
}

func (l *list) keep(wanted func(id int) bool) {
	before := len(l.members)
	l.members = slices.DeleteFunc(l.members, func(id int) bool {
		if wanted(id) {
			return false
		}
		delete(l.isMember, id)
		return true
	})
	if len(l.members) != before {
		l.version++
	}
}

// ListInfo describes a list.
type ListInfo struct {
	ID          int
	Name        string
	Description string
	Contacts    int
	Created     time.Time
}

func (l *list) info() ListInfo {
	return ListInfo{l.id, l.name, l.description, len(l.members), l.created}
}

// countLag is by how much a count lags behind that lags.
const countLag = 30 * time.Second

// laggingInfos are the lists with the contacts that they had a while ago.
func (b *addressBook) laggingInfos(now time.Time) []ListInfo {
	infos := b.listInfos()
	b.mu.RLock()
	defer b.mu.RUnlock()
	for i, info := range infos {
		if l := b.lists[info.ID]; l != nil {
			infos[i].Contacts = l.countAt(now.Add(-countLag))
		}
	}
	return infos
}

func (b *addressBook) addList(at time.Time, name, description string) ListInfo {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := &list{id: b.listIDs, name: name, description: description, created: at, isMember: map[int]struct{}{}}
	b.lists[l.id] = l
	b.listIDs++
	return l.info()
}

func (b *addressBook) hasList(id int) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.lists[id] != nil
}

func (b *addressBook) listInfos() []ListInfo {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var infos []ListInfo
	for id := firstListID; id < b.listIDs; id++ {
		if l := b.lists[id]; l != nil {
			infos = append(infos, l.info())
		}
	}
	return infos
}

// removeLists deletes lists, not their contacts.
func (b *addressBook) removeLists(ids []int) (removed int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		if b.lists[id] != nil {
			delete(b.lists, id)
			removed++
		}
	}
	return removed
}

// join makes contacts members of lists. Members stay what they are, and ids that
// do not exist are passed over.
func (b *addressBook) join(at time.Time, lists, contacts []int) (added int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range lists {
		l := b.lists[id]
		if l == nil {
			continue
		}
		for _, c := range contacts {
			if _, member := l.isMember[c]; member || b.getLocked(c) == nil {
				continue
			}
			l.members = append(l.members, c)
			l.isMember[c] = struct{}{}
			added++
		}
		l.version++
		if n := len(l.counted); n == 0 || l.counted[n-1].n != len(l.members) {
			l.counted = append(l.counted, count{at, len(l.members)})
		}
	}
	return added
}

// leave ends memberships; the contacts remain.
func (b *addressBook) leave(lists, contacts []int) (removed int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	leaving := setOf(contacts)
	for _, id := range lists {
		if l := b.lists[id]; l != nil {
			before := len(l.members)
			l.keep(func(id int) bool { return !leaving[id] })
			removed += before - len(l.members)
		}
	}
	return removed
}

// members are the contacts of a list in its order; false if there is no such list.
func (b *addressBook) members(id int) ([]*contact, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	l := b.lists[id]
	if l == nil {
		return nil, false
	}
	contacts := make([]*contact, len(l.members))
	for i, m := range l.members {
		contacts[i] = b.contacts[m-1]
	}
	return contacts, true
}

// nameOf is the name of a list; empty: there is no such list.
func (b *addressBook) nameOf(id int) string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if l := b.lists[id]; l != nil {
		return l.name
	}
	return ""
}

// NewList makes an empty contact list and returns its id, the first one 87.
func (s *Sandbox) NewList(name string) int { return s.contacts.addList(s.now(), name, "").ID }

func setOf(ids []int) map[int]bool {
	set := make(map[int]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// Lists are all contact lists of the account.
func (s *Sandbox) Lists() []ListInfo { return s.contacts.listInfos() }
