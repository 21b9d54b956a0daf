package app_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	money "github.com/shopspring/decimal"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/app"
	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// companies is a machine with several accounts, each at a gateway of its own.
type companies struct {
	*bundle
	dir      string
	accounts []*customer
}

// customer is one account, and its gateway.
type customer struct {
	*app.Sandbox
	name    string
	sources string // as the file has them
	keyFile string
	lines   string // further lines of the file
}

// newCompanies is a machine on which ShopItalia has the standing account, and Studio Bianchi
// and AcquaLuce have theirs.
func newCompanies(t *testing.T) *companies {
	t.Helper()
	h := &companies{bundle: setup(t), dir: t.TempDir()}
	h.join("bianchi", "[studio-bianchi]")
	h.join("acqua-luce", "[acqua-luce, acqua-luce-billing]")
	return h
}

// join adds an account with a gateway of its own, whose lists have the numbers of the
// others'.
func (h *companies) join(name, sources string) *customer {
	h.t.Helper()
	box, err := app.StartSandbox("127.0.0.1:0", sandbox.Options{Speed: 1000, Keys: []string{"key-of-" + name}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = box.Stop() })
	if list, err := box.FillDemo(sandbox.DemoList{Contacts: 20}); err != nil || int64(list) != h.request.ContactListId {
		h.t.Fatalf("list %d (%v), want %d", list, err, h.request.ContactListId)
	}
	if err := box.SetCredit(money.NewFromInt(1_000_000)); err != nil {
		h.t.Fatal(err)
	}
	c := &customer{Sandbox: box, name: name, sources: sources, keyFile: filepath.Join(h.dir, name+".key")}
	h.write(c.keyFile, box.Key)
	h.accounts = append(h.accounts, c)
	return c
}

