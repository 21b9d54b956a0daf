package access

import (
	"slices"
	"strings"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/query"
)

// home is the account of the service and its streams.
const home = "STAFFETTA"

// whoAmI is where a user asks the server who it is.
const whoAmI = "$SYS.REQ.USER.INFO"

// account is one of those whose users are not trusted with streams.
type account struct {
	name   string
	grants []grant
	users  []user
}

// grant is one subject of the service's account that another one may use.
type grant struct {
	subject string
	stream  bool   // it is listened to; else it is asked
	to      string // under which name; empty: the same
	many    bool   // it has several answers
	share   bool   // the service is told which user it is
}

// as is what the account's own users call it.
func (g grant) as() string {
	if g.to != "" {
		return g.to
	}
	return g.subject
}

// user is one user of an account.
type user struct {
	User
	grants []grant
	inbox  string
}

// accounts are those of the sources, and that of people.
func (t Table) accounts() (all []account) {
	for _, s := range t.Sources {
		u := user{User: s, inbox: "_INBOX.>", grants: []grant{
			{subject: journal.RequestSubject(s.Name, "*")},
			{subject: journal.CommandSubject(s.Name, "*", journal.VerbCancel, s.Name)},
			{subject: journal.EventSubject(s.Name), stream: true},
			// Whose things it asks about the server adds, so that it cannot say another one.
			{subject: query.Subject + "*." + s.Name, to: query.Subject + "*", share: true},
		}}
		if s.Durable {
			u.grants = append(u.grants, durable(s.Name)...)
		}
		all = append(all, account{accountName(s.Name), u.grants, []user{u}})
	}
	if len(t.People) == 0 {
		return all
	}
	people := account{name: "PEOPLE"}
	for _, p := range t.People {
		u := t.person(p)
		people.users = append(people.users, u)
		for _, g := range u.grants {
			if !slices.Contains(people.grants, g) {
				people.grants = append(people.grants, g)
			}
		}
	}
	return append(all, people)
}

// person is one of those who share an account, so each has an inbox of its own: whoever
// may listen to _INBOX.> hears what others are answered.
func (t Table) person(p User) user {
	u, role := user{User: p, inbox: "_INBOX." + p.Name + ".>"}, t.Roles[p.Role]
	for _, verb := range role.Tells {
		u.grants = append(u.grants, grant{subject: journal.CommandSubject("*", "*", verb, p.Name)})
	}
	if role.Asks {
		u.grants = append(u.grants, grant{subject: journal.RequestSubject("*", "*")})
	}
	if role.Reads != ReadsNothing {
		u.grants = append(u.grants, grant{subject: journal.EventSubject(""), stream: true})
	}
	if p.Durable {
		u.grants = append(u.grants, durable(p.Name)...)
	}
	if role.Reads == ReadsEverything {
		u.grants = append(u.grants,
			grant{subject: query.Subject + "*", share: true},
			api("STREAM.INFO.*"), api("STREAM.MSG.GET.*"), api("DIRECT.GET.*"), api("DIRECT.GET.*.>"),
			api("CONSUMER.INFO."+journal.StreamRequests+".requests"),
		)
	}
	return u
}

// durable is what reading with a consumer takes that the operator has made. Making one is
// granted to nobody: a consumer delivers to any subject that it is told.
func durable(name string) []grant {
	on := "." + journal.StreamEvents + "." + name
	next := api("CONSUMER.MSG.NEXT" + on)
	next.many = true
	return []grant{api("CONSUMER.INFO" + on), next, {subject: "$JS.ACK" + on + ".>"}}
}

// api is a call of JetStream, as other accounts make it.
func api(call string) grant {
	return grant{subject: "$JS.API." + call, to: journal.APIPrefix + "." + call}
}

// accountName is the account of a source: no other one's, whatever it is called.
func accountName(source string) string { return "SOURCE_" + source }

// exports are what other accounts may use, each subject once: the server takes the
// first export that matches an import, so that only equal subjects are certain.
func exports(all []account) (granted []grant, to map[string][]string) {
	to = map[string][]string{}
	for _, a := range all {
		for _, g := range a.grants {
			if to[g.subject] == nil {
				granted = append(granted, g)
			}
			to[g.subject] = append(to[g.subject], a.name)
		}
	}
	slices.SortStableFunc(granted, func(a, b grant) int { return strings.Compare(kind(a), kind(b)) })
	return granted, to
}

func kind(g grant) string {
	if g.stream {
		return "stream"
	}
	return "service"
}

// Consumer is a durable consumer of the events' stream.
type Consumer struct {
	Name   string
	Filter string
}

// Consumers are the durable consumers that the operator makes.
func (t Table) Consumers() (all []Consumer) {
	for _, s := range t.Sources {
		if s.Durable {
			all = append(all, Consumer{s.Name, journal.EventSubject(s.Name)})
		}
	}
	for _, p := range t.People {
		if p.Durable {
			all = append(all, Consumer{p.Name, journal.EventSubject("")})
		}
	}
	return all
}
