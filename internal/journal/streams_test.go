package journal_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

func TestStreams(t *testing.T) {
	t.Parallel()
	// setup makes the streams, changes one, and opens again.
	setup := func(t *testing.T, stream string, change func(*jetstream.StreamConfig)) error {
		t.Helper()
		nc := connect(t, startServer(t, -1, t.TempDir()))
		open(t, nc, journal.Options{})
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		s, err := js.Stream(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		cfg := s.CachedInfo().Config
		if err := js.DeleteStream(t.Context(), stream); err != nil {
			t.Fatal(err)
		}
		change(&cfg)
		if _, err := js.CreateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		_, err = journal.Open(t.Context(), nc, journal.Options{})
		return err
	}

	for _, test := range []struct {
		name, stream string
		change       func(*jetstream.StreamConfig)
		want         string
	}{
		{"RefusesOtherSubjects", streams.Events, func(c *jetstream.StreamConfig) { c.Subjects = []string{"campaign.v1.event.shop.>"} },
			"stream CAMPAIGN_EVENTS has subjects [campaign.v1.event.shop.>], want [campaign.v1.event.>]"},
		{"RefusesOtherRetention", streams.Requests, func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy },
			"stream CAMPAIGN_REQUESTS has retention WorkQueue, want Limits"},
		{"RefusesShorterAge", streams.Events, func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
			"stream CAMPAIGN_EVENTS has max_age 1h0m0s, want 720h0m0s or longer"},
		{"RefusesAnAgeForTimers", streams.Wakeups, func(c *jetstream.StreamConfig) { c.MaxAge = 1000 * time.Hour },
			"stream CAMPAIGN_WAKEUPS has max_age 1000h0m0s, want unlimited"},
		{"RefusesALimitForTimers", streams.Wakeups, func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 30 },
			"stream CAMPAIGN_WAKEUPS has max_bytes 1073741824, want none"},
		{"RefusesStaleReadsOfRecords", streams.Records, func(c *jetstream.StreamConfig) { c.AllowDirect = true },
			"stream KV_campaigns has allow_direct true, want false"},
		{"RefusesAHistoryOfRecords", streams.Records, func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 },
			"stream KV_campaigns has max_msgs_per_subject 5, want 1"},
		{"RefusesLargerRequests", streams.Requests, func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1 << 20 },
			"stream CAMPAIGN_REQUESTS has max_msg_size 1048576, want 262144 or less"},
		{"RefusesTimersWithoutSchedules", streams.Wakeups, func(c *jetstream.StreamConfig) { c.AllowMsgSchedules = false },
			"stream CAMPAIGN_WAKEUPS has allow_msg_schedules false, want true"},
		{"RefusesARollUpOfRequests", streams.Requests, func(c *jetstream.StreamConfig) { c.DenyPurge, c.AllowRollup = false, true },
			"stream CAMPAIGN_REQUESTS has allow_rollup_hdrs true, want false"},
		{"RefusesAPurgeOfCommands", streams.Commands, func(c *jetstream.StreamConfig) { c.DenyPurge = false },
			"stream CAMPAIGN_COMMANDS has deny_purge false, want true"},
		{"RefusesRequestsThatCannotBeForgotten", streams.Requests, func(c *jetstream.StreamConfig) { c.DenyDelete = true },
			"stream CAMPAIGN_REQUESTS has deny_delete true, want false"},
		{"RefusesALongMemoryOfMessageIDs", streams.Requests, func(c *jetstream.StreamConfig) { c.Duplicates = time.Minute },
			"stream CAMPAIGN_REQUESTS has duplicate_window 1m0s, want 100ms"},
		{"RefusesSchedulesOfCommands", streams.Commands, func(c *jetstream.StreamConfig) {
			c.AllowMsgSchedules, c.AllowMsgTTL, c.AllowRollup, c.DenyPurge = true, true, true, false
		}, "stream CAMPAIGN_COMMANDS has allow_msg_schedules true, want false"},
		{"RefusesATimeToLiveOfRequests", streams.Requests, func(c *jetstream.StreamConfig) { c.AllowMsgTTL = true },
			"stream CAMPAIGN_REQUESTS has allow_msg_ttl true, want false"},
		{"RefusesRecipientsThatAreKeptForEver", streams.Audiences, func(c *jetstream.StreamConfig) { c.MaxAge = 0 },
			"stream CAMPAIGN_AUDIENCES has max_age unlimited, want 720h0m0s or longer"},
		{"RefusesRecipientsThatReadersOfStreamsRead", streams.Audiences, func(c *jetstream.StreamConfig) { c.AllowDirect = true },
			"stream CAMPAIGN_AUDIENCES has allow_direct true, want false"},
		{"RefusesRecipientsThatAreReplaced", streams.Audiences, func(c *jetstream.StreamConfig) { c.DiscardNewPerSubject, c.Discard = false, jetstream.DiscardOld },
			"stream CAMPAIGN_AUDIENCES has discard DiscardOld, want DiscardNew"},
		{"RefusesARollUpOfRecipients", streams.Audiences, func(c *jetstream.StreamConfig) { c.DenyPurge, c.AllowRollup = false, true },
			"stream CAMPAIGN_AUDIENCES has allow_rollup_hdrs true, want false"},
		{"AcceptsALongerAge", streams.Events, func(c *jetstream.StreamConfig) { c.MaxAge = 10000 * time.Hour }, ""},
		{"AcceptsNoAge", streams.DeadLetters, func(c *jetstream.StreamConfig) { c.MaxAge = 0 }, ""},
		{"AcceptsMemory", streams.Requests, func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, ""},
		{"AcceptsALimitInBytes", streams.Records, func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 30 }, ""},
		{"AcceptsCompression", streams.Events, func(c *jetstream.StreamConfig) { c.Compression = jetstream.S2Compression }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := setup(t, test.stream, test.change)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got error %v\nwant one with %q", err, test.want)
			}
		})
	}

	t.Run("MakeABucketThatEveryKVClientReads", func(t *testing.T) {
		t.Parallel()
		nc := connect(t, startServer(t, -1, t.TempDir()))
		j := open(t, nc, journal.Options{})
		_, rev, err := j.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Save(t.Context(), sample, rev); err != nil {
			t.Fatal(err)
		}
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		kv, err := js.KeyValue(t.Context(), "campaigns")
		if err != nil {
			t.Fatal(err)
		}
		entry, err := kv.Get(t.Context(), "shop-italia.bf-2026")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(entry.Value()), `"state":"confirming"`) {
			t.Errorf("the bucket has %s", entry.Value())
		}
	})
}

