package streams

import (
	"slices"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// Layout is the version of subjects, flags and contents of the streams that are made
// today. In layout 1, which is also that of streams that bear none, commands lay beside
// the timers, and the stream of requests could be purged and remembered message ids for
// two minutes. A service works with both, so that it can be replaced first and its
// streams upgraded later.
const Layout = 2

// Identity is what a stream bears: the id of its installation (empty: none) and the
// version of its layout.
type Identity struct {
	Installation string
	Layout       int
}

// NewIdentity is that of streams that are made today.
func NewIdentity(installation string) Identity { return Identity{installation, Layout} }

// Metadata is how a stream bears it; nothing in an installation without an id.
func (id Identity) Metadata() map[string]string {
	if id.Installation == "" {
		return nil
	}
	return map[string]string{MetaInstallation: id.Installation, MetaLayout: strconv.Itoa(id.Layout)}
}

// IdentityOf is what a stream bears; without one, that of layout 1.
func IdentityOf(cfg jetstream.StreamConfig) Identity {
	id := Identity{cfg.Metadata[MetaInstallation], 1}
	if n, err := strconv.Atoi(cfg.Metadata[MetaLayout]); err == nil {
		id.Layout = n
	}
	return id
}

// shape is how a stream of today was in the layout of the identity.
func (id Identity) shape(cfg jetstream.StreamConfig) jetstream.StreamConfig {
	if id.Layout >= 2 {
		return cfg
	}
	switch cfg.Name {
	case Requests:
		cfg.Duplicates, cfg.DenyPurge = 0, false
	case Wakeups:
		cfg.Subjects = append(slices.Clip(cfg.Subjects), CommandPrefix+">")
	}
	return cfg
}
