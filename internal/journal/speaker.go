package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// Who said it. A command's subject ends in its actor, and where sources and people have
// accounts of their own, permissions let nobody else publish there: the server proves who
// it was. A name in the body is a comment.

// speaker is who a command's subject names.
type speaker struct {
	name   string // empty: nobody
	proven bool   // nobody else may publish there
}

// by is the name for people: the one that was given, or else the subject's.
func (s speaker) by(given string) string {
	if strings.TrimSpace(given) == "" {
		return s.name
	}
	return given
}

// actor is who is proven to have said it; empty: nobody is.
func (s speaker) actor() string {
	if !s.proven {
		return ""
	}
	return s.name
}

var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func isToken(s string) bool { return tokenForm.MatchString(s) }

// globalAccount is where everybody is on a server without accounts.
const globalAccount = "$G"

// whoAmI is where the server says who somebody is.
const whoAmI = "$SYS.REQ.USER.INFO"

// Me is who NATS says that a connection is.
type Me struct {
	User    string
	Account string
	// Actor is the last word of the subjects of its commands; empty: it has none, and
	// what it says is unproven.
	Actor string

	// apart: its account is not that of the streams, which it asks under [APIPrefix].
	apart bool
}

// APIPrefix is where JetStream is asked in accounts that are not the streams'. Under its
// own name the server answers for the account itself, which has none, or one of its own.
const APIPrefix = "staffetta.api"

// proves says that in this account nobody publishes a command but through permissions.
func (m Me) proves() bool { return m.Account != "" && m.Account != globalAccount }

// askMe asks the server who a connection is.
func askMe(ctx context.Context, nc *nats.Conn) (Me, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, whoAmI, nil)
	if missing := denied(ctx, nc, err); missing != "" {
		return Me{}, errors.New(missing)
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
	if !me.proves() {
		return me, nil
	}
	// The permissions name it: so a public key is translated where it is given its rights.
	for _, subject := range answer.Data.Permissions.Publish.Allow {
		me.apart = me.apart || strings.HasPrefix(subject, APIPrefix+".")
		words := strings.Split(subject, ".")
		if last := words[len(words)-1]; strings.HasPrefix(subject, commandPrefix) && len(words) == 7 && isToken(last) {
			me.Actor = last
		}
	}
	if me.Actor == "" {
		me.Actor = me.User
	}
	return me, nil
}

// ask asks once who the client is.
func (c *Client) ask(nc *nats.Conn) {
	ctx, done := c.rights.heed(context.Background(), whoAmI)
	defer done()
	me, err := askMe(ctx, nc)
	if c.notMe = err; err == nil {
		c.me = &me
	}
}

// Me is who NATS says that this client is. An error says why it does not, and perhaps
// which right is missing.
func (c *Client) Me() (Me, error) {
	if c.me == nil {
		return Me{}, c.notMe
	}
	return *c.me, nil
}

// speakAs is the subject on which this client tells a campaign something. Whoever has no
// name at NATS, or may not ask for it, speaks without one: that is unproven, and refused
// where there are accounts.
func (c *Client) speakAs(ctx context.Context, key campaign.Key, verb string) (string, error) {
	me, err := c.Me()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil, me.Actor == "":
		return commandSubject(key, verb), nil
	case !isToken(me.Actor):
		return "", fmt.Errorf("NATS knows this user as %q, which cannot end a subject: want 1 to 64 letters, digits, _ or -; give it a name with staffetta access print, see docs/security.md", me.Actor)
	}
	return CommandSubject(key.Source, key.RequestID, verb, me.Actor), nil
}

// unnamed is a command that nobody is proven to have given, where that is required.
func unnamed() error {
	return &unreadable{reason: reasonCommand, note: "nobody proves who said it, and commands.proof is required: want " + commandPrefix + "<source>.<request id>.<verb>.<actor>, which staffetta commands of this version use"}
}

// hearProof learns whether the subjects of commands prove who said them, and says in one
// line who may do what.
func (j *Journal) hearProof(ctx context.Context) error {
	ctx, done := hearRights(j.nc).heed(ctx, whoAmI)
	defer done()
	me, err := askMe(ctx, j.nc)
	j.intake.proven, j.intake.required = err == nil && me.proves(), j.ProofRequired
	switch {
	case j.intake.proven:
		j.Log.Info("the account of the streams is the service's: who said a command is what its subject proves", "account", me.Account)
	case j.ProofRequired && err != nil:
		return fmt.Errorf("commands.proof is required, and NATS does not say who this is: %w", err)
	case j.ProofRequired:
		return fmt.Errorf("commands.proof is required, and on a server without accounts nothing is proven: print accounts with staffetta access print, see docs/security.md, or leave the setting out")
	case err != nil:
		j.Log.Warn("who said a command is unproven: NATS does not say who this is", "error", err)
	default:
		j.Log.Info("everybody is in one account: whoever connects reads and tells everything, and who said a command is unproven; docs/security.md")
	}
	return nil
}
