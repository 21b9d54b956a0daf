package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
	"github.com/staffetta-io/staffetta/internal/streams"
	"github.com/staffetta-io/staffetta/proto/staffetta"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// customers are a list of some chunks.
func customers(n int) []byte {
	var b bytes.Buffer
	b.WriteString("phoneNumber;firstName\n")
	for i := range n {
		fmt.Fprintf(&b, "+39333%07d;Anna\n", i)
	}
	return b.Bytes()
}

func TestLayDown(t *testing.T) {
	t.Parallel()
	list := customers(30_000)
	a, err := client.Audience(bytes.NewReader(list), campaignv1.Audience_FORMAT_CSV)
	if err != nil {
		t.Fatal(err)
	}
	if a.Size != int64(len(list)) || int(a.Chunks) != (len(list)+streams.ChunkSize-1)/streams.ChunkSize || a.Chunks < 3 {
		t.Fatalf("%d bytes are %v", len(list), a)
	}
	sum := audience.Sum{Digest: a.Sha256, Size: a.Size, Chunks: int(a.Chunks)}

	t.Run("IsReadBackByTheService", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		shown := int64(0)
		if err := b.client.LayDown(t.Context(), "shop-italia", a, bytes.NewReader(list), func(done, whole int64) {
			if shown++; done > whole || whole != a.Size {
				t.Errorf("%d of %d", done, whole)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if shown != int64(a.Chunks) {
			t.Errorf("shown %d times, there are %d chunks", shown, a.Chunks)
		}
		got, err := audience.Prepare(audience.FromCSV(b.j.Recipients(t.Context(), "shop-italia", sum), nil), audience.Wish{}, io.Discard, nil)
		if err != nil || got.Valid != 30_000 {
			t.Errorf("%d valid, %v", got.Valid, err)
		}
		if n, err := b.j.EraseRecipients(t.Context(), "shop-italia", a.Sha256); n != int(a.Chunks) || err != nil {
			t.Errorf("%d chunks are erased, %v", n, err)
		}
	})
	t.Run("IsWhatTheGoClientDoes", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		light, err := staffetta.New(b.nc)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"one", "two"} { // the second finds the chunks there
			m := request(id)
			m.ContactListId = 0
			if placed, err := light.RequestTo(t.Context(), m, bytes.NewReader(list), campaignv1.Audience_FORMAT_CSV); err != nil || placed.Sequence == 0 {
				t.Fatalf("%+v, %v", placed, err)
			}
		}
		if n, err := io.Copy(io.Discard, b.j.Recipients(t.Context(), "shop-italia", sum)); n != a.Size || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
	t.Run("GoesOnWhereItBrokeOff", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		ctx, stop := context.WithCancel(t.Context())
		if err := b.client.LayDown(ctx, "shop-italia", a, bytes.NewReader(list), func(int64, int64) { stop() }); err == nil {
			t.Fatal("it did not break off")
		}
		_, err := io.Copy(io.Discard, b.j.Recipients(t.Context(), "shop-italia", sum))
		if gap := (*audience.Gap)(nil); !errors.As(err, &gap) || gap.Chunk != 2 {
			t.Errorf("half of it: %v, want the second chunk missing", err)
		}
		if err := b.client.LayDown(t.Context(), "shop-italia", a, bytes.NewReader(list), nil); err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, b.j.Recipients(t.Context(), "shop-italia", sum)); n != a.Size || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
	t.Run("NamesAChunkThatIsSomethingElse", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		m := nats.NewMsg(contract.ChunkSubject("shop-italia", a.Sha256, 2))
		m.Data = list[:streams.ChunkSize]
		m.Header.Set(contract.HeaderDigest, contract.ChunkDigest([]byte("what was sent")))
		b.publish(t, m)
		if err := b.client.LayDown(t.Context(), "shop-italia", a, bytes.NewReader(list), nil); err != nil {
			t.Fatal(err)
		}
		_, err := io.Copy(io.Discard, b.j.Recipients(t.Context(), "shop-italia", sum))
		if gap := (*audience.Gap)(nil); !errors.As(err, &gap) || gap.Chunk != 2 || strings.Contains(err.Error(), "333") {
			t.Errorf("%v, want the second chunk", err)
		}
	})
	t.Run("NoticesThatTheListHasChanged", func(t *testing.T) {
		t.Parallel()
		b := setup(t, journal.Options{})
		changed := bytes.Replace(list, []byte("Anna"), []byte("Bela"), 1)
		if err := b.client.LayDown(t.Context(), "shop-italia", a, bytes.NewReader(changed), nil); err == nil || !strings.Contains(err.Error(), "has changed while it was read") {
			t.Errorf("another list: %v", err)
		}
		if err := b.client.LayDown(t.Context(), "shop-italia", a, bytes.NewReader(list[:10]), nil); err == nil {
			t.Error("a shorter list is laid down")
		}
	})
	t.Run("SaysThatThereIsNoPlaceForIt", func(t *testing.T) {
		t.Parallel()
		c, err := client.New(connect(t, startServer(t, &server.Options{JetStream: true})))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.LayDown(t.Context(), "shop-italia", a, bytes.NewReader(list), nil); err == nil || !strings.Contains(err.Error(), "has the service ever run here?") {
			t.Errorf("without a stream: %v", err)
		}
	})
}
