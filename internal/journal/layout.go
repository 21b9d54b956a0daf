package journal

import (
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// layout is the version of subjects, flags and contents of the streams that are made
// today. In layout 1, which is also that of streams that bear none, commands lay beside
// the timers, and the stream of requests could be purged and remembered message ids for
// two minutes. A service works with both, so that it can be replaced first and its
// streams upgraded later.
const layout = 2

// Layout is the same as streams bear it.
var Layout = strconv.Itoa(layout)

// identity is what a stream bears: the id of its installation (empty: none) and the
// version of its layout.
type identity struct {
	installation string
	layout       int
}

// metadata is how a stream bears it; nothing in an installation without an id.
func (id identity) metadata() map[string]string {
	if id.installation == "" {
		return nil
	}
	return map[string]string{metaInstallation: id.installation, metaLayout: strconv.Itoa(id.layout)}
}

func identityOf(cfg jetstream.StreamConfig) identity {
	id := identity{cfg.Metadata[metaInstallation], 1}
	if n, err := strconv.Atoi(cfg.Metadata[metaLayout]); err == nil {
		id.layout = n
	}
	return id
}

// shape is how a stream of today was in the layout of the identity.
func (id identity) shape(cfg jetstream.StreamConfig) jetstream.StreamConfig {
	if id.layout >= 2 {
		return cfg
	}
	switch cfg.Name {
	case StreamRequests:
		cfg.Duplicates, cfg.DenyPurge = 0, false
	case StreamWakeups:
		cfg.Subjects = append(cfg.Subjects[:len(cfg.Subjects):len(cfg.Subjects)], commandPrefix+">")
	}
	return cfg
}
