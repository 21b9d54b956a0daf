package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Core know each other: each bears the id of its installation and the version of
// its layout from its creation on. So records of one backup are not taken for those
// of another, and records that are gone not for records that never were.
const (
	MetaInstallation = "staffetta.installation"
	MetaLayout       = "staffetta.layout"
	// MetaRecovered on the records' stream is the operator's word that they are lost,
	// and when it was given.
	MetaRecovered = "staffetta.recovered"
)

// All are the streams that there can be, the records first: where they are missing
// nothing else can have begun.
func All(replicas int) []jetstream.StreamConfig {
	return append(append(Core(replicas), OfSchedules(replicas)...), OfBudgets(replicas), OfAudiences(replicas), OfPeople(replicas))
}

// Installation is what is there of the streams.
type Installation struct {
	Have     map[string]*jetstream.StreamInfo
	Recorded bool // there are records of campaigns
	// Told is how many events of campaigns there are. What answers a standing order is an
	// event as well, and needs no record.
	Told uint64
}

// Newest is when the last message was stored; zero: there is none.
func (in Installation) Newest() (at time.Time) {
	for _, info := range in.Have {
		if info.State.Msgs > 0 && info.State.LastTime.After(at) {
			at = info.State.LastTime
		}
	}
	return at
}

// Survey looks at all of them, and changes nothing.
func Survey(ctx context.Context, js jetstream.JetStream) (Installation, error) {
	in := Installation{Have: map[string]*jetstream.StreamInfo{}}
	// The records last: what was there before they were looked for came after them.
	for _, want := range slices.Backward(All(0)) {
		s, err := Ask(ctx, func(ctx context.Context) (jetstream.Stream, error) {
			s, err := js.Stream(ctx, want.Name)
			if err == nil && !led(s.CachedInfo()) {
				_, err = LeaderInfo(ctx, s)
			}
			return s, err
		})
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return in, fmt.Errorf("stream %s: %w", want.Name, err)
		}
		info := s.CachedInfo()
		in.Have[want.Name] = info
		if want.Name == Events {
			if in.Told, err = told(ctx, s); err != nil {
				return in, fmt.Errorf("stream %s: %w", want.Name, err)
			}
		}
		if want.Name != Records {
			continue
		}
		if in.Recorded, err = recorded(ctx, s, info.State.Msgs); err != nil {
			return in, fmt.Errorf("stream %s: %w", want.Name, err)
		}
	}
	return in, nil
}

// recorded says whether there are records of campaigns among so many messages. What lies
// there may be marks alone. A campaign's key has two words, and that of a mark one or three.
func recorded(ctx context.Context, s jetstream.Stream, messages uint64) (bool, error) {
	if messages == 0 {
		return false, nil
	}
	// To look for the first of a million subjects takes the server longer than to say
	// what lies first, and that is as a rule a record.
	m, err := s.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(">"))
	if err == nil && strings.Count(m.Subject, ".") == strings.Count(RecordPrefix+"*.*", ".") {
		return true, nil
	}
	if err == nil {
		_, err = s.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(RecordPrefix+"*.*"))
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil, err
}

// told counts the events of campaigns.
func told(ctx context.Context, events jetstream.Stream) (uint64, error) {
	info, err := LeaderInfo(ctx, events, jetstream.WithSubjectFilter(EventPrefix+"*."+Standing+".>"))
	if err != nil {
		return 0, err
	}
	n := info.State.Msgs
	for _, answers := range info.State.Subjects {
		n -= min(n, answers)
	}
	return n, nil
}

// ID is the one that the streams bear; empty: none does.
func (in Installation) ID() (string, error) {
	first, id := "", ""
	for _, want := range All(0) {
		info := in.Have[want.Name]
		if info == nil {
			continue
		}
		if text := info.Config.Metadata[MetaLayout]; text != "" {
			if n, err := strconv.Atoi(text); err != nil || n > Layout {
				return "", fmt.Errorf("stream %s has layout %s, this version knows up to %d: a newer staffetta made it, upgrade this one", want.Name, text, Layout)
			}
		}
		switch its := IdentityOf(info.Config).Installation; {
		case its == "" || its == id:
		case id != "":
			return "", fmt.Errorf("stream %s is of installation %s, and %s of %s: they do not belong together; restore all streams from one backup, see docs/disaster.md", first, id, want.Name, its)
		default:
			first, id = want.Name, its
		}
	}
	return id, nil
}

