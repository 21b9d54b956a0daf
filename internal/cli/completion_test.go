package cli

import (
	"bytes"
	"net"
	"testing"
	"time"
)

// A shell that completes does not wait for a server that says nothing.
func TestCompletionGivesUp(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, args := range [][]string{{"why", ""}, {"ls", "--source", ""}, {"dlq", "show", ""}, {"schedule", "show", ""}, {"approve", "shop-italia.bf", "--quote", ""}} {
		var out bytes.Buffer
		began := time.Now()
		code := Run(t.Context(), Terminal{Out: &out, Err: new(bytes.Buffer), Env: []string{"NATS_URL=nats://" + silent.Addr().String()}}, append([]string{"__complete"}, args...))
		// NATS itself would wait for five seconds.
		if took := time.Since(began); code != 0 || out.String() != ":4\n" || took < completeWithin || took > 3*time.Second {
			t.Errorf("%q: exit code %d after %s: %q", args, code, took, &out)
		}
	}
}