func TestOpen(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T, nc *nats.Conn, want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := journal.Open(ctx, nc, journal.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v\nwant one with %q", err, want)
		}
	}
	t.Run("RefusesAServerWithoutJetStream", func(t *testing.T) {
		t.Parallel()
		s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
		if err != nil {
			t.Fatal(err)
		}
		go s.Start()
		t.Cleanup(s.Shutdown)
		if !s.ReadyForConnections(10 * time.Second) {
			t.Fatal("the server does not start")
		}
		refused(t, connect(t, s), "JetStream is not enabled")
	})
	t.Run("RefusesAConnectionThatBuffers", func(t *testing.T) {
		t.Parallel()
		nc, err := nats.Connect(startServer(t, -1, t.TempDir()).ClientURL())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		refused(t, nc, "reconnect buffer")
	})
	t.Run("RefusesASmallPayload", func(t *testing.T) {
		t.Parallel()
		s, err := server.NewServer(&server.Options{
			Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(), MaxPayload: 100_000,
		})
		if err != nil {
			t.Fatal(err)
		}
		go s.Start()
		t.Cleanup(s.Shutdown)
		if !s.ReadyForConnections(10 * time.Second) {
			t.Fatal("the server does not start")
		}
		refused(t, connect(t, s), "max_payload 100000, want at least 524288")
	})
	t.Run("TwiceIsTheSameAsOnce", func(t *testing.T) {
		t.Parallel()
		nc := connect(t, startServer(t, -1, t.TempDir()))
		open(t, nc, journal.Options{})
		open(t, nc, journal.Options{})
	})
}
