package main

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/staffetta-io/staffetta/internal/streams"
)

// script makes the streams with the nats command line.
func script() ([]byte, error) {
	var b strings.Builder
	b.WriteString(`#!/bin/sh
# Makes the streams of Staffetta by hand, for those whose service may not make streams.
# Written by: make generate. What each is for, and what you may choose: docs/deploy.md.
#
#   REPLICAS=3 NATS_CONTEXT=operator sh streams.sh
#
# A stream that is there stays as it is. INSTALLATION is the id that the streams bear, so
# that those of another backup are noticed: a word of your own, or left out. Streams that
# are added later need that of the others: nats stream info KV_campaigns shows it.
set -eu
replicas="${REPLICAS:-1}"
installation="${INSTALLATION:-$(od -An -N13 -tx1 /dev/urandom | tr -d ' \n')}"

add() {
	stream="$1"
	shift
	if nats stream info "$stream" >/dev/null 2>&1; then
		echo "$stream is there"
		return
	fi
	nats stream add "$stream" "$@" --defaults --replicas="$replicas" \
`)
	fmt.Fprintf(&b, "\t\t--metadata=\"%s=$installation\" --metadata=%s=%d >/dev/null\n", streams.MetaInstallation, streams.MetaLayout, streams.Layout)
	b.WriteString("\techo \"$stream is made\"\n}\n")
	for _, cfg := range everyStream() {
		all, err := settingsOf(cfg)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\nadd %s", cfg.Name)
		for _, subject := range cfg.Subjects {
			fmt.Fprintf(&b, " \\\n\t--subjects=%s", quoted(subject))
		}
		for _, s := range all {
			fmt.Fprintf(&b, " \\\n\t%s", s.flag)
		}
		for name, value := range sorted(streams.MonitorOfStream(cfg.Name)) {
			fmt.Fprintf(&b, " \\\n\t--metadata=%s=%s", name, value)
		}
		if cfg.Name == streams.Rate {
			b.WriteString(" \\\n\t--first-sequence=\"$(date +%s)000000\"")
		}
		b.WriteString("\n")
	}
	return []byte(b.String()), nil
}

// quoted is a word as the shell reads it.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// sorted yields what is in a map in the order of its keys.
func sorted(m map[string]string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}
