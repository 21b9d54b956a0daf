package app_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// keeper is a NATS server of its own, whose service can be kept from saving records.
type keeper struct {
	*bundle
	server *server.Server
	opts   *server.Options
	js     jetstream.JetStream // the operator's
}

const recordsStream = "KV_campaigns"

func withKeeper(t *testing.T) *keeper {
	t.Helper()
	k := &keeper{bundle: setup(t), opts: &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true, Users: users(nil),
	}}
	var err error
	if k.server, err = server.NewServer(k.opts.Clone()); err != nil {
		t.Fatal(err)
	}
	k.server.Start()
	t.Cleanup(func() { k.server.Shutdown(); k.server.WaitForShutdown() })
	url := func(user string) string {
		return strings.Replace(k.server.ClientURL(), "nats://", "nats://"+user+":x@", 1)
	}
	k.NATSURL = url("service")
	if k.client, err = (app.NATS{URL: url("operator")}).Client(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.client.Close)
	nc, err := nats.Connect(url("operator"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if k.js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	return k
}

func users(service *server.Permissions) []*server.User {
	return []*server.User{{Username: "service", Password: "x", Permissions: service}, {Username: "operator", Password: "x"}}
}

// full leaves no room for a record that is not there yet. One that is may still be
// saved.
func (k *keeper) full() (mend func()) {
	s, err := k.js.Stream(k.t.Context(), recordsStream)
	if err != nil {
		k.t.Fatal(err)
	}
	update := func(maxMsgs int64) {
		c := s.CachedInfo().Config
		c.MaxMsgs = maxMsgs
		if _, err := k.js.UpdateStream(k.t.Context(), c); err != nil {
			k.t.Fatal(err)
		}
	}
	update(int64(s.CachedInfo().State.Msgs))
	return func() { update(-1) }
}

// revoked takes the right to save any.
func (k *keeper) revoked() (mend func()) {
	reload := func(p *server.Permissions) {
		o := k.opts.Clone()
		o.Users = users(p)
		if err := k.server.ReloadOptions(o); err != nil {
			k.t.Fatal(err)
		}
	}
	reload(&server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$KV.campaigns.>"}}})
	return func() { reload(nil) }
}

// gone has no place for them.
func (k *keeper) gone() (mend func()) {
	s, err := k.js.Stream(k.t.Context(), recordsStream)
	if err != nil {
		k.t.Fatal(err)
	}
	if err := k.js.DeleteStream(k.t.Context(), recordsStream); err != nil {
		k.t.Fatal(err)
	}
	return func() {
		if _, err := k.js.CreateStream(k.t.Context(), s.CachedInfo().Config); err != nil {
			k.t.Fatal(err)
		}
	}
}

// swept finds the drafts that leaked, and deletes these and no others.
func (k *keeper) swept() {
	k.t.Helper()
	o := k.options().Gateway
	o.RatePerMinute, o.RatePerSecond = -1, -1
	drafts, err := o.Drafts(k.client, "test")
	if err != nil {
		k.t.Fatal(err)
	}
	defer drafts.Close()
	found, err := drafts.Find(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	for _, d := range found {
		if d.Keep != "" {
			continue
		}
		if kept, err := drafts.Delete(k.t.Context(), d); err != nil || kept != "" {
			k.t.Errorf("campaign %d of %s: %s (%v)", d.ID, d.Key, kept, err)
		}
	}
	for _, c := range k.Sandbox.Seen().Campaigns {
		if c.Deleted == (c.Confirms > 0) {
			k.t.Errorf("campaign %d, %d confirms, deleted: %v", c.ID, c.Confirms, c.Deleted)
		}
	}
}

// unsaved is what the metric says.
func unsaved(t *testing.T, a *app.App) int {
	t.Helper()
	_, metrics := get(t, a, "/metrics")
	found := regexp.MustCompile(`(?m)^staffetta_records_unsaved_total (\d+)$`).FindStringSubmatch(metrics)
	if found == nil {
		t.Fatal("there is no staffetta_records_unsaved_total")
	}
	n, _ := strconv.Atoi(found[1])
	return n
}

// As long as records cannot be saved no draft is begun: what each worker had in hand
// is all that leaks. It goes on by itself.
func TestNothingIsBegunThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	const workers, waiting = 4, 40
	for _, tt := range []struct {
		name  string
		take  func(*keeper) (mend func())
		tries int
	}{
		{"Full", (*keeper).full, 3 * waiting},
		{"RightRevoked", (*keeper).revoked, 3 * workers}, // each takes its time: nobody answers
		{"Gone", (*keeper).gone, 3 * waiting},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := withKeeper(t)
			o := k.options()
			o.Requests, o.Rules.Lease = workers, 3*time.Second
			a, _ := k.run(o)
			// What is under way can be saved in a full store, again and again.
			long, err := k.Sandbox.FillDemo(sandbox.DemoList{Name: "long", Contacts: 30_000})
			if err != nil {
				t.Fatal(err)
			}
			k.askFor("before", func(r *campaignv1.CampaignRequested) { r.ContactListId = int64(long) })
			k.state("before", campaign.Sending)

			mend := tt.take(k)
			for n := range waiting {
				k.askFor(fmt.Sprintf("waits-%d", n), nil)
			}
			eventually(t, "every worker has tried again and again", func() bool { return unsaved(t, a) >= tt.tries })
			if code, body := get(t, a, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "the last record could not be saved") {
				t.Errorf("/readyz: %d\n%s", code, body)
			}
			if leaked := len(k.Sandbox.Seen().Campaigns) - 1; leaked > workers {
				t.Errorf("%d drafts that nobody has recorded, want one for each of %d workers at most", leaked, workers)
			}
			mend()
			for n := range waiting {
				k.state(fmt.Sprintf("waits-%d", n), campaign.Completed)
			}
			if seen := k.Sandbox.Seen(); seen.Confirms != waiting+1 || seen.MaxConfirms != 1 {
				t.Errorf("%d confirms, %d of one campaign, want %d, each of another", seen.Confirms, seen.MaxConfirms, waiting+1)
			}
			k.swept()
			eventually(t, "it is ready", func() bool { code, _ := get(t, a, "/readyz"); return code == http.StatusOK })
		})
	}
}
