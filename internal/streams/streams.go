package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// APIWithin is how long JetStream may take over a call that has no deadline of
// its own. A cluster that has just met, or has just lost a leader, says nothing for
// longer than the five seconds that the client would wait.
const APIWithin = 20 * time.Second

// Ask asks JetStream again and again, for as long as it may take. What has no leader
// yet, in a cluster that has just met or a stream that somebody else is making, gives
// no answer at all, not even later; and a cluster that has not heard of all its servers
// has no place for a stream yet. For questions that may be asked twice.
func Ask[T any](ctx context.Context, question func(context.Context) (T, error)) (T, error) {
	for until := time.Now().Add(APIWithin); ; {
		try, cancel := context.WithTimeout(ctx, 3*time.Second)
		answer, err := question(try)
		cancel()
		switch {
		case ctx.Err() != nil, time.Now().After(until):
			return answer, err
		case peerOffline(err):
			select {
			case <-ctx.Done():
			case <-time.After(250 * time.Millisecond):
			}
		case !errors.Is(err, context.DeadlineExceeded):
			return answer, err
		}
	}
}

// peerOffline says that a stream has no place because a server of the cluster is not there,
// or has not been heard of yet.
func peerOffline(err error) bool {
	const noPeers = 10005
	said, is := errors.AsType[*jetstream.APIError](err)
	return is && said.ErrorCode == noPeers && strings.Contains(said.Description, "offline")
}

// JetStream is how this package speaks to JetStream, whoever asks.
func JetStream(nc *nats.Conn) (jetstream.JetStream, error) {
	return jetstream.New(nc, jetstream.WithDefaultTimeout(APIWithin))
}

// Day is 24 hours, as streams count.
const Day = 24 * time.Hour

// shortestWindow is the least that the server takes for duplicates. Within the window
// a second message with the same Nats-Msg-ID is acknowledged and not stored, whoever
// sent it: a source could so swallow another's request, or its own correction.
const shortestWindow = 100 * time.Millisecond

// Core are the six streams as they must be, the records first: what else there is
// came after them. What an operator may choose
// differently (replicas, storage, placement, longer ages, a limit in bytes
// where it cannot lose a timer) is not compared; the rest is.
//
// Trust decides where a message lives. What others publish to, requests and commands,
// has no schedules, no roll-up and no time to live of its own: each of these is a
// header that acts on messages of others. What has timers or state is the service's
// alone.
func Core(replicas int) []jetstream.StreamConfig {
	return []jetstream.StreamConfig{{
		// A key-value bucket by every sign, made as a stream because creating
		// it as a bucket would allow direct reads, which may be stale.
		Name:              Records,
		Description:       "Staffetta: the record of every campaign, for ever",
		Subjects:          []string{"$KV.campaigns.>"},
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
		AllowRollup:       true,
		DenyDelete:        true,
		Replicas:          replicas,
	}, {
		Name:        Requests,
		Description: "Staffetta: campaigns that were asked for",
		Subjects:    []string{"campaign.v1.request.*.*"},
		MaxAge:      30 * Day,
		MaxMsgSize:  256 << 10, // a dead letter holds a full copy and must fit max_payload
		Duplicates:  shortestWindow,
		DenyPurge:   true,
		Replicas:    replicas,
		AllowDirect: true,
	}, {
		// Deleting one message stays allowed: forgetting what it says of a person
		// needs it, and only the operator reaches that call.
		Name:        Commands,
		Description: "Staffetta: what people tell campaigns",
		Subjects:    []string{CommandPrefix + ">"},
		MaxAge:      CommandLife,
		MaxMsgSize:  256 << 10,
		Duplicates:  shortestWindow,
		DenyPurge:   true,
		Replicas:    replicas,
		AllowDirect: true,
	}, {
		Name:        Events,
		Description: "Staffetta: what happened to campaigns, for everybody",
		Subjects:    []string{"campaign.v1.event.>"},
		MaxAge:      30 * Day,
		Replicas:    replicas,
		AllowDirect: true,
	}, {
		// No age: it would delete a schedule that waits longer. Each message
		// carries its own time to live.
		Name:              Wakeups,
		Description:       "Staffetta: timers of campaigns",
		Subjects:          []string{TimerPrefix + ">", WakeupPrefix + ">"},
		AllowMsgSchedules: true,
		AllowMsgTTL:       true,
		AllowRollup:       true, // the server sets it for schedules
		Replicas:          replicas,
		AllowDirect:       true,
	}, {
		Name:        DeadLetters,
		Description: "Staffetta: messages nobody could act on, whole, with the reason",
		Subjects:    []string{"campaign.v1.dead.>"},
		MaxAge:      90 * Day,
		Duplicates:  10 * time.Minute,
		Replicas:    replicas,
		AllowDirect: true,
	}}
}

