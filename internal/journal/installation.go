package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Streams know each other: each bears the id of its installation and the version of
// its layout from its creation on. So records of one backup are not taken for those
// of another, and records that are gone not for records that never were.
const (
	metaInstallation = "staffetta.installation"
	metaLayout       = "staffetta.layout"
	// metaRecovered on the records' stream is the operator's word that they are lost,
	// and when it was given.
	metaRecovered = "staffetta.recovered"
)

// allStreams are the streams that there can be, the records first: where they are missing
// nothing else can have begun.
func allStreams(replicas int) []jetstream.StreamConfig {
	return append(append(streams(replicas), scheduleStreams(replicas)...), budgetStream(replicas))
}

// installation is what is there of the streams.
type installation struct {
	have    map[string]*jetstream.StreamInfo
	records uint64 // how many there are
}

// newest is when the last message was stored; zero: there is none.
func (in installation) newest() (at time.Time) {
	for _, info := range in.have {
		if info.State.Msgs > 0 && info.State.LastTime.After(at) {
			at = info.State.LastTime
		}
	}
	return at
}

// survey looks at all of them, and changes nothing.
func survey(ctx context.Context, js jetstream.JetStream) (installation, error) {
	in := installation{have: map[string]*jetstream.StreamInfo{}}
	// The records last: what was there before they were looked for came after them.
	for _, want := range slices.Backward(allStreams(0)) {
		s, err := ask(ctx, func(ctx context.Context) (jetstream.Stream, error) { return js.Stream(ctx, want.Name) })
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return in, fmt.Errorf("stream %s: %w", want.Name, err)
		}
		info := s.CachedInfo()
		in.have[want.Name] = info
		if want.Name != StreamRecords {
			continue
		}
		in.records = info.State.Msgs
		for _, mark := range []string{budgetsMark, recoveryMark, buttonMark} {
			if in.records == 0 || in.records > 3 {
				break
			}
			// It may be one that is no campaign's.
			if _, err := s.GetLastMsgForSubject(ctx, mark); err == nil {
				in.records--
			} else if !errors.Is(err, jetstream.ErrMsgNotFound) {
				return in, fmt.Errorf("stream %s: %w", want.Name, err)
			}
		}
	}
	return in, nil
}

// id is the one that the streams bear; empty: none does.
func (in installation) id() (string, error) {
	first, id := "", ""
	for _, want := range allStreams(0) {
		info := in.have[want.Name]
		if info == nil {
			continue
		}
		if text := info.Config.Metadata[metaLayout]; text != "" {
			if n, err := strconv.Atoi(text); err != nil || n > layout {
				return "", fmt.Errorf("stream %s has layout %s, this version knows up to %d: a newer staffetta made it, upgrade this one", want.Name, text, layout)
			}
		}
		switch its := identityOf(info.Config).installation; {
		case its == "" || its == id:
		case id != "":
			return "", fmt.Errorf("stream %s is of installation %s, and %s of %s: they do not belong together; restore all streams from one backup, see docs/disaster.md", first, id, want.Name, its)
		default:
			first, id = want.Name, its
		}
	}
	return id, nil
}

// identity is what a stream that is made beside the others bears: their id, and the
// layout of the first of them.
func (in installation) identity() (identity, error) {
	id, err := in.id()
	for _, want := range streams(0) {
		if info := in.have[want.Name]; info != nil {
			return identity{id, identityOf(info.Config).layout}, err
		}
	}
	return identity{id, layout}, err
}

// fresh says that nothing has been here: there may be budgets already, or schedules,
// which somebody has set before the first service came.
func (in installation) fresh() bool {
	return !slices.ContainsFunc(streams(0), func(s jetstream.StreamConfig) bool { return in.have[s.Name] != nil })
}

// earlier says that some of them are of an earlier layout.
func (in installation) earlier() bool {
	for _, info := range in.have {
		if its := identityOf(info.Config); its.installation != "" && its.layout < layout {
			return true
		}
	}
	return false
}

// beside says that commands lie beside the timers, as in layout 1.
func (in installation) beside() bool {
	info := in.have[StreamWakeups]
	return info != nil && slices.Contains(info.Config.Subjects, commandPrefix+">")
}

// unmarked are the streams without an id.
func (in installation) unmarked() (names []string) {
	for _, want := range allStreams(0) {
		if info := in.have[want.Name]; info != nil && identityOf(info.Config).installation == "" {
			names = append(names, want.Name)
		}
	}
	return names
}

// lost says that there must have been records, and where that is seen. An event is
// told once its record is saved, and requests are taken once there is a place for
// records.
func (in installation) lost() error {
	what := "is missing"
	if records := in.have[StreamRecords]; records != nil {
		what = "is empty"
		if in.records > 0 || records.Config.Metadata[metaRecovered] != "" {
			return nil
		}
	}
	for _, name := range []string{StreamEvents, StreamRequests} {
		info := in.have[name]
		if info == nil || info.State.Msgs == 0 || name == StreamRequests && what == "is empty" {
			continue
		}
		return fmt.Errorf("stream %s %s, and %s holds %d messages: the records of these campaigns are lost, and without them some could be sent again; restore all streams from one backup (docs/disaster.md), or, if there is none, see what staffetta recover says", StreamRecords, what, name, info.State.Msgs)
	}
	return nil
}

