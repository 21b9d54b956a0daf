package journal

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

// minServer is the first version with message schedules.
const minServer = "2.12.0"

// minPayload is what the server must take in one message, so that a dead
// letter with a full copy of the largest request always fits.
const minPayload = 512 << 10

// apiWithin is how long JetStream may take over a call that has no deadline of
// its own. A cluster that has just met, or has just lost a leader, says nothing for
// longer than the five seconds that the client would wait.
const apiWithin = 20 * time.Second

// ask asks JetStream again and again, for as long as it may take. What has no leader
// yet, in a cluster that has just met or a stream that somebody else is making, gives
// no answer at all, not even later. For questions that may be asked twice.
func ask[T any](ctx context.Context, question func(context.Context) (T, error)) (T, error) {
	for until := time.Now().Add(apiWithin); ; {
		try, cancel := context.WithTimeout(ctx, 3*time.Second)
		answer, err := question(try)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil || time.Now().After(until) {
			return answer, err
		}
	}
}

// newJetStream is how this package speaks to JetStream, whoever asks.
func newJetStream(nc *nats.Conn) (jetstream.JetStream, error) {
	return jetstream.New(nc, jetstream.WithDefaultTimeout(apiWithin))
}

const day = 24 * time.Hour

// shortestWindow is the least that the server takes for duplicates. Within the window
// a second message with the same Nats-Msg-Id is acknowledged and not stored, whoever
// sent it: a source could so swallow another's request, or its own correction.
const shortestWindow = 100 * time.Millisecond

// streams are the six streams as they must be, the records first: what else there is
// came after them. What an operator may choose
// differently (replicas, storage, placement, longer ages, a limit in bytes
// where it cannot lose a timer) is not compared; the rest is.
//
// Trust decides where a message lives. What others publish to, requests and commands,
// has no schedules, no roll-up and no time to live of its own: each of these is a
// header that acts on messages of others. What has timers or state is the service's
// alone.
func streams(replicas int) []jetstream.StreamConfig {
	return []jetstream.StreamConfig{{
		// A key-value bucket by every sign, made as a stream because creating
		// it as a bucket would allow direct reads, which may be stale.
		Name:              StreamRecords,
		Description:       "Staffetta: the record of every campaign, for ever",
		Subjects:          []string{"$KV.campaigns.>"},
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
		AllowRollup:       true,
		DenyDelete:        true,
		Replicas:          replicas,
	}, {
		Name:        StreamRequests,
		Description: "Staffetta: campaigns that were asked for",
		Subjects:    []string{"campaign.v1.request.*.*"},
		MaxAge:      30 * day,
		MaxMsgSize:  256 << 10, // a dead letter holds a full copy and must fit max_payload
		Duplicates:  shortestWindow,
		DenyPurge:   true,
		Replicas:    replicas,
		AllowDirect: true,
	}, {
		// Deleting one message stays allowed: forgetting what it says of a person
		// needs it, and only the operator reaches that call.
		Name:        StreamCommands,
		Description: "Staffetta: what people tell campaigns",
		Subjects:    []string{commandPrefix + ">"},
		MaxAge:      commandLife,
		MaxMsgSize:  256 << 10,
		Duplicates:  shortestWindow,
		DenyPurge:   true,
		Replicas:    replicas,
		AllowDirect: true,
	}, {
		Name:        StreamEvents,
		Description: "Staffetta: what happened to campaigns, for everybody",
		Subjects:    []string{"campaign.v1.event.>"},
		MaxAge:      30 * day,
		Replicas:    replicas,
		AllowDirect: true,
	}, {
		// No age: it would delete a schedule that waits longer. Each message
		// carries its own time to live.
		Name:              StreamWakeups,
		Description:       "Staffetta: timers of campaigns",
		Subjects:          []string{timerPrefix + ">", wakeupPrefix + ">"},
		AllowMsgSchedules: true,
		AllowMsgTTL:       true,
		AllowRollup:       true, // the server sets it for schedules
		Replicas:          replicas,
		AllowDirect:       true,
	}, {
		Name:        StreamDeadLetters,
		Description: "Staffetta: messages nobody could act on, whole, with the reason",
		Subjects:    []string{"campaign.v1.dead.>"},
		MaxAge:      90 * day,
		Duplicates:  10 * time.Minute,
		Replicas:    replicas,
		AllowDirect: true,
	}}
}

// checkServer refuses a server that cannot do what is needed, and says what can.
func checkServer(ctx context.Context, nc *nats.Conn, js jetstream.JetStream) error {
	if have := nc.ConnectedServerVersion(); olderThan(have, minServer) {
		return fmt.Errorf("NATS server %s is too old: message schedules need %s or newer; upgrade the server", have, minServer)
	}
	if have := nc.MaxPayload(); have < minPayload {
		return fmt.Errorf("NATS server has max_payload %d, want at least %d so that a dead letter fits; raise max_payload", have, minPayload)
	}
	if _, err := ask(ctx, js.AccountInfo); err != nil {
		if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
			return fmt.Errorf("JetStream is not enabled on this server or account: start nats-server with -js, or enable it for the account: %w", err)
		}
		return fmt.Errorf("ask JetStream for its account: %w", err)
	}
	return nil
}

// olderThan compares two versions by their three numbers; a version that is
// not three numbers is not called old.
func olderThan(have, want string) bool {
	var h, w [3]int
	have, _, _ = strings.Cut(have, "-")
	if _, err := fmt.Sscanf(have, "%d.%d.%d", &h[0], &h[1], &h[2]); err != nil {
		return false
	}
	fmt.Sscanf(want, "%d.%d.%d", &w[0], &w[1], &w[2])
	return slices.Compare(h[:], w[:]) < 0
}

// ensureStream creates the stream with the id of an installation if it is absent, and
// verifies it if present. It never changes one that exists.
func ensureStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig, id identity) (jetstream.Stream, error) {
	made := id.shape(want)
	made.Metadata = id.metadata()
	s, err := ask(ctx, func(ctx context.Context) (jetstream.Stream, error) {
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
	if err := verifyStream(s.CachedInfo().Config, want); err != nil {
		return nil, err
	}
	return s, nil
}

// verifyStream names the first difference that matters, to what a stream of its
// layout must be.
func verifyStream(have, want jetstream.StreamConfig) error {
	want = identityOf(have).shape(want)
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
	case StreamRecords, StreamBudgets, StreamSchedules:
		if have.AllowDirect {
			return differ("allow_direct", true, "false (a direct read may be stale)")
		}
	case StreamRequests, StreamCommands:
		if err := verifyOpen(have, want); err != nil {
			return err
		}
	case StreamWakeups, StreamScheduleWakeups:
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
