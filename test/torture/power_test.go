package torture

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
)

var powerCuts = flag.Int("powercuts", 1, "how many fleets of each kind have their power cut; from 2 on all kinds of cut meet all campaigns")

// How a power cut looks from outside. Of three servers all lose their power: what two
// of them still know, the third is told again.
type outage struct {
	name string
	// folder of the store that goes back to an earlier state: the records alone,
	// which is the least that a power cut can take, or everything.
	folder string
	// survivors: the services have power, and live on.
	survivors bool
	// servers that replicate, and that all lose their power; zero: there is one.
	servers int
	long    bool // left out of the short form
}

const recordsFolder = "jetstream/$G/streams/KV_campaigns"

var outages = []outage{
	{name: "the records lose their last writes", folder: recordsFolder},
	{name: "the whole store loses its last writes", folder: "."},
	{name: "the records lose their last writes, the services live on", folder: recordsFolder, survivors: true},
	{name: "the records of a cluster lose their last writes", folder: recordsFolder, servers: 3},
	{name: "the whole store of a cluster loses its last writes", folder: ".", servers: 3, long: true},
	{name: "the records of a cluster lose their last writes, the services live on", folder: recordsFolder, survivors: true, servers: 3, long: true},
}

// TestPowerCut takes back from campaigns a write that was acknowledged: each is
// caught once with the older record, when the store is copied, and once with the
// newer one, when everything is killed -9, of a cluster all three servers; then the
// copy is put in its place and life goes on. What follows a write has happened by
// then, a confirm that took effect included.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	sets := []struct {
		name   string
		stages []stage
	}{{"on the way", onTheWay()}, {"told", commanded()}, {"after S", afterSettling()}}
	caught := make(chan map[string]int, len(sets)*len(outages)**powerCuts)
	t.Run("cut", func(t *testing.T) {
		for n := range *powerCuts {
			for i, o := range outages {
				for _, set := range sets {
					if *powerCuts == 1 && (o.long || i > 0 && set.name != "on the way") {
						continue // the short form
					}
					t.Run(fmt.Sprintf("%s, %s, %d", o.name, set.name, n+1), func(t *testing.T) {
						t.Parallel()
						p := newPower(t, o)
						p.cut(set.stages)
						p.Logf("%s", p.judge(p.over()))
						p.judgePeople()
						p.wantDeadLetters(0)
						caught <- p.staged
					})
				}
			}
		}
	})
	close(caught)
	all, sum := map[string]int{}, 0
	for some := range caught {
		for save, n := range some {
			all[save] += n
			sum += n
		}
	}
	t.Logf("%d acknowledged saves were taken back: %v", sum, all)
	for _, save := range saves {
		if all[save] == 0 && !t.Failed() {
			t.Errorf("no campaign lost the save %q", save)
		}
	}
}

// saves are those of a campaign's path, from state to state.
var saves = []string{
	"→requested", "→drafted", "requested→requested", "requested→drafted", "drafted→quoted", "drafted→confirming", "drafted→abandoning", "drafted→rejecting",
	"quoted→abandoning", "quoted→cancelling", "confirming→confirming", "confirming→confirmed", "confirming→sending", "confirming→abandoning",
	"confirmed→sending", "confirmed→completed", "confirmed→cancelling", "sending→completed", "confirmed→failed",
	"abandoning→abandoning", "abandoning→requested", "abandoning→drafted", "rejecting→rejected", "cancelling→cancelled",
}

// powerFleet is a fleet whose power is cut.
type powerFleet struct {
	*fleet
	outage
	staged map[string]int // by the save that was lost
}

func newPower(t *testing.T, o outage) *powerFleet {
	p := &powerFleet{fleet: newFleetOn(newServers(t, max(o.servers, 1), "2m")), outage: o, staged: map[string]int{}}
	for range 2 {
		p.serve(serviceProgram.path(t),
			"STAFFETTA_CONFIRM_WITHIN="+longWithin.String(), "STAFFETTA_GATEWAY_TIMEOUT="+longTimeout.String(), "STAFFETTA_CONFIRM_SETTLE="+longSettle.String(),
			"STAFFETTA_WORKERS_REQUESTS=64", "STAFFETTA_WORKERS_WAKEUPS=64",
			fmt.Sprint("STAFFETTA_NATS_REPLICAS=", max(o.servers, 1)), keptFor)
	}
	p.lostTail = o.folder == "."
	p.ready()
	return p
}

// A stagedCampaign is a campaign at its stage.
type stagedCampaign struct {
	stage
	id   string
	copy uint64 // revision of its record in the copy; zero: it had none
}

