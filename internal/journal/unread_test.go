package journal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
)

// Where nothing can be read, whoever asks is told what to look at.
func TestReadingWhereThereIsNothing(t *testing.T) {
	t.Parallel()
	bare, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	go bare.Start()
	if !bare.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { bare.Shutdown(); bare.WaitForShutdown() })
	for _, test := range []struct {
		name string
		s    *server.Server
		want string
	}{
		{"NoServiceHasEverRun", startServer(t, -1, t.TempDir()), "has the service ever run here?"},
		{"NoJetStream", bare, "is JetStream enabled, on the server and for this account?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := journal.NewClient(connect(t, test.s))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]error{}
			for _, err := range c.Entries(t.Context(), "") {
				got["entries"] = err
			}
			for _, err := range c.Letters(t.Context(), journal.LetterFilter{}) {
				got["letters"] = err
			}
			for _, err := range c.Watch(t.Context(), journal.WatchOptions{Key: campaign.Key{Source: "shop"}}) {
				got["watch"] = err
			}
			_, got["letter"] = c.Letter(t.Context(), 1)
			_, _, got["record"] = c.Get(t.Context(), key)
			_, got["requests"] = c.Requests(t.Context(), key)
			_, got["timer"] = c.Armed(t.Context(), key, time.Now())
			_, got["turn"] = c.Turn(t.Context(), 1)
			for what, err := range got {
				if err == nil || !strings.HasSuffix(err.Error(), test.want) {
					t.Errorf("%s: %v, want …%s", what, err, test.want)
				}
			}
			if len(got) != 8 {
				t.Errorf("%d answers, want 8", len(got))
			}
		})
	}
}
