package contract

import (
	"strings"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/deadletter"
	"github.com/staffetta-io/staffetta/internal/streams"
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

// IsToken says that a word can be one of a subject: a name, a source, a request id.
func IsToken(s string) bool { return campaign.ValidToken(s, campaign.TokenLength) == nil }

// unnamed is a command that nobody is proven to have given, where that is required.
func unnamed() error {
	return &Unreadable{Reason: deadletter.BadCommand, Note: "nobody proves who said it, and commands.proof is required: want " + streams.CommandPrefix + "<source>.<request id>.<verb>.<actor>, which staffetta commands of this version use"}
}
