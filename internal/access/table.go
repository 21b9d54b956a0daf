// Package access knows who may do what: one table of sources, people and their roles,
// and the NATS configuration that follows from it. It refuses to know servers and
// connections.
//
// Every user but the service is in another account, without streams: one account for
// each source, one for people. What a user may do is imported from the service's
// account as services, so that the server replaces the subject of the answer. In one
// shared account JetStream itself would publish, for any user, to any subject that the
// user names for the answer.
package access

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
)

// Table says which user may do what.
type Table struct {
	Service   Key             `yaml:"service"`   // the service's own key
	Erases    bool            `yaml:"erases"`    // the service may erase requests and dead letters, as retention.text wants
	Operators []User          `yaml:"operators"` // users that may do everything
	Roles     map[string]Role `yaml:"roles"`
	Sources   []User          `yaml:"sources"` // users that ask for campaigns, each under its own name
	People    []User          `yaml:"people"`
}

// Key is a public key of NATS ("U…"), or the variable of the server's environment that
// holds it ("$NKEY_ANNA").
type Key string

// User is one row: the user's name, and how NATS knows it. The name is the last token
// of the subject of the user's commands, and no other user may publish there.
type User struct {
	Name string `yaml:"name"`
	Key  Key    `yaml:"nkey"`
	Role string `yaml:"role"` // only for people
	// Durable says that the user reads events with a durable consumer of its own name,
	// and so misses none while it is away.
	Durable bool `yaml:"durable"`
}

// Role says what some people may do.
type Role struct {
	Tells []string `yaml:"tells"` // the commands that it may give, for every source
	Asks  bool     `yaml:"asks"`  // it may ask for campaigns of every source, as a replay does
	Reads Reads    `yaml:"reads"`
}

// Reads is what a role may read.
type Reads string

const (
	ReadsNothing    Reads = ""
	ReadsEvents     Reads = "events"     // the events of every source, as they happen
	ReadsEverything Reads = "everything" // and all that is in the streams
)

// Parse reads a table. An error names every field at fault.
func Parse(data []byte) (Table, error) {
	var t Table
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&t); err != nil && !errors.Is(err, io.EOF) {
		return t, fmt.Errorf("table of access: %w", err)
	}
	return t, t.check()
}

var nkey = regexp.MustCompile(`^(U[A-Z2-7]{55}|\$[A-Za-z_][A-Za-z0-9_]*)$`)

// Verbs are the commands that a role may give: to campaigns, and beyond them.
func Verbs() []string { return append(contract.Verbs(), contract.StandingVerbs()...) }

func (t Table) check() error {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	names, keys := map[string]string{}, map[Key]string{}
	has := func(field string, k Key) {
		switch before := keys[k]; {
		case !nkey.MatchString(string(k)):
			say("%s: nkey %q: want a public key, U and 55 more letters or digits, or a variable as $NKEY_ANNA", field, k)
		case before != "":
			say("%s: nkey: it is that of %s: everybody has a key of their own", field, before)
		}
		keys[k] = field
	}
	has("service", t.Service)
	for _, list := range []struct {
		name  string
		users []User
	}{{"operators", t.Operators}, {"sources", t.Sources}, {"people", t.People}} {
		for i, u := range list.users {
			field := fmt.Sprintf("%s[%d]", list.name, i)
			switch before := names[u.Name]; {
			case campaign.ValidToken(u.Name, campaign.TokenLength) != nil:
				say("%s: name %q: want 1 to 64 letters, digits, _ or -", field, u.Name)
			case before != "":
				say("%s: name %q: it is that of %s: a name says who gave an order, so it is one user's", field, u.Name, before)
			}
			names[u.Name] = field
			has(field, u.Key)
			_, known := t.Roles[u.Role]
			switch {
			case list.name != "people" && u.Role != "":
				say("%s: role: only people have one", field)
			case list.name == "people" && !known:
				say("%s: role %q: want one of %s", field, u.Role, strings.Join(slices.Sorted(maps.Keys(t.Roles)), ", "))
			case list.name == "people" && u.Durable && t.Roles[u.Role].Reads == ReadsNothing, list.name == "operators" && u.Durable:
				say("%s: durable: it is for whom reads events, a source or a role with reads", field)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Roles)) {
		role := t.Roles[name]
		for _, verb := range role.Tells {
			if all := Verbs(); !slices.Contains(all, verb) {
				say("roles.%s: tells %q: want some of %s", name, verb, strings.Join(all, ", "))
			}
		}
		if !slices.Contains([]Reads{ReadsNothing, ReadsEvents, ReadsEverything}, role.Reads) {
			say("roles.%s: reads %q: want %s, %s, or leave it out", name, role.Reads, ReadsEvents, ReadsEverything)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("table of access: %w", errors.Join(wrong...))
}