// Ensure creates the stream with the id of an installation if it is absent, and
// verifies it if present. It never changes one that exists.
func Ensure(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig, id Identity) (jetstream.Stream, error) {
	made := id.shape(want)
	made.Metadata = monitored(id.Metadata(), MonitorOfStream(want.Name))
	s, err := Ask(ctx, func(ctx context.Context) (jetstream.Stream, error) {
		s, err := js.Stream(ctx, want.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			s, err = js.CreateStream(ctx, made)
			// Another replica was quicker. In a cluster its stream may not be found yet,
			// though its name is taken.
			for errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) || errors.Is(err, jetstream.ErrStreamNotFound) {
				select {
				case <-ctx.Done():
					return nil, err
				case <-time.After(50 * time.Millisecond):
				}
				s, err = js.Stream(ctx, want.Name)
			}
		}
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", want.Name, err)
	}
	if err := Verify(s.CachedInfo().Config, want); err != nil {
		return nil, err
	}
	return s, nil
}

// Verify names the first difference that matters, to what a stream of its
// layout must be.
func Verify(have, want jetstream.StreamConfig) error {
	want = IdentityOf(have).shape(want)
	differ := func(setting string, h, w any) error { return differs(want.Name, setting, h, w) }
	if h, w := slices.Sorted(slices.Values(have.Subjects)), slices.Sorted(slices.Values(want.Subjects)); !slices.Equal(h, w) {
		return differ("subjects", h, w)
	}
	for _, f := range []struct {
		setting    string
		have, want any
	}{
		{"retention", have.Retention, want.Retention},
		{"discard", have.Discard, want.Discard},
		{"discard_new_per_subject", have.DiscardNewPerSubject, want.DiscardNewPerSubject},
		{"max_msgs_per_subject", limit(have.MaxMsgsPerSubject), limit(want.MaxMsgsPerSubject)},
		{"max_msgs", limit(have.MaxMsgs), limit(want.MaxMsgs)},
		{"allow_msg_schedules", have.AllowMsgSchedules, want.AllowMsgSchedules},
		{"allow_msg_ttl", have.AllowMsgTTL, want.AllowMsgTTL},
		{"sealed", have.Sealed, want.Sealed},
		{"no_ack", have.NoAck, want.NoAck},
		{"mirror", have.Mirror != nil, false},
		{"sources", len(have.Sources), 0},
		{"subject_transform", have.SubjectTransform != nil, false},
	} {
		if f.have != f.want {
			return differ(f.setting, f.have, f.want)
		}
	}
	switch want.Name {
	case Records, Budgets, Schedules, Rate, People:
		if want.Storage == jetstream.MemoryStorage && have.Storage != want.Storage {
			return differ("storage", have.Storage, want.Storage)
		}
		if have.AllowDirect {
			return differ("allow_direct", true, "false (a direct read may be stale)")
		}
	case Requests, Commands:
		if err := verifyOpen(have, want); err != nil {
			return err
		}
	case Audiences:
		switch err := verifyOpen(have, want); {
		case err != nil:
			return err
		case have.AllowDirect:
			return differ("allow_direct", true, "false (whoever reads streams would read recipients)")
		case have.MaxAge == 0:
			return differ("max_age", age(0), age(want.MaxAge)+" or longer")
		}
	case Wakeups, ScheduleWakeups:
		if have.MaxBytes > 0 {
			return differ("max_bytes", have.MaxBytes, "none (a full stream drops timers)")
		}
	}
	if want.MaxAge == 0 && have.MaxAge != 0 || have.MaxAge != 0 && have.MaxAge < want.MaxAge {
		return differ("max_age", age(have.MaxAge), age(want.MaxAge)+" or longer")
	}
	if w := want.MaxMsgSize; w > 0 && (have.MaxMsgSize <= 0 || have.MaxMsgSize > w) {
		return differ("max_msg_size", limit(int64(have.MaxMsgSize)), fmt.Sprintf("%d or less", w))
	}
	return nil
}