// cut lives the stages up to the power cut, and to the end.
func (p *powerFleet) cut(stages []stage) {
	p.Helper()
	var all []*stagedCampaign
	for _, st := range stages {
		all = append(all, &stagedCampaign{stage: st})
	}
	// First those that have to get somewhere before they are told something.
	slices.SortStableFunc(all, func(a, b *stagedCampaign) int { return strings.Compare(string(b.until), string(a.until)) })
	for _, v := range all {
		v.id = fmt.Sprintf("c%d", len(p.ids))
		p.ids = append(p.ids, v.id)
		p.fault(v.id, v.rules()...)
		if v.until == "" {
			continue
		}
		p.askFor(v)
		p.rests(v, v.until, 0)
	}
	began := time.Now()
	for _, v := range all {
		if v.until != "" {
			v.before(p, v.id)
		} else {
			p.askFor(v)
		}
	}
	for _, v := range all {
		if p.reaches(v, v.first, v.from, 0); v.from != "" {
			v.copy, _ = p.record(v.id)
		}
	}
	older := p.copyStore()
	p.Logf("all are where they are caught within %s; a call is held for %s", time.Since(began).Round(time.Millisecond), longHold)
	for _, v := range all {
		if v.order != nil {
			v.order(p, v.id)
		}
	}
	for _, v := range all {
		p.reaches(v, v.second, v.to, v.copy)
	}
	for _, v := range all {
		if revision, state := p.record(v.id); revision <= v.copy || state != v.to {
			p.Fatalf("%s, %s→%s: when the power fails its record is %q, revision %d; the copy has %d", v.id, v.from, v.to, state, revision, v.copy)
		}
	}
	p.nats.kill()
	if !p.survivors {
		for _, s := range p.services {
			s.kill()
		}
	}
	p.putBack(older)
	p.nats.start()
	p.eventually("NATS listens again", p.nats.listens)
	for _, v := range all {
		if revision, state := p.record(v.id); revision != v.copy || state != v.from {
			if p.survivors && revision > v.copy {
				continue // another service has gone on with it already
			}
			p.Fatalf("%s, %s→%s: after the power cut its record is %q, revision %d, want %d", v.id, v.from, v.to, state, revision, v.copy)
		}
		p.staged[fmt.Sprintf("%s→%s", v.from, v.to)]++
	}
	for _, s := range p.services {
		if s.cmd == nil {
			s.start()
		}
	}
	p.ready()
	for _, v := range all {
		if v.order != nil && p.folder == "." {
			v.order(p, v.id) // the command is lost as well: it is sent again
		}
	}
	p.recover(all)
}

// askFor asks for a campaign, with people of its own where they come with it.
func (p *powerFleet) askFor(v *stagedCampaign) {
	p.Helper()
	edits := v.edits
	if v.people {
		edits = append(slices.Clip(edits), withPeople(p.newGuests(v.id)))
	}
	p.ask(p.request(v.id, edits...))
}

// recover lets everything end. The services' sweep looks after a minute and then
// every ten; this one does not let anybody wait.
func (p *powerFleet) recover(all []*stagedCampaign) {
	p.Helper()
	nc, err := streams.Connect(streams.Server{URL: p.url})
	if err != nil {
		p.Fatal(err)
	}
	defer nc.Close()
	sweeper, err := journal.Open(p.Context(), nc, journal.Options{Overdue: 2 * time.Second})
	if err != nil {
		p.Fatal(err)
	}
	defer sweeper.Close()
	var swept journal.Swept
	last := time.Now()
	p.eventually("all campaigns end", func(ctx context.Context) error {
		if time.Since(last) > 2*time.Second {
			found, err := sweeper.SweepOnce(ctx)
			if err != nil {
				return err
			}
			swept.Overdue, swept.Resent, last = swept.Overdue+found.Overdue, swept.Resent+found.Resent, time.Now()
		}
		records, err := p.records(ctx)
		if err != nil {
			return err
		}
		var open []string
		for _, v := range all {
			c := records[v.id]
			if c.State == campaign.Quoted && v.approved {
				_, err = p.client.Approve(ctx, c.Key, campaign.QuoteID(c.Request, *c.Quote), "anna")
			}
			if !c.State.Final() && !v.standing(c) {
				open = append(open, fmt.Sprintf("%s (%s→%s) %s: %s", v.id, v.from, v.to, c.State, c.Waiting))
			}
		}
		if len(open) > 0 {
			return fmt.Errorf("%d are under way, the first: %v (%w)", len(open), open[:min(3, len(open))], err)
		}
		for _, v := range all {
			if c := records[v.id]; !slices.Contains(v.ends, c.State) && !v.standing(c) {
				p.Errorf("%s (%s→%s): ended %s %+v, want one of %v", v.id, v.from, v.to, c.State, c.Reason, v.ends)
			}
		}
		return nil
	})
	p.Logf("the sweep woke %d campaigns, and %d requests without a record", swept.Overdue, swept.Resent)
}

