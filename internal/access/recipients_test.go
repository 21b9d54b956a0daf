package access_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/staffetta-io/staffetta/internal/audience"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/journal"
)

// Recipients are laid down by whoever asks for a campaign, each under its own source, once.
// Only the service reads them, and erases them, whatever the table says.
func TestOnlyTheServiceReadsRecipients(t *testing.T) {
	t.Parallel()
	g := guard(t)
	secret := "phoneNumber\n+393331230001\n"
	sum := sha256.Sum256([]byte(secret))
	digest := hex.EncodeToString(sum[:])
	chunk := func(source string) *nats.Msg {
		return &nats.Msg{Subject: contract.ChunkSubject(source, digest, 1), Data: []byte(secret)}
	}
	for _, name := range []string{"shop-italia", another, "finance", "analytics"} {
		nc := g.connect(name)
		for _, source := range []string{"shop-italia", another} {
			if said := g.says(nc, chunk(source)); (name == source) != (said == "") {
				t.Errorf("%s lays down recipients of %s: %q", name, source, said)
			}
		}
	}
	if said := g.says(g.connect("support"), chunk("shop-italia")); !strings.Contains(said, "maximum messages per subject exceeded") {
		t.Errorf("the same chunk again: %q, want it refused by the server", said)
	}
	for _, name := range []string{"support", "analytics", "shop-italia", another} {
		nc := g.connect(name)
		for _, call := range []string{"STREAM.MSG.GET.CAMPAIGN_AUDIENCES", "DIRECT.GET.CAMPAIGN_AUDIENCES", "DIRECT.GET.CAMPAIGN_AUDIENCES." + chunk("shop-italia").Subject, "CONSUMER.CREATE.CAMPAIGN_AUDIENCES", "STREAM.MSG.DELETE.CAMPAIGN_AUDIENCES"} {
			for _, api := range []string{"$JS.API.", "staffetta.api."} {
				asked := nats.NewMsg(api + call)
				if !strings.HasSuffix(call, ".1") {
					asked.Data = []byte(`{"seq":1}`)
				}
				if said := g.says(nc, asked); !strings.Contains(said, "ermissions") && said != "no responders" {
					t.Errorf("%s asks %s: %q", name, asked.Subject, said)
				}
			}
		}
	}
	j, err := journal.Open(t.Context(), g.connect("staffetta"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	read := func() (string, error) {
		data, err := io.ReadAll(j.Recipients(t.Context(), "shop-italia", audience.Sum{Digest: digest, Size: int64(len(secret)), Chunks: 1}))
		return string(data), err
	}
	if got, err := read(); got != secret || err != nil {
		t.Errorf("the service reads %q, %v", got, err)
	}
	for _, want := range []int{1, 0} {
		if n, err := j.EraseRecipients(t.Context(), "shop-italia", digest); n != want || err != nil {
			t.Errorf("the service erases %d chunks, %v; want %d", n, err, want)
		}
	}
	if _, err := read(); !errors.As(err, new(*audience.Gap)) {
		t.Errorf("what was erased is read: %v", err)
	}
	if said := g.says(g.connect("shop-italia"), chunk("shop-italia")); said != "" {
		t.Errorf("laid down again after it was erased: %q", said)
	}
}