func differs(stream, setting string, have, want any) error {
	return fmt.Errorf("stream %s has %s %v, want %v: change it, or delete the stream if it holds nothing you need", stream, setting, have, want)
}

// verifyOpen holds a stream that others publish to against what lets nobody act on the
// messages of another. One of an earlier layout is what it is, until it is upgraded.
func verifyOpen(have, want jetstream.StreamConfig) error {
	if !want.DenyPurge {
		return nil
	}
	for _, f := range []struct {
		setting    string
		have, want bool
	}{
		{"allow_rollup_hdrs", have.AllowRollup, false},
		{"deny_purge", have.DenyPurge, true},
		{"deny_delete", have.DenyDelete, false},
	} {
		if f.have != f.want {
			return differs(want.Name, f.setting, f.have, f.want)
		}
	}
	if have.Duplicates > want.Duplicates {
		return differs(want.Name, "duplicate_window", have.Duplicates, want.Duplicates)
	}
	return nil
}

// limit makes the three ways to say "no limit" one.
func limit(n int64) string {
	if n <= 0 {
		return "unlimited"
	}
	return fmt.Sprint(n)
}

func age(d time.Duration) string {
	if d == 0 {
		return "unlimited"
	}
	return d.String()
}

// OfBudgets is a bucket like that of the records, and for the same reason
// made as a stream: a direct read may be stale.
func OfBudgets(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              Budgets,
		Description:       "Staffetta: what may be spent, and what is",
		Subjects:          []string{BudgetPrefix + ">"},
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
		AllowRollup:       true,
		DenyDelete:        true,
		Replicas:          replicas,
	}
}

// OfRate is a bucket of records that count for little more than a minute. It is a file: a
// server that is restarted, or killed, has all that it had acknowledged. One that loses its
// power may have lost its last writes; a service that knows a later number misses them.
// Its numbers begin where no earlier bucket's have got to, so that nobody takes a record
// for the one that it has read in that.
func OfRate(replicas int, now time.Time) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              Rate,
		Description:       "Staffetta: the calls to the gateway that are not made yet, shared by all services",
		Subjects:          []string{RatePrefix + "*"},
		MaxMsgsPerSubject: 1,
		MaxMsgSize:        256 << 10,
		FirstSeq:          uint64(now.UnixMicro()),
		DenyDelete:        true,
		Replicas:          replicas,
	}
}

// OfPeople is a bucket like that of the records. What a campaign holds has a time to live:
// it goes by itself when the campaign is lost.
func OfPeople(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              People,
		Description:       "Staffetta: the secret of the hashes of people, and which campaigns hold whom",
		Subjects:          []string{PeoplePrefix + ">"},
		MaxMsgsPerSubject: 1,
		MaxMsgSize:        512 << 10,
		Discard:           jetstream.DiscardNew,
		AllowMsgTTL:       true,
		DenyDelete:        true,
		Replicas:          replicas,
	}
}

// CommandLife is how long a command waits for the service.
const CommandLife = 7 * Day

// OfSchedules are the streams of recurring campaigns: the record of each, a bucket like
// that of the campaigns, and their timers.
func OfSchedules(replicas int) []jetstream.StreamConfig {
	return []jetstream.StreamConfig{{
		Name:              Schedules,
		Description:       "Staffetta: the record of every recurring campaign",
		Subjects:          []string{SchedulePrefix + ">"},
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
		AllowRollup:       true,
		DenyDelete:        true,
		Replicas:          replicas,
	}, {
		Name:              ScheduleWakeups,
		Description:       "Staffetta: timers of recurring campaigns",
		Subjects:          []string{ScheduleTimerPrefix + ">", ScheduleWakeupPrefix + ">"},
		AllowMsgSchedules: true,
		AllowMsgTTL:       true,
		AllowRollup:       true, // the server sets it for schedules
		Replicas:          replicas,
		AllowDirect:       true,
	}}
}
