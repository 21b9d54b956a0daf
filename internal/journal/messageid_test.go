package journal_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/journal"
)

// What becomes of a request and its correction that somebody publishes with the same
// Nats-Msg-Id, on the stream as it is made here.
func TestACorrectionWithTheSameMessageID(t *testing.T) {
	t.Parallel()
	pair := func(id string) (wrong, right *nats.Msg) {
		bad, good := request(id), request(id)
		bad.Sender = ""
		return message("campaign.v1.request.shop-italia."+id, bad, jetstream.MsgIDHeader, id),
			message("campaign.v1.request.shop-italia."+id, good, jetstream.MsgIDHeader, id)
	}

	t.Run("IsHandledOnceTheWindowHasPassed", func(t *testing.T) {
		t.Parallel()
		b := openTestService(t, journal.Options{})
		wrong, right := pair("bf-2026")
		b.publish(t, wrong)
		// The server's own window is two minutes, which nobody would wait for here.
		waitFor(t, func() bool {
			ack, err := b.js.PublishMsg(t.Context(), right)
			return err == nil && !ack.Duplicate
		})
		if w := receive(t, b.woken, "the correction"); w.Key.RequestID != "bf-2026" || w.Request.Sender != "ShopItalia" {
			t.Errorf("woken by %+v", w)
		}
	})

	t.Run("IsSwallowedWithinIt", func(t *testing.T) {
		t.Parallel()
		b := openTestService(t, journal.Options{})
		// The window is a tenth of a second: both are sent at once, and again if this
		// machine was slower.
		for n := range 50 {
			wrong, right := pair(fmt.Sprint("bf-", n))
			var acks [2]jetstream.PubAckFuture
			for i, m := range []*nats.Msg{wrong, right} {
				var err error
				if acks[i], err = b.js.PublishMsgAsync(m); err != nil {
					t.Fatal(err)
				}
			}
			ack := func(f jetstream.PubAckFuture) *jetstream.PubAck {
				t.Helper()
				select {
				case ack := <-f.Ok():
					return ack
				case err := <-f.Err():
					t.Fatal(err)
				}
				return nil
			}
			first, second := ack(acks[0]), ack(acks[1])
			if !second.Duplicate {
				continue
			}
			if second.Sequence != first.Sequence {
				t.Errorf("the second is called message %d, the first is %d", second.Sequence, first.Sequence)
			}
			return
		}
		t.Error("no correction was ever swallowed: docs/operations.md says that it is, for 0.1 s")
	})
}

// Nothing that our clients publish has one, so none of it is ever swallowed.
func TestClientsSendNoMessageID(t *testing.T) {
	t.Parallel()
	b := openTestService(t, journal.Options{})
	placed := func(p client.Placed, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.js.Stream(t.Context(), p.Stream)
		if err != nil {
			t.Fatal(err)
		}
		m, err := s.GetMsg(t.Context(), p.Sequence)
		if err != nil {
			t.Fatal(err)
		}
		if id := m.Header.Get(jetstream.MsgIDHeader); id != "" {
			t.Errorf("%s bears the id %q", p.Subject, id)
		}
	}
	// Twice at once: both are stored.
	for range 2 {
		placed(b.client.Request(t.Context(), request("bf-2026"), ""))
		placed(b.client.Cancel(t.Context(), key, "anna", "wrong price"))
		placed(b.client.Resolve(t.Context(), key, "anna", true, ""))
		placed(b.client.Approve(t.Context(), key, "0123456789abcdef", "anna"))
		placed(b.client.Decline(t.Context(), key, "0123456789abcdef", "anna", ""))
		placed(b.client.FollowAgain(t.Context(), key, "anna"))
		placed(b.client.Forget(t.Context(), key, "anna"))
	}
}
