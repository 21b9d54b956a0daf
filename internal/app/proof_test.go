package app_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/staffetta-io/staffetta/internal/campaign"
	"github.com/staffetta-io/staffetta/internal/client"
	"github.com/staffetta-io/staffetta/internal/contract"
	"github.com/staffetta-io/staffetta/internal/sandbox"
	campaignv1 "github.com/staffetta-io/staffetta/proto/staffetta/campaign/v1"
)

// Anna sees the text on her phone before she approves it. The proof is a campaign of its
// own, sent once however often it is asked for; her number is nowhere but where recipients
// are; and the approval says that she had seen it.
func TestAProofBeforeTheApproval(t *testing.T) {
	t.Parallel()
	b := reminding(t, sandbox.Variants{})
	b.request.NeedsApproval = true
	o := b.options()
	o.Rules.RecipientsKeep = time.Second
	b.run(o)
	b.ask()
	b.until("approval_required")
	c := b.quoted()
	quote := campaign.QuoteID(c.Request, *c.Quote)

	const phone = "+393339998877"
	file := []byte("phoneNumber,firstName,when,proof-1\n" + phone + ",Annina,giovedi,\n")
	a, err := client.Audience(bytes.NewReader(file), campaignv1.Audience_FORMAT_CSV)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.client.LayDown(t.Context(), b.key.Source, a, bytes.NewReader(file), nil); err != nil {
		t.Fatal(err)
	}
	body := contract.ProofBody{QuoteID: quote, N: 1, By: "anna", People: a.Sha256, Size: a.Size, Phones: 1}
	for range 3 { // told again, as somebody does who has had no answer
		if _, err := b.client.Prove(t.Context(), b.key, body); err != nil {
			t.Fatal(err)
		}
	}
	proof := campaign.Proof{QuoteID: quote, N: 1}.Key(b.key)
	eventually(t, "the proof is on her phone", func() bool {
		c, _, err := b.client.Get(t.Context(), proof)
		return err == nil && c.State == campaign.Completed && !c.Cleared.IsZero()
	})
	if got, err := b.Sandbox.SeenTexts(phone); err != nil || len(got) != 1 || got[0].Text != "Ciao Annina, ti aspettiamo giovedi" {
		t.Errorf("her phone got %+v (%v), want the text once, filled in", got, err)
	}
	rec := b.quoted()
	if len(rec.Proofs) != 1 || rec.Proofs[0].By != "anna" || rec.Proofs[0].Cap.Amount.String() != "0.07" {
		t.Errorf("the record has the proofs %+v, want one, for two parts at most", rec.Proofs)
	}
	for place, content := range b.held() {
		for _, secret := range []string{"9998877", "Annina", "giovedi"} {
			if strings.Contains(content, secret) {
				t.Errorf("%s holds %q", place, secret)
			}
		}
	}

	if _, err := b.client.Approve(t.Context(), b.key, quote, "anna"); err != nil {
		t.Fatal(err)
	}
	e, known := b.until("approved").Event()
	if !known || e.Approval.Proof != proof.RequestID {
		t.Errorf("the approval tells of the proof %+v, want %s", e.Approval, proof.RequestID)
	}
	b.until("confirmed")
	if c := b.completed(); c.Approval == nil || c.Approval.Proof != proof.RequestID {
		t.Errorf("the record has the approval %+v", c.Approval)
	}
	b.gotReminders()
}

// A proof that nobody may ask for, or that is of another quote, is put aside; and whoever
// has seen none approves without.
func TestAProofOfAnotherQuoteIsPutAside(t *testing.T) {
	t.Parallel()
	b := reminding(t, sandbox.Variants{})
	b.request.NeedsApproval = true
	b.run(b.options())
	b.ask()
	b.until("approval_required")
	people := strings.Repeat("ab", 32)
	for _, body := range []contract.ProofBody{
		{QuoteID: "0123456789abcdef", N: 1, By: "anna", People: people, Size: 10, Phones: 1},
		{QuoteID: campaign.QuoteID(b.quoted().Request, *b.quoted().Quote), N: 2, By: "anna", People: people, Size: 10, Phones: 1},
	} {
		placed, err := b.client.Prove(t.Context(), b.key, body)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is put aside", func() bool {
			_, aside, err := b.client.LetterOf(t.Context(), b.key, placed)
			return err == nil && aside
		})
	}
	c := b.quoted()
	if len(c.Proofs) != 0 {
		t.Errorf("the record has the proofs %+v", c.Proofs)
	}
	if _, err := b.client.Approve(t.Context(), b.key, campaign.QuoteID(c.Request, *c.Quote), "anna"); err != nil {
		t.Fatal(err)
	}
	if e, known := b.until("approved").Event(); !known || e.Approval.Proof != "" {
		t.Errorf("the approval tells of a proof: %+v", e.Approval)
	}
}

// quoted is the record of a campaign that waits for an approval.
func (b *bundle) quoted() (c campaign.Campaign) {
	b.t.Helper()
	eventually(b.t, "it waits for an approval", func() bool {
		rec, _, err := b.client.Get(b.t.Context(), b.key)
		c = rec
		return err == nil && rec.State == campaign.Quoted
	})
	return c
}
