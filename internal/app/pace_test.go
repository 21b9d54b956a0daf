package app_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/why"
)

// A service that has just been started knows what another one saw: a gateway
// that was slow an hour ago is not believed to be fast because of an upgrade.
func TestThePaceOutlivesARestart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	record := func() (rec campaign.Campaign) {
		t.Helper()
		eventually(t, "the campaign has ended", func() bool {
			var err error
			rec, _, err = b.client.Get(t.Context(), b.key)
			return err == nil && rec.State.Final()
		})
		return rec
	}
	a, stop := b.run(b.options())
	_, metrics := get(t, a, "/metrics")
	for _, line := range []string{"staffetta_gateway_pace_messages_per_second 3.3333333333333335", "staffetta_gateway_pace_sendings_seen 0", "staffetta_gateway_unsent_messages 0"} {
		if !strings.Contains(metrics, "\n"+line+"\n") {
			t.Errorf("before anything was seen the metrics do not have the line %s", line)
		}
	}
	b.ask()
	sent := record()
	if sent.Progress != nil {
		t.Errorf("a sending of a moment says %+v of the pace, want nothing", sent.Progress)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	// What another service left: a sending that took longer than half an hour.
	sent.Key.RequestID = "slow"
	sent.Progress = &campaign.Progress{At: time.Now().Add(-time.Hour), Sent: 18, PerMinute: 1}
	data, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(b.NATSURL)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(t.Context(), "campaigns")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(t.Context(), sent.Key.String(), data); err != nil {
		t.Fatal(err)
	}

	a, _ = b.run(b.options())
	_, metrics = get(t, a, "/metrics")
	for _, line := range []string{"staffetta_gateway_pace_messages_per_second 0.016666666666666666", "staffetta_gateway_pace_sendings_seen 1"} {
		if !strings.Contains(metrics, "\n"+line+"\n") {
			t.Errorf("after the restart the metrics do not have the line %s", line)
		}
	}
	b.key.RequestID = "ten-minutes"
	b.request.RequestId = b.key.RequestID
	b.request.ExpiresAt = timestamppb.New(time.Now().Add(10 * time.Minute))
	b.ask()
	rec := record()
	const words = "20 messages at 1 a minute, as was seen of the last sending, take about 20 min"
	if rec.State != campaign.Rejected || rec.Reason.Code != campaign.ReasonExpired || !strings.Contains(rec.Reason.Message, words) {
		t.Errorf("it is %s because of %+v; want it rejected because %s", rec.State, rec.Reason, words)
	}
	evidence, err := b.client.Evidence(t.Context(), b.key)
	if err != nil {
		t.Fatal(err)
	}
	if told := why.Tell(evidence, time.UTC); !strings.Contains(told.Summary, words) {
		t.Errorf("why says %q, which does not say %q", told.Summary, words)
	}
}