// outlive says that events are kept as long as requests: they say what became of one
// whose record is lost.
func (in installation) outlive() error {
	events, requests := in.have[StreamEvents], in.have[StreamRequests]
	if events == nil || requests == nil {
		return nil
	}
	e, r := events.Config.MaxAge, requests.Config.MaxAge
	if e == 0 || r != 0 && e >= r {
		return nil
	}
	return fmt.Errorf("stream %s has max_age %s, less than the %s of %s: events say what became of a request whose record is lost, so keep them at least as long: nats stream edit %s --max-age %[3]s",
		StreamEvents, age(e), age(r), StreamRequests, StreamEvents)
}

// openStreams verifies what is there and makes what is missing, with the id of the
// others. It never changes a stream that exists. Two that start at once both find
// nothing: who makes the first stream gives it its id, the other one takes that.
func (j *Journal) openStreams(ctx context.Context) error {
	in, err := survey(ctx, j.js)
	if err != nil {
		return err
	}
	id, err := in.identity()
	if err == nil {
		err = in.lost()
	}
	if err != nil {
		return err
	}
	if in.fresh() && id.installation == "" {
		id = identity{rand.Text(), layout}
	} else if missing := in.unmarked(); len(missing) > 0 {
		j.Log.Warn("streams bear no installation id, so that one of another backup would not be noticed: run staffetta streams upgrade, when every service has this version", "streams", strings.Join(missing, ", "))
	}
	if in.earlier() {
		j.Log.Warn("streams are those of an earlier version, in which one message may act on others: run staffetta streams upgrade, when every service has this version")
	}
	for _, want := range streams(j.Replicas) {
		if want.Name == StreamCommands && in.beside() {
			continue // they lie beside the timers until the streams are upgraded
		}
		if in.have[want.Name] == nil && in.records > 0 {
			j.Log.Error("a stream was missing beside records, and is made anew, empty: if it was lost, see docs/disaster.md", "stream", want.Name)
		}
		s, err := ensureStream(ctx, j.js, want, id)
		if err != nil {
			return err
		}
		if in.fresh() && want.Name == StreamRecords {
			id = identityOf(s.CachedInfo().Config) // perhaps somebody else was quicker
		}
		if err := belongs(s, id); err != nil {
			return err
		}
		switch want.Name {
		case StreamRequests:
			j.requests = s
		case StreamCommands:
			j.commands.found()
		case StreamRecords:
			j.records = s
		case StreamEvents:
			j.events = s
		case StreamDeadLetters:
			j.letters = s
		}
	}
	j.id = id
	if at := in.newest(); !at.IsZero() {
		j.sweep.before = at.Add(-j.PowerCut)
	}
	return in.outlive()
}

// belongs says that a stream is not of another installation. One without an id may be
// of any.
func belongs(s jetstream.Stream, id identity) error {
	if its := identityOf(s.CachedInfo().Config).installation; its != "" && id.installation != "" && its != id.installation {
		return fmt.Errorf("stream %s is of installation %s, and %s of %s: they do not belong together; restore all streams from one backup, see docs/disaster.md", StreamRecords, id.installation, s.CachedInfo().Config.Name, its)
	}
	return nil
}

// installationOf is what the records bear; without records, nothing.
func installationOf(ctx context.Context, js jetstream.JetStream) (identity, error) {
	s, err := js.Stream(ctx, StreamRecords)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return identity{layout: layout}, nil
	}
	if err != nil {
		return identity{}, err
	}
	return identityOf(s.CachedInfo().Config), nil
}

// StreamState is what is seen of one stream.
type StreamState struct {
	Name         string    `json:"stream"`
	Missing      bool      `json:"missing,omitempty"`
	Installation string    `json:"installation,omitempty"` // empty: it bears none
	Layout       string    `json:"layout,omitempty"`
	Made         time.Time `json:"made,omitzero"`
	Messages     uint64    `json:"messages"`
	Bytes        uint64    `json:"bytes"`
	First        time.Time `json:"first,omitzero"`
	Last         time.Time `json:"last,omitzero"`
}

// Streams are all that there can be, in their order.
type Streams struct {
	All   []StreamState
	Wrong error // why no service starts on them; nil: they belong together
}

// Streams says what is there of the streams.
func (c *Client) Streams(ctx context.Context) (Streams, error) {
	in, err := survey(ctx, c.js)
	if err != nil {
		return Streams{}, unread(ctx, c.js, StreamRecords, err)
	}
	var all []StreamState
	for _, want := range allStreams(0) {
		s := StreamState{Name: want.Name, Missing: true}
		if info := in.have[want.Name]; info != nil {
			s = StreamState{Name: want.Name, Installation: identityOf(info.Config).installation, Layout: info.Config.Metadata[metaLayout], Made: info.Created.UTC(),
				Messages: info.State.Msgs, Bytes: info.State.Bytes, First: info.State.FirstTime.UTC(), Last: info.State.LastTime.UTC()}
		}
		all = append(all, s)
	}
	_, wrong := in.id()
	return Streams{all, errors.Join(wrong, in.lost(), in.outlive())}, nil
}
