package streams_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/streams"
)

// A cluster that has just met is asked again until it has heard of all its servers; one
// that stays without is asked for twenty seconds. Anything else is an answer.
func TestAskWaitsForServersThatAreNotThereYet(t *testing.T) {
	t.Parallel()
	offline := &jetstream.APIError{Code: 400, ErrorCode: 10005, Description: "no suitable peers for placement, peer offline"}
	few := &jetstream.APIError{Code: 400, ErrorCode: 10005, Description: "no suitable peers for placement, insufficient storage"}
	for name, tt := range map[string]struct {
		said  error
		until time.Duration // how long it says so
		takes [2]time.Duration
		fails bool
	}{
		"ForAWhile": {offline, 5 * time.Second, [2]time.Duration{5 * time.Second, 6 * time.Second}, false},
		"ForEver":   {offline, time.Hour, [2]time.Duration{20 * time.Second, 21 * time.Second}, true},
		"Full":      {few, time.Hour, [2]time.Duration{0, 0}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, err := streams.Ask(t.Context(), func(context.Context) (bool, error) {
					if time.Since(began) < tt.until {
						return false, tt.said
					}
					return true, nil
				})
				if took := time.Since(began); took < tt.takes[0] || took > tt.takes[1] || tt.fails != errors.Is(err, tt.said) {
					t.Errorf("%v after %s", err, took)
				}
			})
		})
	}
}
