package contract_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
)

// labelled is a campaign whose request has labels, and the event that it owes.
func labelled() (campaign.Campaign, campaign.Event) {
	c := campaign.Campaign{
		Key:   campaign.Key{Source: "shop-italia", RequestID: "bf"},
		Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", TraceState: "congo=t61 rcWkgMzE,rojo=50%",
		Request: campaign.Request{Labels: map[string]string{"team": "crm", "product": `Più "scarpe" 5 %`}},
	}
	return c, campaign.Event{Type: campaign.EventConfirmed, N: 1, Sequence: 7, At: time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC),
		CampaignID: 1542, Gateway: "https://gateway.example/v1", Confirmed: &campaign.Confirmation{At: time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)}}
}

// docs/cloudevents.md promises each of these.
func TestEveryAttribute(t *testing.T) {
	t.Parallel()
	c, e := labelled()
	now, err := contract.EventEnvelope(c, e)
	if err != nil {
		t.Fatal(err)
	}
	before := map[string]string{
		"ce-specversion": "1.0", "ce-id": "shop-italia.bf.confirmed.1", "ce-source": "staffetta", "ce-type": "staffetta.campaign.v1.CampaignConfirmed",
		"ce-subject": "shop-italia.bf", "ce-time": "2026-11-27T08:00:00Z", "ce-gateway": "https://gateway.example/v1",
		"content-type": "application/protobuf", "traceparent": c.Trace,
	}
	since := map[string]string{
		"ce-dataschema":   "https://github.com/staffetta-io/staffetta/blob/main/proto/staffetta/campaign/v1/campaign_confirmed.proto",
		"ce-partitionkey": "shop-italia.bf", "ce-sequence": "0000000007",
		"tracestate": c.TraceState, "ce-traceparent": c.Trace, "ce-tracestate": "congo=t61%20rcWkgMzE,rojo=50%25",
		"ce-labelteam": "crm", "ce-labelproduct": "Pi%C3%B9%20%22scarpe%22%205%20%25",
	}
	want := contract.Header{}
	for _, headers := range []map[string]string{before, since} {
		for name, value := range headers {
			want[name] = []string{value}
		}
	}
	if diff := cmp.Diff(want, now.Header); diff != "" {
		t.Errorf("(-want +told):\n%s", diff)
	}

	// What a record of an earlier version owes is told as that version would have.
	c.Request.Labels, c.TraceState, e.Sequence = nil, "", 0
	then, err := contract.EventEnvelope(c, e)
	if err != nil {
		t.Fatal(err)
	}
	for name := range since {
		delete(want, name)
	}
	if diff := cmp.Diff(want, then.Header); diff != "" {
		t.Errorf("of an earlier version (-want +told):\n%s", diff)
	}
}

// Whoever compares two sequences as texts gets the order in which things happened.
func TestSequencesAreInOrderAsText(t *testing.T) {
	t.Parallel()
	c, e := labelled()
	last := ""
	for _, e.Sequence = range []int{1, 9, 10, 11, 99, 100, 1000, 1 << 30} {
		m, err := contract.EventEnvelope(c, e)
		if err != nil {
			t.Fatal(err)
		}
		told := m.Header["ce-sequence"][0]
		if told <= last {
			t.Errorf("%q comes after %q", told, last)
		}
		last = told
		stored, err := contract.StoredEventOf(m.Subject, m.Header, m.Data, 1, e.At)
		if err != nil {
			t.Fatal(err)
		}
		if back, _ := stored.Event(); back.Sequence != e.Sequence {
			t.Errorf("%d is read back as %d", e.Sequence, back.Sequence)
		}
	}
}
