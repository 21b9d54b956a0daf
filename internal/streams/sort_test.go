package streams

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestSortWrite(t *testing.T) {
	t.Parallel()
	api := func(code int, number jetstream.ErrorCode, text string) error {
		return fmt.Errorf("nats: %w", &jetstream.APIError{Code: code, ErrorCode: number, Description: text})
	}
	for _, test := range []struct {
		name string
		err  error
		want Answer
	}{
		{"AnAckIsStored", nil, Stored},
		{"AnotherSequenceIsExists", api(400, 10071, "wrong last sequence: 17"), Exists},
		{"NoSequenceProvesNothing", api(400, 10071, "wrong last sequence: 0"), Contended},
		{"AWriteUnderWayProvesNothing", api(400, 10164, "wrong last sequence"), Contended},
		{"AnInvalidScheduleIsRefused", api(400, 10189, "message schedules pattern is invalid"), Refused},
		{"ATooLargeMessageIsRefused", api(400, 10054, "message size exceeds maximum allowed"), Refused},
		{"NoLeaderIsLost", api(503, 10008, "JetStream system temporarily unavailable"), lost},
		{"AFailedStoreIsLost", api(503, 10077, "maximum messages exceeded"), lost},
		{"NobodyThereIsLost", jetstream.ErrNoStreamResponse, lost},
		{"ATimeOutIsLost", context.DeadlineExceeded, lost},
		{"ABrokenConnectionIsLost", nats.ErrConnectionReconnecting, lost},
		{"AnUnknownErrorIsLost", errors.New("who knows"), lost},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := SortWrite(test.err); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestOlderThan(t *testing.T) {
	t.Parallel()
	for have, want := range map[string]bool{
		"2.11.9": true, "2.9.25": true, "1.99.99": true, "2.12.0-RC.3": false,
		"2.12.0": false, "2.15.2": false, "3.0.0": false, "custom": false,
	} {
		if got := olderThan(have, minServer); got != want {
			t.Errorf("%s is older than %s: got %t, want %t", have, minServer, got, want)
		}
	}
}
