package main

import (
	"fmt"
	"reflect"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/streams"
)

// everyStream are the streams that a service makes, with as many replicas as it makes of
// them where nobody says otherwise. The numbers of the last one, that of the shared rate,
// begin with the clock of whoever makes it.
func everyStream() []jetstream.StreamConfig {
	return append(streams.All(1), streams.OfRate(1, time.UnixMicro(0)))
}

// setting is one setting of a stream, by each of its names.
type setting struct {
	name string // in the server's own configuration
	flag string // of the nats command line, whole
	spec string // in a manifest of NACK
	is   any
}

// set are the fields of a stream's configuration that [settingsOf] reads.
var set = []string{
	"Name", "Description", "Subjects", "Retention", "MaxMsgsPerSubject", "Discard", "DiscardNewPerSubject", "MaxAge", "MaxMsgSize", "Storage", "Replicas",
	"Duplicates", "AllowRollup", "DenyDelete", "DenyPurge", "AllowDirect", "AllowMsgTTL", "AllowMsgSchedules",
}

// settingsOf are the settings of a stream, without its name, its subjects and its
// replicas. A setting that has no name here yet is an error: a stream made without it
// would be another one.
func settingsOf(cfg jetstream.StreamConfig) ([]setting, error) {
	v := reflect.ValueOf(cfg)
	for i := range v.NumField() {
		name, read := v.Type().Field(i).Name, false
		for _, known := range set {
			read = read || name == known
		}
		if !read && !v.Field(i).IsZero() {
			return nil, fmt.Errorf("%s of stream %s has no translation yet", name, cfg.Name)
		}
	}
	if cfg.Retention != jetstream.LimitsPolicy {
		return nil, fmt.Errorf("retention %s of stream %s has no translation yet", cfg.Retention, cfg.Name)
	}
	discard, storage := "old", "file"
	if cfg.Discard == jetstream.DiscardNew {
		discard = "new"
	}
	if cfg.Storage == jetstream.MemoryStorage {
		storage = "memory"
	}
	all := []setting{
		{"description", "--description=" + quoted(cfg.Description), "description", cfg.Description},
		{"storage", "--storage=" + storage, "storage", storage},
		{"retention", "--retention=limits", "retention", "limits"},
		{"discard", "--discard=" + discard, "discard", discard},
	}
	number := func(name, flag, spec string, n int64) {
		if n > 0 {
			all = append(all, setting{name, fmt.Sprintf("--%s=%d", flag, n), spec, n})
		}
	}
	span := func(name, flag, spec string, d time.Duration) {
		if d > 0 {
			all = append(all, setting{name, fmt.Sprintf("--%s=%s", flag, d), spec, d.String()})
		}
	}
	number("max_msgs_per_subject", "max-msgs-per-subject", "maxMsgsPerSubject", cfg.MaxMsgsPerSubject)
	number("max_msg_size", "max-msg-size", "maxMsgSize", int64(cfg.MaxMsgSize))
	span("max_age", "max-age", "maxAge", cfg.MaxAge)
	span("duplicate_window", "dupe-window", "duplicateWindow", cfg.Duplicates)
	for _, yes := range []struct {
		name, flag, spec string
		is               bool
		negated          bool // the command line says no, where nothing else is said
	}{
		{"discard_new_per_subject", "discard-per-subject", "discardPerSubject", cfg.DiscardNewPerSubject, false},
		{"allow_rollup_hdrs", "allow-rollup", "allowRollup", cfg.AllowRollup, true},
		{"deny_delete", "deny-delete", "denyDelete", cfg.DenyDelete, true},
		{"deny_purge", "deny-purge", "denyPurge", cfg.DenyPurge, true},
		{"allow_direct", "allow-direct", "allowDirect", cfg.AllowDirect, true},
		{"allow_msg_ttl", "allow-msg-ttl", "allowMsgTtl", cfg.AllowMsgTTL, false},
		{"allow_msg_schedules", "allow-schedules", "allowMsgSchedules", cfg.AllowMsgSchedules, false},
	} {
		switch {
		case yes.is:
			all = append(all, setting{yes.name, "--" + yes.flag, yes.spec, true})
		case yes.negated:
			all = append(all, setting{yes.name, "--no-" + yes.flag, yes.spec, false})
		}
	}
	return all, nil
}
