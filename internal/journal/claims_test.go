package journal_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner/runnertest"
	"github.com/staffetta-io/staffetta/internal/streams"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	runnertest.TestClaims(t, func(t *testing.T) runnertest.ClaimsHarness {
		s := startServer(t, -1, t.TempDir())
		return claimsHarness(t, s)
	})
}

func claimsHarness(t *testing.T, s *server.Server) runnertest.ClaimsHarness {
	t.Helper()
	a, b := open(t, connect(t, s), journal.Options{}), open(t, connect(t, s), journal.Options{})
	return runnertest.ClaimsHarness{A: a.Claims(), B: b.Claims(),
		Bring: func(t *testing.T, key campaign.Key, codes map[string]string) (campaign.Prepared, campaign.Audience) {
			t.Helper()
			m := &campaignv1.CampaignRequested{Source: key.Source, RequestId: key.RequestID}
			for phone, code := range codes {
				m.Recipients = append(m.Recipients, &campaignv1.Recipient{PhoneNumber: phone, Fields: map[string]string{"code": code}})
			}
			data, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			nc := connect(t, s)
			_, err = nc.Request(contract.RequestSubject(key), data, streams.AnswerWithin)
			if err != nil {
				t.Fatal(err)
			}
			audience := campaign.Audience{Digest: contract.RecipientsDigest(m.Recipients)}
			prepared, err := a.People().Prepare(t.Context(), key, campaign.Request{Text: "Il suo codice: {{code}}", Audience: &audience})
			if err != nil {
				t.Fatal(err)
			}
			return prepared, audience
		},
		Save: func(t *testing.T, c campaign.Campaign) {
			t.Helper()
			_, rev, err := a.Load(t.Context(), c.Key)
			if err == nil {
				_, err = a.Save(t.Context(), c, rev)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
	}
}