// Identity is what a stream that is made beside the others bears: their id, and the
// layout of the first of them.
func (in Installation) Identity() (Identity, error) {
	id, err := in.ID()
	for _, want := range Core(0) {
		if info := in.Have[want.Name]; info != nil {
			return Identity{id, IdentityOf(info.Config).Layout}, err
		}
	}
	return Identity{id, Layout}, err
}

// Fresh says that nothing has been here: there may be budgets already, or schedules,
// which somebody has set before the first service came.
func (in Installation) Fresh() bool {
	return !slices.ContainsFunc(Core(0), func(s jetstream.StreamConfig) bool { return in.Have[s.Name] != nil })
}

// Earlier says that some of them are of an earlier layout.
func (in Installation) Earlier() bool {
	for _, info := range in.Have {
		if its := IdentityOf(info.Config); its.Installation != "" && its.Layout < Layout {
			return true
		}
	}
	return false
}

// Beside says that commands lie beside the timers, as in layout 1.
func (in Installation) Beside() bool {
	info := in.Have[Wakeups]
	return info != nil && slices.Contains(info.Config.Subjects, CommandPrefix+">")
}

// Unmarked are the streams without an id.
func (in Installation) Unmarked() (names []string) {
	for _, want := range All(0) {
		if info := in.Have[want.Name]; info != nil && IdentityOf(info.Config).Installation == "" {
			names = append(names, want.Name)
		}
	}
	return names
}

// Lost says that there must have been records, and where that is seen. An event of a
// campaign is told once its record is saved, and requests are taken once there is a place
// for records.
func (in Installation) Lost() error {
	what := "is missing"
	if records := in.Have[Records]; records != nil {
		what = "is empty"
		if in.Recorded || records.Config.Metadata[MetaRecovered] != "" {
			return nil
		}
	}
	name, n := Events, in.Told
	if requests := in.Have[Requests]; n == 0 && requests != nil && what == "is missing" {
		name, n = Requests, requests.State.Msgs
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("stream %s %s, and %s holds %d messages: the records of these campaigns are lost, and without them some could be sent again; restore all streams from one backup (docs/disaster.md), or, if there is none, see what staffetta recover says", Records, what, name, n)
}

// Outlive says that events are kept as long as requests: they say what became of one
// whose record is lost.
func (in Installation) Outlive() error {
	events, requests := in.Have[Events], in.Have[Requests]
	if events == nil || requests == nil {
		return nil
	}
	e, r := events.Config.MaxAge, requests.Config.MaxAge
	if e == 0 || r != 0 && e >= r {
		return nil
	}
	return fmt.Errorf("stream %s has max_age %s, less than the %s of %s: events say what became of a request whose record is lost, so keep them at least as long: nats stream edit %s --max-age %[3]s",
		Events, age(e), age(r), Requests, Events)
}

// Belongs says that a stream is not of another installation. One without an id may be
// of any.
func Belongs(s jetstream.Stream, id Identity) error {
	if its := IdentityOf(s.CachedInfo().Config).Installation; its != "" && id.Installation != "" && its != id.Installation {
		return fmt.Errorf("stream %s is of installation %s, and %s of %s: they do not belong together; restore all streams from one backup, see docs/disaster.md", Records, id.Installation, s.CachedInfo().Config.Name, its)
	}
	return nil
}

// InstallationOf is what the records bear; without records, nothing.
func InstallationOf(ctx context.Context, js jetstream.JetStream) (Identity, error) {
	s, err := js.Stream(ctx, Records)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return Identity{Layout: Layout}, nil
	}
	if err != nil {
		return Identity{}, err
	}
	return IdentityOf(s.CachedInfo().Config), nil
}
