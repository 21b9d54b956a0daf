package journal_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

// There is one secret, whoever asks first, and however many ask at once. One that is lost
// is never made anew by itself.
func TestTheHashKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	s := startServer(t, -1, t.TempDir())
	nc := connect(t, s)
	j := open(t, nc, journal.Options{})
	keys := make([]journal.HashKey, 4)
	var all sync.WaitGroup
	for i := range keys {
		other := open(t, connect(t, s), journal.Options{})
		all.Go(func() {
			k, err := other.HashKey(t.Context())
			if err != nil {
				t.Error(err)
			}
			keys[i] = k
		})
	}
	all.Wait()
	first := keys[0].NewHash().Of("+393331234567")
	for _, k := range keys {
		if k.ID == "" || k.ID != keys[0].ID || k.NewHash().Of("+393331234567") != first {
			t.Errorf("one has the secret %s, another one %s", k.ID, keys[0].ID)
		}
	}
	h := keys[0].NewHash()
	if h.Of("ab", "c") == h.Of("a", "bc") || h.Of("a") == h.Of("b") || h.Of("+393331234567") != first {
		t.Error("hashes do not tell apart what differs, or differ for the same")
	}

	// Deleted by hand, it is missed.
	if err := nc.Publish(streams.HashKey, nil); err != nil {
		t.Fatal(err)
	}
	eventually := func(want string) {
		t.Helper()
		waitFor(t, func() bool {
			_, err := j.HashKey(t.Context())
			return err != nil && strings.Contains(err.Error(), want)
		})
	}
	eventually("restore it")
	if _, err := nc.Request("$JS.API.STREAM.DELETE."+streams.People, nil, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	eventually("has not the secret that was used (" + keys[0].ID + ")")
}
