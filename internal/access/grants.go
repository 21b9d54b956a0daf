package access

import (
	"slices"
	"strings"

	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/query"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// home is the account of the service and its streams.
const home = "STAFFETTA"

// whoAmI is the subject on which a user asks the server for its own name.
const whoAmI = "$SYS.REQ.USER.INFO"

// account is an account whose users are not trusted with streams.
type account struct {
	name   string
	grants []grant
	users  []user
}

// grant is one subject of the service's account that another account may use.
type grant struct {
	subject string
	stream  bool   // the user subscribes to it; otherwise it sends requests to it
	to      string // under another name; empty: the same
	many    bool   // it has several answers
	share   bool   // the service is told which user it is
	only    string // which part of it this user may use; empty: all. Two imports that
	// overlap would ask twice.
}

// as is the subject under which the account's own users use it.
func (g grant) as() string {
	if g.only != "" {
		return g.only
	}
	if g.to != "" {
		return g.to
	}
	return g.subject
}

// user is one user of an account.
type user struct {
	User
	grants []grant
	denied []string // of what the grants allow: what nobody but the service reads
	inbox  string
}

// accounts are the accounts of the sources, and the one of people.
func (t Table) accounts() (all []account) {
	for _, s := range t.Sources {
		u := user{User: s, inbox: "_INBOX.>", grants: []grant{
			{subject: contract.RequestPattern(s.Name, "*")},
			{subject: contract.AudiencePattern(s.Name)},
			{subject: contract.CommandPattern(s.Name, "*", contract.VerbCancel, s.Name)},
			{subject: contract.EventPattern(s.Name), stream: true},
			// The server adds the source to a question, so that the asker cannot name
			// another one.
			{subject: query.Subject + "*." + s.Name, to: query.Subject + "*", share: true},
		}}
		for _, verb := range contract.ScheduleVerbs() {
			u.grants = append(u.grants, grant{subject: contract.StandingPattern(s.Name, verb, s.Name)})
		}
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
			g.only = "" // the account has what any of its users has
			if !slices.Contains(people.grants, g) {
				people.grants = append(people.grants, g)
			}
		}
	}
	return append(all, people)
}

// person is a user of the account that people share. Each has an inbox prefix of its
// own: a user that may listen to _INBOX.> hears the answers to all others.
func (t Table) person(p User) user {
	u, role := user{User: p, inbox: "_INBOX." + p.Name + ".>"}, t.Roles[p.Role]
	lays := false
	for _, verb := range role.Tells {
		subject := contract.CommandPattern("*", "*", verb, p.Name)
		if slices.Contains(contract.StandingVerbs(), verb) {
			lays, subject = true, contract.StandingPattern("*", verb, p.Name)
		}
		u.grants = append(u.grants, grant{subject: subject})
	}
	if slices.Contains(role.Tells, contract.VerbProof) && !role.Asks {
		u.grants = append(u.grants, grant{subject: contract.AudiencePattern("*")}) // to lay down who gets the proof
	}
	if role.Asks {
		u.grants = append(u.grants, grant{subject: contract.RequestPattern("*", "*")}, grant{subject: contract.AudiencePattern("*")})
	}
	if role.Reads != ReadsNothing {
		u.grants = append(u.grants, grant{subject: contract.EventPattern(""), stream: true})
	}
	if p.Durable {
		u.grants = append(u.grants, durable(p.Name)...)
	}
	if lays && role.Reads != ReadsEverything {
		// A user that may give an order may ask what became of it.
		u.grants = append(u.grants, grant{subject: query.Subject + "*", share: true, only: query.Subject + query.VerbOutcome})
	}
	if role.Asks && role.Reads != ReadsEverything {
		// A user that may ask for campaigns may ask before what would become of one.
		u.grants = append(u.grants, grant{subject: query.Subject + "*", share: true, only: query.Subject + query.VerbCheck})
	}
	if role.Reads == ReadsEverything {
		u.grants = append(u.grants,
			grant{subject: query.Subject + "*", share: true},
			api("STREAM.INFO.*"), api("STREAM.MSG.GET.*"), api("DIRECT.GET.*"), api("DIRECT.GET.*.>"),
			api("CONSUMER.INFO."+streams.Requests+".*"),
		)
		u.denied = []string{api("STREAM.MSG.GET." + streams.Audiences).as()}
	}
	return u
}

// durable is what a user needs to read with a durable consumer that the operator has
// made. No user may make one: a consumer delivers to any subject that its maker names.
func durable(name string) []grant {
	on := "." + streams.Events + "." + name
	next := api("CONSUMER.MSG.NEXT" + on)
	next.many = true
	return []grant{api("CONSUMER.INFO" + on), next, {subject: "$JS.ACK" + on + ".>"}}
}

// api is a JetStream call, as other accounts make it.
func api(call string) grant {
	return grant{subject: "$JS.API." + call, to: streams.APIPrefix + "." + call}
}

// accountName is the name of a source's account. No other account can have it, whatever
// the source is called.
func accountName(source string) string { return "SOURCE_" + source }

// exports are what other accounts may use, each subject once. The server takes the
// first export that matches an import, so only equal subjects are certain to match.
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
			all = append(all, Consumer{s.Name, contract.EventPattern(s.Name)})
		}
	}
	for _, p := range t.People {
		if p.Durable {
			all = append(all, Consumer{p.Name, contract.EventPattern("")})
		}
	}
	return all
}