func (h *companies) write(file, text string) {
	h.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// options are those of a service with all accounts as they now are.
func (h *companies) options() app.Options {
	h.t.Helper()
	var text strings.Builder
	for _, c := range h.accounts {
		fmt.Fprintf(&text, "- name: %s\n  url: %s\n  key_file: %s\n  sources: %s\n%s", c.name, c.GatewayURL, c.keyFile, c.sources, c.lines)
	}
	f, err := os.CreateTemp(h.dir, "accounts-*.yaml")
	if err != nil {
		h.t.Fatal(err)
	}
	f.Close()
	h.write(f.Name(), text.String())
	o := h.bundle.options()
	o.Accounts = f.Name()
	return o
}

// askFrom asks for a campaign of a source.
func (h *companies) askFrom(source, id string, change ...func(*campaignv1.CampaignRequested)) campaign.Key {
	h.t.Helper()
	r := proto.Clone(h.request).(*campaignv1.CampaignRequested)
	r.Source, r.RequestId = source, id
	for _, c := range change {
		c(r)
	}
	if _, err := h.client.Request(h.t.Context(), r, ""); err != nil {
		h.t.Fatal(err)
	}
	return campaign.Key{Source: source, RequestID: id}
}

// ends waits until a campaign has completed.
func (h *companies) ends(key campaign.Key) (rec campaign.Campaign) {
	h.t.Helper()
	eventually(h.t, key.String()+" is completed", func() bool {
		rec, _, _ = h.client.Get(h.t.Context(), key)
		return rec.State == campaign.Completed
	})
	return rec
}

// events are those of a campaign so far.
func (h *companies) events(key campaign.Key) (all []contract.StoredEvent) {
	h.t.Helper()
	for e, err := range h.client.Watch(h.t.Context(), client.WatchOptions{Key: key}) {
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestEachSourceHasItsAccount(t *testing.T) {
	t.Parallel()
	h := newCompanies(t)
	a, _ := h.run(h.options())
	for _, tt := range []struct {
		source, account string
		at              *app.Sandbox
	}{
		{"shop-italia", "default", h.Sandbox},
		{"studio-bianchi", "bianchi", h.accounts[0].Sandbox},
		{"acqua-luce", "acqua-luce", h.accounts[1].Sandbox},
		{"acqua-luce-billing", "acqua-luce", h.accounts[1].Sandbox},
		{"nobody-named-it", "default", h.Sandbox},
	} {
		before := tt.at.Seen().Confirms
		rec := h.ends(h.askFrom(tt.source, "bf-2026"))
		if rec.Account != tt.account || rec.Draft.Gateway != tt.at.GatewayURL {
			t.Errorf("%s: the record names the account %q at %s, want %q at %s", tt.source, rec.Account, rec.Draft.Gateway, tt.account, tt.at.GatewayURL)
		}
		if n := tt.at.Seen().Confirms - before; n != 1 {
			t.Errorf("%s: its gateway saw %d confirms, want 1", tt.source, n)
		}
		for _, e := range h.events(rec.Key) {
			if got := e.Attribute("ce-account"); got != tt.account {
				t.Errorf("%s: %s says account %q, want %q", tt.source, e.Type, got, tt.account)
			}
			body := e.Message.ProtoReflect()
			if got := body.Get(body.Descriptor().Fields().ByName("account")).String(); got != tt.account {
				t.Errorf("%s: the message of %s says account %q, want %q", tt.source, e.Type, got, tt.account)
			}
		}
	}
	_, metrics := get(t, a, "/metrics")
	for _, line := range []string{`staffetta_gateway_authorised{account="default"} 1`, `staffetta_gateway_breaker_state{account="bianchi",state="closed"} 1`} {
		if !strings.Contains(metrics, "\n"+line+"\n") {
			t.Errorf("the metrics do not have the line %s", line)
		}
	}
}

// Whoever has one account never meets the word.
func TestTheOnlyAccountHasNoName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, _ := b.run(b.options())
	b.ask()
	b.until("confirmed")
	rec, _, err := b.client.Get(t.Context(), b.key)
	if err != nil || rec.Account != "" {
		t.Errorf("the record names the account %q (%v)", rec.Account, err)
	}
	if _, metrics := get(t, a, "/metrics"); strings.Contains(metrics, "account=") {
		t.Error("the metrics name an account")
	}
	if _, ready := get(t, a, "/readyz"); strings.Contains(ready, "account") {
		t.Errorf("readiness names an account: %s", ready)
	}
}

// What stops one account stops nothing of another.
func TestAnAccountThatIsDownStopsNoOther(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(*testing.T, *customer){
		"ItsKeyIsWrong":    func(_ *testing.T, c *customer) { c.SetKeys("another") },
		"NobodyIsThere":    func(t *testing.T, c *customer) { _ = c.Stop() },
		"ItThrottles":      faulty(sandbox.Fault{Status: 429, Times: -1}),
		"ItAnswersNothing": faulty(sandbox.Fault{Delay: time.Hour, Times: -1}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newCompanies(t)
			breakIt(t, h.accounts[0])
			h.run(h.options())
			var stuck []campaign.Key
			for i := range 200 {
				stuck = append(stuck, h.askFrom("studio-bianchi", fmt.Sprint("stuck-", i)))
			}
			for i := range 5 {
				h.ends(h.askFrom("shop-italia", fmt.Sprint("goes-on-", i)))
				h.ends(h.askFrom("acqua-luce", fmt.Sprint("goes-on-", i)))
			}
			for _, key := range stuck {
				if rec, _, err := h.client.Get(t.Context(), key); err == nil && (rec.State.Final() || rec.State == campaign.Confirmed) {
					t.Errorf("%s is %s", key, rec.State)
				}
			}
		})
	}
}

func faulty(f sandbox.Fault) func(*testing.T, *customer) {
	return func(t *testing.T, c *customer) {
		t.Helper()
		if _, err := c.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
}

// waiting is how many requests wait for the account that is down. So many as a consumer
// may not have unacknowledged, and more: go test ./internal/app -run
// TestOthersGoOnAtFullSpeed -waiting=100000 -v. Of more than 10000 only the first are sent
// afterwards: the sandbox needs minutes for all of them.
var waiting = flag.Int("waiting", 3000, "how many requests wait for an account that is down")

// fill publishes n requests of a source, and returns when all are stored.
func (h *companies) fill(source string, n int) {
	h.t.Helper()
	js := h.jetstream()
	r := proto.Clone(h.request).(*campaignv1.CampaignRequested)
	r.Source = source
	var acks []jetstream.PubAckFuture
	for i := range n {
		r.RequestId = fmt.Sprint("waits-", i)
		data, err := proto.Marshal(r)
		if err != nil {
			h.t.Fatal(err)
		}
		if i%1000 == 999 {
			<-js.PublishAsyncComplete()
		}
		ack, err := js.PublishAsync("campaign.v1.request."+source+"."+r.RequestId, data)
		if err != nil {
			h.t.Fatal(err)
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			h.t.Fatal(err)
		}
	}
}

func (h *companies) jetstream() jetstream.JetStream {
	h.t.Helper()
	nc, err := nats.Connect(h.NATSURL)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		h.t.Fatal(err)
	}
	return js
}

// campaigns has n campaigns of each source confirmed, and says how long that took.
func (h *companies) campaigns(round string, n int, sources ...string) time.Duration {
	h.t.Helper()
	began := time.Now()
	var all []campaign.Key
	for i := range n {
		for _, source := range sources {
			all = append(all, h.askFrom(source, fmt.Sprint(round, "-", i)))
		}
	}
	for _, key := range all {
		h.ends(key)
	}
	return time.Since(began)
}

// An account may be down for days. Its requests wait in the stream, more of them than a
// consumer may have unacknowledged, and nobody else is slower for it. Once it is back they
// are sent, each once.
func TestOthersGoOnAtFullSpeedBesideAnAccountThatIsDown(t *testing.T) {
	t.Parallel()
	h := newCompanies(t)
	o := h.options()
	o.Gateway.RatePerMinute, o.Gateway.RatePerSecond = -1, -1
	o.Gateway.BreakerOpen = time.Second
	a, _ := h.run(o)
	alone := h.campaigns("alone", 50, "shop-italia", "acqua-luce")

	down := h.accounts[0]
	down.SetKeys("another")
	began := time.Now()
	h.fill("studio-bianchi", *waiting)
	stored := time.Since(began)
	beside := h.campaigns("beside", 50, "shop-italia", "acqua-luce")
	t.Logf("%d requests wait, stored in %s; 100 campaigns of others took %s before and %s beside them", *waiting, stored, alone, beside)
	// How long it takes is looked at where that is measured, and on no busy machine.
	if measured := *waiting > 10_000; measured && beside > 3*alone+2*time.Second {
		t.Errorf("100 campaigns of others took %s, want about %s as before", beside, alone)
	}
	if n := down.Seen().Confirms; n != 0 {
		t.Fatalf("%d confirms with a wrong key", n)
	}
	if _, ready := get(t, a, "/readyz"); !strings.Contains(ready, "out of use: bianchi") {
		t.Errorf("readiness does not name it: %s", ready)
	}
	if status, _ := get(t, a, "/readyz"); status != http.StatusOK {
		t.Errorf("status %d, want 200: two of three accounts are in use", status)
	}

	began = time.Now()
	down.SetKeys(down.Key)
	if *waiting > 10_000 {
		eventually(t, "the first of them are confirmed", func() bool { return down.Seen().Confirms > 1000 })
		return
	}
	h.confirms(*waiting, down.Sandbox)
	t.Logf("they were confirmed within %s", time.Since(began))
	h.sweptNothing(a)
}

// confirms waits until n campaigns are confirmed at the gateways, and wants each to be
// confirmed once, at one of them.
func (h *companies) confirms(n int, at ...*app.Sandbox) {
	h.t.Helper()
	had, limit := 0, time.Now().Add(time.Minute)
	for {
		all := 0
		for _, box := range at {
			all += box.Seen().Confirms
		}
		if all >= n {
			break
		}
		if all > had {
			had, limit = all, time.Now().Add(time.Minute)
		} else if time.Now().After(limit) {
			h.t.Fatalf("%d of %d campaigns are confirmed, and no further one for a minute", all, n)
		}
		<-time.After(200 * time.Millisecond) // a look costs the sandbox a look at each campaign
	}
	times := map[string]int{}
	for _, box := range at {
		for _, c := range box.Seen().Campaigns {
			times[c.Description] += c.Confirms
		}
	}
	for mark, n := range times {
		if n > 1 {
			h.t.Errorf("%s was confirmed %d times", mark, n)
		}
	}
	if len(times) != n {
		h.t.Errorf("%d campaigns were made, want %d", len(times), n)
	}
}

// sweptNothing wants that no sweep has found anything.
func (h *companies) sweptNothing(a *app.App) {
	h.t.Helper()
	_, metrics := get(h.t, a, "/metrics")
	for _, line := range []string{"staffetta_sweep_overdue_total 0", "staffetta_sweep_requests_without_record_total 0"} {
		if !strings.Contains(metrics, "\n"+line+"\n") {
			h.t.Errorf("the metrics do not have the line %s", line)
		}
	}
}

// A source moves to another account, one service after the other, while its requests wait
// and both accounts take them. None is lost and none is sent twice, and no sweep helps.
func TestASourceMovesWithItsWaitingRequests(t *testing.T) {
	t.Parallel()
	const n = 1000
	h := newCompanies(t)
	before := h.options()
	bianchi, acqua := h.accounts[0], h.accounts[1]
	bianchi.sources, acqua.sources = "[]", "[acqua-luce, acqua-luce-billing, studio-bianchi]"
	after := h.options()
	// The old account is slow, the new one is not: the move comes while most of them wait,
	// however slow this machine is.
	before.Gateway.RatePerMinute, before.Gateway.RatePerSecond = -1, 100
	after.Gateway.RatePerMinute, after.Gateway.RatePerSecond = -1, 400
	before.Gateway.BreakerOpen, after.Gateway.BreakerOpen = time.Second, time.Second
	first, second := h.build(before), h.build(before)
	h.fill("studio-bianchi", n)
	stopFirst, stopSecond := h.start(first), h.start(second)
	eventually(t, "the old account has begun", func() bool { return bianchi.Seen().Confirms > 20 })
	if err := stopFirst(); err != nil {
		t.Error(err)
	}
	first, _ = h.run(after)
	eventually(t, "the new account has begun, beside the old one", func() bool { return acqua.Seen().Confirms > 20 })
	h.sweptNothing(second)
	if err := stopSecond(); err != nil {
		t.Error(err)
	}
	second, _ = h.run(after)
	h.confirms(n, bianchi.Sandbox, acqua.Sandbox)
	h.sweptNothing(first)
	h.sweptNothing(second)
	if b, a := bianchi.Seen().Confirms, acqua.Seen().Confirms; a < b {
		t.Errorf("%d campaigns were confirmed in the old account and %d in the new one", b, a)
	}
	// What was begun in the old account is followed to its end there.
	for i := range n {
		rec := h.ends(campaign.Key{Source: "studio-bianchi", RequestID: fmt.Sprint("waits-", i)})
		at := map[string]string{"bianchi": bianchi.GatewayURL, "acqua-luce": acqua.GatewayURL}[rec.Account]
		if rec.Draft.Gateway != at {
			t.Errorf("%s: account %q, at %s", rec.Key, rec.Account, rec.Draft.Gateway)
		}
	}
}

// A source that asks for little does not wait behind one that asks for much, also in one
// account.
func TestASourceHasItsShareOfTheAccount(t *testing.T) {
	t.Parallel()
	h := newCompanies(t)
	o := h.options()
	o.Gateway.RatePerMinute, o.Gateway.RatePerSecond = -1, 50
	h.run(o)
	h.fill("acqua-luce", *waiting)
	eventually(t, "the many are begun", func() bool { return h.accounts[1].Seen().Confirms > 20 })
	var few []campaign.Key
	for i := range 5 {
		few = append(few, h.askFrom("acqua-luce-billing", fmt.Sprint("few-", i)))
	}
	for _, key := range few {
		eventually(t, key.String()+" is confirmed", func() bool {
			rec, _, _ := h.client.Get(t.Context(), key)
			return rec.Confirmed != nil
		})
	}
	confirmed := h.accounts[1].Seen().Confirms
	t.Logf("5 campaigns were confirmed beside %d that wait, of which %d were", *waiting, confirmed)
	if confirmed >= *waiting/2 {
		t.Errorf("half of those that came before were sent first")
	}
}

// A source that no account has is not refused: its campaigns wait and say why, and can be
// cancelled.
func TestASourceWithoutAnAccountWaits(t *testing.T) {
	t.Parallel()
	h := newCompanies(t)
	o := h.options()
	o.Gateway.KeyFile = "" // so there is no account for all others
	h.run(o)
	key := h.askFrom("shop-italia", "bf-2026")
	eventually(t, "it waits and says why", func() bool {
		rec, _, _ := h.client.Get(t.Context(), key)
		return strings.Contains(rec.Waiting, "the source shop-italia belongs to no account")
	})
	h.ends(h.askFrom("studio-bianchi", "bf-2026"))
	if _, err := h.client.Cancel(t.Context(), key, "anna", "no account"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is cancelled", func() bool {
		rec, _, _ := h.client.Get(t.Context(), key)
		return rec.State == campaign.Cancelled
	})
	if seen := h.Sandbox.Seen(); len(seen.Campaigns) > 0 {
		t.Errorf("%d drafts were made with a key that is not configured", len(seen.Campaigns))
	}
}