// standing says that the campaign stands as confirmed and was told that its cancel
// came to nothing. It is looked at again at its instant.
func (v *stagedCampaign) standing(c campaign.Campaign) bool {
	return v.stands && c.State == campaign.Confirmed && c.Cancel != nil && c.Cancel.Failed != ""
}

// over are the campaigns that have ended: the others stand until their instant.
func (p *powerFleet) over() (ids []string) {
	p.Helper()
	p.eventually("read the records", func(ctx context.Context) error {
		ids = nil
		records, err := p.records(ctx)
		for _, id := range p.ids {
			if c := records[id]; c.State != campaign.Confirmed {
				ids = append(ids, id)
			}
		}
		return err
	})
	return ids
}

// reaches waits until the campaign is held in a call, or rests in a state.
func (p *powerFleet) reaches(v *stagedCampaign, rule int, state campaign.State, above uint64) {
	p.Helper()
	if rule < 0 {
		p.rests(v, state, above)
		return
	}
	name := mark(campaign.Key{Source: p.source, RequestID: v.id})
	p.eventually(fmt.Sprintf("%s (%s→%s) is held in its call %d", v.id, v.from, v.to, rule), func(context.Context) error {
		n := 0
		for _, f := range p.faults() {
			if f.Name != name {
				continue
			}
			if n == rule && f.Struck > 0 {
				return nil
			}
			n++
		}
		return fmt.Errorf("not yet")
	})
}

// rests waits until a newer version of its record has the state, and owes nothing
// if that is final.
func (p *powerFleet) rests(v *stagedCampaign, state campaign.State, above uint64) {
	p.Helper()
	p.eventually(fmt.Sprintf("%s (%s→%s) is %s", v.id, v.from, v.to, state), func(ctx context.Context) error {
		c, _, err := p.client.Get(ctx, campaign.Key{Source: p.source, RequestID: v.id})
		if err != nil {
			return err
		}
		if c.State != state || state.Final() && len(c.Outbox) > 0 {
			return fmt.Errorf("it is %s", c.State)
		}
		if revision, _ := p.record(v.id); revision <= above {
			return fmt.Errorf("it has not been saved again")
		}
		return nil
	})
}

// record is the version of a campaign's record that the stream has.
func (p *powerFleet) record(id string) (revision uint64, state campaign.State) {
	p.Helper()
	p.eventually("read the record of "+id, func(ctx context.Context) error {
		records, err := p.js.Stream(ctx, "KV_campaigns")
		if err != nil {
			return err
		}
		m, err := records.GetLastMsgForSubject(ctx, "$KV.campaigns."+p.source+"."+id)
		if err == nil {
			revision, state = m.Sequence, campaign.State(m.Header.Get("Staffetta-State"))
		}
		if err != nil && !strings.Contains(err.Error(), jetstream.ErrMsgNotFound.Error()) {
			return err
		}
		return nil
	})
	return revision, state
}

// folders are what goes back, in every server's store. Of the records of a cluster
// that is what each has, and the log by which the three agree on it.
func (p *powerFleet) folders() []string {
	p.Helper()
	if p.folder != recordsFolder || p.servers < 2 {
		return []string{p.folder}
	}
	var group string
	p.eventually("the records say by which log their servers agree", func(ctx context.Context) error {
		records, err := p.js.Stream(ctx, "KV_campaigns")
		if err != nil {
			return err
		}
		if cluster := records.CachedInfo().Cluster; cluster != nil {
			group = cluster.RaftGroup
		}
		if group == "" {
			return fmt.Errorf("they do not")
		}
		return nil
	})
	return []string{recordsFolder, "jetstream/$SYS/_js_/" + group}
}

// copyStore copies what a power cut will leave. The servers stand still meanwhile.
func (p *powerFleet) copyStore() (older map[string]string) {
	p.Helper()
	older = map[string]string{}
	folders := p.folders()
	p.nats.signal(syscall.SIGSTOP)
	defer p.nats.signal(syscall.SIGCONT)
	for _, store := range p.nats.stores {
		for _, folder := range folders {
			now := filepath.Join(store, folder)
			older[now] = filepath.Join(p.TempDir(), "older")
			if err := os.CopyFS(older[now], os.DirFS(now)); err != nil {
				p.Fatal(err)
			}
		}
	}
	return older
}

func (p *powerFleet) putBack(older map[string]string) {
	p.Helper()
	for folder, copied := range older {
		if err := os.RemoveAll(folder); err != nil {
			p.Fatal(err)
		}
		if err := os.CopyFS(folder, os.DirFS(copied)); err != nil {
			p.Fatal(err)
		}
	}
}
