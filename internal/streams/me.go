package streams

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// globalAccount is where everybody is on a server without accounts.
const globalAccount = "$G"

// WhoAmI is where the server says who somebody is.
const WhoAmI = "$SYS.REQ.USER.INFO"

// Me is who NATS says that a connection is.
type Me struct {
	User    string
	Account string
	// Actor is the last word of the subjects of its commands; empty: it has none, and
	// what it says is unproven.
	Actor string

	// Apart: its account is not that of the streams, which it asks under [APIPrefix].
	Apart bool
}

// APIPrefix is where JetStream is asked in accounts that are not the streams'. Under its
// own name the server answers for the account itself, which has none, or one of its own.
const APIPrefix = "staffetta.api"

// Proves says that in this account nobody publishes a command but through permissions.
func (m Me) Proves() bool { return m.Account != "" && m.Account != globalAccount }

// AskMe asks the server who a connection is. named says what a name can be: a
// permission may end in a wildcard.
func AskMe(ctx context.Context, nc *nats.Conn, named func(word string) bool) (Me, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, WhoAmI, nil)
	if missing := Denied(ctx, nc, err); missing != nil {
		return Me{}, missing
	}
	if err != nil {
		return Me{}, fmt.Errorf("ask NATS who this is: %w", err)
	}
	var answer struct {
		Data struct {
			User        string `json:"user"`
			Account     string `json:"account"`
			Permissions struct {
				Publish struct {
					Allow []string `json:"allow"`
				} `json:"publish"`
			} `json:"permissions"`
		} `json:"data"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return Me{}, fmt.Errorf("ask NATS who this is: %w", err)
	}
	me := Me{User: answer.Data.User, Account: answer.Data.Account}
	if !me.Proves() {
		return me, nil
	}
	// The permissions name it: so a public key is translated where it is given its rights.
	for _, subject := range answer.Data.Permissions.Publish.Allow {
		me.Apart = me.Apart || strings.HasPrefix(subject, APIPrefix+".")
		words := strings.Split(subject, ".")
		if last := words[len(words)-1]; strings.HasPrefix(subject, CommandPrefix) && len(words) == 7 && named(last) {
			me.Actor = last
		}
	}
	if me.Actor == "" {
		me.Actor = me.User
	}
	return me, nil
}
