package journal_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/runner"
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

// A server that lost its power may have forgotten a claim whose campaign is being sent. A
// service that starts, or finds another connection, puts it back from the record; and its
// own campaign, if it is not confirmed yet, learns that it was lost.
func TestALostClaimIsPutBackFromTheRecord(t *testing.T) {
	t.Parallel()
	for name, swept := range map[string]bool{"BeforeTheFirstSweep": false, "AfterASweep": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, -1, t.TempDir())
			h := claimsHarness(t, s)
			first := asking(t, h, "first", map[string]string{"+393331234501": "A1"})
			number, err := h.A.Claim(t.Context(), "default", first)
			if err != nil {
				t.Fatal(err)
			}
			first.State, first.List.Claim = campaign.Sending, number
			first.Draft, first.Confirmed = &campaign.Bound{ID: 1542, Intended: true}, &campaign.Confirmation{At: time.Now().UTC()}
			h.Save(t, first)
			nc := connect(t, s)
			j := open(t, nc, journal.Options{})
			if swept {
				if _, err := j.SweepOnce(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := nc.Request(streams.ClaimsPrefix+"default", []byte(`{"schema":1,"last":3}`), streams.AnswerWithin); err != nil {
				t.Fatal(err)
			}
			other := asking(t, h, "second", map[string]string{"+393331234502": "B2"}) // nobody knows that it has nobody in common
			_, err = j.Claims().Claim(t.Context(), "default", other)
			ahead, waits := errors.AsType[*runner.Ahead](err)
			if !waits || ahead.Key != first.Key || ahead.State != campaign.Sending {
				t.Fatalf("the other one waits behind %+v (%v), want the first", ahead, err)
			}
			again, err := h.B.Claim(t.Context(), "default", first)
			if err != nil || again == number {
				t.Errorf("the first has the claim %d (%v), want another one than %d", again, err, number)
			}
			first.State, first.List = campaign.Completed, &campaign.List{N: 1}
			h.Save(t, first)
			if _, err := j.Claims().Claim(t.Context(), "default", other); err != nil {
				t.Error(err)
			}
		})
	}
}

// Without the secret nothing is compared, and nobody gets his people.
func TestWithoutTheSecretNobodyClaims(t *testing.T) {
	t.Parallel()
	s := startServer(t, -1, t.TempDir())
	h := claimsHarness(t, s)
	c := asking(t, h, "first", map[string]string{"+393331234501": "A1"})
	if _, err := h.A.Claim(t.Context(), "default", c); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, s).Request("$JS.API.STREAM.DELETE."+streams.People, nil, streams.AnswerWithin); err != nil {
		t.Fatal(err)
	}
	_, err := h.B.Claim(t.Context(), "default", c)
	if err == nil || !strings.Contains(err.Error(), "restore it together with the other streams") {
		t.Errorf("%v, want that the secret is lost, and what to do", err)
	}
}

// Hashes are released with their claim, and no number and no value is ever among them.
func TestWhatIsReleasedIsNoLongerKept(t *testing.T) {
	t.Parallel()
	s := startServer(t, -1, t.TempDir())
	h := claimsHarness(t, s)
	c := asking(t, h, "first", map[string]string{"+393331234501": "secret"})
	if _, err := h.A.Claim(t.Context(), "default", c); err != nil {
		t.Fatal(err)
	}
	nc := connect(t, s)
	rows := streams.RowsPrefix + "default.shop-italia.first.0"
	m, err := streams.AskLeader(t.Context(), nc, streams.People, rows)
	if err != nil || len(m.Data) != 16 || strings.Contains(string(m.Data), "secret") {
		t.Fatalf("the hashes are %q (%v), want two of eight bytes", m.Data, err)
	}
	if err := h.A.Release(t.Context(), "default", c.Key, 0); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		_, err := streams.AskLeader(t.Context(), nc, streams.People, rows)
		return errors.Is(err, jetstream.ErrMsgNotFound)
	})
}

// asking is a stored record of a campaign that asks for its people.
func asking(t *testing.T, h runnertest.ClaimsHarness, id string, codes map[string]string) campaign.Campaign {
	t.Helper()
	c := campaign.Campaign{Schema: campaign.Schema, Key: campaign.Key{Source: "shop-italia", RequestID: id}, State: campaign.Requested}
	c.Request = campaign.Request{Name: id, Sender: "ShopItalia", Text: "Il suo codice: {{code}}"}
	prepared, of := h.Bring(t, c.Key, codes)
	c.Prepared, c.Request.Audience = &prepared, &of
	now := time.Now().UTC()
	c.Since, c.Wake, c.List = now, now.Add(time.Hour), &campaign.List{N: 1, ID: 7, Held: now}
	h.Save(t, c)
	return c
}

// A hundred thousand people with three fields each: claimed, and compared with as many.
func BenchmarkClaim(b *testing.B) {
	s := startServer(b, -1, b.TempDir())
	j := open(b, connect(b, s), journal.Options{})
	claims := j.Claims()
	lay := func(id, code string) campaign.Campaign {
		b.Helper()
		var file strings.Builder
		file.WriteString("phoneNumber,firstName,code,hour\n")
		for i := range 100_000 {
			fmt.Fprintf(&file, "+39333%07d,Anna,%s%d,10:30\n", i, code, i)
		}
		sum := sha256.Sum256([]byte(file.String()))
		a := campaign.Audience{Digest: hex.EncodeToString(sum[:]), Size: int64(file.Len()), Format: campaign.CSV}
		for rest := []byte(file.String()); len(rest) > 0; {
			n := min(len(rest), 256<<10)
			a.Chunks++
			if _, err := connect(b, s).Request(contract.ChunkSubject("shop-italia", a.Digest, a.Chunks), rest[:n], streams.AnswerWithin); err != nil {
				b.Fatal(err)
			}
			rest = rest[n:]
		}
		c := campaign.Campaign{Schema: campaign.Schema, Key: campaign.Key{Source: "shop-italia", RequestID: id}, State: campaign.Requested}
		c.Request = campaign.Request{Name: id, Sender: "ShopItalia", Text: "Ciao {{firstName}}, codice {{code}} alle {{hour}}", Audience: &a}
		prepared, err := j.People().Prepare(b.Context(), c.Key, c.Request)
		if err != nil {
			b.Fatal(err)
		}
		now := time.Now().UTC()
		c.Prepared, c.List, c.Since, c.Wake = &prepared, &campaign.List{N: 1, Held: now}, now, now.Add(time.Hour)
		_, rev, err := j.Load(b.Context(), c.Key)
		if err == nil {
			_, err = j.Save(b.Context(), c, rev)
		}
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	first, same, other := lay("first", "A"), lay("same", "A"), lay("other", "B")
	claim := func(c campaign.Campaign, what string, waits bool) {
		b.Helper()
		began := time.Now()
		_, err := claims.Claim(b.Context(), "default", c)
		if _, does := errors.AsType[*runner.Ahead](err); does != waits || err != nil && !does {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/"+what)
	}
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		claim(first, "hashed", false)
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-min(after.HeapAlloc, before.HeapAlloc))/(1<<20), "MiB")
		claim(same, "hashed,compared", false)
		claim(other, "hashed,behind", true)
		claim(other, "looked", true)
		for _, c := range []campaign.Campaign{first, same, other} {
			if err := claims.Release(b.Context(), "default", c.Key, 0); err != nil {
				b.Fatal(err)
			}
		}
	}
}
